"""Deviations by label: which number, or which law, holds for which cells."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from carbonflows_fast._base.arrays import BoolArray, CodeArray, FloatArray
from carbonflows_fast.classification import regions_in
from carbonflows_fast.errors import InputError, LabelError, Phrase, nearest
from carbonflows_fast.table._selection import is_region
from carbonflows_fast.table._stressors import unknown_label
from carbonflows_fast.uncertainties._error_model._forms import LARGEST, BySize

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Assigned", "assigned", "within_bounds"]

BLOCKS = ("domestic", "trade")
KINDS: dict[str, list[tuple[str, ...]]] = {
    "Z": [("seller", "buyer")],
    "Y": [("category",), ("seller", "buyer"), ("region", "category")],
    "F": [("stressor",), ("region",), ("sector",)],
    "F_Y": [("stressor",), ("region",), ("category",)],
}
"""What a label may be, one kind for a text and two for a pair, beside domestic and trade."""
KINDS["F"] += [("stressor", "sector"), ("stressor", "region"), ("region", "sector")]
KINDS["F_Y"] += [("stressor", "category"), ("stressor", "region"), ("region", "category")]
REGIONS = ("seller", "buyer", "region")
OF_ROWS = ("seller", "stressor")  # other kinds are of columns
BARE = re.compile(r"[A-Za-z0-9_-]+")
"""What TOML reads as a key without quotes."""


@dataclass(frozen=True, slots=True, eq=False)
class Assigned:
    """Numbers or laws, and which of them holds where.

    Attributes
    ----------
    laws : tuple of float or BySize
        The first is 0, for what is not named.
    codes : ndarray of int, shape (rows, columns)
        Rows are the seller's regions (Z, Y) or stressors (F, F_Y); columns are the buyer's regions
        for Z, and the columns of the table for others.
    """

    laws: tuple[float | BySize, ...]
    codes: npt.NDArray[np.int32]

    @property
    def numbers(self) -> FloatArray | None:
        """The numbers where they hold; None if some depend on the sizes of cells."""
        if any(isinstance(law, BySize) for law in self.laws):
            return None
        return np.array(self.laws, dtype=np.float64)[self.codes]

    def at(self, argument: str, codes: npt.NDArray[np.int32], sizes: FloatArray) -> FloatArray:
        """Return the deviations of cells of these codes and sizes."""
        plain = [0.0 if isinstance(law, BySize) else law for law in self.laws]
        found = np.array(plain, dtype=np.float64)[codes]
        for code, law in enumerate(self.laws):
            if isinstance(law, BySize):
                here = codes == code
                found[here] = within_bounds(argument, law.deviations(sizes[here]))
        return found


def within_bounds(argument: str, deviations: FloatArray) -> FloatArray:
    """Return deviations by size, and refuse what no relative deviation can be."""
    largest = deviations.max(initial=0.0)
    if not largest <= LARGEST:
        raise InputError.about(
            argument,
            expected="relative deviations of at most 1e6 from BySize",
            got=f"{largest:.3g} for a cell",
            remedy=Phrase("limit them, e.g. by cf.BySize(a, b, at_most=1.0)", "add at_most = 1.0"),
        )
    return deviations


def assigned(table: Table, argument: str, given: Mapping[Any, Any] | BySize) -> Assigned:
    """Return what holds for which cells of Z, Y, F or F_Y.

    Raises
    ------
    LabelError, InputError
        If a label is unknown, labels are of two kinds, or a cell is named twice.
    """
    p = table.content
    columns = {"Z": len(p.regions), "F": table.n}.get(argument, len(p.demand_codes))
    rows = len(p.regions if argument in ("Z", "Y") else p.stressors)
    codes = np.zeros((rows, columns), dtype=np.int32)
    if isinstance(given, BySize):
        return Assigned((0.0, given), codes + np.int32(1))
    laws = (0.0, *given.values())
    kinds = _kinds(table, argument, given)
    if kinds == ("block",):
        buyer = np.arange(rows) if argument == "Z" else p.demand_codes
        domestic = np.arange(rows)[:, None] == buyer
        for code, label in enumerate(given, start=1):
            codes[domestic if label == "domestic" else ~domestic] = code
        return Assigned(laws, codes)
    find = _Masks(table, argument)
    for code, label in enumerate(given, start=1):
        row, column = np.ones(rows, dtype=np.bool_), np.ones(columns, dtype=np.bool_)
        for kind, one in zip(kinds, _parts(label), strict=True):
            if one is not None and kind in OF_ROWS:
                row = find(kind, one)
            elif one is not None:
                column = column & find(kind, one)
        cells = np.ix_(row, column)
        if codes[cells].any():
            other = list(given)[int(codes[cells].max()) - 1]
            keys = " and ".join(key_of(argument, one) for one in (other, label))
            raise LabelError.about(
                argument,
                expected="every cell once",
                got=Phrase(f"{other!r} and {label!r} for the same"[:200], f"{keys} for the same"),
                remedy="leave one of them out",
            )
        codes[cells] = code
    return Assigned(laws, codes)


class _Masks:
    """Which rows or columns a label of a kind means, found once for each."""

    def __init__(self, table: Table, argument: str) -> None:
        p = table.content
        names, codes = p.categories, p.category_codes
        region: Any = p.demand_codes
        if argument in ("Z", "F"):
            region = np.arange(len(p.regions)) if argument == "Z" else p.region_codes
            names, codes = p.sectors, p.sector_codes
        self._regions: dict[str, Any] = {"seller": slice(None), "buyer": region, "region": region}
        self._others: dict[str, tuple[tuple[str, ...], CodeArray]] = {
            "stressor": (p.stressors, np.arange(len(p.stressors), dtype=np.int32)),
            "sector": (names, codes),
            "category": (names, codes),
        }
        self._meant: Callable[[str], BoolArray] = lambda label: np.array(
            regions_in(p.regions, label, argument, year=table.year)
        )
        self._found: dict[tuple[str, str], BoolArray] = {}

    def __call__(self, kind: str, label: str) -> BoolArray:
        if (kind, label) not in self._found:
            if kind in REGIONS:
                mask: BoolArray = self._meant(label)[self._regions[kind]]
            else:
                names, codes = self._others[kind]
                mask = codes == names.index(label)
            self._found[kind, label] = mask
        return self._found[kind, label]


# --- what labels are ----------------------------------------------------------------------------


def _parts(label: Any) -> tuple[str | None, ...]:
    return label if isinstance(label, tuple) else (label,)


def key_of(argument: str, label: Any) -> str:
    """Return a label as the key of a file of errors.

    >>> key_of("F", ("CO2", "Basic metals")), key_of("Z", (None, "DE"))
    ('F.CO2."Basic metals"', 'Z."*".DE')
    """
    texts = ["*" if one is None else one for one in _parts(label)]
    quoted = (one if BARE.fullmatch(one) else json.dumps(one, ensure_ascii=False) for one in texts)
    return ".".join([argument, *quoted])


def _about(argument: str, label: Any) -> Phrase:
    """Return the argument that an error is about, which is a key where a file was read."""
    return Phrase(argument, key_of(argument, label))


def _kinds(table: Table, argument: str, given: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return the one kind that all labels have."""
    p, possible = table.content, KINDS[argument]
    known: dict[str, Any] = {"stressor": p.stressors, "sector": p.sectors, "category": p.categories}
    known |= dict.fromkeys(REGIONS, p.regions)
    known = {kind: frozenset(labels) for kind, labels in known.items()}
    named: set[str] = {one for label in given for one in _parts(label) if one is not None}
    grouped = frozenset(one for one in named if is_region(table, one))
    fitting = [kinds for kinds in possible if _all_fit(given, kinds, known)]
    if not fitting:
        wider = known | {kind: known[kind] | grouped for kind in REGIONS}
        fitting = [kinds for kinds in possible if _all_fit(given, kinds, wider)]
    if argument in ("Z", "Y") and all(label in BLOCKS for label in given):
        fitting.append(("block",))
    if len(fitting) == 1:
        return fitting[0]
    raise _no_one_kind(table, argument, given, known, grouped)


