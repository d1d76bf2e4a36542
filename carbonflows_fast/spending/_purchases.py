"""The emissions that the purchases of a firm or a city cause.

Lines are added up to demand by key (product, region, year of prices), so that their number costs
next to nothing: E_k = Σ_r f_kr, f = K V M', with K what one unit of money of a key buys, V what
purchasers' prices are made of, and M the multipliers of what each region emits. One solve for each
region gives all lines, categories, emitters and tiers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast._base.arguments import one_of, tolerance
from carbonflows_fast._base.arrays import BoolArray, FloatArray, locked
from carbonflows_fast._base.wording import count, numbers
from carbonflows_fast.classification import regions_in
from carbonflows_fast.classification._files import label_key
from carbonflows_fast.errors import InputError, Phrase, shorten
from carbonflows_fast.paths import structural_paths
from carbonflows_fast.spending._by_row import Labels
from carbonflows_fast.spending._factors import VALUATIONS
from carbonflows_fast.spending._ledger import Ledger, category_parts, ledger_of
from carbonflows_fast.spending._margins import bought, require_no_margins
from carbonflows_fast.spending._match import Keys, keys_of
from carbonflows_fast.spending._money import Money, money_of
from carbonflows_fast.spending._prices import Prices, Rates, currency_of, price_year
from carbonflows_fast.spending._result import Purchases
from carbonflows_fast.spending._solved import Solved
from carbonflows_fast.table._selection import Stressor, select_stressor
from carbonflows_fast.table._table_argument import required_table

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["purchases"]


def purchases(
    table: Table,
    ledger: Any,
    stressor: Any = None,
    *,
    categories: Any = None,
    buyer: Any = None,
    currency: str | None = None,
    year: int | None = None,
    price_index: Any = None,
    exchange: Any = None,
    valuation: Literal["basic", "purchaser"] = "basic",
    margins: Any = None,
    margin_sectors: Any = None,
    rtol: float = 1e-10,
) -> Purchases:
    """Return the emissions caused by what a firm or a city bought.

    Parameters
    ----------
    table : Table
        Its rows are in money, e.g. M.EUR.
    ledger : DataFrame or path of a CSV file or workbook
        A line for each purchase. Columns:

        - amount: money, in units (not thousands) of a currency; below 0 for a refund;
        - product: a sector of the table; or category: a word of one's own, see `categories`;
        - region, optional: where the product was made: a region of the table, a country, or a
          group such as "EU27", of which each member counts by its output;
        - currency, year, optional: of the money, and of its prices.

        Other columns are kept.
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    categories : mapping, DataFrame or path of a CSV file or workbook, optional
        The products that categories stand for: {"paper": "Pulp"}; or columns category, product,
        and, if needed, weight (those of a category add up to 1) and region. A line that names a
        product does not need it.
    buyer : region, optional
        Products without a region come from where this region buys them: a label of the table, a
        country or a group. By default they come from all regions, by output.
    currency : str, optional
        Of lines without one. The default is that of the table.
    year : int, optional
        Year of prices of lines without one. The default is the year of the table.
    price_index, exchange, margins, margin_sectors
        See :func:`factors`; an index for another year, and a rate for another currency, are needed.
    valuation : {"basic", "purchaser"}
        What amounts are: at basic prices, or as the buyer pays them.
    rtol : float, optional
        Relative error that every solve is certified to.

    Returns
    -------
    Purchases
        In the stressor's unit. Lines that match no product are in `unmatched`, with the reason.

    Raises
    ------
    LabelError
        If a stressor, or a product or region of the other frames, is unknown.
    InputError
        If columns are missing; if cells are no numbers, years or currencies, with their lines; if
        a price index, a rate or margins are missing; or if not one line matches.
    NotProductiveError, ConvergenceError
        If the table cannot be solved, or not to `rtol`.

    Notes
    -----
    Line l of key k = (product, region, year) causes E_l = amount_l · rate_l · Σ_p K_kp (V m)_p,
    with K_kp = share_p · P_p(year of the table) / P_p(year), V of :func:`factors`, and
    (I − A)'m = s. Source: Miller & Blair (2009), Input-Output Analysis, ch. 2; Eurostat (2008),
    Manual of Supply, Use and Input-Output Tables, ch. 6 (valuation).

    Examples
    --------
    >>> import pandas as pd
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=2, sectors=3)
    >>> bought = pd.DataFrame({"product": ["Wheat", "wheat", "Bread"], "region": ["AT", "BE", "AT"],
    ...                        "amount": [1000.0, 500.0, 20.0]})
    >>> found = cf.purchases(table, bought, "CO2")
    >>> found
    Purchases('CO2': 602.627 kg for 1,500 EUR; 2 lines, 1 unmatched)
    >>> found.unmatched[["line", "amount", "finding"]].values.tolist()[0][:2]
    [3, 20.0]
    """
    required_table("table", table)
    rtol = tolerance(rtol)
    one_of("valuation", valuation, VALUATIONS, remedy="leave it out for basic prices")
    chosen, money = select_stressor(table, stressor), money_of(table)
    own = currency_of("currency", currency, money.currency)
    lines = ledger_of(ledger, own, price_year("year", year, table))
    rates = Rates.given(table, money.currency, exchange)
    codes, currencies = lines.currencies
    used = np.unique(codes).tolist()
    each = np.array([rates.of(one) if at in used else 1.0 for at, one in enumerate(currencies)])
    parts = category_parts(table, categories)
    if not parts and not lines.given.has("product"):
        raise InputError.about(
            "categories",
            expected="the products that categories of the ledger stand for",
            got="none, and a ledger without a column product",
            remedy=Phrase(
                "give a mapping, e.g. {'paper': 'Pulp'}, or name products",
                "give a CSV file with columns category and product, or name products",
            ),
        )
    sold = _buyer(table, buyer)
    prices = Prices.given(table, price_index)
    keys = keys_of(table, money, lines, parts, prices, sold)
    asked = _Asked(table, stressor, chosen, money, lines, keys, each)
    asked.require_a_match()
    if valuation == "basic":
        require_no_margins(margins, margin_sectors)
        V = sp.eye_array(table.n, format="csr")
    else:
        needed = np.zeros(table.n, dtype=np.bool_)
        needed[keys.K.indices] = True
        V = bought(table, money, margins, margin_sectors, needed)[0]
    notes = _notes(table, lines, currency, year, buyer, asked)
    return asked.answered(V, rtol, valuation, notes)


def _buyer(table: Table, buyer: Any) -> BoolArray | None:
    if buyer is None:
        return None
    return np.array(regions_in(table.regions, buyer, "buyer", year=table.year), dtype=np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A ledger that has been matched, and what is asked of it; `rates_of` each currency."""

    table: Table
    stressor: Any
    chosen: Stressor
    money: Money
    ledger: Ledger
    keys: Keys
    rates_of: FloatArray

    @property
    def rates(self) -> FloatArray:
        """What a unit of each line's currency is in the table's, (k,)."""
        found: FloatArray = self.rates_of[self.ledger.currencies[0]]
        return found

    @property
    def matched(self) -> BoolArray:
        """Which lines have rows."""
        known = np.array([not one for one in self.keys.findings], dtype=np.bool_)
        return known[self.keys.of_line]

    def require_a_match(self) -> None:
        """Refuse a ledger of which no line says what was bought."""
        if self.matched.any():
            return
        first = self.keys.findings[int(self.keys.of_line[0])]
        given = self.ledger.given
        raise InputError.about(
            given.argument,
            expected="lines with products of the table, or with categories of the mapping",
            got=f"none, since in {given.called} {given.lines[0]:,} {first}",
            remedy=Phrase(
                "write labels of table.sectors, or map your own words with categories=",
                "write sectors of the table, or map your own words with --categories",
            ),
        )

    def answered(
        self, V: sp.csr_array, rtol: float, valuation: str, notes: tuple[str, ...]
    ) -> Purchases:
        """Solve, and add up."""
        table, s, matched = self.table, self.chosen.s, self.matched
        # Keys without rows, of which there may be as many as lines, are left out.
        known, key = np.unique(self.keys.of_line[matched], return_inverse=True)
        money = self.keys.money[known]
        paid = (self.ledger.amounts * self.rates)[matched]
        KV = (self.keys.K[known] @ V).tocsr()
        spend, sizes = (np.bincount(key, v, len(known)) for v in (paid, np.abs(paid)))
        y = KV.T @ spend
        solved = Solved.of(table, self.chosen, abs(KV).T @ sizes, len(paid), rtol)
        by_key = KV @ solved.M.T
        emitted = paid * by_key.sum(axis=1)[key]
        labels, group = self._groups(matched)
        shape = len(labels), len(known)
        weights = sp.coo_array((paid, (group, key)), shape=shape).tocsr()
        return Purchases(
            stressor=self.chosen.name,
            unit=self.chosen.unit,
            currency=self.money.currency,
            valuation=valuation,
            total=float(emitted.sum()),
            spent=float((paid * money[key]).sum()),
            error_bound=solved.error_bound,
            notes=notes,
            demand=pd.Series(locked(y), table.rows, name="demand"),
            _given=self.ledger.given,
            _emissions=_of_lines(matched, emitted),
            _spent=_of_lines(matched, paid * money[key]),
            _findings=(self.keys.of_line, self.keys.findings),
            _groups=labels,
            _lines=np.bincount(group, minlength=len(labels)),
            _money=weights @ money,
            _by_emitter=weights @ by_key,
            _parts=weights @ np.column_stack([KV @ s, KV @ solved.first]),
            _regions=table.regions,
            _year=table.year,
            _tiers=partial(solved.tiers, y),
            _paths=partial(structural_paths, table, self.stressor, demand=y),
        )

    def _groups(self, matched: BoolArray) -> tuple[list[str], npt.NDArray[np.int64]]:
        """Return what lines are listed by, their category or else product, and the code of each."""
        (product, products), (category, categories) = self.ledger.products, self.ledger.categories
        codes = np.where(category < 0, product + len(categories), category)[matched]
        used, group = np.unique(codes, return_inverse=True)
        find, sectors = Labels(self.table).sector, self.table.content.sectors
        names, own = [*categories, *products], len(categories)
        found = [names[code] if code < own else find(names[code]) for code in used.tolist()]
        names = [one if isinstance(one, str) else sectors[one or 0] for one in found]
        labels: dict[str, str] = {}  # "Paper" and "paper" are one
        for name in names:
            labels.setdefault(label_key(name), name)
        places = {key: at for at, key in enumerate(labels)}
        again = np.array([places[label_key(name)] for name in names], dtype=np.int64)
        return list(labels.values()), again[group]


