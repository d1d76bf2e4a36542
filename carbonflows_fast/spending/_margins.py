"""What a buyer's price is made of: the product at basic prices, its trade and its transport, taxes.

One unit spent on product p at purchasers' prices buys basic_p of p itself, trade_p of the services
of traders and transport_p of those of carriers; taxes buy nothing. V has a row for each product and
says which rows of the table one unit of money reaches: a factor is V m, and purchases y at
purchasers' prices are V'y at basic prices.

Source: Eurostat (2008), Manual of Supply, Use and Input-Output Tables, ch. 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast.errors import InputError, Phrase, shorten
from carbonflows_fast.spending._by_row import spread_by_row
from carbonflows_fast.spending._given import frame_of
from carbonflows_fast.table._selection import select_rows

if TYPE_CHECKING:
    from carbonflows_fast.spending._money import Money
    from carbonflows_fast.table import Table

__all__ = ["KINDS", "bought", "require_no_margins"]

SHARES = ("basic", "trade", "transport", "taxes")
KINDS = ("trade", "transport")
CLOSE = 1e-6
"""Shares that are rounded to six digits still add up to 1."""


def bought(
    table: Table, money: Money, margins: Any, margin_sectors: Any, needed: BoolArray
) -> tuple[sp.csr_array, BoolArray]:
    """Return V for purchasers' prices, (n, n), and which products have shares at all.

    Parameters
    ----------
    table : Table
    money : Money
    margins : DataFrame or path
        Columns basic, trade, transport, taxes, adding up to 1; sector, and region if they differ.
    margin_sectors : mapping
        The rows that supply "trade" and "transport".
    needed : ndarray of bool, shape (n,)
        Products that must have shares.

    Returns
    -------
    V : csr_array, shape (n, n)
    known : ndarray of bool, shape (n,)

    Raises
    ------
    InputError, LabelError
    """
    if margins is None:
        raise InputError.about(
            "margins",
            expected="what purchasers' prices are made of, for valuation='purchaser'",
            got="none",
            remedy=Phrase(
                "give a frame or CSV file with columns sector, basic, trade, transport and taxes, "
                "or ask with valuation='basic'",
                "give a CSV file with columns sector, basic, trade, transport and taxes, or leave "
                "out --valuation",
            ),
        )
    lines = frame_of("margins", margins, SHARES, ("sector", "region"))
    values = np.column_stack([lines.numbers(name, "shares of the price") for name in SHARES])
    wrong = (values[:, :3] < 0.0).any(axis=1) | (np.abs(values.sum(axis=1) - 1.0) > CLOSE)
    if wrong.any():
        raise InputError.about(
            lines.argument,
            expected="shares of 0 or more (taxes less subsidies may be below) that add up to 1",
            got=lines.at(wrong, [f"{total:g} together" for total in values.sum(axis=1)]),
            remedy="divide each by the price at which the product is bought",
        )
    shares = spread_by_row(lines, table, values)[0]
    _require_all(table, shares, needed)
    kept = np.nan_to_num(shares)
    V = sp.diags_array(kept[:, 0]).tocsr()
    for kind in KINDS:
        part = kept[:, SHARES.index(kind)]
        if part.any():
            V = V + _supplied(table, money, kind, part, margin_sectors)
    return V.tocsr(), ~np.isnan(shares[:, 0])


def require_no_margins(margins: Any, margin_sectors: Any) -> None:
    """Refuse margins where nobody asked for purchasers' prices, so that none is left out silently.

    Raises
    ------
    InputError
    """
    for name, given in (("margins", margins), ("margin_sectors", margin_sectors)):
        if given is not None:
            raise InputError.about(
                name,
                expected="none for valuation='basic'",
                got=type(given).__name__,
                remedy=Phrase(
                    "ask with valuation='purchaser', or leave it out",
                    "ask with --valuation purchaser, or leave it out",
                ),
            )


def _require_all(table: Table, shares: FloatArray, needed: BoolArray) -> None:
    lacking = np.flatnonzero(needed & np.isnan(shares[:, 0]))
    if lacking.size:
        raise InputError.about(
            "margins",
            expected="shares of every product that is asked for",
            got=f"none of {shorten((table.rows[at] for at in lacking), 3)}",
            remedy="add lines for them, or one with an empty sector for all others",
        )


def _supplied(
    table: Table, money: Money, kind: str, part: FloatArray, suppliers: Any
) -> sp.csr_array:
    """Return what one unit spent on each product buys of margins, (n, n).

    The services come from the product's own region, from each row by its output. Rows may be in
    thousands or millions.
    """
    if not isinstance(suppliers, Mapping) or kind not in suppliers or set(suppliers) - set(KINDS):
        raise InputError.about(
            "margin_sectors",
            expected=f"the rows that supply {kind}, since margins have a part of it",
            got=shorten(map(repr, suppliers)) or "none"
            if isinstance(suppliers, Mapping)
            else type(suppliers).__name__,
            remedy=Phrase(
                "give {'trade': …, 'transport': …}, each a sector or a list of sectors",
                "name sectors with --trade and --transport",
            ),
        )
    rows = select_rows(table, suppliers[kind], "margin_sectors")
    p, x = table.content, np.maximum(table.x.to_numpy(), 0.0)
    scale = 10.0 ** (money.powers - money.powers.max(initial=0))
    output = np.where(rows & money.known, x * scale, 0.0)
    by_region = np.bincount(p.region_codes, output, len(p.regions))
    nobody = (part > 0.0) & (by_region[p.region_codes] <= 0.0)
    if nobody.any():
        places = dict.fromkeys(p.regions[code] for code in p.region_codes[nobody])
        raise InputError.about(
            "margin_sectors",
            expected=f"rows with output, in money, that supply {kind} in every region with margins",
            got=f"none in {shorten(map(repr, places))}",
            remedy="add sectors of these regions",
        )
    here = np.flatnonzero(output)
    weights = output[here] / by_region[p.region_codes[here]] / scale[here]
    shape = (len(p.regions), table.n)
    of_region = sp.csr_array((weights, (p.region_codes[here], here)), shape=shape)
    buyers = np.flatnonzero(part)
    spent = sp.csr_array(
        (part[buyers] * scale[buyers], (buyers, p.region_codes[buyers])),
        shape=(table.n, len(p.regions)),
    )
    return spent @ of_region