def _all_fit(
    given: Mapping[Any, Any], kinds: tuple[str, ...], known: Mapping[str, frozenset[str]]
) -> bool:
    return all(_fits(_parts(label), kinds, known) for label in given)


def _fits(
    parts: tuple[str | None, ...],
    kinds: tuple[str, ...],
    known: Mapping[str, frozenset[str]],
    *,
    free: bool = False,
) -> bool:
    """Return whether labels are of these kinds; None is every region, or `free` anything."""
    return len(parts) == len(kinds) and all(
        (one is None and (free or kinds == ("seller", "buyer"))) or one in known[kind]
        for one, kind in zip(parts, kinds, strict=True)
    )


def _no_one_kind(
    table: Table,
    argument: str,
    given: Mapping[Any, Any],
    known: Mapping[str, frozenset[str]],
    grouped: frozenset[str],
) -> InputError:
    """Return the error for labels that have no kind, several, or different ones."""
    blocks = argument in ("Z", "Y")
    plain = [one for one in given if isinstance(one, str)]
    sold = [one for one in plain if blocks and one in grouped and one not in known["category"]]
    if sold:
        sells, buys = (key_of(argument, pair) for pair in ((sold[0], None), (None, sold[0])))
        return InputError.about(
            _about(argument, sold[0]),
            expected="pairs of seller and buyer, or 'domestic' and 'trade'",
            got=f"the region {sold[0]!r} alone"[:100],
            remedy=Phrase(
                f"write ({sold[0]!r}, None) for what it sells, (None, {sold[0]!r}) for what it "
                "buys",
                f"write {sells} for what it sells, {buys} for what it buys",
            ),
        )
    wider = {**known, **{kind: known[kind] | grouped for kind in REGIONS}}
    for label in given:
        parts = _parts(label)
        choices = [kinds for kinds in KINDS[argument] if len(kinds) == len(parts)]
        fits = any(_fits(parts, kinds, wider) for kinds in choices)
        if fits or (blocks and label in BLOCKS):
            continue
        if argument == "Z" and len(parts) == 1:
            return _no_block(_about(argument, label), str(label))
        every = frozenset.union(*(wider[kind] for choice in choices for kind in choice))
        for at, one in enumerate(parts):
            kinds = list(dict.fromkeys(choice[at] for choice in choices))
            if one is not None and one not in every:
                lists = [_listed(table, kind) for kind in kinds]
                lists += [BLOCKS] if blocks and len(parts) == 1 else []
                names = _like(one[:200], lists)
                return unknown_label(_about(argument, label), _either(kinds), one[:200], names, "")
        if None in parts and any(_fits(parts, kinds, wider, free=True) for kinds in choices):
            alone = next(one for one in parts if one is not None)
            return LabelError.about(
                _about(argument, label),
                expected="every region only in pairs of seller and buyer",
                got=Phrase(repr(label)[:200], '"*"'),
                remedy=Phrase(f"write {alone!r} alone", f"write {key_of(argument, alone)}"),
            )
        pairs = [f"({', '.join(choice)})" for choice in choices]
        turned, got = parts[::-1], " and ".join(map(repr, parts))
        order = any(_fits(turned, kinds, wider) for kinds in choices)
        better = turned if order else parts[0]
        alone = "" if order else " alone"
        return LabelError.about(
            _about(argument, label),
            expected=f"a pair {_either(pairs)}",
            got=Phrase(repr(label)[:200], got),
            remedy=Phrase(f"write {better!r}{alone}", f"write {key_of(argument, better)}{alone}"),
        )
    return InputError.about(
        argument,
        expected="labels of one kind, which have no other meaning",
        got=_kinds_found(given, wider, argument),
        remedy=Phrase.in_python(f"give an array for every cell of table.{argument}"),
    )


