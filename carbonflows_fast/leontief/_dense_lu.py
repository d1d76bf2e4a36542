"""Dense LU by LAPACK, and the choice between it and the iterations."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from carbonflows_fast._base.arguments import one_of, positive
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.errors import MemoryLimitError
from carbonflows_fast.leontief._tiles import RegionTiles

__all__ = [
    "DEFAULT_MEMORY",
    "ROUNDED_ENTRIES",
    "DenseFactors",
    "choose_method",
    "inverse_cost",
    "rounding_pays",
    "shared_columns",
    "solve_costs",
]


METHODS = ("auto", "gmres", "gauss-seidel", "direct")
DEFAULT_MEMORY = 8e9

# The cost model: nanoseconds on two cores with AVX-512. Only the ratios matter.
LU_FLOP = 0.008  # 2/3 n³ of them to factor, 2 n² to solve for a right-hand side; half in float32
PASS_ENTRY = 0.04  # a nonzero times one of a group of right-hand sides
PASSES = 9  # GMRES, all of them
SINGLE_PASSES = 6  # on float32 tiles, in units of a pass on float64 tiles
SHARING_ENTRIES = 2500  # nonzeros of a row of A from which sharing a Krylov space pays
MOST_SHARED = 64
ROUNDED_ENTRIES = 2_000_000  # nonzeros of A from which it pays to iterate in float32 …
ROUNDED_COLUMNS = 16  # … and right-hand sides


class DenseFactors:
    """LU factors of the dense I − A, in tile order and in the precision of the tiles.

    Parameters
    ----------
    tiles : RegionTiles
    absolute, positive : bool
        Factor I − |A| instead, or I − A without the negative entries of A.
    """

    def __init__(
        self, tiles: RegionTiles, *, absolute: bool = False, positive: bool = False
    ) -> None:
        from scipy.linalg import LinAlgWarning, lu_factor

        n = tiles.n
        dense = np.empty((n, n), order="F", dtype=tiles.core.values.dtype)
        tiles.core.to_dense(absolute, dense, thread_count())
        if positive:
            np.minimum(dense, 0.0, out=dense)  # it holds −A
        dense[np.diag_indices(n)] += 1.0
        with warnings.catch_warnings():
            # A singular matrix makes the proof fail.
            warnings.simplefilter("ignore", LinAlgWarning)
            self._factors: Any = lu_factor(dense, overwrite_a=True, check_finite=False)

    def solve(self, Y: FloatArray, *, adjoint: bool) -> FloatArray:
        """Return (I − A)⁻¹ Y, or (I − A)⁻ᵀ Y, for Y of shape (n, k), in the precision of the LU."""
        from scipy.linalg import lu_solve

        sides = np.array(Y, dtype=self._factors[0].dtype, order="F")
        solved: FloatArray = lu_solve(
            self._factors, sides, trans=1 if adjoint else 0, overwrite_b=True, check_finite=False
        )
        return solved


def choose_method(
    method: str, n: int, nnz: int, k: int, memory_limit: float | None, *, single: bool = False
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
    single : bool
        Whether tiles or factors are read in float32 and the solutions refined.

    Raises
    ------
    InputError
        If the method is unknown or the limit is not a positive number.
    MemoryLimitError
        If "direct" is asked for and needs more than the limit.

    """
    one_of("method", method, METHODS, remedy="leave it out to let the size of the problem decide")
    limit = DEFAULT_MEMORY
    if memory_limit is not None:
        remedy = "leave it out for 8 GB"
        limit = positive("memory_limit", memory_limit, "number of bytes", remedy=remedy)
    # The matrix, which LAPACK overwrites, and the right-hand sides, their solutions and residuals.
    needed = (4.0 if single else 8.0) * n * n + 32.0 * n * k
    if method == "direct":
        if needed > limit and memory_limit is not None:
            raise MemoryLimitError.about(
                "memory_limit",
                expected=f"at least {needed:,.0f} bytes for dense LU",
                got=f"{limit:,.0f}",
                remedy="use method='gmres'",
            )
        return "direct", "asked for"
    if method != "auto":
        return method, "asked for"
    direct, iterations = solve_costs(n, nnz, k, single=single)
    if direct < iterations and needed <= limit:
        return "direct", f"dense LU is expected to be cheaper for {k} right-hand sides"
    if direct < iterations:
        return "gmres", "dense LU would need more memory than allowed"
    return "gmres", f"iterations are expected to be cheaper for {k} right-hand sides"


def solve_costs(n: int, nnz: int, k: int, *, single: bool = False) -> tuple[float, float]:
    """Return what k right-hand sides are expected to cost by dense LU, and by iterations.

    Dense LU takes 2/3 n³ operations, then 2 n² and a proving pass for each right-hand side;
    GMRES takes some nine passes, each nnz operations for each right-hand side, four of which cost
    as much as one. With float32, operations of LU and passes cost half, but there are two rounds.
    """
    flop, rounds = (LU_FLOP / 2, 2) if single else (LU_FLOP, 1)
    passes = SINGLE_PASSES if single or rounding_pays(nnz, k) else PASSES
    one_pass = nnz * PASS_ENTRY * max(k, 4)
    direct = flop * (2 / 3 * n**3 + rounds * 2.0 * n * n * k) + rounds * one_pass
    return direct, passes * one_pass


def shared_columns(n: int, nnz: int) -> int:
    """Return how many right-hand sides should share a Krylov space: all that may, or none.

    A basis of k vectors a block costs some 25 n k operations for each right-hand side and pass, and
    the pass 2 nnz: the passes that sharing saves are worth more in rows of many entries only.
    """
    return MOST_SHARED if nnz >= SHARING_ENTRIES * n else 1


def rounding_pays(nnz: int, k: int) -> bool:
    """Return whether GMRES in float32, refined in float64, is expected to be cheaper.

    A pass costs half as much for 16 columns or more, but two rounds take one or two more.
    """
    return nnz >= ROUNDED_ENTRIES and k >= ROUNDED_COLUMNS


def inverse_cost(n: int, k: int) -> float:
    """Return what the inverses of both factors are expected to cost, and sums for k stressors."""
    return LU_FLOP * (4 / 3 * n**3 + 2.0 * n * n * k)
