"""The answer to `uncertainty`: values, standard deviations, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import one_of, share
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.wording import percent
from carbonflows_fast.errors import InputError
from carbonflows_fast.uncertainties._draws import Draws
from carbonflows_fast.uncertainties._errors import Errors

__all__ = ["Uncertainty"]


@dataclass(frozen=True, eq=False, repr=False)
class Uncertainty:
    """Accounts or flows with their standard deviations.

    Attributes
    ----------
    value : DataFrame
        The accounts that are sums of flows (production, consumption, imports, exports, net_imports,
        households) by region, or the flows, emitting region × consuming region; in `unit`. `attrs`
        has stressor, unit and error_bound, as those of :func:`accounts`.
    sd : DataFrame
        Standard deviations, with the same labels, in `unit`.
    stressor, unit : str
    of : str
        "accounts" or "flows".
    errors : Errors
        What was assumed.
    drawn : Draws or None
        What perturbed tables come to, if any were drawn.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=3, sectors=4)
    >>> found = cf.uncertainty(table, errors=cf.Errors(Z=0.1, Y=0.1, F=0.05), of="flows")
    >>> found.value.shape, found.sd.shape
    ((3, 3), (3, 3))
    >>> bool(abs(found.by_source.sum(axis=1) - 1).max() < 1e-12)
    True
    """

    value: pd.DataFrame
    sd: pd.DataFrame
    stressor: str
    unit: str
    of: str
    errors: Errors
    _variances: dict[str, FloatArray]  # by source, over one and the same scale
    _covariances: dict[str, FloatArray]
    drawn: Draws | None = None

    def __repr__(self) -> str:
        what = "consumption" if self.of == "accounts" else "flows"
        relative = self.relative[["consumption"]] if self.of == "accounts" else self.relative
        typical = pd.Series(relative.to_numpy().ravel()).median()
        unit = f" in {self.unit}" if self.unit else ""
        shape = " × ".join(map(str, self.sd.shape))
        return (
            f"Uncertainty({self.stressor!r}{unit}, {self.of} {shape}, "
            f"median of {what} ± {percent(typical)})"
        )

    @property
    def relative(self) -> pd.DataFrame:
        """Standard deviations over the sizes of the values, plain numbers; NaN where that is 0."""
        return self.sd / self.value.abs().replace(0.0, np.nan)

    def interval(self, level: float = 0.9) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the ends (low, high) between which a value lies with a probability, in `unit`.

        Value ± z sd, as if errors of the answer were normal: good where they are many and small.

        Parameters
        ----------
        level : float
            The probability, above 0 and below 1.

        Raises
        ------
        InputError
            If it is not.
        """
        level = share("level", level, remedy="give e.g. 0.9")
        reach = NormalDist().inv_cdf(0.5 + level / 2.0) * self.sd
        return self.value - reach, self.value + reach

    @cached_property
    def by_source(self) -> pd.DataFrame:
        """Shares of each variance by source: Z, Y, F, F_Y, and every shared error by its name.

        Rows are (region, account) or (region, consumer). Plain numbers that sum to 1; NaN where
        nothing is uncertain.
        """
        columns = self.sd.columns.rename("account" if self.of == "accounts" else "consumer")
        index = pd.MultiIndex.from_product([self.sd.index, columns])
        parts = np.stack([part.ravel() for part in self._variances.values()], axis=1)
        total = parts.sum(axis=1, keepdims=True)
        shares = np.full(parts.shape, np.nan)
        np.divide(parts, total, out=shares, where=total > 0.0)
        return pd.DataFrame(shares, index, pd.Index(list(self._variances), name="source"))

    def covariance(self, account: str = "consumption") -> pd.DataFrame:
        """Return the covariances of an account between regions, region × region, in `unit` squared.

        Regions share the errors of what they buy from the same industries, and shared errors.

        Parameters
        ----------
        account : {"consumption", "production"}

        Raises
        ------
        InputError
            If it is another, or if flows were asked for.
        """
        if not self._covariances:
            raise InputError.about(
                "covariance",
                expected="accounts",
                got="flows",
                remedy='ask cf.uncertainty(…, of="accounts")',
            )
        one_of("account", account, ("consumption", "production"), remedy="leave it out")
        matrix, regions = self._covariances[account], self.value.index
        return pd.DataFrame(matrix.copy(), regions, regions.rename("with"))
