"""Equality of two tables, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base.arrays import same_bits
from carbonflows_fast.table._content import Parts

if TYPE_CHECKING:
    from carbonflows_fast.table._table import Table

__all__ = ["same_table"]

LABELS = ("regions", "sectors", "categories", "stressors", "extensions", "stressor_units")
CODES = ("region_codes", "sector_codes", "demand_codes", "category_codes", "row_unit_codes")
FACTS = ("row_units", "year", "name")


def same_table(a: Table, b: Table) -> bool:
    """Return whether two tables are equal; see `Table.equals`."""
    return _same_labels(a.content, b.content) and _same_arrays(a, b) and _same_matrix(a, b)


def _same_labels(a: Parts, b: Parts) -> bool:
    return all(getattr(a, name) == getattr(b, name) for name in LABELS + FACTS) and all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in CODES
    )


def _same_arrays(a: Table, b: Table) -> bool:
    p, q = a.content, b.content
    if p.emissions_kind != q.emissions_kind or (p.population is None) != (q.population is None):
        return False
    if not (same_bits(p.Y, q.Y) and same_bits(p.emissions, q.emissions)):
        return False
    # None equals zeros of either sign: nothing distinguishes them.
    ours, theirs = a.arrays.F_Y, b.arrays.F_Y
    if not same_bits(ours, theirs) and (ours.any() or theirs.any()):
        return False
    if (
        p.population is not None
        and q.population is not None
        and not np.array_equal(p.population, q.population, equal_nan=True)
    ):
        return False
    # Where neither x is known, both follow from A and Y.
    return (p.x is None and q.x is None) or same_bits(a.arrays.x, b.arrays.x)


def _same_matrix(a: Table, b: Table) -> bool:
    if a.content.matrix is b.content.matrix and a.content.kind == b.content.kind:
        return True  # x is the same by now
    A, B = a.A, b.A
    return (
        np.array_equal(A.indptr, B.indptr)
        and np.array_equal(A.indices, B.indices)
        and same_bits(A.data, B.data)
    )
