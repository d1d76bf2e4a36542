"""The sum of all paths of 0, 1, … purchases, reported or not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.leontief import LeontiefSystem, system

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["stage_totals", "stages_of"]


def stages_of(
    prepared: LeontiefSystem, s: FloatArray, met: BoolArray | None, y: FloatArray
) -> Iterator[float]:
    """Yield the value of all matching paths of 0, 1, … purchases."""
    tiles, threads = prepared.tiles, thread_count()
    here = tiles.table_rows
    s, y = s[here], y[here]
    on_T = np.ones(y.size, dtype=np.bool_) if met is None else met[here]
    # Column 0 has met T, column 1 has not.
    p = np.column_stack([np.where(on_T, y, 0.0), np.where(on_T, 0.0, y)])
    while True:
        yield float(s @ p[:, 0])
        p = tiles.product(p, adjoint=False, threads=threads)
        p[:, 0] += np.where(on_T, p[:, 1], 0.0)
        p[:, 1] = np.where(on_T, 0.0, p[:, 1])


def stage_totals(
    table: Table, s: FloatArray, met: BoolArray | None, y: FloatArray, last: int
) -> FloatArray:
    return np.fromiter(islice(stages_of(system(table), s, met, y), last + 1), np.float64)
