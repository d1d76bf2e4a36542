"""Emissions per unit of money spent on each product of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast._base.arguments import one_of, tolerance
from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast.accounting._solves import solve_multipliers
from carbonflows_fast.accounting._weights import demand_weight, positive_output
from carbonflows_fast.errors import InputError, Phrase, shorten
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._certificate import rounding
from carbonflows_fast.leontief._subsystems import pass_through_A
from carbonflows_fast.spending._margins import bought, require_no_margins
from carbonflows_fast.spending._money import Money, factor_unit, money_of
from carbonflows_fast.spending._prices import Prices, Rates, currency_of, price_year
from carbonflows_fast.table._selection import Stressor, select_rows, select_stressor
from carbonflows_fast.table._table_argument import required_table
from carbonflows_fast.uncertainties._error_model._errors import Errors, required_errors
from carbonflows_fast.uncertainties._of_multipliers import MOST_PRODUCTS, deviations

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["VALUATIONS", "factors"]

VALUATIONS = ("basic", "purchaser")


def factors(
    table: Table,
    stressor: Any = None,
    *,
    valuation: Literal["basic", "purchaser", "both"] = "basic",
    year: int | None = None,
    currency: str | None = None,
    price_index: Any = None,
    exchange: Any = None,
    margins: Any = None,
    margin_sectors: Any = None,
    products: Any = None,
    abroad: bool = False,
    errors: Errors | None = None,
    rtol: float = 1e-10,
) -> pd.DataFrame:
    """Return emissions along the whole supply chain per unit of money spent on each product.

    Parameters
    ----------
    table : Table
        Its rows are in money, e.g. M.EUR. Rows in other units have no factor, and say so.
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    valuation : {"basic", "purchaser", "both"}
        At basic prices, what the maker receives; or at purchasers' prices, what the buyer pays,
        with margins of trade and transport and with taxes. "both" gives two lines for a product.
    year : int, optional
        Whose prices the money is in. The default is the year of the table. Another one needs
        `price_index`.
    currency : str, optional
        Of the money, as "GBP". The default is that of the table. Another one needs `exchange`.
    price_index : mapping, Series, DataFrame or path of a CSV file, optional
        Price indices by year, {2019: 100, 2023: 118.5}, or by product: columns year, index, and
        sector, region or both. An empty sector stands for all products, an empty region for all
        regions. In the currency of the money.
    exchange : mapping, Series, DataFrame or path of a CSV file, optional
        What one unit of each currency is in that of the table in the table's year, {"GBP": 1.14};
        or columns currency, rate and, if there are several, year.
    margins : DataFrame or path of a CSV file, for purchasers' prices
        What one unit spent on a product consists of: columns basic, trade, transport and taxes,
        which add up to 1, and sector, region or both.
    margin_sectors : mapping, for purchasers' prices
        The rows that supply margins, {"trade": …, "transport": …}: a sector name, a pair (region,
        sector), a mask, or a list of names. A product's margins come from its own region.
    products : rows, optional
        A sector name, a pair (region, sector) of which either may be None, a mask, or a list of
        names. The default is all.
    abroad : bool
        Add which share is emitted outside the product's region: a solve for each region.
    errors : Errors, optional
        How wrong the cells of the table may be. Factors of up to 1,000 products have then standard
        deviations. Margins, and how their suppliers share them, are taken as exact, as are price
        indices and exchange rates.
    rtol : float, optional
        Relative error that every solve is certified to.

    Returns
    -------
    DataFrame, one row a product and valuation, index (region, sector)
        - factor: emissions per unit of money, in `unit`, e.g. kg/EUR for a table in kt and M.EUR;
        - direct, tier_1, rest: its parts, emitted by the maker, the maker's suppliers, and
          further up; at purchasers' prices of all that the money buys;
        - abroad: the share emitted outside the region, of sizes where there are sinks;
        - sd: standard deviation, if there are errors;
        - error_bound: proved bound on the error of factor and parts;
        - unit, currency, price_year, valuation, gases, table, year: what the factor is of. Gases
          are the stressor, of a characterisation with what it adds up.

    Raises
    ------
    LabelError
        If a stressor, region or sector is unknown.
    InputError
        If an argument is wrong; if no row is in money; if an index, a rate or shares are missing
        that are needed; or if errors are given for more than 1,000 products.
    NotProductiveError, ConvergenceError
        If the table cannot be solved, or not to `rtol`.

    Notes
    -----
    f_p = (basic_p m_p + trade_p m_trade + transport_p m_transport) · P_p(year of the table) /
    P_p(year) · rate, with (I − A)'m = s, and m_trade the mean of the suppliers' multipliers by
    output. Taxes carry nothing. That is f_p = v_p'm for what one unit of money buys, v_p; its
    variance is that of v_p'm as a whole, since the products that make up a price rest on the same
    cells. Source: Miller & Blair (2009), Input-Output Analysis, ch. 2;
    Eurostat (2008), Manual of Supply, Use and Input-Output Tables, ch. 6 (valuation).

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=2, sectors=3)
    >>> found = cf.factors(table, "CO2", products=("AT", None))
    >>> found[["factor", "direct", "tier_1", "rest", "unit"]].round(2)
                              factor  direct  tier_1  rest    unit
    region sector
    AT     Paddy rice           0.46    0.21    0.11  0.14  kg/EUR
           Wheat                0.51    0.23    0.13  0.15  kg/EUR
           Cereal grains nec    0.65    0.44    0.14  0.07  kg/EUR
    >>> in_2023 = cf.factors(table, "CO2", year=2023, price_index={2019: 100, 2023: 120})
    >>> bool(abs(in_2023.factor * 1.2 - cf.factors(table, "CO2").factor).max() < 1e-12)
    True
    """
    required_table("table", table)
    rtol = tolerance(rtol)
    one_of("valuation", valuation, (*VALUATIONS, "both"), remedy="leave it out for basic prices")
    one_of("abroad", abroad, (True, False))
    chosen, money = select_stressor(table, stressor), money_of(table)
    wanted = np.ones(table.n, dtype=np.bool_)
    if products is not None:
        wanted = select_rows(table, products, "products")
    needed = _in_money(table, money, wanted)
    given = None if errors is None else _errors_for(table, errors, needed)
    code = currency_of("currency", currency, money.currency)
    when = price_year("year", year, table)
    each = Prices.given(table, price_index).since(when, needed)
    each = each * Rates.given(table, money.currency, exchange).of(code)
    kinds = VALUATIONS if valuation == "both" else (valuation,)
    if kinds == ("basic",):
        require_no_margins(margins, margin_sectors)
    reached = {"basic": sp.eye_array(table.n, format="csr")}
    if "purchaser" in kinds:
        reached["purchaser"] = bought(table, money, margins, margin_sectors, needed)[0]
    solved = _Solved.of(table, chosen, rtol, abroad)
    rows = np.flatnonzero(wanted)
    frames = []
    for kind in kinds:
        columns = solved.columns(reached[kind][rows], rows)
        columns = {n: v if n == "abroad" else v * each[rows] for n, v in columns.items()}
        if given is not None:
            sd = np.full(table.n, np.nan)
            sd[needed] = deviations(table, stressor, given, reached[kind][needed], rtol)
            columns["sd"] = sd[rows] * each[rows]
            columns["error_bound"] = columns.pop("error_bound")
        frame = pd.DataFrame(columns, table.rows[rows])
        frame.loc[~needed[rows]] = np.nan
        frame["unit"] = _units(table, money, chosen.unit, code)[rows]
        frame["currency"], frame["price_year"], frame["valuation"] = code, when, kind
        frame["gases"], frame["table"], frame["year"] = chosen.name, table.name, table.year
        frames.append(frame)
    found = pd.concat(frames)
    if len(frames) > 1:  # the two of a product side by side
        found = found.iloc[np.arange(len(found)).reshape(2, -1).T.ravel()]
    found.attrs = {"stressor": chosen.name, "unit": chosen.unit}
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Solved:
    """Multipliers and their parts, per unit of each row.

    m, s, first : (n,), of all chains, direct, and of the first suppliers; by_region : (R, n) or
    None; bound and weight : Σ weight |error of m| ≤ bound; doubt : (n,), what rounding may add.
    """

    table: Table
    m: FloatArray
    s: FloatArray
    first: FloatArray
    by_region: FloatArray | None
    bound: float
    weight: FloatArray
    doubt: FloatArray

    @classmethod
    def of(cls, table: Table, stressor: Stressor, rtol: float, abroad: bool) -> _Solved:
        p, s, prepared = table.content, stressor.s, system(table)
        weight = demand_weight(np.abs(p.Y).sum(axis=1), positive_output(table))
        m, bounds = solve_multipliers(table, s[None], weight, rtol)
        sizes = pass_through_A(prepared, np.abs(s), adjoint=True, absolute=True)
        doubt = np.abs(m[0]) + float(bounds[0]) / weight + np.abs(s) + sizes
        by_region = None
        if abroad:
            sides = np.where(np.arange(len(p.regions))[:, None] == p.region_codes, s, 0.0)
            by_region = solve_multipliers(table, sides, weight, rtol)[0]
        return cls(
            table=table,
            m=m[0],
            s=s,
            first=pass_through_A(prepared, s, adjoint=True),
            by_region=by_region,
            bound=float(bounds[0]),
            weight=weight,
            doubt=3.0 * rounding(prepared.tiles.additions + table.n + 64) * doubt,
        )

    def columns(self, V: sp.csr_array, rows: Any) -> dict[str, FloatArray]:
        """Return the numbers of products, one for each row of V (k, n)."""
        factor, direct, first = V @ self.m, V @ self.s, V @ self.first
        columns = {"factor": factor, "direct": direct, "tier_1": first}
        columns["rest"] = factor - direct - first
        if self.by_region is not None:
            emitted = np.abs(V @ self.by_region.T)
            own = emitted[np.arange(len(rows)), self.table.content.region_codes[rows]]
            gross = emitted.sum(axis=1)
            share = np.full(len(rows), np.nan)
            np.divide(gross - own, gross, out=share, where=gross > 0.0)
            columns["abroad"] = share
        worst = sp.csr_array(V * (1.0 / self.weight)[None, :]).max(axis=1).toarray().ravel()
        columns["error_bound"] = (self.bound * worst + V @ self.doubt) * (1 + rounding(64))
        return columns


def _in_money(table: Table, money: Money, wanted: BoolArray) -> BoolArray:
    """Return which rows that are asked for are in money."""
    found: BoolArray = wanted & money.known
    if not found.any():
        units = dict.fromkeys(table.row_units.to_numpy()[wanted])
        raise InputError.about(
            "products",
            expected="rows in money",
            got=f"rows in {shorten(units)}",
            remedy="choose others, or leave it out for all",
        )
    return found


def _errors_for(table: Table, errors: Any, needed: BoolArray) -> Errors:
    given, many = required_errors(errors), int(needed.sum())
    region = table.regions[0]
    if many > MOST_PRODUCTS:
        raise InputError.about(
            "errors",
            expected=f"at most {MOST_PRODUCTS:,} products, since each takes a solve of its own",
            got=f"{many:,}",
            remedy=Phrase(
                f"choose with products=, e.g. those of one region: products=({region!r}, None)",
                f"choose with --products, e.g. those of one region: --products {region}:",
            ),
        )
    return given


def _units(table: Table, money: Money, unit: str, currency: str) -> Any:
    """Return the unit of every row's factor, and of rows that are not in money their own."""
    p = table.content
    named = [f"no factor: the row is in {one or 'no unit'}" for one in p.row_units]
    texts = np.array(named, dtype=object)[p.row_unit_codes]
    for power in np.unique(money.powers[money.known]):
        here = money.known & (money.powers == power)
        texts[here] = factor_unit(unit, int(power), currency)
    return texts
