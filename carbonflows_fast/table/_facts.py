"""What can be said of a table without touching its matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from carbonflows_fast._base.wording import with_unit

if TYPE_CHECKING:
    from carbonflows_fast.table._table import Table

__all__ = ["facts_of"]

SHOWN = 12  # labels in a list


def facts_of(table: Table) -> list[tuple[str, str]]:
    """Return names and values.

    >>> import carbonflows_fast as cf
    >>> dict(facts_of(cf.synthetic.world(2, 3)))["regions"]
    '2: AT; BE'
    """
    parts = table.content
    facts = [
        ("table", table.name or "(no name)"),
        ("year", "(none)" if table.year is None else str(table.year)),
        ("regions", _some(table.regions)),
        ("sectors", _some(parts.sectors)),
        ("rows", f"{table.n:,}, in {', '.join(parts.row_units) or '(no unit)'}"),
        ("final demand", f"{len(parts.demand_codes):,} columns: {_some(table.categories)}"),
        ("stressors", _some([f"{n} ({u})" for n, u in zip(table.stressors, parts.stressor_units)])),
        ("extensions", _some(list(dict.fromkeys(table.extensions)))),
        ("matrix", f"{parts.kind}, {parts.form}"),
    ]
    if len(parts.row_units) == 1:
        unit = parts.row_units[0]
        facts.append(("output", with_unit(table.x.sum(), unit)))
        facts.append(("final demand, all", with_unit(parts.Y.sum(), unit)))
    if parts.population is not None:
        facts.append(("population", with_unit(table.population.sum(), "")))
    return facts + [("note", note) for note in table.notes]


def _some(items: Sequence[str]) -> str:
    # Not a comma: names hold commas themselves.
    return f"{len(items)}: {'; '.join(items[:SHOWN])}{'; …' if len(items) > SHOWN else ''}"
