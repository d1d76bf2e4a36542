"""From the lines of a ledger to rows of a table.

Lines that name the same product or category, region and year of prices share a key; there are as
many keys as that, however many lines. A key says how one unit of the table's currency is spread
over rows: K has a row for each key, and lines without any row have a finding instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast.classification._files import label_key
from carbonflows_fast.errors import LabelError, nearest_are, shorten
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._subsystems import pass_through_A
from carbonflows_fast.spending._by_row import Labels
from carbonflows_fast.spending._ledger import Ledger, Part
from carbonflows_fast.spending._money import Money
from carbonflows_fast.spending._prices import Prices

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Keys", "bought_by", "keys_of"]

LOOKED_UP = 50
"""Unknown names of which the nearest known ones are looked for, which takes milliseconds each."""
EMPTY = "the line has neither product nor category"

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """Which key each line has, and what a key buys.

    Attributes
    ----------
    of_line : ndarray of int, shape (k,)
    findings : tuple of str
        Of each key; "" where it has rows.
    K : csr_array, shape (keys, n)
        Table units of each row for one unit of the table's currency, in the prices of the key.
    money : ndarray, shape (keys,)
        What that unit is at prices of the table's year.
    """

    of_line: Codes
    findings: tuple[str, ...]
    K: sp.csr_array
    money: FloatArray


def bought_by(table: Table, buyer: BoolArray) -> FloatArray:
    """Return what the industries and final users of some regions buy of each row, (n,)."""
    p = table.content
    x = np.where(buyer[p.region_codes], table.x.to_numpy(), 0.0)
    used = pass_through_A(system(table), x) + p.Y[:, buyer[p.demand_codes]].sum(axis=1)
    found: FloatArray = np.maximum(used, 0.0)
    return found


def keys_of(
    table: Table,
    money: Money,
    ledger: Ledger,
    parts: dict[str, tuple[Part, ...]],
    prices: Prices,
    buyer: BoolArray | None,
) -> Keys:
    """Match every line.

    Parameters
    ----------
    table : Table
    money : Money
    ledger : Ledger
    parts : dict
        Of the ledger's categories.
    prices : Prices
    buyer : ndarray of bool, shape (R,), or None
        Whose purchases say from where products without a region come; None: all output.

    Raises
    ------
    InputError
        If a price index of a product is missing.
    """
    (product, products), (category, categories) = ledger.products, ledger.categories
    region, regions = ledger.regions
    items = [*products, *categories] if parts else list(products)
    item = np.where(product < 0, category + len(products) if parts else -1, product)
    item = np.where((product < 0) & (category < 0), -1, item)
    years, year = np.unique(ledger.years, return_inverse=True)
    # A number for each combination: empty is 0, so that all are counted from there.
    wide = ((item + 1) * (len(regions) + 1) + region + 1) * len(years) + year
    distinct, of_line = np.unique(wide, return_inverse=True)
    pairs, when = np.divmod(distinct, len(years))
    places = _Places(table, money, buyer)
    found = {}
    for pair in np.unique(pairs).tolist():
        at, where = divmod(pair, len(regions) + 1)
        name = regions[where - 1] if where else ""
        if not at:
            found[pair] = _Spread(EMPTY)
        elif at > len(products):
            found[pair] = places.category(items[at - 1], parts, name)
        else:
            found[pair] = places.product(items[at - 1], name)
    spreads = [found[pair] for pair in pairs.tolist()]
    K = _matrix(spreads, table.n)
    money_now = _in_prices_of_table(K, years[when], prices)
    K.data /= 10.0 ** money.powers[K.indices]
    return Keys(of_line, tuple(one.finding for one in spreads), K, money_now)


@dataclass(frozen=True, slots=True)
class _Spread:
    """Rows and the shares of money that they get, or why there are none."""

    finding: str
    rows: Codes | None = None
    shares: FloatArray | None = None


def _matrix(spreads: list[_Spread], n: int) -> sp.csr_array:
    sizes = [0 if one.rows is None else len(one.rows) for one in spreads]
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    rows = [one.rows for one in spreads if one.rows is not None]
    shares = [one.shares for one in spreads if one.shares is not None]
    columns = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    data = np.concatenate(shares) if shares else np.zeros(0)
    return sp.csr_array((data, columns, starts), shape=(len(spreads), n))


def _in_prices_of_table(K: sp.csr_array, years: Codes, prices: Prices) -> FloatArray:
    """Bring what keys buy to the prices of the table's year, in place; return the sums of money."""
    entries = np.repeat(years, np.diff(K.indptr))
    for year in np.unique(years).tolist():
        here = entries == year
        needed = np.zeros(K.shape[1], dtype=np.bool_)
        needed[K.indices[here]] = True
        if year and needed.any():
            K.data[here] *= prices.since(year, needed)[K.indices[here]]
    return np.asarray(K.sum(axis=1), dtype=np.float64)


