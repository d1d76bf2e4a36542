"""Solving a perturbed table: it is close to the table, so answers and proofs start from there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.errors import ConvergenceError
from carbonflows_fast.leontief import LeontiefSystem
from carbonflows_fast.leontief._certificate import (
    UNIT_ROUNDOFF,
    Certificate,
    Proof,
    checked_margin,
)
from carbonflows_fast.leontief._dense_lu import DenseFactors, shared_columns
from carbonflows_fast.leontief._methods import Problem, by_refinement, single_krylov
from carbonflows_fast.leontief._proof_vectors import ProofVectors
from carbonflows_fast.leontief._sweeps import Stopping, Sweeps
from carbonflows_fast.leontief._tiles import RegionTiles

__all__ = ["Start", "solve_near"]

LIFT = 1.0
"""Of the table's proof vector w, added to the weight t: (I − A)'w = t + LIFT w, so that w still
proves a table whose A differs by less than that lets it."""
GOOD_PROOF = 8.0
"""A scale of a proof that is good enough: bounds grow with it."""


@dataclass(frozen=True, slots=True)
class _Watched(Problem):
    """A problem that keeps the first residual, which is that of the start values."""

    residuals: list[FloatArray] = field(default_factory=list)

    def prove(self, X: FloatArray) -> Proof:
        proof = Problem.prove(self, X)
        if not self.residuals:
            self.residuals.append(proof.left)
        return proof


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Where solves of perturbed tables begin, in tile order.

    Attributes
    ----------
    weight, guard : ndarray, shape (n,)
        In which errors count, and the vector that proves bounds for the table itself.
    adjoint : bool
    nonnegative : bool
        Whether no entry of the table is negative. If one of a draw is, an output has changed its
        sign: few such draws can be proved by sizes.
    by_sizes : bool
        Whether the table's bounds are of the sizes of its entries: no by-products.
    """

    weight: FloatArray
    guard: FloatArray
    adjoint: bool
    nonnegative: bool
    by_sizes: bool

    @classmethod
    def of(cls, prepared: LeontiefSystem, weight: FloatArray, *, adjoint: bool) -> Start:
        """Take the certificate of the table; the weight is in its order, and positive."""
        found = prepared.certificate(weight, adjoint=adjoint)
        by_sizes = prepared.by_sizes and found.absolute
        lifted = np.empty_like(weight)
        lifted[prepared.tiles.table_rows] = found.weight + LIFT * found.guard
        guard = prepared.certificate(lifted, adjoint=adjoint).guard if by_sizes else found.guard
        return cls(found.weight, guard, adjoint, prepared.nonnegative, by_sizes)

    def scaled(self, ratio: FloatArray) -> Start:
        """Return this for a draw whose rows were multiplied by `ratio` (n,)."""
        by = np.abs(ratio) if self.adjoint else 1.0 / np.abs(ratio)
        return replace(self, weight=self.weight * by, guard=self.guard * by)


def solve_near(
    tiles: RegionTiles, nonnegative: bool, start: Start, Y: FloatArray, X: FloatArray, rtol: float
) -> tuple[FloatArray, FloatArray]:
    """Solve for Y (n, k) from X, in tile order; return the residual of the start and the solution.

    The tiles are in float32, and so is the iteration; residuals and proofs are in float64.
    What is in X is lost: where no byte is too many, the solution takes its place.

    Raises
    ------
    NotProductiveError
        If the perturbed table is not proved productive.
    ConvergenceError
        If rtol is not reached.
    """
    threads = thread_count()
    if not start.by_sizes or (start.nonnegative and not nonnegative):
        return _solve_slowly(tiles, nonnegative, start, Y, X, rtol)
    sweeps = Sweeps(tiles, nonnegative)
    sweeps.factors(False, threads)
    certificate = _certificate(tiles, sweeps, start, threads)
    problem = _Watched(
        tiles, nonnegative, certificate, Y, 0, start.adjoint, rtol, threads, residuals=[]
    )
    shared = max(min(shared_columns(tiles.n, tiles.nnz), Y.shape[1]), 1)
    try:
        by_refinement(problem, single_krylov(problem, sweeps, shared), X, from_zero=False)
    except ConvergenceError:
        X[~np.isfinite(X)] = 0.0
        return problem.residuals[0], _solve_slowly(tiles, nonnegative, start, Y, X, rtol)[1]
    return problem.residuals[0], X


def _certificate(tiles: RegionTiles, sweeps: Sweeps, start: Start, threads: int) -> Certificate:
    """See whether the table's own vector proves the draw, at a pass or three; else make one."""
    guard = start.guard
    for _ in range(2):
        margin = checked_margin(tiles, guard, adjoint=start.adjoint, threads=threads)
        if margin.min(initial=1.0) > 0.0:
            scale = float((start.weight / margin).max(initial=1.0)) * (1 + 4 * UNIT_ROUNDOFF)
            if scale < GOOD_PROOF:
                return Certificate(start.weight, guard, scale)
        # Closer to what the draw needs, by one sweep.
        lifted = start.weight + LIFT * guard
        column = guard[:, None].copy()
        sweeps.run(
            lifted[:, None],
            column,
            Stopping(1),
            from_zero=False,
            adjoint=not start.adjoint,
            absolute=True,
            threads=threads,
        )
        guard = np.ascontiguousarray(column[:, 0])
        if not (np.isfinite(guard).all() and guard.min(initial=1.0) > 0.0):
            break
    wide = Sweeps(tiles.in_double(), sweeps.nonnegative)
    proofs = ProofVectors(wide, lambda: DenseFactors(wide.tiles))
    return proofs.certificate(start.weight, adjoint=start.adjoint, threads=threads)


def _solve_slowly(
    tiles: RegionTiles, nonnegative: bool, start: Start, Y: FloatArray, X: FloatArray, rtol: float
) -> tuple[FloatArray, FloatArray]:
    """Solve as any table is solved: what by-products need, and what converges badly."""
    place = slice(None) if tiles.order is None else np.argsort(tiles.order)
    threads = thread_count()
    left = Y - X + tiles.product(X, adjoint=start.adjoint, threads=threads)
    prepared = LeontiefSystem(tiles.in_double(), nonnegative=nonnegative)
    solve = prepared.solve_adjoint if start.adjoint else prepared.solve
    turn = np.transpose if start.adjoint else np.asarray
    found = solve(turn(Y[place]), rtol=rtol, weight=start.weight[place], x0=turn(X[place]))
    solved = np.ascontiguousarray(turn(found.values)[tiles.table_rows])
    return left, solved
