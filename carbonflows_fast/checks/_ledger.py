"""The ledger of repairs: every number that differs between two states of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.checks._measures import repeated
from carbonflows_fast.table._content import Parts

__all__ = ["LEDGER", "entries", "merged_entries"]

LEDGER = (
    "repair",
    "what",
    "region",
    "sector",
    "buyer_region",
    "buyer",
    "stressor",
    "before",
    "after",
    "unit",
)
"""Columns of the ledger."""


def entries(repair: str, before: Parts, after: Parts) -> Any:
    """Return a row for each number that a repair changed: Z, Y, x, F, F_Y, in this order.

    The labels of both states are the same. Only arrays that were replaced are looked at.
    """
    p = before
    frames = []
    if after.matrix is not p.matrix:
        rows, buyers = (after.matrix - p.matrix).tocoo().coords
        frames.append(
            _frame(
                repair,
                "Z",
                _at(p.matrix, rows, buyers),
                _at(after.matrix, rows, buyers),
                **_rows(p, rows),
                buyer_region=_of(p.regions, p.region_codes[buyers]),
                buyer=_of(p.sectors, p.sector_codes[buyers]),
            )
        )
    if after.Y is not p.Y:
        here = np.nonzero(after.Y != p.Y)
        labels = _rows(p, here[0]) | _columns(p, here[1])
        frames.append(_frame(repair, "Y", p.Y[here], after.Y[here], **labels))
    if after.x is not p.x and after.x is not None and p.x is not None:
        rows = np.flatnonzero(after.x != p.x)
        frames.append(_frame(repair, "x", p.x[rows], after.x[rows], **_rows(p, rows)))
    if after.emissions is not p.emissions:
        here = np.nonzero(after.emissions != p.emissions)
        labels = _rows(p, here[1]) | _stressors(p, here[0])
        frames.append(_frame(repair, "F", p.emissions[here], after.emissions[here], **labels))
    if after.F_Y is not p.F_Y and after.F_Y is not None and p.F_Y is not None:
        here = np.nonzero(after.F_Y != p.F_Y)
        labels = _columns(p, here[1]) | _stressors(p, here[0])
        frames.append(_frame(repair, "F_Y", p.F_Y[here], after.F_Y[here], **labels))
    return pd.concat([frame for frame in frames if len(frame)] or [_frame(repair, "", [], [])])


def merged_entries(repair: str, p: Parts) -> Any:
    """Return a row for each label that several rows or columns share, to be merged into one."""
    rows = repeated(p.region_codes, p.sector_codes)
    columns = repeated(p.demand_codes, p.category_codes)
    of_rows = _rows(p, np.array([at for at, _ in rows], dtype=np.intp)) | {"unit": "rows"}
    of_columns = _columns(p, np.array([at for at, _ in columns], dtype=np.intp))
    return pd.concat(
        [
            _frame(repair, "rows", [count for _, count in rows], 1.0, **of_rows),
            _frame(
                repair,
                "demand columns",
                [count for _, count in columns],
                1.0,
                **of_columns,
                unit="columns",
            ),
        ]
    )


def _frame(repair: str, what: str, before: Any, after: Any, **labels: Any) -> Any:
    numbers = np.asarray(before, dtype=np.float64)
    columns: dict[str, Any] = dict.fromkeys(LEDGER, "") | labels
    columns |= {"repair": repair, "what": what, "before": numbers}
    columns["after"] = np.broadcast_to(np.asarray(after, dtype=np.float64), numbers.shape)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(numbers)))


def _at(matrix: Any, rows: Any, columns: Any) -> FloatArray:
    values: FloatArray = np.asarray(matrix[rows, columns]) if len(rows) else np.zeros(0)
    return values


def _of(names: tuple[str, ...], codes: Any) -> Any:
    return np.array(names, dtype=object)[codes]


def _rows(p: Parts, at: Any) -> dict[str, Any]:
    return {
        "region": _of(p.regions, p.region_codes[at]),
        "sector": _of(p.sectors, p.sector_codes[at]),
        "unit": _of(p.row_units, p.row_unit_codes[at]),
    }


def _columns(p: Parts, at: Any) -> dict[str, Any]:
    return {
        "buyer_region": _of(p.regions, p.demand_codes[at]),
        "buyer": _of(p.categories, p.category_codes[at]),
    }


def _stressors(p: Parts, at: Any) -> dict[str, Any]:
    return {"stressor": _of(p.stressors, at), "unit": _of(p.stressor_units, at)}
