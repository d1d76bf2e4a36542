"""A country, and a second region that makes its imports and buys its exports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray, row_sums
from carbonflows_fast._base.wording import count
from carbonflows_fast.errors import InputError, LabelError, shorten
from carbonflows_fast.table._labels_given import agreed, label_texts
from carbonflows_fast.table._national._country import Country, country_given
from carbonflows_fast.table._national._notes import (
    about_exports,
    about_imports,
    about_output,
    about_products_not_made,
)
from carbonflows_fast.table._national._shared_out import Uses, shared_out
from carbonflows_fast.table._national._technology import factors_given, made_abroad
from carbonflows_fast.table._numbers_given import series_index
from carbonflows_fast.table._table import Table, with_notes

__all__ = ["national"]

ROUNDING = 1e-12
"""Output below this share of a product's uses is none: it is what rounding leaves of a sum."""


def national(
    Z: Any,
    Y: Any,
    F: Any,
    *,
    region: str,
    exports: Any = None,
    imports: Any = None,
    technology: Any = "domestic",
    x: Any = None,
    F_Y: Any = None,
    abroad: str = "RoW",
    sectors: Any = None,
    categories: Any = None,
    stressors: Any = None,
    extensions: Any = None,
    stressor_units: Any = None,
    row_units: Any = None,
    population: Any = None,
    year: int | None = None,
    name: str = "",
) -> Table:
    """Return a national table as a table of two regions: the country, and the world it trades with.

    The second region makes what the country imports, and nothing else; its final demand is the
    country's exports.

    Parameters
    ----------
    Z : array, sparse matrix or DataFrame, shape (n, n)
        Transactions. Domestic ones if imports are given by use, else with imports.
    Y : array or DataFrame, shape (n, m)
        Final demand by category, domestic or with imports as Z. It may have columns of exports, and
        a column that subtracts imports.
    F : array or DataFrame, shape (k, n)
        Stressors by sector; primary inputs too.
    region : str
        The country.
    exports : str, sequence of str or array of shape (n,), optional
        The columns of Y that are exports, or exports by product beside Y.
    imports : tuple, str, sequence of str or array of shape (n,), optional
        A pair (Zm, Ym) of shapes (p, n) and (p, m): imports by product and user, beside domestic Z
        and Y. Or imports by product that Z and Y contain, or the columns of Y that subtract them;
        they are then shared out in proportion to uses. None: footprints stop at the border.
    technology : "domestic", array, DataFrame or mapping, optional
        "domestic": imports, and all that goes into them, are made as at home. An array of shape
        (k, p): emissions embodied in a unit of each imported product. A mapping of some imported
        products to factors: all others are made as at home.
    x : array or Series, shape (n,), optional
        Output of the country; by default all that is sold, less imports that Z and Y contain.
    F_Y : array or DataFrame, shape (k, c), optional
        Direct emissions of the c categories of final demand at home.
    abroad : str, optional
        The name of the second region.
    sectors, categories : sequence of n and m labels, optional
        Not needed if a DataFrame has them, with one level.
    stressors, extensions, stressor_units, year, name : optional
        As in `Table`.
    row_units : str or sequence of n, optional
        Units of the sectors, and of imports.
    population : float or mapping, optional
        Heads of the country, or by region.

    Returns
    -------
    Table
        Rows of the country, then of `abroad`. Its `notes` say what was taken for granted.

    Raises
    ------
    InputError
        If a shape or a number is wrong, or more is imported of a product than is used.
    LabelError
        If labels are missing, or two arguments disagree in order.
    NotProductiveError
        If imports cannot be made as at home, since that takes more than it makes.

    Notes
    -----
    With A_d, A_m and S of the country, the table is

        A = [[A_d, 0], [A_m, A_d + A_m]],  Y = [[Y_d, e], [Y_m, e_m]],

    and S in both regions. The second region's output is solved from
    (I − A_d − A_m) x_m = Z_m·1 + Y_m·1 + e_m; columns of products with a factor are zero, and S is
    the factor. The second region buys exports as final demand alone, so that none of them come back
    in imports (no feedback).

    A product that is not made at home has neither inputs nor emissions abroad, unless it has a
    factor; a note says which. Domestic technology can be far off, and is mostly better than no
    imports at all.

    Source: Andrew, Peters & Lennox (2009), Approximation and regional aggregation in multi-regional
    input-output analysis for national carbon footprint accounting, Economic Systems Research 21,
    doi 10.1080/09535310903541751: the unidirectional trade model.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.national(
    ...     Z=[[10.0, 20.0], [5.0, 30.0]], Y=[[50.0, 20.0], [60.0, 5.0]], F=[40.0, 10.0],
    ...     imports=([[4.0, 6.0], [1.0, 2.0]], [[12.0, 0.0], [3.0, 0.0]]), exports="sold abroad",
    ...     categories=["households", "sold abroad"], sectors=["goods", "services"],
    ...     region="LU", stressors="CO2", stressor_units="kt")
    >>> table.demand.tolist()
    [('LU', 'households'), ('RoW', 'sold abroad')]
    >>> cf.accounts(table, "CO2").loc["LU", ["production", "consumption"]].round(2).to_dict()
    {'production': 50.0, 'consumption': 51.31}

    The same with 0.3 and 0.1 kt in each unit of imported goods and services:

    >>> table = cf.national(
    ...     Z=[[10.0, 20.0], [5.0, 30.0]], Y=[[50.0, 20.0], [60.0, 5.0]], F=[40.0, 10.0],
    ...     imports=([[4.0, 6.0], [1.0, 2.0]], [[12.0, 0.0], [3.0, 0.0]]), exports="sold abroad",
    ...     categories=["households", "sold abroad"], sectors=["goods", "services"],
    ...     region="LU", stressors="CO2", stressor_units="kt", technology=[0.3, 0.1])
    >>> float(cf.accounts(table, "CO2").loc["RoW", "production"].round(2))
    7.2
    """
    _require_two_names(region, abroad)
    country = country_given(
        Z,
        Y,
        F,
        exports=exports,
        imports=imports,
        x=x,
        F_Y=F_Y,
        sectors=sectors,
        categories=categories,
        stressors=stressors,
    )
    factors, by_factor = factors_given(technology, country)
    domestic, foreign, output, notes = _told_apart(country, region)
    n, p, q = len(country.sectors), len(country.products), len(country.export_names)

    Zs = np.zeros((n + p, n + p))
    Zs[:n, :n], Zs[n:, :n] = domestic[0], foreign[0]
    Ys = np.block([[domestic[1], domestic[2]], [foreign[1], foreign[2]]])
    imported = row_sums(foreign[0]) + row_sums(foreign[1]) + row_sums(foreign[2])
    Zs[n:, n:], made, emitted = made_abroad(
        country, domestic[0], foreign[0], output, imported, factors, by_factor
    )
    notes += about_imports(country, region, abroad, by_factor)
    notes += about_products_not_made(country, region, output, imported, made, by_factor)

    direct = None if country.F_Y is None else np.pad(country.F_Y, ((0, 0), (0, q)))
    table = Table(
        Z=Zs,
        Y=Ys,
        F=np.hstack([country.F, emitted]),
        x=np.concatenate([output, made]),
        F_Y=direct,
        regions=[region] * n + [abroad] * p,
        sectors=[*country.sectors, *country.products],
        demand=[
            *((region, category) for category in country.categories),
            *((abroad, category) for category in country.export_names),
        ],
        stressors=country.stressors,
        extensions=extensions,
        stressor_units=stressor_units,
        row_units=_units(row_units, country),
        population=population
        if population is None or isinstance(population, Mapping)
        else {region: population},
        year=year,
        name=name,
    )
    return with_notes(table, *notes)


