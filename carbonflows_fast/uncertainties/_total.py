"""A single number with its standard deviation, such as an account of a group of regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.wording import numbers
from carbonflows_fast.uncertainties._normal import interval, probability_beyond

__all__ = ["Total", "sum_of"]

ROUNDED = 1e-13


def sum_of(parts: FloatArray) -> float:
    """Return a sum, 0 where it is only rounding: net imports of all regions cancel.

    >>> import numpy as np
    >>> sum_of(np.array([0.1, 0.2, -0.3])), sum_of(np.array([0.5, -0.25]))
    (0.0, 0.25)
    """
    total = float(parts.sum())
    return total if abs(total) > ROUNDED * float(np.abs(parts).sum()) else 0.0


@dataclass(frozen=True, repr=False)
class Total:
    """A sum with its standard deviation.

    Attributes
    ----------
    value, sd : float
    unit : str
        Of both.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=4, sectors=6)
    >>> found = cf.uncertainty(table, errors=cf.Errors(Z=0.1, Y=0.1, F=0.05))
    >>> together = found.total("net_imports", ["AT", "BE"])
    >>> together, together.probability() > 0.99
    (Total(745,818 ± 71,489 kt), True)
    """

    value: float
    sd: float
    unit: str

    def __repr__(self) -> str:
        return f"Total({self})"

    def __str__(self) -> str:
        value, sd = numbers([self.value, self.sd])
        return f"{value} ± {sd} {self.unit}".rstrip()

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Return the ends (low, high) between which it lies with a probability, taken as normal.

        Parameters
        ----------
        level : float
            The probability, above 0 and below 1.

        Raises
        ------
        InputError
            If it is not.
        """
        low, high = interval(*self._frames(), level)
        return float(low.iat[0, 0]), float(high.iat[0, 0])

    def probability(self, above: float | None = None, *, below: float | None = None) -> float:
        """Return the probability that it is above a number, 0 by default, or below one.

        It is taken as normal.

        Parameters
        ----------
        above, below : float, optional
            In `unit`; one of them.

        Raises
        ------
        InputError
            If it is not finite, or both are given.
        """
        return float(probability_beyond(*self._frames(), above, below).iat[0, 0])

    def _frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        return pd.DataFrame([[self.value]]), pd.DataFrame([[self.sd]])
