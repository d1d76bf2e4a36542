"""The ways to solve (I − A) X = Y, each ending in a proof.

A `Problem` is what all of them work on, in tile order; an `Outcome` is what they return.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import ConvergenceError
from carbonflows_fast.leontief._certificate import Certificate, Proof, prove, weighted
from carbonflows_fast.leontief._dense_lu import DenseFactors
from carbonflows_fast.leontief._sweeps import Stopping, Sweeps
from carbonflows_fast.leontief._tiles import RegionTiles

__all__ = [
    "Outcome",
    "Problem",
    "by_iteration",
    "by_lu",
    "by_refinement",
    "by_rounded_iteration",
    "single_krylov",
    "single_lu",
]

MOST_PASSES = 2000

INNER_GOAL = 3e-6
"""How far one round on float32 tiles reduces a residual: not below what their rounding leaves."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Right-hand sides Y (n, k), of which the caller has `first` more to the left, and what is
    asked of their solutions."""

    tiles: RegionTiles
    nonnegative: bool
    certificate: Certificate
    Y: FloatArray
    first: int
    adjoint: bool
    rtol: float
    threads: int

    def prove(self, X: FloatArray) -> Proof:
        """Bound the error of X; entries known to be wrong in sign are set to 0 first."""
        if self.nonnegative:
            # With A, y ≥ 0 the solution is ≥ 0, so that clipping cannot increase an error.
            positive = self.Y.min(axis=0, initial=0.0) >= 0.0
            if positive.all():
                np.maximum(X, 0.0, out=X)
            elif positive.any():
                X[:, positive] = np.maximum(X[:, positive], 0.0)
        return prove(
            self.tiles, self.certificate, X, self.Y, adjoint=self.adjoint, threads=self.threads
        )

    def not_reached(self, proof: Proof, passes: int) -> ConvergenceError:
        """Say how far the bounds came, and what prevents better ones."""
        worst = int(np.argmax(proof.bounds))
        why = "what brings the table close to unproductive"
        return ConvergenceError.about(
            "rtol",
            expected=f"a certified error bound of at most {self.rtol:.1e}",
            got=f"{proof.bounds[worst]:.1e} for right-hand side {self.first + worst} after "
            f"{passes} passes, and rounding alone is {proof.rounding[worst]:.1e}",
            remedy="give an rtol above both to a function that takes one, or see with "
            f"cf.check(table) {why}",
            typed="give a --rtol above both to a command that takes one, or see with "
            f"carbonflows-fast check {why}",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What is proved about the solutions, the passes over A they took, and how they were made."""

    bounds: FloatArray
    residuals: FloatArray
    passes: int
    how: str = ""

    @classmethod
    def of(cls, proof: Proof, passes: int) -> Outcome:
        """Keep the numbers of a proof, and let its residual go."""
        return cls(proof.bounds, proof.residuals, passes)


def by_iteration(
    problem: Problem, sweeps: Sweeps, X: FloatArray, *, from_zero: bool, shared: int
) -> Outcome:
    """Iterate until the certificate holds; it is taken rarely, and decides.

    By GMRES in which up to `shared` right-hand sides have one Krylov space, or by sweeps if 0.
    """
    certificate = problem.certificate
    goal = 0.8 * problem.rtol / certificate.scale
    passes = 0
    unit = _unit(problem.Y)
    sides = problem.Y if unit is None else problem.Y / unit
    for attempt in range(4):
        stopping = Stopping(MOST_PASSES, certificate.guard, certificate.weight, goal * 0.1**attempt)
        if unit is not None:
            X /= unit
        used = sweeps.run(
            sides,
            X,
            stopping,
            from_zero=from_zero and attempt == 0,
            adjoint=problem.adjoint,
            threads=problem.threads,
            shared=shared,
        )
        if unit is not None:
            X *= unit
        proof = problem.prove(X)
        passes += used + 1
        if proof.bound <= problem.rtol:
            return Outcome.of(proof, passes)
        if proof.rounding.max(initial=0.0) > 0.5 * problem.rtol or used >= MOST_PASSES:
            break
    raise problem.not_reached(proof, passes)


def _unit(Y: FloatArray) -> FloatArray | None:
    """Return a power of two for each column, where squares of some leave float64, or None."""
    largest = np.abs(Y).max(axis=0, initial=0.0)
    wild = (largest > 0.0) & ((largest < 1e-100) | (largest > 1e100))
    if not wild.any():
        return None
    unit: FloatArray = np.where(wild, np.ldexp(1.0, np.frexp(largest)[1]), 1.0)
    return unit


