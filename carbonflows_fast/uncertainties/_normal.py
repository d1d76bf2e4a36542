"""Intervals and probabilities of normal answers."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from carbonflows_fast._base.arguments import real, share
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import InputError
from carbonflows_fast.uncertainties._error_model._forms import got_of

__all__ = [
    "finite_limit",
    "interval",
    "probability_above",
    "probability_of_more",
    "probability_positive",
]

SAME = 1e-13
"""Of two variances: a variance of their difference below that is what rounding leaves."""


def interval(
    value: pd.DataFrame, sd: pd.DataFrame, level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return value ± z sd, in which a value lies with the probability `level`."""
    level = share("level", level, remedy="give e.g. 0.9")
    reach = NormalDist().inv_cdf(0.5 + level / 2.0) * sd
    return value - reach, value + reach


def finite_limit(above: Any) -> float:
    """Return a number that answers may be above."""
    limit = real(above)
    if not np.isfinite(limit):
        raise InputError.about(
            "above",
            expected="a finite number in the unit of the result",
            got=got_of(above),
            remedy="leave it out for 0",
        )
    return limit


def probability_above(value: pd.DataFrame, sd: pd.DataFrame, above: float) -> pd.DataFrame:
    """Return the probability that each value is above a number."""
    limit = finite_limit(above)
    found = probability_positive(value.to_numpy() - limit, sd.to_numpy())
    return pd.DataFrame(found, value.index, value.columns)


def probability_of_more(value: pd.Series, covariance: FloatArray) -> pd.DataFrame:
    """Return the probability that a row's value is above a column's; NaN on the diagonal."""
    numbers, own = value.to_numpy(), np.diag(covariance)
    either = own[:, None] + own
    variance = either - 2.0 * covariance
    variance = np.where(variance > SAME * either, variance, 0.0)
    found = probability_positive(numbers[:, None] - numbers, np.sqrt(variance))
    np.fill_diagonal(found, np.nan)
    return pd.DataFrame(found, value.index, value.index.rename("with"))


def probability_positive(distance: FloatArray, sd: FloatArray) -> FloatArray:
    """Return the probability of more than 0, 0 or 1 where nothing is uncertain."""
    sure = np.where(distance > 0.0, np.inf, -np.inf)
    with np.errstate(over="ignore"):  # infinitely many standard deviations away
        ratio = np.divide(distance, sd, out=sure, where=sd > 0.0)
    found: FloatArray = ndtr(ratio)
    return found
