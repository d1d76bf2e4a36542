"""Solving (I − A) X = Y and (I − A)' M' = S' with certified error bounds.

The Leontief inverse is never formed. A is kept in region tiles; its diagonal blocks are factored
once; GMRES on block Gauss-Seidel sweeps does the rest, and every result is certified before it is
returned.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.errors import InputError
from carbonflows_fast.leontief._dense_lu import DenseFactors, choose_method
from carbonflows_fast.leontief._methods import (
    Outcome,
    Problem,
    by_iteration,
    by_lu,
    by_refinement,
    single_krylov,
    single_lu,
)
from carbonflows_fast.leontief._proof_vectors import Guards
from carbonflows_fast.leontief._right_hand_sides import RightHandSides, checked_rtol, checked_weight
from carbonflows_fast.leontief._solution import Solution, SolveReport
from carbonflows_fast.leontief._sweeps import Sweeps
from carbonflows_fast.leontief._tiles import RegionTiles, tiles_of
from carbonflows_fast.table import Table
from carbonflows_fast.table._content import Parts
from carbonflows_fast.table._table_argument import required_table

GROUP = 288
"""Right-hand sides at a time: enough for the kernels, few enough for a dozen arrays of them."""

__all__ = ["LeontiefSystem", "Solution", "SolveReport", "release_dense", "solved_output", "system"]


class LeontiefSystem:
    """A table's coefficient matrix, prepared for solving; made by :func:`system`.

    Safe to use from several Python threads at once. Results have the same bits for any number of
    threads; those of dense LU are the bits of the BLAS that SciPy uses.

    Attributes
    ----------
    n : int
        Rows of A.
    tiles : RegionTiles
        A in region tiles.
    nonnegative : bool
        Whether no entry of A is below zero.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> cf.system(cf.synthetic.world(2, 3))
    LeontiefSystem(6 rows, 1 blocks, 9 nonzeros, 0.0 MB)
    """

    def __init__(
        self,
        tiles: RegionTiles,
        describe: Callable[[Any], list[str]],
        *,
        factors: tuple[FloatArray, Any] | None = None,
        nonnegative: bool | None = None,
        threads: int | None = None,
        part: bool = False,
    ) -> None:
        count = thread_count(threads)
        self.tiles = tiles
        self.n = tiles.n
        self.nonnegative = (
            tiles.core.lowest(count) >= 0.0 if nonnegative is None else bool(nonnegative)
        )
        self._sweeps = Sweeps(tiles, describe, self.nonnegative, factors)
        self._sweeps.factors(False, count)
        self._guards = Guards(self._sweeps, self._dense, part=part)
        self._lock = threading.Lock()
        self._lu: DenseFactors | None = None
        self._single: Sweeps | None = None
        self._describe = describe

    def __repr__(self) -> str:
        return (
            f"LeontiefSystem({self.n:,} rows, {self.tiles.blocks} blocks, {self.tiles.nnz:,} "
            f"nonzeros, {self.tiles.nbytes / 1e6:,.1f} MB)"
        )

    # ---- what users call -----------------------------------------------------------------------

    def solve(
        self,
        Y: Any,
        *,
        rtol: float = 1e-10,
        weight: Any = None,
        method: Literal["auto", "gmres", "gauss-seidel", "direct"] = "auto",
        threads: int | None = None,
        x0: Any = None,
        memory_limit: float | None = None,
    ) -> Solution:
        """Solve (I − A) X = Y: the output that final demand Y calls for, L Y.

        Parameters
        ----------
        Y : array, shape (n,) or (n, k)
            Right-hand sides, in the order of the table's rows.
        rtol : float
            Every column's proved error bound is at most this when the call returns.
        weight : array, shape (n,), optional
            t ≥ 0 in the bound Σ t|x̃ − x| / Σ t|x̃|; the default is 1. With rows in different units,
            give a number per unit of output. Zeros are raised to 1 % of the mean; others must be
            above 1e-100 of the largest.
        method : {"auto", "gmres", "gauss-seidel", "direct"}
            GMRES on block Gauss-Seidel sweeps, the sweeps alone, or dense LU by LAPACK. "auto"
            chooses by the shapes, the nonzeros, the number of right-hand sides and `memory_limit`
            alone.
        threads : int, optional
        x0 : array of the shape of Y, optional
            Start values.
        memory_limit : float, optional
            Bytes that "direct" may use; the default is 8 GB.

        Returns
        -------
        Solution
            `values` of the shape of Y, and `report`.

        Raises
        ------
        InputError
            If a shape or value is wrong.
        NotProductiveError
            If I − |A| is not an M-matrix, unless only by-products (negative inputs) are the reason
            and another proof shows that I − A has an inverse.
        ConvergenceError
            If `rtol` is not reached; the message says how far it came.

        Notes
        -----
        Source: Miller & Blair (2009), Input-Output Analysis, ch. 2. The bound is explained in
        docs/explanation/certified_bounds.md.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> table = cf.synthetic.world(2, 3)
        >>> solution = cf.system(table).solve(table.Y.sum(axis=1))
        >>> bool(abs(solution.values / table.x - 1).max() < 1e-9)
        True
        >>> solution.report.error_bound <= 1e-10
        True
        """
        sides = RightHandSides.of("Y", Y, self.n, by_row=False)
        return self._solve(sides, False, rtol, weight, method, threads, x0, memory_limit)

    def solve_adjoint(
        self,
        S: Any,
        *,
        rtol: float = 1e-10,
        weight: Any = None,
        method: Literal["auto", "gmres", "gauss-seidel", "direct"] = "auto",
        threads: int | None = None,
        x0: Any = None,
        memory_limit: float | None = None,
    ) -> Solution:
        """Solve M (I − A) = S: the multipliers M = S L.

        Parameters
        ----------
        S : array, shape (n,) or (k, n)
            Stressors per unit of output.
        rtol, weight, method, threads, x0, memory_limit
            The arguments of :meth:`solve`; the weight multiplies the errors of M.

        Returns
        -------
        Solution
            `values` of the shape of S, and `report`.

        Raises
        ------
        InputError
            If a shape or value is wrong.
        NotProductiveError
            If no error bound can be proved for the table.
        ConvergenceError
            If `rtol` is not reached; the message says how far it came.

        Notes
        -----
        Source: Miller & Blair (2009), Input-Output Analysis, ch. 2 and 10; the same bound, with v
        and |q| for w and |r|.

        Examples
        --------
        Duality: the emissions of all output are the multipliers of all demand.

        >>> import carbonflows_fast as cf
        >>> table = cf.synthetic.world(2, 3)
        >>> m = cf.system(table).solve_adjoint(table.S.loc["CO2"]).values
        >>> bool(abs(m @ table.Y.sum(axis=1) / table.F.loc["CO2"].sum() - 1) < 1e-9)
        True
        """
        sides = RightHandSides.of("S", S, self.n, by_row=True)
        return self._solve(sides, True, rtol, weight, method, threads, x0, memory_limit)

    def require_productive(self, *, threads: int | None = None) -> None:
        """Prove that every solve has a bounded error: I − |A| is an M-matrix, but for by-products.

        Parameters
        ----------
        threads : int, optional

        Raises
        ------
        NotProductiveError
            If no proof is found; the message names the sectors that prevent it.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> cf.system(cf.synthetic.world(2, 3)).require_productive()
        """
        ones = np.ones(self.n)
        self._guards.certificate(ones, adjoint=False, threads=thread_count(threads))

    @property
    def by_sizes(self) -> bool:
        """Whether errors are bounded by the sizes of the entries of A alone: no by-products.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> cf.system(cf.synthetic.world(2, 3)).by_sizes
        True
        """
        return self._guards.by_sizes

    # ---- how it is done ------------------------------------------------------------------------

    def _solve(
        self,
        sides: RightHandSides,
        adjoint: bool,
        rtol: float,
        weight: Any,
        method: str,
        threads: int | None,
        x0: Any,
        memory_limit: float | None,
    ) -> Solution:
        begun = time.perf_counter()
        rtol = checked_rtol(rtol)
        count = thread_count(threads)
        chosen, why = choose_method(
            method, self.n, self.tiles.nnz, sides.k, memory_limit, single=self._single is not None
        )
        t = checked_weight(weight, self.n)
        order = self.tiles.order
        Y = sides.columns if order is None else sides.columns[order]
        start = sides.start(x0)
        # In memory as the right-hand sides are, and as the solutions will be given back.
        X = np.zeros(Y.shape, order="F" if adjoint else "C")
        if start is not None:
            X[:] = start if order is None else start[order]
        certificate = self._guards.certificate(
            t if order is None else t[order], adjoint=adjoint, threads=count
        )
        if chosen != "direct" and method == "auto" and not certificate.absolute:
            chosen, why = "direct", "by-products: their proof has made the factors already"
        outcomes = []
        for first in range(0, max(sides.k, 1), GROUP):
            here = slice(first, first + GROUP)
            problem = Problem(
                self.tiles, self.nonnegative, certificate, Y[:, here], first, adjoint, rtol, count
            )
            outcomes.append(self._run(problem, chosen, X[:, here], from_zero=start is None))
        if order is not None:
            unordered, X = X, np.empty_like(X)
            X[order] = unordered
        report = SolveReport(
            method=chosen,
            why=why,
            passes=max(outcome.passes for outcome in outcomes),
            matrix_bytes=self.tiles.nbytes,
            residual=max(float(outcome.residuals.max(initial=0.0)) for outcome in outcomes),
            error_bounds=np.concatenate([outcome.bounds for outcome in outcomes]),
            seconds=time.perf_counter() - begun,
            threads=count,
        )
        return Solution(sides.shaped(X), report)

    def _run(self, problem: Problem, method: str, X: FloatArray, *, from_zero: bool) -> Outcome:
        """Solve by the chosen method in X; in float32 first if this is the float32 twin."""
        single = self._single
        if method == "gauss-seidel" or (method == "gmres" and single is None):
            krylov = method == "gmres"
            return by_iteration(problem, self._sweeps, X, from_zero=from_zero, krylov=krylov)
        if single is None:
            return by_lu(problem, self._dense(), X)
        solver = (
            single_lu(problem, self._dense)
            if method == "direct"
            else single_krylov(problem, single)
        )
        return by_refinement(problem, solver, X, from_zero=from_zero)

    def sure_factors(self, weight: FloatArray, rtol: float) -> DenseFactors | None:
        """Return dense factors in float64 if every forward solve with them is within rtol.

        Parameters
        ----------
        weight : ndarray, shape (n,)
            Of the error, in the order of the table's rows.
        rtol : float

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> cf.system(cf.synthetic.world(2, 3)).sure_factors(np.ones(6), 1e-10) is not None
        True
        """
        order = self.tiles.order
        t = weight if order is None else weight[order]
        certificate = self._guards.certificate(t, adjoint=False, threads=thread_count())
        factors = self._dense()
        return factors if factors.error(certificate) <= rtol else None

    def _dense(self) -> DenseFactors:
        with self._lock:
            if self._lu is None:
                self._lu = DenseFactors((self._single or self._sweeps).tiles)
            return self._lu

    def _with_single(self) -> LeontiefSystem:
        """Return the same system, whose GMRES reads the tiles in float32."""
        single = self._sweeps.in_single()
        if single is None:
            largest = np.abs(self.tiles.core.values).max()
            raise InputError.about(
                "dtype",
                expected="coefficients that fit into float32",
                got=f"A up to {largest:.1e}",
                remedy="use 'float64'",
            )
        twin = copy.copy(self)
        twin._single, twin._lu = single, None
        return twin


def system(table: Table, *, dtype: str = "float64") -> LeontiefSystem:
    """Return the table's Leontief system, prepared once and kept with the table.

    Parameters
    ----------
    table : Table
    dtype : {"float64", "float32"}
        Precision of the tiles and vectors GMRES works on, and of dense LU factors. With "float32"
        the residual and the proof are still taken on the float64 tiles, so results are as accurate
        as ever; it is faster, and needs half as much memory again for the tiles.

    Returns
    -------
    LeontiefSystem

    Raises
    ------
    InputError
        If `dtype` is unknown, or A does not fit into float32.
    NotProductiveError
        If a domestic block of I − A is singular.
    StoreError
        If a file of an opened table was cut short since.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> cf.system(cf.synthetic.world(2, 3)).n
    6
    """
    required_table("table", table)
    one_of("dtype", dtype, ("float64", "float32"), remedy="leave it out")
    cache = table._cache
    if "system" not in cache:
        parts = table._parts
        tiles = tiles_of(parts, thread_count())
        cache.setdefault("system", LeontiefSystem(tiles, row_names(parts)))
    prepared: LeontiefSystem = cache["system"]
    prepared.tiles.require_whole()
    if dtype == "float32":
        if "system float32" not in cache:
            cache.setdefault("system float32", prepared._with_single())
        prepared = cache["system float32"]
    return prepared


def release_dense(table: Table) -> None:
    """Let the table's dense factors go, which take as much memory as L would."""
    for name in ("system", "system float32"):
        if name in table._cache:
            table._cache[name]._lu = None


def row_names(parts: Parts) -> Callable[[Any], list[str]]:
    """Return a function from row numbers to "region: sector", without keeping the matrix alive."""
    regions, sectors = parts.regions, parts.sectors
    region_codes, sector_codes = parts.region_codes, parts.sector_codes
    return lambda rows: [f"{regions[region_codes[i]]}: {sectors[sector_codes[i]]}" for i in rows]


def solved_output(table: Table) -> FloatArray:
    """Solve for the output of a table that was given none: x = L Y·1."""
    y = table._parts.Y.sum(axis=1)
    return system(table).solve(y).values