def _require_two_names(region: Any, abroad: Any) -> None:
    for argument, value in (("region", region), ("abroad", abroad)):
        if not isinstance(value, str) or not value.strip():
            raise LabelError.about(
                argument, expected="a name", got=repr(value), remedy="give e.g. 'LU' and 'RoW'"
            )
    if region.strip().casefold() == abroad.strip().casefold():
        raise LabelError.about(
            "abroad",
            expected=f"another name than that of the country, {region!r}",
            got=repr(abroad),
            remedy="give e.g. abroad='Imports'",
        )


def _told_apart(c: Country, region: str) -> tuple[Uses, Uses, FloatArray, list[str]]:
    """Return domestic and imported uses, the country's output, and what to say of it."""
    n, p = len(c.sectors), len(c.products)
    notes = [about_exports(c, region)]
    if c.contained is not None:
        domestic, foreign, onwards = shared_out(c.contained, c.Z, c.Y, c.exports, c.sectors)
        how = "exports are made at home"
        if onwards:
            how = f"of {count(onwards, 'product')} more is imported than used, and exported again"
        notes.append(
            "Imports are shared out in proportion to the uses of each product at home (import "
            f"proportionality); {how}."
        )
    else:
        nothing = (np.zeros((p, n)), np.zeros((p, c.Y.shape[1])), np.zeros((p, c.exports.shape[1])))
        domestic, foreign = (c.Z, c.Y, c.exports), c.by_use or nothing
    output = sum((row_sums(part) for part in domestic), np.zeros(n))
    if c.x is not None:
        return domestic, foreign, c.x, notes + about_output(c, c.x, output)
    if c.contained is not None:
        uses = sum((row_sums(np.abs(part)) for part in (c.Z, c.Y, c.exports)), np.zeros(n))
        output[np.abs(output) <= ROUNDING * uses] = 0.0
    return domestic, foreign, output, notes


def _units(row_units: Any, c: Country) -> Any:
    """Return units of all rows; imports of other products have the one unit that there is."""
    if row_units is None or isinstance(row_units, str) or not c.products:
        return row_units
    if (index := series_index(row_units)) is not None:
        sources = [("the sectors", c.sectors), ("row_units index", label_texts("row_units", index))]
        agreed("the sectors", len(c.sectors), sources, "give a unit for each sector, in order")
    units = list(row_units)
    if c.products == c.sectors:
        return units + units
    if len(set(units)) == 1:
        return units[0]
    raise InputError.about(
        "row_units",
        expected="one unit, since imports have products of their own",
        got=shorten(sorted(set(map(str, units)))),
        remedy="write one text, e.g. row_units='M.EUR'",
    )
