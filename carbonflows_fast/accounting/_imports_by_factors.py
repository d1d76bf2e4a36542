"""D_imp from the inverses of the triangular factors of I − A, without their product L = U V.

What region q causes abroad by buying product p is Σ_{r ≠ q} S_r (U V Y^(q,p))_r, with Y^(q,p) what
q buys of p. U is upper triangular and V lower, so with the rows of each region together, and S U V
made from the last region to the first, it is the sum of

- what goods from abroad cause anywhere, M Y with M = S U V, less what they cause in q itself, S_q
  F_q with F_q = Σ_{s ≥ q} U_qs V_s Y^(q,p);
- what goods from home cause abroad: the part of M that rows behind q add, and that others than q
  add in q's columns of S U, less what the rows behind cause in q itself, S_q Σ_{s > q} U_qs V_sq.

Nothing large is subtracted: what goods from home cause at home directly is never in these sums. V Y
takes one product with Y for each sector, not one for each row. All in all that is 4/3 n³ operations
for U and V and 2 n² for each stressor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import CodeArray, FloatArray
from carbonflows_fast.leontief._factor_inverses import FactorInverses

__all__ = ["Found", "imports_by_factors"]

ROWS = 384
CHUNKS = 12
"""Rows of whole regions that are worked on at a time are at least these, or that part of them."""


ALONE, LEAST = 250_000, 16
"""Multiplications that BLAS leaves to one thread, and the least rows or columns of a part."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What the inverses give at once: imports (k, R, P), multipliers (k, n) and outputs (n, R)."""

    imports: FloatArray
    m: FloatArray
    x: FloatArray


