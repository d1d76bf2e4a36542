"""A table of supply and use, by one of four models or by none."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd
import scipy.sparse as sp

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast.errors import InputError
from carbonflows_fast.supply_use._given import supply_use_given
from carbonflows_fast.supply_use._models import by_industry, by_product
from carbonflows_fast.supply_use._notes import how_made, oddities
from carbonflows_fast.supply_use._pair import paired
from carbonflows_fast.table import Table
from carbonflows_fast.table._table import table_from, with_notes

__all__ = ["from_supply_use"]

logger = logging.getLogger(__name__)


def from_supply_use(
    V: Any,
    U: Any,
    Y: Any,
    F: Any,
    *,
    model: str | None = "D",
    F_Y: Any = None,
    emissions_by: str = "industry",
    regions: Any = None,
    industries: Any = None,
    products: Any = None,
    demand: Any = None,
    stressors: Any = None,
    extensions: Any = None,
    stressor_units: Any = None,
    row_units: str = "",
    population: Any = None,
    year: int | None = None,
    name: str = "",
) -> Table:
    """Return a table of supply and use: square by one of four models, or the pair as it is.

    Of a industries and p products, with outputs g = V·1 by industry and q = V'·1 by product, the
    models make a square table by

        A  product technology             Z = U (V')⁻¹ q̂   F = F (V')⁻¹ q̂   x = q
        B  industry technology            Z = U ĝ⁻¹ V       F = F ĝ⁻¹ V       x = q
        C  fixed industry sales structure Z = ĝ (V')⁻¹ U   Y = ĝ (V')⁻¹ Y   x = g
        D  fixed product sales structure  Z = V q̂⁻¹ U       Y = V q̂⁻¹ Y       x = g

    where A and B keep the products, C and D the industries. With ``model=None`` the table has both,
    a + p rows with Z = [[0, V], [U, 0]] and x = (g, q). No square table is formed then, and the
    multipliers of products are those of B, those of industries those of D. Of stressors by product
    that holds for B alone, since D gives them to makers.

    Parameters
    ----------
    V : array, sparse matrix or DataFrame, shape (a, p)
        Make table: what each industry makes, in basic prices; the transpose of a supply table.
        Industries make products of their own region, so V is block diagonal by region.
    U : array, sparse matrix or DataFrame, shape (p, a)
        Use table: what each industry uses of each product, of all regions, in basic prices.
    Y : array or DataFrame, shape (p, m)
        Final demand of products.
    F : array or DataFrame, shape (k, a), or (k, p)
        Stressors by industry, or by product if `emissions_by` says so. Primary inputs are
        stressors of the extension "primary inputs".
    model : {"A", "B", "C", "D", None}
        A and C need as many products as industries in every region, and a V with an inverse. They
        may make negative numbers, which are kept.
    F_Y : array or DataFrame, shape (k, m), optional
        Stressors emitted by final users directly.
    emissions_by : {"industry", "product"}
        What the columns of F are. Emissions by product are those of making it, whoever does; C and
        D give them to its makers, by their shares of it.
    regions : str or sequence of R names, optional
        The regions, each once, which all have the same industries and products, region by region.
        Not needed if DataFrames have labels (MultiIndex region, industry, or region, product), or
        if `industries` and `products` are pairs.
    industries, products : sequence of names, or of (region, name) pairs, optional
    demand, stressors, extensions, stressor_units, population, year, name : optional
        As in `Table`.
    row_units : str, optional
        The unit of V, U and Y, one for all.

    Returns
    -------
    Table
        Z is sparse, and the pair holds A in the solver's tiles. Rows are in the order of the
        products (A, B) or of the industries (C, D). In the pair, each industry of a region is
        followed by the products that it makes most of, an order that is solved in fewer passes. If
        products have names of industries, "(industry)" and "(product)" are added to all.
        `table.notes` and the log say which model was used, whether outputs balance, and what is
        negative or lost.

    Raises
    ------
    InputError
        If a shape or a value is wrong, if an industry makes a product of another region, or if the
        model needs an inverse that V has not.
    LabelError
        If labels are missing, or two arguments disagree in order.

    Notes
    -----
    Where products do not balance (q differs from U·1 + Y·1), shares are those of what is made.
    ``cf.accounts`` then has an `unallocated` part.

    Each purchase takes two steps of a supply chain in the pair, from a product to its maker and on
    to what the maker uses. A `max_stage` or a production layer counts both.

    Source: Eurostat (2008), Manual of Supply, Use and Input-Output Tables, ch. 11; Miller & Blair
    (2009), Input-Output Analysis, ch. 5.

    Examples
    --------
    Two industries make three products; farms make some of the biogas:

    >>> import carbonflows_fast as cf
    >>> table = {
    ...     "V": [[80.0, 0.0, 20.0], [0.0, 90.0, 10.0]],
    ...     "U": [[10.0, 30.0], [20.0, 20.0], [5.0, 15.0]],
    ...     "Y": [40.0, 50.0, 10.0],
    ...     "F": [50.0, 20.0],
    ...     "regions": "DE",
    ...     "industries": ["farms", "factories"],
    ...     "products": ["food", "goods", "biogas"],
    ...     "stressors": "CO2",
    ... }
    >>> by_industry, by_product, pair = (
    ...     cf.from_supply_use(**table, model=model) for model in ("D", "B", None)
    ... )
    >>> pair
    Table(1 region, 5 sectors, 5 rows, 1 stressor (CO2), 1 demand column, A tiles)
    >>> cf.multipliers(by_industry).loc["CO2", "DE"].round(3).to_dict()
    {'farms': 0.743, 'factories': 0.663}
    >>> cf.multipliers(by_product).loc["CO2", "DE"].round(3).to_dict()
    {'food': 0.743, 'goods': 0.663, 'biogas': 0.716}
    >>> cf.multipliers(pair).loc["CO2", "DE"].round(3).to_dict()
    {'farms': 0.743, 'food': 0.743, 'biogas': 0.716, 'factories': 0.663, 'goods': 0.663}
    """
    one_of("model", model, ("A", "B", "C", "D", None))
    one_of("emissions_by", emissions_by, ("industry", "product"))
    if not isinstance(row_units, str):
        raise InputError.about(
            "row_units",
            expected="one text, since the products of an industry are added up",
            got=repr(row_units),
            remedy="give e.g. row_units='M.EUR'",
        )
    given, carried = supply_use_given(
        V,
        U,
        Y,
        F,
        by_product=emissions_by == "product",
        regions=regions,
        industries=industries,
        products=products,
    )
    pair = None
    if model is None:
        pair = paired(given)
        n = len(pair.rows.names)
        numbers, rows = pair.numbers | {"A": sp.csr_array((n, n))}, pair.rows  # A follows below
    elif model in ("A", "B"):
        numbers, rows = by_product(given, model), given.products
    else:
        numbers, rows = by_industry(given, model), given.industries
    # Frames, so that `Table` compares the labels that they came with to others.
    numbers["Y"] = pd.DataFrame(numbers["Y"], columns=carried["Y"], copy=False)
    numbers["F"] = pd.DataFrame(numbers["F"], index=carried["F"], copy=False)
    table = Table(
        **numbers,
        F_Y=F_Y,
        regions=rows.regions,
        sectors=rows.names,
        demand=demand,
        stressors=stressors,
        extensions=extensions,
        stressor_units=stressor_units,
        row_units=row_units,
        population=population,
        year=year,
        name=name,
    )
    if pair is not None:
        table = table_from(pair.in_tiles(table.content))
    odd = list(oddities(given, table, model, row_units))
    for sentence in odd:
        logger.warning("%s%s", f"{name}: " if name else "", sentence)
    return with_notes(table, how_made(model, renamed=pair is not None and pair.renamed), *odd)
