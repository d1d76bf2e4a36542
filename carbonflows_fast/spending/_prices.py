"""From money of any year and currency to the table's: prices of products, then exchange rates.

An amount of year t is first brought to the prices of the table's year by the product's own index,
P(year of the table) / P(t), and then to the table's currency by the rate of the table's year.
Neither step is ever left out: where its numbers are missing, there is an error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import real, whole
from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast.classification._currencies import CURRENCIES, currency_code
from carbonflows_fast.errors import InputError, Phrase, shorten
from carbonflows_fast.spending._by_row import spread_by_row
from carbonflows_fast.spending._given import frame_of

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Prices", "Rates", "currency_of", "price_year"]

FIRST, LAST = 1900, 2100


def price_year(argument: str, year: Any, table: Table) -> int | None:
    """Return the year of prices: that of the table where none is given.

    Raises
    ------
    InputError
        If it is no year.
    """
    if year is None:
        return table.year
    return whole(argument, year, FIRST, LAST, remedy="leave it out for the year of the table")


def currency_of(argument: str, currency: Any, own: str) -> str:
    """Return the code of a currency that is given; the table's own where none is.

    Raises
    ------
    InputError
        If it is no currency.
    """
    if currency is None:
        return own
    code = currency_code(currency) if isinstance(currency, str) else ""
    if code not in CURRENCIES:
        raise InputError.about(
            argument,
            expected="a currency by its code of ISO 4217, e.g. 'EUR'",
            got=repr(currency)[:60],
            remedy=f"leave it out for {own}, the table's",
        )
    return code


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Price indices of the products of a table: years, and P of every row, (years, n), or NaN."""

    table: Table
    years: tuple[int, ...]
    index: FloatArray

    @classmethod
    def given(cls, table: Table, price_index: Any) -> Prices:
        """Read what a user gives: a number by year, or lines of year, index, sector and region.

        Raises
        ------
        InputError, LabelError
        """
        if price_index is None:
            return cls(table, (), np.zeros((0, table.n)))
        if isinstance(price_index, Mapping | pd.Series):
            numbers = dict(price_index.items())
            price_index = pd.DataFrame({"year": list(numbers), "index": list(numbers.values())})
        columns = ("year", "index"), ("sector", "region")
        lines = frame_of("price_index", price_index, *columns)
        values = lines.numbers("index", "index numbers above 0", lambda v: v > 0.0)
        each = lines.years("year", "years")
        if (each == 0).any():
            raise InputError.about(
                lines.place("year"),
                expected="a year in every line",
                got=lines.at(each == 0),
                remedy="write the year of each line",
            )
        years, codes = np.unique(each, return_inverse=True)
        if not len(years):
            raise InputError.about(
                lines.place("year"), expected="at least one", got="none", remedy="add a line"
            )
        index = spread_by_row(lines, table, values[:, None], codes)[:, :, 0]
        return cls(table, tuple(years.tolist()), index)

    def since(self, year: int | None, needed: BoolArray) -> FloatArray:
        """Return P(table's year) / P(year) of every row, shape (n,); NaN where it is not needed.

        Raises
        ------
        InputError
            If an index of a row that is needed is missing.
        """
        own = self.table.year
        if year == own:
            return np.ones(self.table.n)
        if own is None:
            raise InputError.about(
                "year",
                expected="a table that has a year",
                got=f"{year}, and a table without one",
                remedy=Phrase.in_python("say it with table.with_changes(year=…)"),
            )
        if not self.years:
            raise InputError.about(
                "price_index",
                expected=f"prices of {year} and of {own}, the year of the table",
                got="none",
                remedy=Phrase(
                    "give an index by year, or by product, e.g. {2019: 100, 2023: 118.5}",
                    "give a CSV file with columns year and index, and sector if products differ",
                ),
            )
        lacking = [one for one in (year, own) if one not in self.years]
        if lacking:
            raise InputError.about(
                "price_index",
                expected=f"prices of {year} and of {own}, the year of the table",
                got=f"those of {shorten(self.years, 8)}",
                remedy=f"add the index of {' and '.join(map(str, lacking))}",
            )
        then, now = (self.index[self.years.index(int(one))] for one in (year or 0, own))
        ratio: FloatArray = now / then
        bad = needed & np.isnan(ratio)
        if bad.any():
            raise InputError.about(
                "price_index",
                expected=f"prices of {year} and of {own} for every product",
                got=f"none of {shorten((self.table.rows[at] for at in np.flatnonzero(bad)), 3)}",
                remedy="add lines for them, or one with an empty sector for all others",
            )
        return ratio


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """What one unit of a currency is in that of a table, in the table's year."""

    own: str
    year: int | None
    rates: Mapping[str, float]

    @classmethod
    def given(cls, table: Table, own: str, exchange: Any) -> Rates:
        """Read what a user gives: a rate by currency, or lines of currency, rate and year.

        Raises
        ------
        InputError
        """
        found: dict[str, float] = {own: 1.0}
        if isinstance(exchange, pd.Series):
            exchange = exchange.to_dict()
        if isinstance(exchange, pd.DataFrame | str | os.PathLike):
            exchange = _of_lines(table, exchange)
        if exchange is not None and not isinstance(exchange, Mapping):
            raise InputError.about(
                "exchange",
                expected=f"what one unit of each currency is in {own}",
                got=type(exchange).__name__,
                remedy="give e.g. {'GBP': 1.14}",
            )
        for name, given in (exchange or {}).items():
            rate, code = real(given), currency_of("exchange", name if name else "", own)
            wrong = not 0.0 < rate < float("inf")
            if wrong or (code == own and rate != 1.0):
                raise InputError.about(
                    "exchange",
                    expected=f"what one {code} is in {own}, {'above 0' if wrong else 'which is 1'}",
                    got=repr(given)[:60],
                    remedy=Phrase(
                        "give e.g. {'GBP': 1.14}, or leave this currency out",
                        "give e.g. --exchange GBP=1.14, or leave this currency out",
                    ),
                )
            found[code] = rate
        return cls(own, table.year, found)

    def of(self, currency: str) -> float:
        """Return what one unit is in the table's currency.

        Raises
        ------
        InputError
            If no rate of it is given.
        """
        if currency not in self.rates:
            when = self.year or "the year of the table"
            raise InputError.about(
                "exchange",
                expected=f"a rate of {currency}, since the table is in {self.own}",
                got=f"rates of {shorten(sorted(set(self.rates) - {self.own})) or 'none'}",
                remedy=Phrase(
                    f"give what one {currency} was in {self.own} in {when}, "
                    f"e.g. exchange={{{currency!r}: 1.14}}",
                    f"give what one {currency} was in {self.own} in {when}, "
                    f"e.g. --exchange {currency}=1.14",
                ),
            )
        return self.rates[currency]


def _of_lines(table: Table, given: Any) -> dict[str, float]:
    """Return rates by currency of the lines of the table's year."""
    lines = frame_of("exchange", given, ("currency", "rate"), ("year",))
    rates = lines.numbers("rate", "rates above 0", lambda v: v > 0.0)
    names = [currency_code(name) for name in lines.texts("currency")]
    years = lines.years("year", "years")
    found: dict[str, float] = {}
    for name, rate, year, line in zip(names, rates, years, lines.lines, strict=True):
        if year not in (0, table.year):  # rates of another year are not those that count
            continue
        if name in found:
            raise InputError.about(
                lines.place("currency"),
                expected="one rate for each currency",
                got=f"{name} again in {lines.called} {line:,}",
                remedy=f"keep that of {table.year or 'the table'}, in a column year or alone",
            )
        found[name] = float(rate)
    return found
