"""Margins from tables that have them: the valuation sheets of GLORIA, price ratios of USEEIO."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import one_of, whole
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.files import given_path
from carbonflows_fast.errors import FormatError, InputError, shorten
from carbonflows_fast.readers import BLANKS
from carbonflows_fast.readers._sources._candidates import Candidate, choose_table
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._opening import open_files
from carbonflows_fast.readers.gloria._valuation import Paid, has_sheets, read_paid
from carbonflows_fast.readers.useeio import FORMAT as USEEIO
from carbonflows_fast.readers.useeio._workbook import PriceRatios, read_price_ratios
from carbonflows_fast.spending._margins import KINDS, SHARES

__all__ = ["margins"]

logger = logging.getLogger(__name__)

OWN = "give a frame of your own, with columns sector, basic, trade, transport and taxes"


def margins(
    path: str | Path,
    *,
    users: str | Sequence[str] | None = None,
    buyer: str | None = None,
    transport: float | None = None,
    year: int | None = None,
    blanks: str = "error",
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read what purchasers' prices are made of, for `factors` and `purchases`.

    From the valuation sheets of GLORIA (files …_Y-Results_2022_059_Markup001(full).csv to
    Markup005, wherever they are below the folder; no other file of the table but the ReadMe), or
    the sheet Phi in a workbook of USEEIO.

    Parameters
    ----------
    path : str or Path
        A folder, a zip or a workbook, as for `read`.
    users : {"final", "industries", "all"}, or categories of final demand, for GLORIA
        Whose purchases count: those of final users but for changes in inventories (the default),
        of industries, or both. Industries are in the files T, of 6 GB each, of which no more than
        some rows are in memory at once.
    buyer : str, optional, for GLORIA
        The region or group of regions whose users they are. The default is all.
    transport : float, for USEEIO
        The part of the margins that is of transport, 0 to 1: Phi has trade and transport together.
    year : int, optional
        Which table, if there are several; of USEEIO, which year of Phi. The default is the model's.
    blanks : {"error", "zero"}
        How to treat an empty cell among numbers, as in `read`.
    progress : bool, optional
        Whether to show a bar on standard error; None: if it is a terminal.

    Returns
    -------
    DataFrame, one row a product
        - region, sector: as the table that `read` returns has them. An empty region is for the
          product from all regions where a line of its own is lacking;
        - basic, trade, transport, taxes: shares of the price, which add up to 1. Taxes are less
          subsidies;
        - paid: of GLORIA, what the users paid for it, in thousand USD.

        Attributes `source` and `year` say what it is of, and `margin_sectors` which sectors of
        GLORIA have negative margins of a kind, and so supply it.

    Raises
    ------
    FormatError
        If a file or a sheet is missing or damaged; if sheets have other sectors than the lists of
        the table; or if there are several tables.
    LabelError
        If a category or a region is unknown.
    InputError
        If an argument is wrong, or is for the other format.

    Notes
    -----
    Basic values, margins, taxes and subsidies (below zero) of a product are added up over users,
    and divided by their sum, the price. A negative margin is one that the product supplies to
    others: it is in the basic value of the service, and not paid again, so it is taken from it.
    Products without such a sum above zero have no line; the log names them. USEEIO divides
    producers' by purchasers' prices: basic = Φ, trade = (1 − Φ)(1 − transport), and taxes are in
    the producers' price, as they are in its tables. Source: Eurostat (2008), Manual of Supply, Use
    and Input-Output Tables, ch. 6.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.read("gloria", year=2022)  # doctest: +SKIP
    >>> found = cf.margins("gloria", year=2022, users="all", buyer="DEU")  # doctest: +SKIP
    >>> suppliers = found.attrs["margin_sectors"]  # doctest: +SKIP
    >>> cf.factors(table, "CO2", valuation="purchaser", margins=found,
    ...            margin_sectors=suppliers)  # doctest: +SKIP
    >>> found = cf.margins("USEEIOv2.0.1-411.xlsx", transport=0.1)  # doctest: +SKIP
    """
    place = given_path("path", path)
    year = None if year is None else whole("year", year, None, remedy="give year=2019")
    one_of("blanks", blanks, BLANKS, remedy="leave it out to refuse empty cells")
    _check_users(users, buyer)
    with open_files(place) as files:
        files = files.with_blanks(blanks)
        if has_sheets(files):
            _only_for("transport", transport, "USEEIO, since GLORIA has trade and transport apart")
            return _of_gloria(read_paid(files, users or "final", buyer, year, progress))
        workbook = _workbook(files)
        for name, given in (("users", users), ("buyer", buyer)):
            _only_for(name, given, "GLORIA, since USEEIO has one ratio for all purchasers")
        share = _transport(transport)
        return _of_useeio(read_price_ratios(files, workbook, year, progress), share)