class _Places:
    """Finds the rows of products; the same product of several regions is shared out."""

    def __init__(self, table: Table, money: Money, buyer: BoolArray | None) -> None:
        self.labels, self.money, self._looked = Labels(table), money, 0
        p = self.content = table.content
        self._rows = [np.flatnonzero(p.sector_codes == code) for code in range(len(p.sectors))]
        scale = 10.0 ** (money.powers - money.powers.max(initial=0))
        self._made = np.maximum(table.x.to_numpy(), 0.0) * scale
        self._used = self._made if buyer is None else bought_by(table, buyer) * scale
        self._by_mix = "is made nowhere" if buyer is None else "is not bought by the buyer"
        self._regions: dict[str, BoolArray | str] = {}
        self._spreads: dict[tuple[int, str], _Spread] = {}  # categories share products

    def product(self, name: str, region: str) -> _Spread:
        """Return the rows of a product."""
        code = self.labels.sector(name)
        if code is None:
            return _Spread(
                f"the table has no product {name!r}{self._near(name, self.content.sectors)}"
            )
        return self._of(code, region)

    def category(self, name: str, parts: dict[str, tuple[Part, ...]], region: str) -> _Spread:
        """Return the rows of all products of a category."""
        key = label_key(name)
        if key not in parts:
            return _Spread(f"the mapping has no category {name!r}{self._near(name, list(parts))}")
        spreads = [self._of(part.sector, part.region or region) for part in parts[key]]
        wrong = [one.finding for one in spreads if one.finding]
        if wrong:
            return _Spread(f"category {name!r}: {wrong[0]}")
        rows = np.concatenate([one.rows for one in spreads if one.rows is not None])
        shares = [
            part.weight * one.shares
            for part, one in zip(parts[key], spreads, strict=True)
            if one.shares is not None
        ]
        return _Spread("", rows, np.concatenate(shares))

    def _of(self, code: int, region: str) -> _Spread:
        found = self._spreads.get((code, region))
        if found is None:
            found = self._spreads[code, region] = self._shared_out(code, region)
        return found

    def _shared_out(self, code: int, region: str) -> _Spread:
        p, name = self.content, self.content.sectors[code]
        where = self._region(region)
        if isinstance(where, str):
            return _Spread(where)
        rows = self._rows[code]
        rows = rows[where[p.region_codes[rows]]]
        if not len(rows):
            return _Spread(f"{region} has no product {name!r}")
        paid = rows[self.money.known[rows]]
        if not len(paid):
            units = dict.fromkeys(p.row_units[at] or "no unit" for at in p.row_unit_codes[rows])
            return _Spread(f"{name!r} is in {shorten(units)}, not in money")
        if len(paid) == 1:
            return _Spread("", paid, np.ones(1))
        size = (self._made if region else self._used)[paid]
        total = size.sum()
        if not total > 0.0:
            return _Spread(f"{name!r} {'has no output there' if region else self._by_mix}")
        bought = size > 0.0
        return _Spread("", paid[bought], size[bought] / total)

    def _region(self, name: str) -> BoolArray | str:
        if name not in self._regions:
            try:
                self._regions[name] = self.labels.region(name)
            except LabelError as error:
                self._regions[name] = f"the table has no region {name!r}; {error.remedy}"
        return self._regions[name]

    def _near(self, name: str, known: Sequence[str]) -> str:
        self._looked += 1
        return f"; {nearest_are(name, known)}" if self._looked <= LOOKED_UP else ""
