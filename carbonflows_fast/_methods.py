"""The ways to solve (I − A) X = Y, each ending in a proof.

A `Problem` is what all of them work on, in tile order; an `Outcome` is what they return.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carbonflows_fast._certificate import Certificate, Proof, prove, weighted
from carbonflows_fast._direct import DenseFactors
from carbonflows_fast._parts import FloatArray
from carbonflows_fast._sweeps import Stopping, Sweeps
from carbonflows_fast._tiles import RegionTiles
from carbonflows_fast.errors import ConvergenceError

__all__ = ["Outcome", "Problem", "by_iteration", "by_lu", "by_refinement"]

MOST_PASSES = 2000

INNER_GOAL = 3e-6
"""How far one round on float32 tiles reduces a residual: not below what their rounding leaves."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """One call of a solve: right-hand sides Y (n, k), and what is asked of their solutions."""

    tiles: RegionTiles
    nonnegative: bool
    certificate: Certificate
    Y: FloatArray
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
            self.tiles, self.certificate, X, self.Y,
            adjoint=self.adjoint, threads=self.threads,
        )  # fmt: skip

    def not_reached(self, proof: Proof, passes: int) -> ConvergenceError:
        """Say how far the bounds came, and what stands in the way."""
        worst = int(np.argmax(proof.bounds))
        return ConvergenceError(
            f"rtol: expected a certified error bound of at most {self.rtol:.1e}, got "
            f"{proof.bounds[worst]:.1e} for right-hand side {worst} after {passes} passes, of "
            f"which rounding alone is {proof.rounding[worst]:.1e}; ask "
            "cf.system(table).solve for an rtol above that, or see with cf.check(table) what "
            "brings the table close to unproductive"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Solutions X (n, k), what is proved about them, and the passes over A it took."""

    X: FloatArray
    proof: Proof
    passes: int


def by_iteration(
    problem: Problem, sweeps: Sweeps, X: FloatArray, *, from_zero: bool, krylov: bool
) -> Outcome:
    """Iterate until the certificate holds; it is taken rarely, and decides."""
    certificate = problem.certificate
    goal = 0.8 * problem.rtol / certificate.scale
    passes = 0
    for attempt in range(4):
        stopping = Stopping(MOST_PASSES, certificate.guard, certificate.weight, goal * 0.1**attempt)
        used = sweeps.run(
            problem.Y, X, stopping, from_zero=from_zero and attempt == 0,
            adjoint=problem.adjoint, threads=problem.threads, krylov=krylov,
        )  # fmt: skip
        proof = problem.prove(X)
        passes += used + 1
        if proof.bound <= problem.rtol:
            return Outcome(X, proof, passes)
        if proof.rounding.max(initial=0.0) > 0.5 * problem.rtol or used >= MOST_PASSES:
            break
    raise problem.not_reached(proof, passes)


def by_refinement(problem: Problem, single: Sweeps, X: FloatArray, *, from_zero: bool) -> Outcome:
    """Solve on float32 tiles for the residual on the float64 ones, until the certificate holds.

    The float64 pass that forms the residual also proves the bound, so it is never taken twice.
    Source: Higham (2002), Accuracy and Stability of Numerical Algorithms, ch. 12.
    """
    certificate = problem.certificate
    guard = certificate.guard
    proof = None if from_zero else problem.prove(X)
    passes = int(not from_zero)
    for _ in range(12):
        if proof is not None and proof.bound <= problem.rtol:
            return Outcome(X, proof, passes)
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
        needed = np.divide(target, size, out=np.ones_like(size), where=size > 0.0)
        goal = min(max(float(needed.min(initial=1.0)), INNER_GOAL), 0.1)
        step = np.zeros_like(X)
        stopping = Stopping(MOST_PASSES, guard, certificate.weight, goal)
        # A power of two for each column: float32 neither overflows nor rounds differently.
        largest = np.abs(left).max(axis=0, initial=0.0)
        unit = np.ldexp(1.0, np.minimum(np.frexp(largest)[1], 1000))
        passes += single.run(
            left / unit, step, stopping, from_zero=True, adjoint=problem.adjoint,
            threads=problem.threads, krylov=True,
        )  # fmt: skip
        X += step * unit
        proof = problem.prove(X)
        passes += 1
    if proof is not None and proof.bound <= problem.rtol:
        return Outcome(X, proof, passes)
    raise problem.not_reached(proof or problem.prove(X), passes)


def by_lu(problem: Problem, factors: DenseFactors) -> Outcome:
    """Solve with dense factors and prove the result."""
    X = factors.solve(problem.Y, adjoint=problem.adjoint)
    proof = problem.prove(X)
    if proof.bound > problem.rtol:
        raise problem.not_reached(proof, 1)
    return Outcome(X, proof, 1)
