"""The result of a carbon price: prices, payments, revenue, and who is exposed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast._base.markup import Shown
from carbonflows_fast.errors import shorten
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._subsystems import pass_through_A
from carbonflows_fast.prices._charges import Charges, Solved, deliveries
from carbonflows_fast.table._selection import select_demand

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["PriceEffects"]


@dataclass(frozen=True, eq=False, repr=False)
class PriceEffects(Shown):
    """What a price on emissions does to the prices of goods, and who pays it.

    Attributes
    ----------
    stressor : str
    price : float
        As it was given, for `per`.
    per : str
    unit : str
        Of all amounts of money: that of the table's rows.
    regions : tuple of str
        Those with the price.
    collected, paid, unallocated : float
        What the regions collect; what the final users of the world pay; and what is collected on
        output that serves no final demand of the table, 0 where sales and output agree. The first
        is the sum of the others.
    error_bound : float
        Bound on the error of any amount of money here and of any sum of a frame, in `unit`.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=4, sectors=6)
    >>> effects = cf.carbon_price(table, "CO2", 80, regions=["AT", "BE"])
    >>> effects.prices.columns.tolist()
    ['increase', 'own', 'at_border', 'from_suppliers']
    >>> bool(abs(effects.flow.to_numpy().sum() - effects.paid) < 1e-9 * effects.paid)
    True
    """

    stressor: str
    price: float
    per: str
    unit: str
    regions: tuple[str, ...]
    _table: Table
    _inside: BoolArray  # (R,)
    _charges: Charges
    _solved: Solved

    def _main_frame(self) -> pd.DataFrame:
        return self.revenue

    def __repr__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"PriceEffects({self.price:g} per {self.per} of {self.stressor!r} in "
            f"{shorten(self.regions, 3)}: {self.collected:.6g}{unit} collected, "
            f"{100 * self.crossing_share:.1f} % of it paid in other regions than it is collected)"
        )

    @property
    def error_bound(self) -> float:
        """Bound on the error of any amount of money here, in `unit`."""
        return self._solved.error_bound

    @cached_property
    def _increase(self) -> FloatArray:
        rises: FloatArray = self._solved.by_region.sum(axis=0)
        return rises

    @property
    def prices(self) -> pd.DataFrame:
        """Price rises by row, in money per money: 0.02 is 2 %.

        - increase: Δp, all that follows;
        - own: charged on the row's own emissions;
        - at_border: on its inputs that cross the border, less what is given back for inputs of
          other regions;
        - from_suppliers: the rises of its suppliers' prices;
        - without_border: Δp if only emissions at home were charged. Only if goods are charged or
          refunded at the border.

        A buyer in a region with the price pays `border_charge` of the row in addition.
        """
        own, border = self._charges.own, self._charges.border
        charged = self._charges.collected.sum(axis=0)
        columns = {
            "increase": self._increase,
            "own": own,
            "at_border": charged - own,
            "from_suppliers": self._increase - charged,
        }
        if self._at_border:
            columns["border_charge"] = border - self._charges.refund
            columns["without_border"] = self._solved.without_border
        return self._framed(columns, self._table.rows)

    @property
    def payments(self) -> pd.DataFrame:
        """What final users pay, by region and category.

        - spending: what they buy without the price;
        - in_prices: the rises of prices of what they buy;
        - at_border: charged on final goods that they buy across the border, less what is given
          back on goods that leave;
        - paid: both together; share: paid / spending, a plain number.
        """
        p = self._table.content
        spending = p.Y.sum(axis=0)
        in_prices = self._increase @ p.Y
        charged, returned = self._charges.border @ p.Y, self._charges.refund @ p.Y
        at_border = np.where(self._inside[p.demand_codes], charged, -returned)
        paid = in_prices + at_border
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(spending == 0.0, np.nan, paid / spending)
        columns = {
            "spending": spending,
            "in_prices": in_prices,
            "at_border": at_border,
            "paid": paid,
            "share": share,
        }
        return self._framed(columns, self._table.Y.columns)

    @property
    def revenue(self) -> pd.DataFrame:
        """What each region with the price collects.

        - emissions: on what is emitted there;
        - border: on goods that come in, as inputs and as final goods;
        - rebates: given back on goods that leave, not above 0;
        - total: the sum.
        """
        x, codes = self._table.x.to_numpy(), self._table.content.region_codes
        own = sums.sum_by_group((self._charges.own * x)[:, None], codes, len(self._inside))
        columns = {
            "emissions": own[self._inside, 0],
            "border": self.border_revenue.to_numpy().sum(axis=1),
            "rebates": 0.0 - self._rebates[self._inside],
        }
        columns["total"] = columns["emissions"] + columns["border"] + columns["rebates"]
        return self._framed(columns, pd.Index(self.regions, name="region"))

    @cached_property
    def border_revenue(self) -> pd.DataFrame:
        """What is charged at the border: rows collect it, columns are where the goods come from."""
        p = self._table.content
        came = deliveries(self._table, self._inside) if self._charges.border.any() else None
        values = np.zeros((len(p.regions), len(self.regions)))
        if came is not None:
            values = sums.weighted_sums(came, self._charges.border, p.region_codes, len(p.regions))
        index = pd.Index(self.regions, name="region")
        return self._framed(values.T, index, pd.Index(p.regions, name="origin"))

    @cached_property
    def _rebates(self) -> FloatArray:
        """What each region gives back, (R,)."""
        p, refund = self._table.content, self._charges.refund
        if not refund.any():
            return np.zeros(len(p.regions))
        left = deliveries(self._table, ~self._inside).sum(axis=1)
        found: FloatArray = sums.sum_by_group(
            (refund * left)[:, None], p.region_codes, len(p.regions)
        )[:, 0]
        return found

    @cached_property
    def flow(self) -> pd.DataFrame:
        """Who collects and who pays: rows collect, columns are the final users' regions."""
        p, Y = self._table.content, select_demand(self._table).values
        values = self._solved.by_region @ Y
        refunds = sums.weighted_sums(Y, self._charges.refund, p.region_codes, len(p.regions))
        here = np.flatnonzero(self._inside)
        values -= np.where(self._inside, 0.0, refunds[here])
        values[np.arange(len(here)), here] += (self._charges.border @ Y)[here]
        return self._framed(
            values, pd.Index(self.regions, name="region"), pd.Index(p.regions, name="payer")
        )

    @property
    def crossing_share(self) -> float:
        """Share of what is paid that crosses a border: collected in one region, paid in another.

        Of Σ|flow|, NaN where nothing is paid.
        """
        sizes = np.abs(self.flow.to_numpy())
        home = float(sizes[np.arange(len(sizes)), np.flatnonzero(self._inside)].sum())
        everywhere = float(sizes.sum())
        return 1.0 - home / everywhere if everywhere else float("nan")

    @property
    def collected(self) -> float:
        """What all regions collect, in `unit`."""
        return float(self.revenue["total"].sum())

    @property
    def paid(self) -> float:
        """What all final users pay, in `unit`."""
        return float(self.payments["paid"].sum())

    @property
    def unallocated(self) -> float:
        """What is collected on output that serves no final demand of the table, in `unit`."""
        p, x = self._table.content, self._table.x.to_numpy()
        gap = x - pass_through_A(system(self._table), x) - p.Y.sum(axis=1)
        return float(self._increase @ gap)

    @property
    def exposure(self) -> pd.DataFrame:
        """How much the price weighs on the sectors of the regions that have it.

        - own_cost: charged on their own emissions and on inputs across the border;
        - cost: that, and the rises of their suppliers' prices, Δp x;
        - own_share, share: the same over value added x − Σ_i z_ij, plain numbers (NaN without);
        - share_without_border: cost over value added if only emissions at home were charged;
        - trade_intensity: (exports + imports) / (output + imports), with exports to regions without
          the price, and imports from there of goods of the same sector.
        """
        p, x = self._table.content, self._table.x.to_numpy()
        at = np.flatnonzero(self._inside[p.region_codes])
        inputs = pass_through_A(system(self._table), np.ones(self._table.n), adjoint=True)
        added = x * (1.0 - inputs)
        out = deliveries(self._table, ~self._inside).sum(axis=1)
        came = np.where(
            self._inside[p.region_codes][:, None], 0.0, deliveries(self._table, self._inside)
        )
        by_sector = sums.sum_by_group(came, p.sector_codes, len(p.sectors))
        place = np.cumsum(self._inside) - 1
        imports = by_sector[p.sector_codes[at], place[p.region_codes[at]]]
        own, cost = self._charges.collected.sum(axis=0) * x, self._increase * x
        with np.errstate(divide="ignore", invalid="ignore"):
            base = np.where(added > 0.0, added, np.nan)[at]
            turnover = x[at] + imports
            traded = np.where(turnover > 0.0, (out[at] + imports) / turnover, np.nan)
        columns = {
            "own_cost": own[at],
            "cost": cost[at],
            "own_share": own[at] / base,
            "share": cost[at] / base,
            "share_without_border": (self._solved.without_border * x)[at] / base,
            "trade_intensity": traded,
        }
        return self._framed(columns, self._table.rows[at])

    @property
    def _at_border(self) -> bool:
        return bool(self._charges.border.any() or self._charges.refund.any())

    def _framed(self, values: Any, index: Any, columns: Any = None) -> pd.DataFrame:
        frame = pd.DataFrame(values, index=index, columns=columns)
        frame.attrs = {
            "stressor": self.stressor,
            "unit": self.unit,
            "error_bound": self.error_bound,
        }
        return frame
