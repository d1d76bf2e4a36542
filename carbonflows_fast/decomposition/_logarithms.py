"""Logarithms of ratios and logarithmic means that hold for numbers far apart and near.

One definition for the kernels of paths, number by number, and for arrays. Importing this module
imports Numba; callers do it inside the function that needs it. A kernel is compiled anew when its
own file changes: after a change here, clear Numba's cache for those of `_path_kernels`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.kernels import OUT_VECTOR, VECTOR, Floats, kernel

__all__ = ["helper", "log_mean", "log_ratio", "mean_by_log", "ratio_log"]

Helper = TypeVar("Helper", bound=Callable[..., Any])


def helper(function: Helper) -> Helper:
    """Compile for use inside kernels, which fix the types, and in whose cache it is kept."""
    compiler: Any = njit(nogil=True)
    return cast("Helper", compiler(function))


@helper
def ratio_log(a: float, b: float) -> float:
    """Return ln(b/a) of two numbers of one sign."""
    change = (b - a) / a
    if abs(change) < 0.5:
        return math.log1p(change)
    ratio = b / a
    if 0.0 < ratio < math.inf:
        return math.log(ratio)
    return math.log(abs(b)) - math.log(abs(a))


@helper
def mean_by_log(a: float, b: float, log: float) -> float:
    """Return Λ(a, b) = (b − a)/ln(b/a), given that logarithm."""
    if abs(log) > 0.5:
        return (b - a) / log
    if log == 0.0:
        return a
    # b − a would cancel here.
    return a * (math.expm1(log) / log)


@kernel(OUT_VECTOR, VECTOR, VECTOR)
def _ratio_logs(a: Floats, b: Floats) -> Floats:
    out = np.full(a.size, math.nan)
    for i in range(a.size):
        if a[i] != 0.0 and b[i] != 0.0:
            out[i] = ratio_log(a[i], b[i])
    return out


@kernel(OUT_VECTOR, VECTOR, VECTOR)
def _means(a: Floats, b: Floats) -> Floats:
    out = np.zeros(a.size)
    for i in range(a.size):
        if a[i] != 0.0 and b[i] != 0.0:
            out[i] = mean_by_log(a[i], b[i], ratio_log(a[i], b[i]))
    return out


def log_ratio(a: Any, b: Any) -> FloatArray:
    """Return ln(b / a) of numbers of one sign, however far or near they are; NaN with a zero.

    >>> import numpy as np
    >>> log_ratio(np.array([1.0]), np.array([1e-300])).round(3)
    array([-690.776])
    """
    return _for_each(_ratio_logs, a, b)


def log_mean(a: Any, b: Any) -> FloatArray:
    """Return Λ(a, b) = (a − b) / ln(a / b) of numbers of one sign; Λ(a, a) = a, and 0 with a zero.

    >>> import numpy as np
    >>> log_mean(np.array([2.0, 3.0]), np.array([1.0, 3.0])).round(4)
    array([1.4427, 3.    ])
    """
    return _for_each(_means, a, b)


def _for_each(kernel: Callable[[Floats, Floats], Floats], a: Any, b: Any) -> FloatArray:
    a, b = np.broadcast_arrays(a, b)
    return kernel(np.ravel(a), np.ravel(b)).reshape(a.shape)
