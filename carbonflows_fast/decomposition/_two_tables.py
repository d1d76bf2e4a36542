"""Two tables of one shape, before and after, as arrays in one order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arrays import CodeArray, FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.accounting._solves import ACCURATE_OF_TWO, most_accurate
from carbonflows_fast.accounting._weights import account_weight, demand_weight, positive_output
from carbonflows_fast.decomposition._comparable import aligned, with_prices
from carbonflows_fast.leontief import LeontiefSystem, system
from carbonflows_fast.leontief._certificate import rounding
from carbonflows_fast.leontief._tiles import RegionTiles, tiles_from
from carbonflows_fast.table import Table
from carbonflows_fast.table._selection import select_demand, select_stressor
from carbonflows_fast.table._stressors import require_same_stressor
from carbonflows_fast.table._table_argument import required_table

__all__ = ["TwoTables", "Year", "two_tables_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Year:
    """One of the two tables: s (n,) and Y (n, q) by consumer, in tile order."""

    table: Table
    s: FloatArray
    Y: FloatArray

    @property
    def tiles(self) -> RegionTiles:
        """A, as the table's own system has it."""
        return system(self.table).tiles

    @property
    def y(self) -> FloatArray:
        """Final demand of all consumers, (n,); zero where consumers cancel but for rounding."""
        return _no_rounding(self.Y.sum(axis=1), np.abs(self.Y).sum(axis=1), self.Y.shape[1])


@dataclass(frozen=True, eq=False)
class TwoTables:
    """What a decomposition starts from; vectors are in tile order.

    Attributes
    ----------
    before, after : Year
    stressor, unit : str
    deflated : bool
        Whether `after` is in the prices of `before`.
    consumers : tuple of str
        Of the columns of both Y: the regions of `before`, or ("demand",) for an array.
    heads : pair of ndarray, shape (q,), or None
        Population of the consumers in both years, 1 of those that are not asked about; None where
        a table does not know it.
    no_heads : str
        Why there are none although a table has some; empty where neither has.
    region_codes, product_codes : ndarray of int32, shape (n,)
        Of every row in tile order.
    """

    before: Year
    after: Year
    stressor: str
    unit: str
    deflated: bool
    consumers: tuple[str, ...]
    heads: tuple[FloatArray, FloatArray] | None
    no_heads: str
    region_codes: CodeArray
    product_codes: CodeArray

    @property
    def years(self) -> tuple[Year, Year]:
        """Before and after."""
        return self.before, self.after

    @property
    def n(self) -> int:
        """Rows of each table."""
        return self.before.s.size

    @property
    def prices(self) -> str:
        """What values are measured in."""
        if not self.deflated:
            return "current prices"
        return f"prices of {self.before.table.year or self.before.table.name or 'before'}"

    @cached_property
    def order(self) -> Any:
        """Table row of each row here, (n,)."""
        order = self.before.tiles.order
        return np.arange(self.n) if order is None else order

    @cached_property
    def place(self) -> Any:
        """Place of each table row here, (n,)."""
        return np.argsort(self.order, kind="stable")

    def in_table_order(self, values: FloatArray) -> FloatArray:
        """Return a vector in the order of the table."""
        return np.ascontiguousarray(values[self.place])

    @property
    def label(self) -> str:
        """What is compared, e.g. "2000 → 2009"."""
        names = [str(year.table.year or year.table.name or "?") for year in self.years]
        return " → ".join(names)

    @cached_property
    def union(self) -> tuple[Any, FloatArray, FloatArray]:
        """A csr_array with an entry wherever either A has one, and both values of each entry."""
        from carbonflows_fast._base import kernels

        threads = thread_count()
        first, second = (year.tiles.core.to_csr(threads) for year in self.years)
        if np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1]):
            indptr, indices, a0, a1 = first[0], first[1], first[2], second[2]
        else:
            indptr, indices, a0, a1 = kernels.merged_rows(*first, *second)
        pattern = sp.csr_array((a1 - a0, indices, indptr), shape=(self.n, self.n))
        return pattern, a0, a1

    def on_pattern(self, values: FloatArray) -> Any:
        """Return a csr_array with these values in place of the entries of the union."""
        pattern = self.union[0]
        return sp.csr_array((values, pattern.indices, pattern.indptr), shape=pattern.shape)

    def system_between(self, t: float) -> LeontiefSystem:
        """Return the system of A(t) = (1 − t) A₀ + t A₁."""
        _, a0, a1 = self.union
        return self.system_with((1.0 - t) * a0 + t * a1)

    def system_with(self, values: FloatArray) -> LeontiefSystem:
        """Return the system of an A with these values in place of the entries of the union."""
        matrix = self.on_pattern(values)
        matrix.has_canonical_format = True
        tiles = self.before.tiles
        core = tiles_from(matrix, tiles.starts, None, thread_count())
        return LeontiefSystem(tiles.in_tile_order(core))

    def system_of_year(self, which: int) -> LeontiefSystem:
        """Return the system of A₀ or A₁, for vectors in tile order."""
        kept = system(self.years[which].table)
        tiles = self.before.tiles.in_tile_order(kept.tiles.core)
        return LeontiefSystem(tiles, factors=kept.block_factors())

    @cached_property
    def weights(self) -> tuple[FloatArray, FloatArray]:
        """In what the errors of x and of m are measured: t and b, of both tables together."""
        outputs = [self._in_order(positive_output(year.table)) for year in self.years]
        x = np.maximum(*outputs)
        s = np.maximum(np.abs(self.before.s), np.abs(self.after.s))
        y = np.maximum(np.abs(self.before.Y).sum(axis=1), np.abs(self.after.Y).sum(axis=1))
        return account_weight(s, x), demand_weight(y, x)

    def _in_order(self, values: FloatArray) -> FloatArray:
        order = self.before.tiles.order
        return values if order is None else values[order]

    def output(self, prepared: LeontiefSystem, y: FloatArray) -> FloatArray:
        """Return (I − A)⁻¹ y, as accurately as rounding lets it be."""
        solve = partial(prepared.solve, y, weight=self.weights[0])
        return most_accurate(solve, ACCURATE_OF_TWO).values

    def multipliers(self, prepared: LeontiefSystem, s: FloatArray) -> FloatArray:
        """Return (I − A')⁻¹ s, as accurately as rounding lets it be."""
        solve = partial(prepared.solve_adjoint, s, weight=self.weights[1])
        return most_accurate(solve, ACCURATE_OF_TWO).values


