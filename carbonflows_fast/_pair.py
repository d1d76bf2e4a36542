"""Two tables of one shape, before and after, as arrays in one order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast import _core
from carbonflows_fast._account_solves import account_weight, demand_weight, positive_output
from carbonflows_fast._machine import thread_count
from carbonflows_fast._parts import CodeArray, FloatArray
from carbonflows_fast._tiles import RegionTiles, tiles_from
from carbonflows_fast._units import power_between
from carbonflows_fast.errors import (
    ConvergenceError,
    InputError,
    LabelError,
    or_no_unit,
    shorten,
    wrong,
)
from carbonflows_fast.leontief import LeontiefSystem, row_names, system
from carbonflows_fast.selection import select_demand, select_stressor
from carbonflows_fast.table import Table

__all__ = ["Pair", "aligned", "pair_of"]


@dataclass(frozen=True, slots=True, eq=False)
class End:
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
        """Final demand of all consumers, (n,)."""
        total: FloatArray = self.Y.sum(axis=1)
        return total


@dataclass(frozen=True, eq=False)
class Pair:
    """What a decomposition starts from; vectors are in tile order.

    Attributes
    ----------
    before, after : End
    stressor, unit : str
    deflated : bool
        Whether `after` is in the prices of `before`.
    region_codes, product_codes : ndarray of int32, shape (n,)
        Of every row in tile order.
    """

    before: End
    after: End
    stressor: str
    unit: str
    deflated: bool
    consumers: tuple[str, ...]
    region_codes: CodeArray
    product_codes: CodeArray

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
        names = [str(end.table.year or end.table.name or "?") for end in (self.before, self.after)]
        return " → ".join(names)

    @cached_property
    def union(self) -> tuple[Any, FloatArray, FloatArray]:
        """A csr_array with an entry wherever either A has one, and both values of each entry."""
        from carbonflows_fast import _kernels

        threads = thread_count()
        first, second = (end.tiles.core.to_csr(threads) for end in (self.before, self.after))
        if np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1]):
            indptr, indices, a0, a1 = first[0], first[1], first[2], second[2]
        else:
            indptr, indices, a0, a1 = _kernels.merged_rows(*first, *second)
        pattern = sp.csr_array((a1 - a0, indices, indptr), shape=(self.n, self.n))
        return pattern, a0, a1

    def on_pattern(self, values: FloatArray) -> Any:
        """Return a csr_array with these values in place of the entries of the union."""
        pattern = self.union[0]
        return sp.csr_array((values, pattern.indices, pattern.indptr), shape=pattern.shape)

    def between(self, t: float) -> LeontiefSystem:
        """Return the system of A(t) = (1 − t) A₀ + t A₁."""
        _, a0, a1 = self.union
        return self.system_of((1.0 - t) * a0 + t * a1)

    def system_of(self, values: FloatArray) -> LeontiefSystem:
        """Return the system of an A with these values in place of the entries of the union."""
        matrix = self.on_pattern(values)
        matrix.has_canonical_format = True
        core = tiles_from(matrix, self.before.tiles.starts, None, thread_count())
        return self._system(core, None)

    def end(self, which: int) -> LeontiefSystem:
        """Return the system of A₀ or A₁."""
        kept = system((self.before, self.after)[which].table)
        # Vectors here are in tile order already, which the table's own system does not expect.
        return self._system(kept.tiles.core, kept)

    def _system(self, core: _core.Tiles, kept: LeontiefSystem | None) -> LeontiefSystem:
        names, order = row_names(self.before.table._parts), self.before.tiles.order
        describe: Callable[[Any], list[str]] = (
            names if order is None else lambda rows: names(order[rows])
        )
        factors = None if kept is None else kept._sweeps.factors(False, thread_count())
        return LeontiefSystem(RegionTiles(core, None), describe, factors=factors)

    @cached_property
    def weights(self) -> tuple[FloatArray, FloatArray]:
        """In what the errors of x and of m are measured: t and b, of both tables together."""
        outputs = [self._in_order(positive_output(end.table)) for end in (self.before, self.after)]
        x = np.maximum(*outputs)
        s = np.maximum(np.abs(self.before.s), np.abs(self.after.s))
        y = np.maximum(np.abs(self.before.Y).sum(axis=1), np.abs(self.after.Y).sum(axis=1))
        return account_weight(s, x), demand_weight(y, x)

    def _in_order(self, values: FloatArray) -> FloatArray:
        order = self.before.tiles.order
        return values if order is None else values[order]

    def output(self, prepared: LeontiefSystem, y: FloatArray) -> FloatArray:
        """Return (I − A)⁻¹ y, as accurately as rounding lets it be."""
        return _accurate(lambda rtol: prepared.solve(y, weight=self.weights[0], rtol=rtol).values)

    def multipliers(self, prepared: LeontiefSystem, s: FloatArray) -> FloatArray:
        """Return (I − A')⁻¹ s, as accurately as rounding lets it be."""
        return _accurate(
            lambda rtol: prepared.solve_adjoint(s, weight=self.weights[1], rtol=rtol).values
        )


def _accurate(solve: Callable[[float], FloatArray]) -> FloatArray:
    for rtol in (1e-12, 1e-11, 1e-10):
        try:
            return solve(rtol)
        except ConvergenceError:
            continue
    return solve(1e-8)


def pair_of(before: Table, after: Table, stressor: Any, demand: Any, deflators: Any) -> Pair:
    """Align two tables by their labels and take out what is compared.

    Raises
    ------
    LabelError
        If they do not have the same rows or consumers; the message names those that differ.
    InputError
        If units differ, or deflators are no positive numbers, one a row.
    """
    for name, table in (("before", before), ("after", after)):
        if not isinstance(table, Table):
            raise InputError(
                wrong(name, expected="a Table", got=type(table).__name__,
                      remedy="give two tables, e.g. cf.open('store/2000')")
            )  # fmt: skip
    after = aligned(before, after)
    chosen = [select_stressor(table, stressor) for table in (before, after)]
    if chosen[0].unit != chosen[1].unit:
        raise InputError(
            wrong("stressor", expected=f"one unit in both tables, {or_no_unit(chosen[0].unit)}",
                  got=f"{or_no_unit(chosen[1].unit)} in after",
                  remedy=_conversion(chosen[0].unit, chosen[1].name, after))
        )  # fmt: skip
    prices = _prices(before, deflators)
    if prices is not None:
        after = _arranged(after, np.arange(after.n), np.arange(len(after.demand)), prices)
    here = system(before).tiles.table_rows
    ends = []
    for table in (before, after):
        one, Y = select_stressor(table, stressor), select_demand(table, demand).values
        ends.append(End(table, one.s[here], np.ascontiguousarray(Y[here])))
    p = before._parts
    return Pair(
        before=ends[0],
        after=ends[1],
        stressor=chosen[0].name,
        unit=chosen[0].unit,
        deflated=prices is not None,
        consumers=select_demand(before, demand).consumers,
        region_codes=np.ascontiguousarray(p.region_codes[here]),
        product_codes=np.ascontiguousarray(p.sector_codes[here]),
    )


def _conversion(unit: str, stressor: str, after: Table) -> str:
    """Return how to bring a stressor of `after` into the unit of the other table."""
    if stressor not in after.stressors:
        return "convert one of them, by table.with_changes(unit={stressor: unit, …})"
    try:
        power_between("unit", after.stressor_units[stressor], unit)
    except InputError:
        return (
            "where the numbers are the same, after.with_changes(stressor_units="
            f"{{{stressor!r}: {unit!r}}}); where not, convert S and F_Y as well"
        )
    units = f"{{{stressor!r}: {unit!r}}}"
    return (
        f"convert it: after.with_changes(unit={units}), or, where the numbers are in {unit} "
        f"already, say so: after.with_changes(stressor_units={units})"
    )


def _prices(table: Table, deflators: Any) -> FloatArray | None:
    """Return the price of every row in `after` over that in `before`."""
    if deflators is None:
        return None
    if isinstance(deflators, pd.Series) and not deflators.index.equals(
        pd.RangeIndex(len(deflators))
    ):
        if list(deflators.index) != list(table.rows):
            raise LabelError(
                wrong("deflators", expected="the labels of the table's rows in the same order",
                      got="a Series with others", remedy="use deflators.reindex(before.rows)")
            )  # fmt: skip
        deflators = deflators.to_numpy()
    try:
        prices = np.asarray(deflators)
    except ValueError:  # a list of lists of several lengths
        prices = np.asarray(None)
    if prices.dtype.kind not in "iuf":
        got = type(deflators).__name__ if prices.ndim == 0 else f"values of type {prices.dtype}"
    elif prices.shape != (table.n,):
        got = f"shape {prices.shape}"
    elif not (np.isfinite(prices) & (prices > 0)).all():
        at = int(np.flatnonzero(~(np.isfinite(prices) & (prices > 0)))[0])
        got = f"{prices[at]} for {table.rows[at]}"
    else:
        return prices.astype(np.float64)
    raise InputError(
        wrong("deflators", expected=f"{table.n:,} positive numbers, one a row", got=got,
              remedy="give price indices of all rows, 1 where none is known")
    )  # fmt: skip


def aligned(
    before: Table,
    after: Table,
    argument: str = "after",
    names: tuple[str, str] = ("before", "after"),
) -> Table:
    """Return `after` with rows and consumers in the order of `before`.

    Raises
    ------
    LabelError, InputError
        As `pair_of` does; `argument` and `names` are what the tables are called in it.
    """
    for what, ours, theirs in (
        ("rows", list(before.rows), list(after.rows)),
        ("columns of final demand", list(before.demand), list(after.demand)),
    ):
        if ours != theirs and (len(set(ours)) < len(ours) or len(set(theirs)) < len(theirs)):
            raise LabelError(
                wrong(argument, expected=f"the {what} of {names[0]} in the same order, as a label "
                      "that is there twice cannot be found by its name", got="others",
                      remedy="aggregate both tables: rows of one label become one")
            )  # fmt: skip
        missing, extra = set(ours) - set(theirs), set(theirs) - set(ours)
        if missing or extra:
            said = [
                f"{len(found):,} only in {name} ({shorten(sorted(map(str, found)), 3)})"
                for name, found in zip(names, (missing, extra), strict=True)
                if found
            ]
            raise LabelError(
                wrong(argument, expected=f"the {what} of {names[0]}", got=", ".join(said),
                      remedy="aggregate both to labels that they share")
            )  # fmt: skip
    same_rows, same_columns = before.rows.equals(after.rows), before.demand.equals(after.demand)
    if not (same_rows and same_columns):
        place = {label: at for at, label in enumerate(after.rows)}
        column = {label: at for at, label in enumerate(after.demand)}
        rows = np.array([place[label] for label in before.rows])
        columns = np.array([column[label] for label in before.demand])
        after = _arranged(after, rows, columns, None)
    p, q = before._parts, after._parts
    units = [[part.row_units[code] for code in part.row_unit_codes] for part in (p, q)]
    if units[0] != units[1]:
        at = next(i for i, pair in enumerate(zip(*units, strict=True)) if pair[0] != pair[1])
        raise InputError(
            wrong(argument, expected=f"{before.rows[at]} in {or_no_unit(units[0][at])}",
                  got=or_no_unit(units[1][at]), remedy="a label must mean the same in both tables")
        )  # fmt: skip
    return after


def _arranged(table: Table, rows: Any, columns: Any, prices: FloatArray | None) -> Table:
    """Return a table with rows and columns of final demand in another order, or other prices."""
    p = table._parts
    A, x, Y = table.A[rows][:, rows], table.x.to_numpy()[rows], table.Y.to_numpy()[rows][:, columns]
    # S, not F: a row without output has emissions per unit of it all the same.
    S = table.S.to_numpy()[:, rows]
    if prices is not None:
        A = sp.diags_array(1.0 / prices) @ A @ sp.diags_array(prices)
        x, Y, S = x / prices, Y / prices[:, None], S * prices
    return Table(
        A=A.tocsr(),
        x=x,
        Y=Y,
        S=S,
        F_Y=table.F_Y.to_numpy()[:, columns],
        regions=table.rows.get_level_values("region")[rows],
        sectors=table.rows.get_level_values("sector")[rows],
        demand=list(table.demand[columns]),
        stressors=list(table.stressors),
        stressor_units=[str(unit) for unit in table.stressor_units],
        row_units=[p.row_units[code] for code in p.row_unit_codes[rows]],
        population=None if p.population is None else table.population.to_dict(),
        year=table.year,
        name=table.name,
    )