def _of_lines(matched: BoolArray, values: FloatArray) -> FloatArray:
    """Return the values of matched lines among all, NaN for the others."""
    found = np.full(matched.size, np.nan)
    found[matched] = values
    found.flags.writeable = False
    return found


def _notes(
    table: Table, ledger: Ledger, currency: Any, year: Any, buyer: Any, asked: _Asked
) -> tuple[str, ...]:
    """Say what was taken for granted, and what is not in the result."""
    own, notes = asked.money.currency, []
    no_currency, no_year = ledger.assumed
    if currency is None and no_currency:
        notes.append(f"Lines without a currency are in {own}, that of the table.")
    if year is None and table.year and no_year:
        notes.append(f"Lines without a year are in prices of {table.year}, the table's.")
    for code in np.unique(ledger.currencies[0]).tolist():
        name = ledger.currencies[1][code]
        if name != own:
            notes.append(f"One {name} is {asked.rates_of[code]:g} {own}.")
    others = sorted({*np.unique(ledger.years).tolist()} - {0, table.year or 0})
    if others:
        years = shorten(others, 8)
        notes.append(f"Prices of {years} are brought to {table.year} by the price index given.")
    nowhere = int((ledger.regions[0] < 0).sum())
    if nowhere:
        how = "all regions, by output" if buyer is None else f"where {buyer} buys them"
        notes.append(f"Products of {count(nowhere, 'line')} without a region come from {how}.")
    lost = ~asked.matched
    if lost.any():
        codes, names = ledger.currencies
        sums = np.bincount(codes[lost], ledger.amounts[lost], len(names))
        there = np.bincount(codes[lost], minlength=len(names))
        money = [f"{numbers([s])[0]} {n}" for s, n, k in zip(sums, names, there) if k]
        notes.append(
            f"{int(lost.sum()):,} of {count(len(lost), 'line')} are not in the result, since they "
            f"match no product: {' and '.join(money)}."
        )
    return tuple(notes)