def two_tables_of(
    before: Table, after: Table, stressor: Any, demand: Any, deflators: Any
) -> TwoTables:
    """Align two tables by their labels and take out what is compared.

    Raises
    ------
    LabelError
        If they do not have the same rows, consumers and gases; the message names those that differ.
    InputError
        If units differ, or deflators are no positive numbers, one a row, or have another base.
    """
    for name, table in (("before", before), ("after", after)):
        required_table(name, table)
    after = aligned(before, after, demand=demand)
    chosen = [select_stressor(table, stressor) for table in (before, after)]
    require_same_stressor(chosen[0], chosen[1], "stressor", ("before", "after"))
    if deflators is not None:
        after = with_prices(before, after, deflators)
    here = system(before).tiles.table_rows
    consumers = select_demand(before, demand).consumers
    years = []
    for table in (before, after):
        s, Y = select_stressor(table, stressor).s, _of_consumers(table, demand, consumers)
        years.append(Year(table, s[here], np.ascontiguousarray(Y[here])))
    heads, no_heads = _heads(before, after, demand)
    p = before.content
    return TwoTables(
        before=years[0],
        after=years[1],
        stressor=chosen[0].name,
        unit=chosen[0].unit,
        deflated=deflators is not None,
        consumers=consumers,
        heads=heads,
        no_heads=no_heads,
        region_codes=np.ascontiguousarray(p.region_codes[here]),
        product_codes=np.ascontiguousarray(p.sector_codes[here]),
    )


def _of_consumers(table: Table, demand: Any, consumers: tuple[str, ...]) -> FloatArray:
    """Return final demand of these consumers, (n, q), found by their names.

    Rows are aligned before. Regions without rows are in the order of each table, and those outside
    `demand` need not be in both tables.
    """
    values = _consumed(table, demand)
    own = select_demand(table, demand).consumers
    if own == consumers:
        return values
    place = {name: at for at, name in enumerate(own)}
    found = np.zeros((table.n, len(consumers)))
    for at, name in enumerate(consumers):
        if name in place:
            found[:, at] = values[:, place[name]]
    return found


def _heads(
    before: Table, after: Table, demand: Any
) -> tuple[tuple[FloatArray, FloatArray] | None, str]:
    """Return the population of the regions of `before` in both years, or None and why."""
    then, now = before.content.population, after.content.population
    columns = select_demand(before, demand).columns
    if columns is None or (then is None and now is None):
        return None, ""
    if then is None or now is None:
        return None, f"population left out: only {'after' if then is None else 'before'} has it"
    asked = np.unique(before.content.demand_codes[columns])
    heads = []
    for name, table, known in (("before", before, then), ("after", after, now)):
        people = dict(zip(table.regions, known, strict=True))
        values = np.ones(len(before.regions))
        for code in asked:
            values[code] = people.get(before.regions[code], np.nan)
            if not (np.isfinite(values[code]) and values[code] > 0):
                return None, f"population left out: {name} has none of {before.regions[code]}"
        heads.append(values)
    return (heads[0], heads[1]), ""


def _consumed(table: Table, demand: Any) -> FloatArray:
    """Return final demand by consumer, (n, q), with zeros where categories cancel but for rounding.

    What is left of 0.1 + 0.2 − 0.3 would be a purchase, and have shares and a logarithm.
    """
    found, Y = select_demand(table, demand), table.content.Y
    if found.columns is None or Y.min(initial=0.0) >= 0.0:
        return found.values
    sizes = np.zeros_like(found.values)
    columns = np.flatnonzero(found.columns)
    for column in columns:
        sizes[:, table.content.demand_codes[column]] += np.abs(Y[:, column])
    return _no_rounding(found.values, sizes, columns.size)


def _no_rounding(sums: FloatArray, sizes: FloatArray, terms: int) -> FloatArray:
    """Return sums, with zero for what may be rounding alone; sizes are Σ|·| of the same terms."""
    cleaned: FloatArray = np.where(np.abs(sums) > rounding(terms - 2) * sizes, sums, 0.0)
    return cleaned
