"""How stressors are named: levels joined, and the extension in front where names clash.

A table's stressor names are unique. Readers make them with `stressor_names`; what writes a table
with its extensions apart takes them back with `bare_names`.
"""

from __future__ import annotations

from collections.abc import Sequence

from carbonflows_fast.classification._files import places_of
from carbonflows_fast.errors import LabelError, nearest_are, shorten

__all__ = ["bare_names", "find_stressors", "join_levels", "stressor_names"]

LEVELS = " | "


def join_levels(label: Sequence[str]) -> str:
    """Return the name of a stressor that has several index levels, without those it lacks.

    >>> join_levels(("CO2", "air"))
    'CO2 | air'
    >>> join_levels(("Value Added", ""))
    'Value Added'
    """
    return LEVELS.join(part for part in label if part.strip())


def stressor_names(bare: Sequence[str], extensions: Sequence[str]) -> tuple[str, ...]:
    """Return a table's stressor names: where a name is in several extensions, theirs in front.

    >>> stressor_names(["CO2", "CO2", "jobs"], ["air", "emissions", "labour"])
    ('air: CO2', 'emissions: CO2', 'jobs')
    """
    homes: dict[str, set[str]] = {}
    for name, extension in zip(bare, extensions, strict=True):
        homes.setdefault(name, set()).add(extension)
    return tuple(
        f"{extension}: {name}" if len(homes[name]) > 1 else name
        for name, extension in zip(bare, extensions, strict=True)
    )


def bare_names(names: Sequence[str], extensions: Sequence[str]) -> tuple[str, ...]:
    """Return names without the extension in front, so that `stressor_names` gives them back.

    >>> bare_names(["air: CO2", "emissions: CO2", "air: NOx"], ["air", "emissions", "air"])
    ('CO2', 'CO2', 'air: NOx')
    """
    bare = []
    for name, extension in zip(names, extensions, strict=True):
        rest = name.removeprefix(f"{extension}: ")
        bare.append(rest if rest.strip() else name)
    while True:
        given_back = stressor_names(bare, extensions)
        # A prefix that does not come back, or that appears without cause, was part of a name.
        # It stays with all names that would be alike without; names in full never clash.
        off = {b for b, n, again in zip(bare, names, given_back, strict=True) if n != again}
        kept = [n if b in off else b for b, n in zip(bare, names, strict=True)]
        if kept == bare:
            return tuple(bare)
        bare = kept


def find_stressors(wanted: Sequence[str], bare: Sequence[str], names: Sequence[str]) -> list[int]:
    """Return the positions of wanted stressors, in the order of the table.

    Parameters
    ----------
    wanted : sequence of str
        Names as the table has them, or without the extension in front where that is unique; also
        with or without literal quotes and codes of national accounts ("Subsidies D.39").
    bare, names : sequences of str
        Of all stressors, without and with the extension in front where they clash.

    Raises
    ------
    LabelError
        For a name that does not exist, with the nearest, or one that several extensions have.
    """
    positions: set[int] = set()
    for name in wanted:
        found = _called(name, names, bare)
        if len(found) == 1:
            positions.add(found[0])
            continue
        raise LabelError.about(
            "stressors",
            expected="names of stressors in the table",
            got=repr(name) + (f", which {len(found)} extensions have" if found else ""),
            remedy=f"say which: {shorten([repr(names[at]) for at in found])}"
            if found
            else nearest_are(name, names),
        )
    return sorted(positions)


def _called(name: str, *lists: Sequence[str]) -> list[int]:
    """Return where a name stands in the first list that has it: spelt so, or else nearly."""
    exact = (one for one in lists if name in one)
    return next(filter(None, (places_of(name, one) for one in (*exact, *lists))), [])
