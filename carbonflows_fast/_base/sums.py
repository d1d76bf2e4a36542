"""Sums by region, by sector, and by both at once, in a fixed order of additions.

A sum by group is a product with a sparse matrix of ones, which SciPy forms on one thread, row by
row in the order of the positions: the same input always gives the same bits, and no compiler has to
be loaded for it.

Letters as in the rest of the library: n rows of the table, R regions, P distinct sector labels,
k stressors. Codes are int32 and lie in range.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from carbonflows_fast._base.arrays import CodeArray, FloatArray

__all__ = [
    "add_imports",
    "lu_sizes",
    "sector_sums",
    "sector_sums_paired",
    "sum_by_group",
    "sum_columns_by_group",
    "sum_other_regions",
    "three_step_sums",
    "weighted_sums",
]

LU_ROWS = 128
"""Rows of dense factors that are worked on at once."""


class _Groups:
    """Positions by group: a sparse matrix (groups, n) with one entry in each column."""

    def __init__(self, codes: CodeArray, groups: int) -> None:
        self._order = np.argsort(codes, kind="stable")
        starts = np.zeros(groups + 1, dtype=np.int64)
        np.cumsum(np.bincount(codes, minlength=groups), out=starts[1:])
        self._parts = (self._order, starts)
        self._shape = (groups, codes.size)

    def weighted(self, values: FloatArray) -> sparse.csr_array:
        """Return the matrix with values[i] in column i."""
        return sparse.csr_array((values[self._order], *self._parts), shape=self._shape)

    def ones(self) -> sparse.csr_array:
        return self.weighted(np.ones(self._shape[1]))


def sum_by_group(values: FloatArray, codes: CodeArray, groups: int) -> FloatArray:
    """Return out[g, c] = Σ_{i in g} values[i, c]; values (n, c), codes (n,), out (groups, c).

    >>> sum_by_group(np.array([[1.0], [2.0], [4.0]]), np.array([1, 0, 1], np.int32), 3).ravel()
    array([2., 5., 0.])
    """
    out: FloatArray = _Groups(codes, groups).ones() @ values
    return out


def sum_columns_by_group(values: FloatArray, codes: CodeArray, groups: int) -> FloatArray:
    """Return out[e, g] = Σ_{c in g} values[e, c]; values (k, m), codes (m,), out (k, groups)."""
    return np.ascontiguousarray(sum_by_group(values.T, codes, groups).T)


def weighted_sums(x: FloatArray, s: FloatArray, codes: CodeArray, groups: int) -> FloatArray:
    """Return E[g, q] = Σ_{i in g} s[i] x[i, q]: emissions in g for consumer q.

    x (n, q), s (n,), codes (n,), E (groups, q).
    """
    out: FloatArray = _Groups(codes, groups).weighted(s) @ x
    return out


def sector_sums(m: FloatArray, Y: FloatArray, codes: CodeArray, sectors: int) -> FloatArray:
    """Return D[e, q P + p] = Σ_{i in p} m[e, i] Y[i, q]: what consumer q causes by buying p.

    m (k, n), Y (n, R), codes (n,) of sectors, D (k, R P): product p of every origin together.
    """
    products = _Groups(codes, sectors)
    out = np.empty((m.shape[0], Y.shape[1], sectors))
    for e, row in enumerate(m):
        out[e] = (products.weighted(row) @ Y).T
    return out.reshape(m.shape[0], -1)


def sector_sums_paired(
    m: FloatArray, Y: FloatArray, consumer: CodeArray, codes: CodeArray, sectors: int
) -> FloatArray:
    """Return D[b, p] = Σ_{i in p} m[b, i] Y[i, consumer[b]]: row b of m meets one consumer only.

    m (b, n), Y (n, R), consumer (b,), codes (n,) of sectors, D (b, P).
    """
    return sum_columns_by_group(m * Y.T[consumer], codes, sectors)


def sum_other_regions(x: FloatArray, codes: CodeArray) -> FloatArray:
    """Return out[i] = Σ_{q ≠ region of i} x[i, q]: output of row i that others finally use.

    x (n, R), codes (n,) of regions, out (n,).
    """
    abroad = codes[:, None] != np.arange(x.shape[1])
    out: FloatArray = np.sum(x, axis=1, where=abroad)
    return out


def add_imports(
    E: FloatArray, Y: FloatArray, codes: CodeArray, sectors: int, out: FloatArray
) -> FloatArray:
    """Add Σ_{b in p} Y[q, b] Σ_{r ≠ q} E[e, r, b] to out[e, q P + p]; return Σ_r E[e, r, b].

    E (k, R, b): emissions in region r for a unit of b; Y (R, b); codes (b,) of sectors;
    out (k, R P). Sums from either side leave q out, so that nothing cancels.
    """
    totals = np.empty((E.shape[0], E.shape[2]))
    for e, emitted in enumerate(E):
        others = np.zeros_like(emitted)
        np.cumsum(emitted[:-1], axis=0, out=others[1:])  # of the regions before q
        totals[e] = others[-1] + emitted[-1]
        others[:-1] += np.cumsum(emitted[:0:-1], axis=0)[::-1]  # and behind it
        others *= Y
        out[e] += sum_columns_by_group(others, codes, sectors).ravel()
    return totals


def three_step_sums(m: FloatArray, z: FloatArray, codes: CodeArray, regions: int) -> FloatArray:
    """Return E[p, r, q] = Σ_{j in r} m[p, j] z[j, q]: emitted in p, made in r, consumed in q.

    m (R, t), z (t, q), codes (t,) of the regions where j is made, E (R, R, q).
    """
    makers = _Groups(codes, regions)
    out = np.empty((m.shape[0], regions, z.shape[1]))
    for p, row in enumerate(m):
        out[p] = makers.weighted(row) @ z
    return out


def lu_sizes(lu: FloatArray, w: FloatArray) -> FloatArray:
    """Return w'|L||U| for factors that share the array lu', L with ones on its diagonal.

    lu (n, n): the columns of the factors as rows; w (n,), out (n,).
    """
    n = w.size
    left, out = np.empty(n), np.empty(n)
    for a in range(0, n, LU_ROWS):
        b = min(a + LU_ROWS, n)
        sizes = np.abs(lu[a:b])
        corner = sizes[:, a:b]
        left[a:b] = w[a:b] + _times(np.triu(corner, 1), w[a:b]) + _times(sizes[:, b:], w[b:])
        out[a:b] = _times(sizes[:, :a], left[:a]) + _times(np.tril(corner), left[a:b])
    return out


def _times(matrix: FloatArray, vector: FloatArray) -> FloatArray:
    """Return a product that is the same for any number of BLAS threads."""
    out: FloatArray = np.einsum("ji,i->j", matrix, vector)
    return out
