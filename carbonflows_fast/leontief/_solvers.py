"""What a system solves with: sweeps, their twins in float32, dense factors; made when needed."""

from __future__ import annotations

import threading

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import InputError
from carbonflows_fast.leontief._dense_lu import DenseFactors, rounding_pays, shared_columns
from carbonflows_fast.leontief._methods import (
    Outcome,
    Problem,
    by_iteration,
    by_lu,
    by_refinement,
    by_rounded_iteration,
    single_krylov,
    single_lu,
)
from carbonflows_fast.leontief._sweeps import Sweeps

__all__ = ["Solvers"]


class Solvers:
    """The ways to solve with one matrix.

    Parameters
    ----------
    sweeps : Sweeps
        In float64.
    single : Sweeps, optional
        The same with tiles in float32: every method then works in float32 and refines.
    """

    def __init__(self, sweeps: Sweeps, single: Sweeps | None = None) -> None:
        self.sweeps = sweeps
        self.single = single
        self._lock = threading.Lock()
        self._dense: DenseFactors | None = None
        self._rounded: tuple[Sweeps | None] | None = None

    def in_float32(self) -> Solvers:
        """Return the ways to solve with tiles in float32.

        Raises
        ------
        InputError
            If A does not fit.
        """
        single = self.sweeps.in_single()
        if single is None:
            raise InputError.about(
                "dtype",
                expected="coefficients that fit into float32",
                got=f"A up to {np.abs(self.sweeps.tiles.core.values).max():.1e}",
                remedy="use 'float64'",
            )
        return Solvers(self.sweeps, single)

    def shared(self, k: int) -> int:
        """Return how many of k right-hand sides share a Krylov space."""
        return min(shared_columns(self.sweeps.tiles.n, self.sweeps.tiles.nnz), k)

    def run(self, problem: Problem, method: str, X: FloatArray, *, from_zero: bool) -> Outcome:
        """Solve by a method in X, which holds the start values."""
        if method == "gauss-seidel":
            return by_iteration(problem, self.sweeps, X, from_zero=from_zero, shared=0)
        if method == "gmres":
            return self._by_gmres(problem, X, from_zero=from_zero)
        if self.single is None:
            return by_lu(problem, self.dense(), X)
        return by_refinement(problem, single_lu(problem, self.dense), X, from_zero=from_zero)

    def _by_gmres(self, problem: Problem, X: FloatArray, *, from_zero: bool) -> Outcome:
        shared = max(self.shared(X.shape[1]), 1)
        if self.single is not None:
            solver = single_krylov(problem, self.single, shared)
            return by_refinement(problem, solver, X, from_zero=from_zero)
        if from_zero and rounding_pays(problem.tiles.nnz, X.shape[1]):
            rounded = self._rounding_tiles()
            if rounded is not None:
                return by_rounded_iteration(problem, self.sweeps, rounded, X, shared=shared)
        return by_iteration(problem, self.sweeps, X, from_zero=from_zero, shared=shared)

    def why(self, method: str, k: int) -> str:
        """Say what several right-hand sides have in common, if anything."""
        shared = self.shared(k) if method == "gmres" else 0
        return f"up to {shared} right-hand sides share a Krylov space" if shared > 1 else ""

    def dense(self) -> DenseFactors:
        """Return dense factors, kept until they are let go."""
        with self._lock:
            if self._dense is None:
                self._dense = DenseFactors((self.single or self.sweeps).tiles)
            return self._dense

    def release_dense(self) -> None:
        """Let dense factors go."""
        self._dense = None

    def _rounding_tiles(self) -> Sweeps | None:
        with self._lock:
            if self._rounded is None:
                self._rounded = (self.sweeps.rounding_tiles(),)
            return self._rounded[0]