def by_rounded_iteration(
    problem: Problem, sweeps: Sweeps, rounded: Sweeps, X: FloatArray, *, shared: int
) -> Outcome:
    """Iterate from zero in float32 and refine in float64; in float64 alone where that fails."""
    try:
        found = by_refinement(problem, single_krylov(problem, rounded, shared), X, from_zero=True)
    except ConvergenceError:
        X[:] = 0.0
        found = by_iteration(problem, sweeps, X, from_zero=True, shared=shared)
        return replace(found, how="in float64, since float32 did not converge")
    return replace(found, how="in float32, refined in float64")


MOST_CORRECTIONS = 4
"""Residuals that dense factors are applied to: one is enough unless rows differ by many digits."""

# A solver in float32: takes the residual, its columns about 1, and how far to reduce it; returns
# the step (n, k) and the passes over A that it took.
Single: TypeAlias = Callable[[FloatArray, float], tuple[FloatArray, int]]


def single_krylov(problem: Problem, sweeps: Sweeps, shared: int) -> Single:
    """GMRES on float32 tiles, up to `shared` right-hand sides in one Krylov space."""

    def solve(left: FloatArray, goal: float) -> tuple[FloatArray, int]:
        step = np.zeros(left.shape)
        certificate = problem.certificate
        stopping = Stopping(MOST_PASSES, certificate.guard, certificate.weight, goal)
        passes = sweeps.run(
            left,
            step,
            stopping,
            from_zero=True,
            adjoint=problem.adjoint,
            threads=problem.threads,
            shared=shared,
        )
        return step, passes

    return solve


def single_lu(problem: Problem, factors: Callable[[], DenseFactors]) -> Single:
    """Dense factors in float32, made when first needed, which go as far as they can."""
    return lambda left, goal: (factors().solve(left, adjoint=problem.adjoint), 0)


def by_refinement(problem: Problem, single: Single, X: FloatArray, *, from_zero: bool) -> Outcome:
    """Solve in float32 for the residual on the float64 tiles, until the certificate holds.

    The float64 pass that forms the residual also proves the bound, so it is never taken twice.
    Source: Higham (2002), Accuracy and Stability of Numerical Algorithms, ch. 12.
    """
    certificate = problem.certificate
    guard = certificate.guard
    proof = None if from_zero else problem.prove(X)
    passes = int(not from_zero)
    last = np.full(problem.Y.shape[1], np.inf)
    for _ in range(12):
        if proof is not None and proof.bound <= problem.rtol:
            return Outcome.of(proof, passes)
        if proof is not None and proof.rounding.max(initial=0.0) > 0.5 * problem.rtol:
            break
        left = problem.Y if proof is None else proof.left
        # With guard ≈ L't, Σ t|x| is about Σ guard|y|, and no more.
        first = proof is None
        total = (
            weighted(guard, np.abs(problem.Y)) if first else weighted(certificate.weight, np.abs(X))
        )
        target = 0.97 * problem.rtol / certificate.scale * total
        size = weighted(guard, np.abs(left))
        if size.size and not (np.isfinite(size).all() and (size < 0.5 * last).any()):
            break  # float32 is too coarse for this matrix, or its weights overflow
        last = size
        needed = np.divide(target, size, out=np.ones_like(size), where=size > 0.0)
        goal = min(max(float(needed.min(initial=1.0)), INNER_GOAL), 0.1)
        # A power of two for each column: float32 neither overflows nor rounds differently.
        largest = np.abs(left).max(axis=0, initial=0.0)
        unit = np.ldexp(1.0, np.minimum(np.frexp(largest)[1], 1000))
        step, used = single(left / unit, goal)
        with np.errstate(over="ignore", invalid="ignore"):
            step = np.multiply(step, unit, dtype=np.float64)
        if not np.isfinite(step).all():
            break  # it overflowed
        X += step
        proof = problem.prove(X)
        passes += used + 1
    if proof is not None and proof.bound <= problem.rtol:
        return Outcome.of(proof, passes)
    raise problem.not_reached(proof or problem.prove(X), passes)


def by_lu(problem: Problem, factors: DenseFactors, X: FloatArray) -> Outcome:
    """Solve with dense factors into X, correct it where units differ widely, and prove it."""
    X[:] = factors.solve(problem.Y, adjoint=problem.adjoint)
    proof = problem.prove(X)
    passes = 1
    while proof.bound > problem.rtol and passes < MOST_CORRECTIONS:
        X += factors.solve(proof.left, adjoint=problem.adjoint)
        proof = problem.prove(X)
        passes += 1
    if proof.bound > problem.rtol:
        raise problem.not_reached(proof, passes)
    return Outcome.of(proof, passes)
