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
    "interval",
    "one_limit",
    "probability_beyond",
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


def one_limit(above: Any, below: Any) -> tuple[float, float]:
    """Return the number that answers may be beyond, and 1 for above it or −1 for below it.

    Raises
    ------
    InputError
        If it is not finite, or there are two.
    """
    if above is not None and below is not None:
        raise InputError.about(
            "below",
            expected="one limit",
            got="above too",
            remedy="leave one of them out",
        )
    name, given, side = ("above", above, 1.0) if below is None else ("below", below, -1.0)
    limit = 0.0 if given is None else real(given)
    if not np.isfinite(limit):
        raise InputError.about(
            name,
            expected="a finite number in the unit of the result",
            got=got_of(given),
            remedy=f"give e.g. {name}=0",
        )
    return limit, side


def probability_beyond(
    value: pd.DataFrame, sd: pd.DataFrame, above: float | None, below: float | None
) -> pd.DataFrame:
    """Return the probability that each value is above a number, 0 by default, or below one."""
    limit, side = one_limit(above, below)
    found = probability_positive(side * (value.to_numpy() - limit), sd.to_numpy())
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
    """Return the probability of more than 0; where nothing is uncertain 0 or 1, and 0 for 0 itself.

    NaN where there is no distance.
    """
    sure = np.where(distance > 0.0, np.inf, -np.inf)
    with np.errstate(over="ignore"):  # infinitely many standard deviations away
        ratio = np.divide(distance, sd, out=sure, where=sd > 0.0)
    found: FloatArray = np.where(np.isnan(distance), np.nan, ndtr(ratio))
    return found
