"""Tables with one cell changed, for differences of the fourth order."""

from __future__ import annotations

import carbonflows_fast as cf

__all__ = ["STEP", "WEIGHTS", "moved"]

STEP = 0.01
WEIGHTS = {1: 8 / 12, -1: -8 / 12, 2: -1 / 12, -2: 1 / 12}


def moved(table: cf.Table, source: str, cell: tuple[int, int], by: float) -> cf.Table:
    """The table with one cell changed; output follows, and so do coefficients and intensities."""
    parts = {"Z": table.Z.tolil(), "Y": table.Y.to_numpy().copy(), "F": table.F.to_numpy().copy()}
    parts[source][cell] *= 1.0 + by
    return cf.Table(
        **parts | {"Z": parts["Z"].tocsr()}, regions=table.rows.get_level_values("region"),
        sectors=table.rows.get_level_values("sector"), demand=list(table.demand),
        stressors=table.stressors, stressor_units=[str(u) for u in table.stressor_units],
        row_units=[table.content.row_units[k] for k in table.content.row_unit_codes],
    )  # fmt: skip