@dataclass(frozen=True, slots=True)
class Run:
    """The rows [a, b) of one region, and its code."""

    a: int
    b: int
    region: int


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Regions and sectors of rows, and how many sectors there are."""

    regions: CodeArray
    sectors: CodeArray
    count: int


def imports_by_factors(factors: FactorInverses, S: FloatArray, Y: FloatArray, rows: Rows) -> Found:
    """Return D_imp, and M and outputs on the way.

    Parameters
    ----------
    factors : FactorInverses
        With the rows of each region together.
    S : ndarray, shape (k, n)
    Y : ndarray, shape (n, R)
        Final demand by consuming region.
    rows : Rows
        All of the table.
    """
    d, at = factors.scale, factors.rows
    own = S[:, at] if d is None else S[:, at] / d
    demand = Y[at] if d is None else Y[at] * d[:, None]
    linked = Rows(rows.regions[at], rows.sectors[at], rows.count)
    found = _Sums(factors.values, own, demand, linked).found()
    m, x = S.copy(), Y.copy()  # right for the rows that were left out
    m[:, at] = found.m if d is None else found.m * d
    x[at] = found.x if d is None else found.x / d[:, None]
    imports = found.imports
    abroad = np.where(rows.regions[:, None] == np.arange(Y.shape[1]), 0.0, Y)
    for p, some in enumerate(_by_sector(rows)):
        imports[:, :, p] += _product(m[:, some], abroad[some])
    emitted = sums.sum_columns_by_group((S != 0.0) * 1.0, rows.regions, Y.shape[1])
    imports[emitted.sum(axis=1, keepdims=True) == emitted] = 0.0  # not nearly 0
    return Found(imports, m, x)


def _by_sector(rows: Rows) -> Iterator[CodeArray]:
    """Return the rows of each sector."""
    order = np.argsort(rows.sectors, kind="stable").astype(np.int32)
    ends = np.cumsum(np.bincount(rows.sectors, minlength=rows.count))
    yield from np.split(order, ends[:-1])


class _Sums:
    """The sums over the rows that are linked, chunk by chunk of regions from the last to the first.

    At each chunk M holds what the chunks behind it add.
    """

    def __init__(self, values: FloatArray, S: FloatArray, Y: FloatArray, rows: Rows) -> None:
        self.T, self.S, self.Y, self.rows = values, S, Y, rows
        k, m = S.shape
        self.order = np.argsort(rows.sectors, kind="stable")
        self.foreign = np.where(rows.regions[:, None] == np.arange(Y.shape[1]), 0.0, Y)
        self.runs = _runs(rows.regions)
        self.G, self.M, self.Z = np.empty((k, m)), np.zeros((k, m)), np.empty(Y.shape)
        self.x = np.zeros(Y.shape)
        self.home = np.empty((k, m))  # caused by a unit of a good, outside its region
        self.F = [np.zeros((rows.count, run.b - run.a)) for run in self.runs]
        self.back = [np.zeros((run.b - run.a, run.b - run.a)) for run in self.runs]

    def found(self) -> Found:
        """Return the sums; imports are without M Y of goods from abroad."""
        R, P = self.Y.shape[1], self.rows.count
        for first, last in reversed(_chunks(self.runs, max(ROWS, len(self.T) // CHUNKS))):
            self._add(first, last)
        imports = np.zeros((len(self.S), R, P))
        own = np.empty(self.T.shape[0])
        for run, F, back in zip(self.runs, self.F, self.back, strict=True):
            here = slice(run.a, run.b)
            self.home[:, here] -= _product(self.S[:, here], back.T)
            imports[:, run.region] -= _product(self.S[:, here], F.T)
            own[here] = self.Y[here, run.region]
        products = self.rows.regions * P + self.rows.sectors
        caused = sums.sum_columns_by_group(self.home * own, products, R * P)
        return Found(imports + caused.reshape(imports.shape), self.M, self.x)

    def _add(self, first: int, last: int) -> None:
        a, b = self.runs[first].a, self.runs[last - 1].b
        V = np.triu(self.T.T[:b, a:b], 1 - a)  # V', whose columns are rows of V
        V[np.arange(a, b), np.arange(b - a)] = 1.0
        self.Z[a:b] = V.T @ self.Y[:b]
        bought = self._bought(V)
        for at, run in enumerate(self.runs[:first]):
            U = self.T[run.a : run.b, a:b].T
            self.F[at] += _product(bought[:, run.region], U)
            self.back[at] += _product(V[run.a : run.b], U)
        before = [self._emitted(run) for run in self.runs[first:last]]
        for at, (run, G) in enumerate(zip(self.runs[first:last], before, strict=True), first):
            here, behind = slice(run.a, run.b), run.b - a
            U = np.triu(self.T[here, run.a : b]).T
            self.F[at] += _product(bought[:, run.region, run.a - a :], U)
            self.back[at] += _product(V[here, behind:], U[run.b - run.a :])
            later = _product(self.G[:, run.b : b], V[here, behind:].T)
            self.home[:, here] = self.M[:, here] + later
            self.home[:, here] += _product(G, V[here, run.a - a : behind].T)
        self.M[:, :b] += self.G[:, a:b] @ V.T
        self.x[:a] += self.T[:a, a:b] @ self.Z[a:b]
        self.x[a:b] += np.triu(self.T[a:b, a:b]) @ self.Z[a:b]

    def _emitted(self, run: Run) -> FloatArray:
        """Fill in S U for a region's columns; return the part that other regions emit."""
        here = slice(run.a, run.b)
        others = _product(self.S[:, : run.a], self.T[: run.a, here])
        self.G[:, here] = others + _product(self.S[:, here], np.triu(self.T[here, here]))
        return others

    def _bought(self, V: FloatArray) -> FloatArray:
        """Return V Y^(q,p) of goods from abroad, shape (P, R, rows), for rows of V as columns."""
        some = self.order[self.order < len(V)]
        grouped, Y = V[some], np.ascontiguousarray(self.foreign[some].T)
        out = np.zeros((self.rows.count, Y.shape[0], V.shape[1]))
        ends = np.cumsum(np.bincount(self.rows.sectors[: len(V)], minlength=self.rows.count))
        for p, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
            out[p] = _product(Y[:, start:end], grouped[start:end])
        return out


def _product(A: FloatArray, B: FloatArray) -> FloatArray:
    """Return A B, in parts where it is small.

    BLAS shares a part among its threads where that has more than ALONE multiplications, and to
    wake them a thousand times costs more than they save: seconds where processors are busy.
    """
    m, k, n = *A.shape, B.shape[1]
    longest, work = max(m, k, n), m * k * n
    step = ALONE * longest // max(work, 1)
    if work <= ALONE or step < LEAST:
        whole: FloatArray = A @ B
        return whole
    parts = [slice(first, first + step) for first in range(0, longest, step)]
    out = np.zeros((m, n))
    for part in parts:
        if longest == k:
            out += A[:, part] @ B[part]
        elif longest == m:
            out[part] = A[part] @ B
        else:
            out[:, part] = A @ B[:, part]
    return out


def _runs(regions: CodeArray) -> list[Run]:
    """Return the runs of rows of one region each."""
    starts = np.flatnonzero(np.diff(regions, prepend=-1))
    ends = np.append(starts[1:], len(regions))[: len(starts)]
    return [Run(int(a), int(b), int(regions[a])) for a, b in zip(starts, ends, strict=True)]


def _chunks(runs: list[Run], rows: int) -> list[tuple[int, int]]:
    """Return neighbouring runs with at least `rows` rows together, as [first, last)."""
    chunks, first = [], 0
    for at, run in enumerate(runs):
        if run.b - runs[first].a >= rows or at + 1 == len(runs):
            chunks.append((first, at + 1))
            first = at + 1
    return chunks
