"""Solving (I − A) X = Y and (I − A)' M' = S' with certified error bounds.

The Leontief inverse is never formed. A is kept in region tiles; its diagonal blocks are factored
once; GMRES on block Gauss-Seidel sweeps does the rest, and every result is certified before it is
returned.
"""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from carbonflows_fast._base.arguments import tolerance
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.leontief._certificate import Certificate
from carbonflows_fast.leontief._dense_lu import DEFAULT_MEMORY, choose_method
from carbonflows_fast.leontief._factor_inverses import FactorInverses, factor_inverses
from carbonflows_fast.leontief._methods import Problem
from carbonflows_fast.leontief._proof_vectors import ProofVectors
from carbonflows_fast.leontief._right_hand_sides import RightHandSides, checked_weight
from carbonflows_fast.leontief._solution import Solution, SolveReport
from carbonflows_fast.leontief._solvers import Solvers
from carbonflows_fast.leontief._sweeps import Sweeps
from carbonflows_fast.leontief._tiles import RegionTiles

if TYPE_CHECKING:
    from carbonflows_fast.leontief._operator import InverseOperator

GROUP = 288
"""Right-hand sides at a time: enough for the kernels, few enough for a dozen arrays of them."""

__all__ = ["LeontiefSystem"]


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
        *,
        factors: tuple[FloatArray, Any] | None = None,
        nonnegative: bool | None = None,
        threads: int | None = None,
        part: bool = False,
    ) -> None:
        count = thread_count(threads)
        self.tiles = tiles
        self.n = tiles.n
        self.nonnegative = tiles.core.lowest(count) >= 0.0 if nonnegative is None else nonnegative
        sweeps = Sweeps(tiles, self.nonnegative, factors)
        sweeps.factors(False, count)
        self._solvers = Solvers(sweeps)
        self._proofs = ProofVectors(sweeps, self._solvers.dense, part=part)

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
        """Solve (I − A) X = Y: the output needed for final demand Y, L Y.

        Parameters
        ----------
        Y : array, shape (n,) or (n, k)
            Right-hand sides, in the order of the table's rows.
        rtol : float
            Every column's proved error bound is at most this when the call returns.
        weight : array, shape (n,), optional
            t ≥ 0 in the bound Σ t|x̃ − x| / Σ t|x̃|; the default is 1. With rows in different units,
            give a number per unit of output. Zeros are raised to 1 % of the mean; other weights
            must be above 1e-100 of the largest.
        method : {"auto", "gmres", "gauss-seidel", "direct"}
            GMRES on block Gauss-Seidel sweeps, the sweeps alone, or dense LU by LAPACK. "auto"
            chooses only by shapes, nonzeros, the number of right-hand sides and `memory_limit`.
            GMRES works in float32 first, and on one Krylov space for up to 64 right-hand sides,
            where that is expected to be faster; `report.why` says so.
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

    @property
    def L(self) -> InverseOperator:
        """The Leontief inverse as a SciPy `LinearOperator`; every product is a certified solve.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> cf.system(cf.synthetic.world(2, 3)).L.shape
        (6, 6)
        """
        from carbonflows_fast.leontief._operator import InverseOperator

        return InverseOperator(self)

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
        self.certificate(np.ones(self.n), adjoint=False, threads=threads)

    @property
    def by_sizes(self) -> bool:
        """Whether errors are bounded by the sizes of the entries of A alone: no by-products.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> cf.system(cf.synthetic.world(2, 3)).by_sizes
        True
        """
        return self._proofs.by_sizes

    # ---- what later rooms call; vectors are in the order of the table ---------------------------

    def certificate(
        self, weight: FloatArray, *, adjoint: bool, threads: int | None = None
    ) -> Certificate:
        """Return the proof vector for errors in a weight, made once for each weight.

        Parameters
        ----------
        weight : ndarray, shape (n,)
            Positive.
        adjoint : bool
            Of errors of M (I − A) = S.
        threads : int, optional

        Returns
        -------
        Certificate
            Its own vectors are in tile order.

        Raises
        ------
        NotProductiveError
            If none is found.

        Examples
        --------
        >>> import numpy as np
        >>> import carbonflows_fast as cf
        >>> cf.system(cf.synthetic.world(2, 3)).certificate(np.ones(6), adjoint=True).scale >= 1
        True
        """
        t = weight[self.tiles.table_rows]
        return self._proofs.certificate(t, adjoint=adjoint, threads=thread_count(threads))

    def block_factors(self) -> tuple[FloatArray, Any]:
        """Return the LU factors and pivots of the diagonal blocks of I − A, in tile order.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> values, pivots = cf.system(cf.synthetic.world(2, 3)).block_factors()
        >>> values.size, pivots.size
        (36, 6)
        """
        return self._solvers.sweeps.factors(False, thread_count())

    def factor_inverses(self, weight: FloatArray, rtol: float) -> FactorInverses | None:
        """Return the inverses of dense factors if every forward solve with them is within rtol.

        Parameters
        ----------
        weight : ndarray, shape (n,)
            Of the error, in the order of the table's rows.
        rtol : float

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> cf.system(cf.synthetic.world(2, 3)).factor_inverses(np.ones(6), 1e-10) is not None
        True
        """
        if 8.0 * self.n**2 > DEFAULT_MEMORY:
            return None
        certificate = self.certificate(checked_weight(weight, self.n), adjoint=False)
        return factor_inverses(self.tiles, certificate, rtol, thread_count())

    def in_float32(self) -> LeontiefSystem:
        """Return the same system, whose GMRES reads the tiles in float32.

        Raises
        ------
        InputError
            If A does not fit into float32.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> cf.system(cf.synthetic.world(2, 3)).in_float32().n
        6
        """
        twin = copy.copy(self)
        twin._solvers = self._solvers.in_float32()
        return twin

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
        rtol = tolerance(rtol)
        count = thread_count(threads)
        single = self._solvers.single is not None
        chosen, why = choose_method(
            method, self.n, self.tiles.nnz, sides.k, memory_limit, single=single
        )
        t = checked_weight(weight, self.n)
        order = self.tiles.order
        Y = sides.columns if order is None else sides.columns[order]
        start = sides.start(x0)
        # In memory as the right-hand sides are, and as the solutions will be given back.
        X = np.zeros(Y.shape, order="F" if adjoint else "C")
        if start is not None:
            X[:] = start if order is None else start[order]
        certificate = self.certificate(t, adjoint=adjoint, threads=count)
        if chosen != "direct" and method == "auto" and not certificate.absolute:
            chosen, why = "direct", "by-products: their proof has made the factors already"
        outcomes = []
        for first in range(0, max(sides.k, 1), GROUP):
            here = slice(first, first + GROUP)
            problem = Problem(
                self.tiles, self.nonnegative, certificate, Y[:, here], first, adjoint, rtol, count
            )
            outcomes.append(self._solvers.run(problem, chosen, X[:, here], from_zero=start is None))
        if order is not None:
            unordered, X = X, np.empty_like(X)
            X[order] = unordered
        hows = [why, self._solvers.why(chosen, sides.k), *(outcome.how for outcome in outcomes)]
        report = SolveReport(
            method=chosen,
            why="; ".join(dict.fromkeys(filter(None, hows))),
            passes=max(outcome.passes for outcome in outcomes),
            matrix_bytes=self.tiles.nbytes,
            residual=max(float(outcome.residuals.max(initial=0.0)) for outcome in outcomes),
            error_bounds=np.concatenate([outcome.bounds for outcome in outcomes]),
            seconds=time.perf_counter() - begun,
            threads=count,
        )
        return Solution(sides.shaped(X), report)

    def release_dense(self) -> None:
        """Let dense factors go, which take as much memory as L would.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> cf.system(cf.synthetic.world(2, 3)).release_dense()
        """
        self._solvers.release_dense()
