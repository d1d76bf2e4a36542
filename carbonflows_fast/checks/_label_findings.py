"""Labels that look the same to people and differ for computers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from carbonflows_fast.checks._report import Finding
from carbonflows_fast.errors import Phrase, shorten
from carbonflows_fast.table import Table

__all__ = ["alike", "label_findings", "quoted"]

# Cyrillic and Greek letters that look like these Latin ones.
LOOK_ALIKE = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0455\u0458"
    "\u03b1\u03b2\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7",
    "abekmhopctyxisjabeiknoptyx",
)


def _plain(label: str) -> str:
    """Return a label without case and blanks: what people mean by it."""
    return "".join(label.split()).casefold()


def _seen(label: str) -> str:
    """Return a label as it looks: composed, with plain dashes, nothing invisible.

    >>> _seen("Rest\\u00a0of World") == _seen("rest of world"), _seen("A\\u2013B") == _seen("a-b")
    (True, True)
    """
    text = unicodedata.normalize("NFKC", label).casefold().translate(LOOK_ALIKE)
    kept = (
        "-" if unicodedata.category(one) == "Pd" or one == "\u2212" else one
        for one in text
        if unicodedata.category(one) != "Cf"
    )
    return _plain(unicodedata.normalize("NFKC", "".join(kept)))


def alike(labels: Iterable[str]) -> list[list[str]]:
    """Return the groups of different labels that look the same, in order of appearance."""
    groups: dict[str, list[str]] = {}
    for label in dict.fromkeys(labels):
        groups.setdefault(_seen(label), []).append(label)
    return [group for group in groups.values() if len(group) > 1]


def quoted(labels: list[str]) -> str:
    """Quote labels so that they differ in print, too.

    >>> quoted(["France", "France "]), quoted(["A-B", "A\\u2013B"])
    ("'France', 'France '", "'A-B', 'A\\\\u2013B'")
    """
    hidden = len({_plain(label) for label in labels}) > 1
    return shorten(ascii(label) if hidden else repr(label) for label in labels)


def difference(labels: list[str]) -> str:
    """Say what labels of one look differ by."""
    if len({_plain(label) for label in labels}) == 1:
        return "blanks or letter case"
    return "characters that look alike"


def label_findings(table: Table) -> Iterator[Finding]:
    """Yield labels that differ only by blanks, case or look-alike characters."""
    p = table.content
    for what, labels in (
        ("regions", p.regions),
        ("sectors", p.sectors),
        ("categories", p.categories),
        ("stressors", p.stressors),
        ("extensions", p.extensions),
    ):
        for group in alike(labels):
            region = group[0] if what == "regions" else ""
            sector = group[0] if what == "sectors" else ""
            message = f"{what} {quoted(group)} differ by {difference(group)} alone; "
            yield Finding(
                "labels alike",
                "warning",
                region,
                sector,
                float(len(group)),
                Phrase.of(message, _remedy(what, group)),
            )


def _remedy(what: str, group: list[str]) -> str:
    first, *others = group
    if what in ("regions", "sectors"):
        names = ", ".join(f"{other!a}: {first!a}" for other in others)
        return Phrase.in_python(f"table.aggregate({what}={{{names}}}) makes them one")
    if what == "stressors":
        weights = ", ".join(f"{label!a}: 1" for label in group)
        return Phrase.in_python(f"if they are one, stressor={{{weights}}} adds them up")
    return f"write them alike, as {first!a}, where the table comes from"