def _no_block(argument: Phrase, label: str) -> LabelError:
    return LabelError.about(
        argument,
        expected="'domestic' and 'trade', or pairs of seller and buyer",
        got=repr(label)[:60],
        remedy=Phrase(
            "give {'domestic': 0.05, 'trade': 0.2}, one number, or an array for "
            f"every cell of table.{argument}",
            "write e.g. Z = { domestic = 0.05, trade = 0.2 }, or one number",
        ),
    )


def _like(one: str, lists: list[tuple[str, ...]]) -> list[str]:
    """Return labels like an unknown one, of each list one at least: short labels seem alike."""
    first = [name for names in lists for name in nearest(one, names, limit=1)]
    every = list(dict.fromkeys(name for names in lists for name in names))
    return list(dict.fromkeys([*first, *nearest(one, every)]))[:5]


def _listed(table: Table, kind: str) -> tuple[str, ...]:
    p = table.content
    others = {"stressor": p.stressors, "sector": p.sectors, "category": p.categories}
    return others.get(kind, p.regions)


def _either(kinds: list[str]) -> str:
    *others, last = ["region" if kind in REGIONS else kind for kind in kinds]
    names = list(dict.fromkeys([*others, last]))
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _kinds_found(
    given: Mapping[Any, Any], known: Mapping[str, frozenset[str]], argument: str
) -> Phrase:
    """Say which kinds the labels are of, with an example of each."""
    found: dict[str, Any] = {}
    for label in given:
        if label in BLOCKS and argument in ("Z", "Y"):
            found.setdefault("block", label)
        for kinds in KINDS[argument]:
            if _fits(_parts(label), kinds, known):
                found.setdefault(" × ".join(kinds), label)
    return Phrase(
        " and ".join(f"{kind} {example!r}" for kind, example in found.items())[:200],
        " and ".join(f"{kind} {key_of(argument, one)}" for kind, one in found.items()),
    )
