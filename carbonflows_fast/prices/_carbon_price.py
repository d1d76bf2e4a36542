"""A price on emissions: how it runs through the prices of goods, and who pays it in the end.

A price on the emissions of some regions makes their goods dearer, and all that is made of these.
Nothing else moves: producers pass on the whole cost, and nobody buys less or elsewhere. With t what
is charged per unit of output, the rise of prices is Δp' = t' (I − A)⁻¹, one adjoint solve.

At the border, goods from elsewhere may be charged for what was emitted to make them, and exporters
may be given back what their goods have paid.

Source: Miller & Blair (2009), Input-Output Analysis, section 2.6 (the Leontief price model).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from carbonflows_fast._base.arguments import one_of, positive, tolerance
from carbonflows_fast._base.arrays import BoolArray
from carbonflows_fast.classification import cbam_goods, cbam_share, regions_in
from carbonflows_fast.classification._currencies import unit_of_money
from carbonflows_fast.errors import InputError, or_no_unit, shorten
from carbonflows_fast.prices._charges import Rules, charges_of, solve_prices
from carbonflows_fast.prices._result import PriceEffects
from carbonflows_fast.table._selection import select_rows, select_stressor
from carbonflows_fast.table._units import power_between, scaled_by_ten

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["PriceEffects", "carbon_price"]

EMBODIED = (None, "direct", "total")
PER = ("kg", "t", "kt", "Mt", "unit")


def carbon_price(
    table: Table,
    stressor: Any = None,
    price: Any = None,
    *,
    regions: Any,
    border: str | None = None,
    rebate: str | None = None,
    sectors: Any = None,
    goods: Any = None,
    phase_in: int | None = None,
    per: str = "t",
    rtol: float = 1e-10,
) -> PriceEffects:
    """Return how a price on emissions changes the prices of all goods, and who pays it.

    Parameters
    ----------
    table : Table
        With rows in one unit of money.
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    price : float
        Money for a tonne, in the table's currency: 80 is 80 EUR per t where rows are in M.EUR.
    regions : str or list
        Regions with the price: regions of the table, countries, or groups, such as "EU27".
    border : {None, "direct", "total"}, optional
        What goods from other regions pay when a region with the price buys them: nothing; the same
        price on what their makers emitted themselves; or on all that was emitted outside the
        regions with the price along their supply chains.
    rebate : {None, "direct", "total"}, optional
        What is given back when a region with the price sells goods to others: nothing; the price on
        what their makers emitted; or on all that was charged at home along their supply chains.
    sectors : rows, optional
        Rows that pay for their own emissions: a sector name, a pair (region, sector) of which
        either may be None, a list of these, a mask, or "cbam" (below). The default is all.
    goods : rows, optional
        Rows that `border` and `rebate` are about, in the same forms; "cbam" are the sectors with
        goods that the EU charges at its border. The default is those of `sectors`.
    phase_in : int, optional
        A year from 2026: `goods` pay only the share of the price, at home and at the border, that
        EU law sets for it, 2.5 % in 2026 and all of it from 2034. The sectors that "cbam" counts
        as electricity pay all.
    per : {"t", "kg", "kt", "Mt", "unit"}, optional
        What the price is for. With "unit" it is in the unit of the rows for a unit of the stressor,
        and no unit is looked at.
    rtol : float, optional
        Relative error that every solve is certified to.

    Returns
    -------
    PriceEffects
        Price rises, payments, revenue and exposure, in the unit of the rows. What final users of
        the world pay is what is collected.

    Raises
    ------
    LabelError
        If a stressor, region or sector is unknown, or "cbam" is asked of unknown sectors.
    InputError
        If the price is not positive; if the table's rows are not in one unit of money, or its
        stressor is no mass; if `border` or `rebate` is another word; if there is nothing at the
        border that `goods` or `phase_in` could be about.
    NotProductiveError, ConvergenceError
        If the table cannot be solved, or not to `rtol`.

    Notes
    -----
    For regions P with the price τ: t_j = τ s_j for j in P, b_i = τ e_i for goods i of other
    regions, e being s or the part of m that is emitted outside P; charged on a_ij with j in P and
    on final purchases in P. Δp' = (t' + b'A, in columns of P)(I − A)⁻¹, and consumer q pays
    Δp'y^q + Σ_i b_i y_i^q if q is in P. What final users emit themselves (F_Y) pays nothing.
    Source: Miller & Blair (2009), Input-Output Analysis, section 2.6.

    One adjoint right-hand side for each region of P, and up to three more.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=4, sectors=6)
    >>> effects = cf.carbon_price(table, "CO2", 80, regions=["AT", "BE"], border="total")
    >>> effects.revenue[["emissions", "border"]].round().astype(int)
            emissions  border
    region
    AT        2010729   91684
    BE         148419   43631
    >>> abs(effects.collected - effects.paid - effects.unallocated) <= effects.error_bound
    True
    """
    rtol = tolerance(rtol)
    chosen = select_stressor(table, stressor)
    unit = _one_unit(table)
    money = positive("price", price, "price", infinite=False, remedy="give e.g. 80")
    rate = _in_table_units(money, per, unit, chosen.unit)
    p = table.content
    inside = np.array(regions_in(p.regions, regions, "regions", year=table.year), dtype=np.bool_)
    one_of("border", border, EMBODIED)
    one_of("rebate", rebate, EMBODIED)
    _require_border(border, rebate, goods, phase_in)
    paying, _ = _rows(table, sectors, "sectors", np.ones(table.n, dtype=np.bool_))
    crossing, electric = _rows(table, goods, "goods", paying)
    share = np.ones(table.n)
    if phase_in is not None:
        share[crossing & ~electric] = cbam_share(phase_in)
    rules = Rules(inside, paying, crossing, share, border, rebate)
    charges = charges_of(table, chosen.s, rate, rules, rtol)
    return PriceEffects(
        stressor=chosen.name,
        price=money,
        per=per,
        unit=unit,
        regions=tuple(region for region, yes in zip(p.regions, inside, strict=True) if yes),
        _table=table,
        _inside=inside,
        _charges=charges,
        _solved=solve_prices(table, charges, rtol),
    )


def _one_unit(table: Table) -> str:
    units = table.content.row_units
    if len(units) > 1:
        raise InputError.about(
            "table",
            expected="rows in one unit of money",
            got=f"the units {shorten(units)}",
            remedy="take a table in money",
        )
    return units[0] if units else ""


def _in_table_units(price: float, per: str, unit: str, stressor_unit: str) -> float:
    """Return the price in units of the rows for one unit of the stressor."""
    one_of("per", per, PER)
    if per == "unit":
        return price
    money = unit_of_money(unit)
    remedy = "give the price in the table's own units with per='unit'"
    if money is None:
        raise InputError.about(
            "price", expected="a table in money, such as M.EUR", got=or_no_unit(unit), remedy=remedy
        )
    mass = stressor_unit.partition(" ")[0]
    try:
        power = power_between("stressor", mass, per)
    except InputError as error:
        raise InputError.about(
            "price",
            expected="a stressor in a unit of mass, such as kg or kt",
            got=or_no_unit(stressor_unit),
            remedy=remedy,
        ) from error
    scaled: float = scaled_by_ten(price, power - money[1])
    return scaled


def _require_border(border: Any, rebate: Any, goods: Any, phase_in: Any) -> None:
    if border is not None or rebate is not None:
        return
    if goods is not None:
        raise InputError.about(
            "goods",
            expected="a charge or a rebate at the border that they are about",
            got="neither",
            remedy="give border='direct' or rebate='direct', or leave goods out",
        )
    if phase_in is not None:
        raise InputError.about(
            "phase_in",
            expected="a charge at the border that is phased in",
            got="none",
            remedy="give border='direct', or leave phase_in out",
        )


def _rows(
    table: Table, wanted: Any, argument: str, otherwise: BoolArray
) -> tuple[BoolArray, BoolArray]:
    """Return the rows that are meant, and which of them "cbam" counts as electricity."""
    none = np.zeros(table.n, dtype=np.bool_)
    if wanted is None:
        return otherwise, none
    known = table.content.sectors
    if isinstance(wanted, str) and wanted.casefold() == "cbam" and wanted not in known:
        found = cbam_goods(known, argument)
        power = [label for label, row in found.items() if row["good"] == "electricity"]
        electric = select_rows(table, power, argument) if power else none
        return select_rows(table, list(found), argument), electric
    return select_rows(table, wanted, argument), none
