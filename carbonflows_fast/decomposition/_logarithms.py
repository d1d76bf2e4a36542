"""Logarithms of ratios, and logarithmic means, that hold for numbers far apart and near."""

from __future__ import annotations

from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray

__all__ = ["log_mean", "log_ratio"]


def log_ratio(a: Any, b: Any) -> FloatArray:
    """Return ln(b / a) of numbers of one sign, however far or near they are; others are of no use.

    >>> import numpy as np
    >>> log_ratio(np.array([1.0]), np.array([1e-300])).round(3)
    array([-690.776])
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        change = (b - a) / a
        far = np.log(np.abs(b)) - np.log(np.abs(a))
        ratio: FloatArray = np.where(np.abs(change) < 0.5, np.log1p(change), far)
    return ratio


def log_mean(a: Any, b: Any) -> FloatArray:
    """Return Λ(a, b) = (a − b) / ln(a / b) of numbers of one sign; Λ(a, a) = a, and 0 with a zero.

    >>> import numpy as np
    >>> log_mean(np.array([2.0, 3.0]), np.array([1.0, 3.0])).round(4)
    array([1.4427, 3.    ])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (b - a) / log_ratio(a, b)
    return np.where((a == 0) | (b == 0), 0.0, np.where(a == b, a, mean))
