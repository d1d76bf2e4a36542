"""The answer to `uncertainty`: values, standard deviations, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import one_of, whole
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.markup import Shown
from carbonflows_fast._base.wording import percent
from carbonflows_fast.classification import regions_in
from carbonflows_fast.errors import InputError
from carbonflows_fast.uncertainties._drawing._draws import Draws
from carbonflows_fast.uncertainties._error_model._errors import SOURCES, Errors
from carbonflows_fast.uncertainties._normal import interval, probability_beyond, probability_of_more
from carbonflows_fast.uncertainties._origins import Origins
from carbonflows_fast.uncertainties._total import Total, sum_of
from carbonflows_fast.uncertainties._which_cell import cell_of_accounts, cell_of_flows

if TYPE_CHECKING:
    from carbonflows_fast.uncertainties._of_footprints import FootprintOrigins
    from carbonflows_fast.uncertainties._traded_share import TradedOrigins

__all__ = ["Uncertainty"]

SHARED = "(shared)"
SUMMED = ("consumption", "production", "net_imports")
"""Accounts whose covariances between regions are known."""


@dataclass(frozen=True, eq=False, repr=False)
class Uncertainty(Shown):
    """Accounts or flows with their standard deviations.

    Attributes
    ----------
    value : DataFrame
        The accounts that are sums of flows (production, consumption, imports, exports, net_imports,
        households) by region, or the flows, emitting region × consuming region; in `unit`. `attrs`
        has stressor, unit and error_bound, as those of :func:`accounts`. Or the column
        traded_share with rows "industries" and "all", plain numbers: what crosses a border as a
        share of what industries emit, and final users as well. Or footprints, (region, sector) of
        the products that were asked for × consumer.
    sd : DataFrame
        Standard deviations, with the same labels, in `unit`.
    stressor, unit : str
    of : str
        "accounts", "flows", "traded_share" or "footprints".
    errors : Errors
        What was assumed.
    drawn : Draws or None
        What perturbed tables come to, if any were drawn.
    multipliers : DataFrame or None
        For footprints: value and sd of each product's multiplier, per unit of the product.

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
    _origins: Origins | TradedOrigins | FootprintOrigins
    _moved: dict[str, FloatArray]  # by one standard deviation of each shared error, in `unit`
    _scale: float  # that the variances are over
    drawn: Draws | None = None
    multipliers: pd.DataFrame | None = None

    def _main_frame(self) -> pd.DataFrame:
        return self.value

    def __repr__(self) -> str:
        if self.of == "traded_share":
            value, sd = self.value.iat[0, 0], self.sd.iat[0, 0]
            return f"Uncertainty({self.stressor!r}, traded share {percent(value)} ± {percent(sd)})"
        what = "consumption" if self.of == "accounts" else self.of
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
        return interval(self.value, self.sd, level)

    def probability(
        self, above: float | None = None, *, below: float | None = None
    ) -> pd.DataFrame:
        """Return the probability that each value is above a number, 0 by default, or below one.

        `probability().net_imports` says who is a net importer, and so whose consumption is above
        its production. Answers are taken to be normal; the errors that two parts of an answer share
        cancel as in `sd`. Where nothing is uncertain it is 0 or 1, and 0 both above and below what
        the value is exactly.

        Parameters
        ----------
        above, below : float, optional
            In `unit`; one of them.

        Returns
        -------
        DataFrame
            With the labels of `value`.

        Raises
        ------
        InputError
            If it is not finite, or both are given.
        """
        return probability_beyond(self.value, self.sd, above, below)

    def probability_larger(self, account: str = "consumption") -> pd.DataFrame:
        """Return the probability that a row's region has more than a column's: of two ranks.

        Regions share errors, which do not change their order: the variance of the difference is
        that of both less twice their covariance.

        Parameters
        ----------
        account : {"consumption", "production", "net_imports"}

        Returns
        -------
        DataFrame
            Region × region, NaN for a region and itself.

        Raises
        ------
        InputError
            If the account is another, or if flows were asked for.
        """
        covariance = self.covariance(account).to_numpy()
        return probability_of_more(self.value[account], covariance)

    @property
    def _own_sd(self) -> FloatArray:
        """Standard deviations by the errors that are not shared."""
        own: FloatArray = np.sqrt(np.sum([self._variances[name] for name in SOURCES], axis=0))
        return own * self._scale

    @cached_property
    def by_source(self) -> pd.DataFrame:
        """Shares of each variance by source: Z, Y, F, F_Y, and every shared error by its name.

        Rows are (region, account), (region, consumer), or for footprints (region, sector,
        consumer). Plain numbers that sum to 1; NaN where
        nothing is uncertain.
        """
        parts = np.stack(list(self._variances.values()), axis=-1)
        return self._shares(parts, pd.Index(list(self._variances), name="source"))

    @cached_property
    def by_region(self) -> pd.DataFrame:
        """Shares of each variance by the region whose data are wrong.

        An error of Z or Y belongs to the region that sells, one of F to the region that emits, and
        one of F_Y to that of the final users. "(shared)" has all shared errors, which may move
        cells of many regions. Rows are those of `by_source`; numbers sum to 1.
        """
        columns = pd.Index([*self._origins.table.regions, SHARED], name="region")
        return self._shares(self._with_shared(self._origins.by_region()), columns)

    @cached_property
    def by_sector(self) -> pd.DataFrame:
        """Shares of each variance by the sector that sells or emits, in any region.

        "(final users)" has errors of F_Y, "(shared)" all shared errors. Rows are those of
        `by_source`; numbers sum to 1.
        """
        sectors = self._origins.table.content.sectors
        columns = pd.Index([*sectors, "(final users)", SHARED], name="sector")
        return self._shares(self._with_shared(self._origins.by_sector()), columns)

    def _with_shared(self, own: FloatArray) -> FloatArray:
        shared = [self._variances[one.name] for one in self.errors.shared]
        total = np.sum([*shared, np.zeros(self.sd.shape)], axis=0)
        return np.concatenate([own, total[:, :, None]], axis=2)

    def _shares(self, parts: FloatArray, columns: pd.Index) -> pd.DataFrame:
        """Return parts of variances, (rows, columns, parts), as shares with a row for each."""
        total = np.sum(list(self._variances.values()), axis=0)[:, :, None]
        sums, shares = parts.sum(axis=2, keepdims=True), np.full(parts.shape, np.nan)
        np.divide(parts, sums, out=shares, where=(total > 0.0) & (sums > 0.0))
        by_consumer = self.of in ("flows", "footprints")
        answers = self.sd.columns.rename("consumer" if by_consumer else "account")
        rows, count = self.sd.index, len(self.sd)
        index = pd.MultiIndex.from_product([range(count) if rows.nlevels > 1 else rows, answers])
        if isinstance(rows, pd.MultiIndex):
            codes = [np.repeat(code, len(answers)) for code in rows.codes]
            index = pd.MultiIndex(
                [*rows.levels, answers], [*codes, index.codes[-1]], names=[*rows.names, "consumer"]
            )
        return pd.DataFrame(shares.reshape(len(index), -1), index, columns)

    def top_cells(
        self,
        region: str,
        account: str | None = None,
        *,
        consumer: str | None = None,
        count: int = 10,
    ) -> pd.DataFrame:
        """Return the cells of the table whose own errors make an answer most unsure.

        Parameters
        ----------
        region : str
            A region of the table; for flows the one that emits.
        account : str, optional
            Which account; consumption by default.
        consumer : str, optional
            For flows, the region that consumes; not for accounts.
        count : int
            How many cells at most. Cells that do not move the answer are left out.

        Returns
        -------
        DataFrame
            A row for each cell, the largest share first: `source` (Z, Y, F, F_Y); `region` and
            `sector` that sell or emit; `buyer_region` and `buyer` (sector, or category of final
            demand); `stressor`; its `value` as the table has it; its relative `deviation`; its
            `share` of the variance; and `sd_if_halved`, the standard deviation of the answer if the
            cell's own deviation were half as large, in `unit`. Shared errors are left as they are.

        Raises
        ------
        LabelError
            If a region is unknown.
        InputError
            If an account is unknown or given for flows, or `consumer` for accounts or not for
            flows, or the count is no whole number from 1 to 100,000.

        Notes
        -----
        The part of a cell is (σ · derivative)², with the derivatives of :func:`uncertainty`. Rows
        of Z are searched in the order of their variances, until none left can have a larger cell;
        memory for a few rows is all that it takes.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> table = cf.synthetic.world(regions=3, sectors=4)
        >>> found = cf.uncertainty(table, errors=cf.Errors(Z=0.1, Y=0.1, F=0.05))
        >>> cells = found.top_cells("AT", count=2)
        >>> cells[["source", "region", "sector", "share"]].round(2)
          source region                   sector  share
        0      F     AT  Vegetables, fruit, nuts   0.41
        1      F     AT                    Wheat   0.29
        """
        count = whole("count", count, most=100_000, remedy="leave it out for 10")
        if not isinstance(self._origins, Origins):
            raise InputError.about(
                "of",
                expected="accounts or flows",
                got=self.of,
                remedy="look at by_sector",
            )
        regions = self._origins.table.regions
        if self.of == "accounts":
            names = tuple(self.value.columns)
            row, column = cell_of_accounts(regions, names, region, account, consumer)
        else:
            row, column = cell_of_flows(regions, region, account, consumer)
        variance = float(np.sum([part[row, column] for part in self._variances.values()]))
        return self._origins.top_cells(row, column, variance, count)

    def covariance(self, account: str = "consumption") -> pd.DataFrame:
        """Return the covariances of an account between regions, region × region, in `unit` squared.

        Regions share the errors of what they buy from the same industries, and shared errors.

        Parameters
        ----------
        account : {"consumption", "production", "net_imports"}

        Raises
        ------
        InputError
            If it is another, or if flows were asked for.
        """
        matrix, regions = self._covariance(account), self.value.index
        return pd.DataFrame(matrix.copy(), regions, regions.rename("with"))

    def total(self, account: str = "consumption", regions: Any = None) -> Total:
        """Return the sum of an account over regions, such as a group, and how sure it is.

        Parameters
        ----------
        account : {"consumption", "production", "net_imports"}
        regions : str or list of str, optional
            Labels of the table, countries, or groups such as "EU27"; all regions by default. Of
            several names it is their union: a region that is named twice counts once.

        Returns
        -------
        Total
            With value, sd and unit, interval(level) and probability(above), as for single regions.

        Raises
        ------
        LabelError
            If a region is unknown.
        InputError
            If the account is another, or if flows were asked for.

        Notes
        -----
        The variance is the sum of all covariances between these regions.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> table = cf.synthetic.world(regions=4, sectors=6)
        >>> found = cf.uncertainty(table, errors=cf.Errors(Z=0.1, Y=0.1, F=0.05))
        >>> found.total("net_imports", ["AT", "BE"])
        Total(745,818 ± 71,489 kt)
        """
        covariance, table = self._covariance(account), self._origins.table
        within = np.ones(len(table.regions), dtype=bool)
        if regions is not None:
            within = np.array(regions_in(table.regions, regions, "regions", year=table.year))
        variance = sum_of(covariance[np.ix_(within, within)])
        value = sum_of(self.value[account].to_numpy()[within])
        return Total(value, max(variance, 0.0) ** 0.5, self.unit)

    def industries(self) -> Total:
        """Return what all industries emit, without households, and how sure it is.

        Raises
        ------
        InputError
            If flows were asked for.
        """
        variance = float(self._of_accounts()["industries"].sum())
        value = float((self.value["production"] - self.value["households"]).sum())
        return Total(value, max(variance, 0.0) ** 0.5, self.unit)

    def _covariance(self, account: str) -> FloatArray:
        found = self._of_accounts()
        return found[one_of("account", account, SUMMED, remedy="leave it out")]

    def _of_accounts(self) -> dict[str, FloatArray]:
        if self.of != "accounts":
            raise InputError.about(
                "of",
                expected="accounts",
                got=self.of,
                remedy='ask cf.uncertainty(…, of="accounts")',
            )
        return self._covariances
