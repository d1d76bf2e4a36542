"""What the questions ask of a small table, in arithmetic of as many digits as it takes.

Balls of python-flint: every number comes with a bound on its own error, so that a comparison with
a bound of the library's is a proof too. The reference are the numbers that the table holds, as
float64, and sums of them without rounding.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import flint
import numpy as np
import numpy.typing as npt
from flint import arb, arb_mat

import carbonflows_fast as cf

BITS = 512
"""Digits of exact arithmetic; far more than float64's 53, for condition numbers up to 1e100."""

flint.ctx.prec = BITS
Array = npt.NDArray[np.float64]


def exact(values: Any) -> arb_mat:
    """Return an array of float64, of one or two dimensions (a column), without rounding."""
    array = np.asarray(values, dtype=np.float64)
    columns = array.reshape(len(array), -1)
    return arb_mat(*columns.shape, [arb(v) for v in columns.ravel().tolist()])


def missed(found: Any, true: arb_mat) -> list[arb]:
    """Return found − true, entry by entry."""
    return [arb(v) - t for v, t in zip(np.asarray(found, float).ravel().tolist(), true.entries())]


def summed(values: Any) -> arb:
    """Return the sum."""
    return sum(values, arb(0))


def any_sum(errors: list[arb]) -> arb:
    """Return how wrong the worst sum of some of the entries is."""
    return max_of(summed(e for e in errors if e > 0), summed(-e for e in errors if not e > 0))


def max_of(*values: arb) -> arb:
    """Return the largest."""
    largest = arb(0)
    for value in values:
        largest = largest.max(value)
    return largest


def transposed(matrix: arb_mat) -> arb_mat:
    return matrix.transpose()


def masked(matrix: arb_mat, rows: Any, columns: Any) -> arb_mat:
    """Return the matrix with zeros outside of some rows and columns."""
    table = matrix.table()
    kept = [
        [table[i][j] if r and c else arb(0) for j, c in enumerate(columns)]
        for i, r in enumerate(rows)
    ]
    return arb_mat(kept)


def identity(n: int) -> arb_mat:
    return arb_mat(n, n, [arb(int(i == j)) for i in range(n) for j in range(n)])


class Exact:
    """A table's quantities without rounding: L, demand by consumer, sums by region."""

    def __init__(self, table: cf.Table) -> None:
        self.table = table
        self.n = table.n
        self.regions = list(table.regions)
        self.row_region = np.array(table.rows.get_level_values("region"))
        self.consumer = np.array(table.demand.get_level_values("region"))

    @cached_property
    def A(self) -> arb_mat:
        return exact(self.table.A.toarray())

    @cached_property
    def L(self) -> arb_mat:
        return (identity(self.n) - self.A).inv()

    def L_among(self, rows: Any) -> arb_mat:
        """(I − A_OO)⁻¹ with only the entries between the given rows."""
        return (identity(self.n) - masked(self.A, rows, rows)).inv()

    def demand(self, columns: Any = None) -> arb_mat:
        """Final demand by consuming region, (n, R), of all or some columns."""
        Y = self.table.Y.to_numpy()
        chosen = np.ones(Y.shape[1], bool) if columns is None else columns
        return exact(Y) * exact(
            [[float(q == r and c) for r in self.regions] for q, c in zip(self.consumer, chosen)]
        )

    def by_region(self, values: arb_mat) -> arb_mat:
        """Sum rows (n, q) by region, (R, q)."""
        return exact([[float(r == q) for r in self.row_region] for q in self.regions]) * values

    def times(self, s: Any, values: arb_mat) -> arb_mat:
        """Return diag(s) values."""
        rows = values.table()
        return arb_mat([[arb(float(a)) * v for v in row] for a, row in zip(s, rows)])

    def multipliers(self, S: Any) -> arb_mat:
        """M = S L, one stressor a row."""
        return exact(np.atleast_2d(S)) * self.L

    def source_multipliers(self, s: Any) -> arb_mat:
        """Multipliers of what each region emits, (R, n)."""
        source = [[float(r == q) for r in self.row_region] for q in self.regions]
        return exact(np.array(source) * s) * self.L