def _check_users(users: Any, buyer: Any) -> None:
    several = isinstance(users, Sequence) and not isinstance(users, str)
    names = list(users) if several else [] if users is None else [users]
    if (several and not names) or not all(isinstance(one, str) and one for one in names):
        raise InputError.about(
            "users",
            expected="'final', 'industries', 'all' or categories of final demand",
            got=repr(users),
            remedy="leave it out for final users",
        )
    if buyer is not None and not (isinstance(buyer, str) and buyer):
        raise InputError.about(
            "buyer",
            expected="a region or a group of regions",
            got=repr(buyer),
            remedy="leave it out for all regions",
        )


def _only_for(argument: str, given: Any, what: str) -> None:
    if given is not None:
        raise InputError.about(
            argument, expected=f"a value only for {what}", got=repr(given), remedy="leave it out"
        )


def _transport(given: Any) -> float:
    """Return the part of margins that is of transport."""
    is_number = isinstance(given, int | float | np.number) and not isinstance(given, bool)
    if not is_number or not 0.0 <= given <= 1.0:
        raise InputError.about(
            "transport",
            expected="the part of margins that is of transport, from 0 to 1, since USEEIO has them "
            "together with those of trade",
            got=repr(given),
            remedy="give e.g. transport=0.1, or transport=0 to count all as trade",
        )
    return float(given)


def _workbook(files: Files) -> Candidate:
    """Return the workbook of USEEIO."""
    found = USEEIO.find(files)
    workbooks = [one for one in found if one.name and not one.name.endswith("/")]
    if found and not workbooks:
        raise FormatError.about(
            str(files.path),
            expected="a workbook of USEEIO with a sheet Phi",
            got="a model in JSON files, which have no price ratios",
            remedy=f"give the workbook of the model, or {OWN.removeprefix('give ')}",
        )
    if not found:
        raise FormatError.about(
            str(files.path),
            expected="valuation sheets of GLORIA (…_Y-Results_2022_059_Markup001(full).csv to "
            "Markup005), or a workbook such as USEEIOv2.0.1-411.xlsx",
            got=shorten(sorted(files.sizes)) or "no files",
            remedy=f"give the folder that holds them; for another table {OWN}",
        )
    return choose_table(files, workbooks, None)


# --- shares ---------------------------------------------------------------------------------


def _of_gloria(paid: Paid) -> pd.DataFrame:
    """Return the lines of each product that is bought, and those of products of all regions."""
    sectors = list(dict.fromkeys(sector for _, sector in paid.rows))
    together = np.zeros((len(sectors), paid.values.shape[1]))
    place = {sector: at for at, sector in enumerate(sectors)}
    np.add.at(together, [place[sector] for _, sector in paid.rows], paid.values)
    labels = [*paid.rows, *(("", sector) for sector in sectors)]
    values = np.concatenate([paid.values, together])
    shares, price = _shares(values)
    kept = (price > 0.0) & (shares[:, 0] >= 0.0)
    left_out = np.flatnonzero(~kept & (values != 0.0).any(axis=1))
    if left_out.size:
        logger.warning(
            "%s: no margins of %d products, whose basic value or price is not above zero: %s",
            paid.name,
            left_out.size,
            shorten((labels[at] for at in left_out), 3),
        )
    frame = pd.DataFrame(labels, columns=["region", "sector"])
    frame[list(SHARES)] = shares
    frame["paid"] = price
    frame = frame[kept].reset_index(drop=True)
    supplied = {
        kind: [sector for sector, margin in zip(sectors, together[:, 1 + at]) if margin < 0.0]
        for at, kind in enumerate(KINDS)
    }
    frame.attrs = {"source": paid.name, "year": paid.year, "margin_sectors": supplied}
    return frame


def _shares(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return shares of the price (k, 4), and prices (k,), of basic values, margins and taxes.

    values : (k, 5), in the order of the sheets.
    """
    supplied = np.minimum(values[:, 1:3], 0.0)
    basic = values[:, 0] + supplied.sum(axis=1)
    parts = np.column_stack([basic, values[:, 1:3] - supplied, values[:, 3:].sum(axis=1)])
    price: FloatArray = parts.sum(axis=1)
    shares = np.zeros(parts.shape)
    np.divide(parts, price[:, None], out=shares, where=price[:, None] > 0.0)
    return shares, price


def _of_useeio(given: PriceRatios, transport: float) -> pd.DataFrame:
    ratios = given.ratios
    kept = (ratios > 0.0) & (ratios <= 1.0)
    if not kept.all():
        logger.warning(
            "%s: no margins of %d products, whose producers' price is not from 0 to 1 of the "
            "purchasers': %s",
            given.name,
            int((~kept).sum()),
            shorten((given.rows[at] for at in np.flatnonzero(~kept)), 3),
        )
    frame = pd.DataFrame(given.rows, columns=["region", "sector"])
    frame["basic"] = ratios
    frame["trade"] = (1.0 - ratios) * (1.0 - transport)
    frame["transport"] = (1.0 - ratios) * transport
    frame["taxes"] = 0.0
    frame = frame[kept].reset_index(drop=True)
    frame.attrs = {"source": given.name, "year": given.year}
    return frame
