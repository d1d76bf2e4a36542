"""Dense LU by LAPACK, and the choice between it and the iterations."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from carbonflows_fast._machine import thread_count
from carbonflows_fast._parts import FloatArray
from carbonflows_fast._tiles import RegionTiles
from carbonflows_fast.errors import InputError, MemoryLimitError, wrong

__all__ = ["DenseFactors", "choose_method"]

METHODS = ("auto", "gmres", "gauss-seidel", "direct")
DEFAULT_MEMORY = 8e9

# The cost model: nanoseconds on two cores with AVX-512. Only the ratios matter.
LU_FLOP = 0.012  # 2/3 n³ of them to factor
SOLVE_FLOP = 0.013  # 2 n² for each right-hand side
PASS_ENTRY = 0.04  # a nonzero times one of a group of right-hand sides
PASSES = 10


class DenseFactors:
    """LU factors of the dense I − A, in tile order.

    Parameters
    ----------
    tiles : RegionTiles
    absolute : bool
        Factor I − |A| instead.
    """

    def __init__(self, tiles: RegionTiles, *, absolute: bool = False) -> None:
        from scipy.linalg import LinAlgWarning, lu_factor

        n = tiles.n
        dense = np.empty((n, n), order="F")
        tiles.core.to_dense(absolute, dense, thread_count())
        dense[np.diag_indices(n)] += 1.0
        with warnings.catch_warnings():
            # A singular matrix shows in the proof, which decides.
            warnings.simplefilter("ignore", LinAlgWarning)
            self._factors: Any = lu_factor(dense, overwrite_a=True, check_finite=False)

    def solve(self, Y: FloatArray, *, adjoint: bool) -> FloatArray:
        """Return (I − A)⁻¹ Y, or (I − A)⁻ᵀ Y, for Y of shape (n, k)."""
        from scipy.linalg import lu_solve

        solved: FloatArray = lu_solve(
            self._factors, Y, trans=1 if adjoint else 0, check_finite=False
        )
        return solved


def choose_method(
    method: str, n: int, nnz: int, k: int, memory_limit: float | None
) -> tuple[str, str]:
    """Return the method to use and the reason.

    Parameters
    ----------
    method : str
        "auto" or the caller's choice.
    n, nnz, k : int
        Rows, nonzeros of A, right-hand sides.
    memory_limit : float or None
        Bytes that dense LU may use; 8 GB if None.

    Raises
    ------
    InputError
        If the method is unknown or the limit is not a positive number.
    MemoryLimitError
        If "direct" is asked for and needs more than the limit.
    """
    if method not in METHODS:
        raise InputError(
            wrong("method", expected=" or ".join(map(repr, METHODS)), got=repr(method),
                  remedy="leave it out to let the size of the problem decide")
        )  # fmt: skip
    limit = DEFAULT_MEMORY if memory_limit is None else memory_limit
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not limit > 0:
        raise InputError(
            wrong("memory_limit", expected="a positive number of bytes", got=repr(memory_limit),
                  remedy="leave it out for 8 GB")
        )  # fmt: skip
    # The matrix, which LAPACK overwrites, and the right-hand sides, their solutions and residuals.
    needed = 8.0 * n * n + 32.0 * n * k
    if method == "direct":
        if needed > limit and memory_limit is not None:
            raise MemoryLimitError(
                wrong("memory_limit", expected=f"at least {needed:,.0f} bytes for dense LU",
                      got=f"{limit:,.0f}", remedy="use method='gmres'")
            )  # fmt: skip
        return "direct", "asked for"
    if method != "auto":
        return method, "asked for"
    direct = LU_FLOP * 2 / 3 * n**3 + SOLVE_FLOP * 2 * n * n * k
    iterations = PASSES * nnz * PASS_ENTRY * max(k, 4)
    if direct < iterations and needed <= limit:
        return "direct", f"dense LU is expected to be cheaper for {k} right-hand sides"
    if direct < iterations:
        return "gmres", "dense LU would need more memory than allowed"
    return "gmres", f"iterations are expected to be cheaper for {k} right-hand sides"
