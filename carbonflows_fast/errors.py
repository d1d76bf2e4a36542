"""Every error that carbonflows_fast raises on purpose.

One base class, so that a caller can catch the library's own errors and nothing else; a specific
name under it for each thing that a program may want to react to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self, TypeAlias, TypeVar

    Own = TypeVar("Own", bound="CarbonFlowsError")
    Typed: TypeAlias = "str | tuple[str | CarbonFlowsError, ...]"

__all__ = [
    "CarbonFlowsError",
    "ConvergenceError",
    "FormatError",
    "InputError",
    "LabelError",
    "MemoryLimitError",
    "NotProductiveError",
    "PanelError",
    "Phrase",
    "StoreError",
    "nearest",
    "nearest_are",
    "only_in",
    "or_no_unit",
    "passed_on",
    "shorten",
]


class Phrase(str):
    """A text in Python's words that keeps what a shell says instead.

    Attributes
    ----------
    typed : str or tuple
        In a tuple the name of an argument and an error are parts of their own: whoever knows what
        they are called in a shell puts it there.

    Examples
    --------
    >>> Phrase("leave year=… out", ("leave ", "year", " … out")).typed[1]
    'year'
    """

    typed: Typed

    def __new__(cls, text: str, typed: Typed = "") -> Self:
        """Keep both."""
        made = super().__new__(cls, text)
        made.typed = typed or str(text)
        return made

    @classmethod
    def in_python(cls, text: str) -> Self:
        """Return advice that no command follows: a shell adds where it holds."""
        return cls(text, f"{text} in Python")

    @classmethod
    def of(cls, *parts: str | BaseException) -> Self:
        """Join texts and errors to one line, in which each error stays what it is.

        >>> Phrase.of("2009: ", InputError("not\\nthere"))
        '2009: not there'
        """
        text = " ".join("".join(map(str, parts)).splitlines())
        ours = (one if isinstance(one, str | CarbonFlowsError) else str(one) for one in parts)
        return cls(text, tuple(ours))


class CarbonFlowsError(Exception):
    """Base of all errors raised by carbonflows_fast.

    Attributes
    ----------
    argument, expected, got, remedy : str
        The parts of the sentence; empty where the error is not about an argument or a file. Those
        of a `PanelError` are of the one reason that all failures share, or empty.
    typed : str or tuple
        The remedy as one types it in a shell, where that differs; see `Phrase`.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> try:
    ...     cf.read("nowhere.zip")
    ... except cf.CarbonFlowsError as error:
    ...     print(error)
    ...     print(error.remedy)
    nowhere.zip: expected a folder, a zip or a file, got nothing of this name; check the path
    check the path
    """

    argument = ""
    expected = ""
    got = ""
    remedy = ""
    typed: Typed = ""

    @classmethod
    def about(
        cls, argument: str, *, expected: str, got: str, remedy: str, typed: Typed = ""
    ) -> Self:
        """Return an error that says in one sentence what was expected and found, and what to do.

        Parameters
        ----------
        argument : str
            The argument, or the file, that is wrong.
        expected, got : str
            What it should be, and what it is.
        remedy : str
            What to do about it.
        typed : str or tuple, optional
            What to do about it in a shell, where that differs.

        Returns
        -------
        CarbonFlowsError
            Of this class. The parts are its attributes, also after pickling.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> cf.InputError.about("top", expected="at least 1", got="0", remedy="give a larger one")
        InputError('top: expected at least 1, got 0; give a larger one')
        """
        error = cls(f"{argument}: expected {expected}, got {got}; {remedy}")
        error.argument, error.expected, error.got = argument, expected, got
        error.remedy = Phrase(remedy, typed) if typed else remedy
        error.typed = getattr(error.remedy, "typed", remedy)
        return error


class InputError(CarbonFlowsError, ValueError):
    """An argument has the wrong shape, type or value.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> cf.production_layers(cf.synthetic.world(2, 3), layers=-1)
    Traceback (most recent call last):
    carbonflows_fast.errors.InputError: layers: expected a whole number from 0 to 100,000, got ...
    """


class LabelError(InputError):
    """A region, sector, stressor or category is unknown, or labels disagree.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> cf.accounts(cf.synthetic.world(2, 3), "CO3")
    Traceback (most recent call last):
    carbonflows_fast.errors.LabelError: stressor: expected a stressor of the table, got 'CO3'; ...
    """


class FormatError(CarbonFlowsError, ValueError):
    """A file or folder cannot be read as a table; the message names file and place.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> cf.read("nowhere.zip")
    Traceback (most recent call last):
    carbonflows_fast.errors.FormatError: nowhere.zip: expected a folder, a zip or a file, got ...
    """


class StoreError(CarbonFlowsError):
    """A saved table is missing a part, damaged, or of another format version.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> cf.open("nowhere")
    Traceback (most recent call last):
    carbonflows_fast.errors.StoreError: path: expected a saved table, got ...
    """


class NotProductiveError(CarbonFlowsError):
    """I − |A| is not an M-matrix: some sectors need more than they deliver.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.Table(A=[[1.2]], Y=[1.0], S=[1.0], x=[1.0], regions="DE", sectors=["all"],
    ...                  stressors="CO2")
    >>> cf.accounts(table)
    Traceback (most recent call last):
    carbonflows_fast.errors.NotProductiveError: A: expected I − |A| to be an M-matrix ...
    """


class ConvergenceError(CarbonFlowsError):
    """A solve did not reach the requested certified tolerance.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(2, 3)
    >>> cf.system(table).solve(table.Y.sum(axis=1), rtol=1e-16)  # beyond rounding
    Traceback (most recent call last):
    carbonflows_fast.errors.ConvergenceError: rtol: expected a certified error bound of at most ...
    """


# MemoryError comes first: it makes its objects in a way of its own, which the class must inherit.
class MemoryLimitError(MemoryError, CarbonFlowsError):
    """A method would need more memory than it was allowed.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(2, 3)
    >>> cf.system(table).solve(table.Y.sum(axis=1), method="direct", memory_limit=100)
    Traceback (most recent call last):
    carbonflows_fast.errors.MemoryLimitError: memory_limit: expected at least 480 bytes ...
    """


class PanelError(CarbonFlowsError):
    """Some tables of a panel could not be computed; all others were, unless its workers are gone.

    Attributes
    ----------
    failed : dict of str to str
        Reason by what failed, e.g. "2009"; empty where workers are what is wrong.
    results : DataFrame, list of Path, or None
        What was computed, as the call would have returned it.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> error = cf.PanelError("accounts: 1 of 2 tasks failed", {"2009": "no output"})
    >>> error.failed
    {'2009': 'no output'}
    """

    def __init__(
        self, message: str, failed: dict[str, str] | None = None, results: object = None
    ) -> None:
        super().__init__(message)  # the message and the attributes are pickled separately
        self.failed = failed or {}
        self.results = results
        reasons = {*self.failed.values()}
        parts = getattr(reasons.pop(), "typed", ()) if len(reasons) == 1 else ()
        for part in parts:
            if isinstance(part, CarbonFlowsError):
                self.argument, self.expected, self.got = part.argument, part.expected, part.got
                self.remedy, self.typed = part.remedy, part.typed


def passed_on(error: CarbonFlowsError, kind: type[Own], argument: str) -> Own:
    """Return an error of a class with the parts of another, about an argument or a file.

    >>> wrong = InputError.about("x", expected="one", got="two", remedy="give one")
    >>> passed_on(wrong, FormatError, "x.csv")
    FormatError('x.csv: expected one, got two; give one')
    """
    return kind.about(argument, expected=error.expected, got=error.got, remedy=error.remedy)


def shorten(items: Iterable[object], limit: int = 5) -> str:
    """List the first few items, and say how many more there are.

    >>> shorten(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    names = [str(item) for item in items]
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def only_in(names: tuple[str, str], ours: Iterable[object], theirs: Iterable[object]) -> str:
    """Say which labels only one of two things has; nothing where both have the same.

    >>> only_in(("before", "after"), ["CO2", "CH4"], ["CO2"]), only_in(("a", "b"), [1, 2], [2, 1])
    ('1 only in before (CH4)', '')
    """
    here, there = dict.fromkeys(ours), dict.fromkeys(theirs)
    extra = [one for one in here if one not in there], [one for one in there if one not in here]
    return ", ".join(
        f"{len(found):,} only in {name} ({shorten(found, 3)})"
        for name, found in zip(names, extra, strict=True)
        if found
    )


def nearest(name: str, known: Sequence[str], limit: int = 5) -> list[str]:
    """Return the known names most like `name`, best first.

    >>> nearest("CO", ["CH4", "CO2", "N2O"], limit=1)
    ['CO2']
    """
    import difflib

    lowered = {k.casefold(): k for k in reversed(known)}
    hits = difflib.get_close_matches(name.casefold(), list(lowered), n=limit, cutoff=0.0)
    return [lowered[h] for h in hits]


def nearest_are(name: object, known: Sequence[str]) -> str:
    """Say which known names are most like `name`: the remedy for one that is unknown.

    >>> nearest_are("CO", ["CO2"]), nearest_are("CO", ["CH4", "CO2"]), nearest_are("CO", [])
    ("nearest is 'CO2'", "nearest are 'CO2', 'CH4'", 'there is none')
    """
    names = [repr(one) for one in nearest(str(name), known)]
    if not names:
        return "there is none"
    return f"nearest {'is' if len(names) == 1 else 'are'} {', '.join(names)}"


def or_no_unit(unit: str) -> str:
    """Quote a unit in a complaint, and say where there is none.

    >>> or_no_unit("kt"), or_no_unit("")
    ("'kt'", 'no unit')
    """
    return repr(unit) if unit else "no unit"
