"""How sure effects are: what errors of the cells of both tables do to them, to first order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.decomposition._effect_slopes import EffectSlopes, Entries, entries_of
from carbonflows_fast.decomposition._two_tables import TwoTables
from carbonflows_fast.errors import InputError, LabelError
from carbonflows_fast.table import Table
from carbonflows_fast.table._selection import select_demand, select_stressor
from carbonflows_fast.uncertainties._correlation import checked_correlation
from carbonflows_fast.uncertainties._error_model._cells import (
    cells_of_stressor,
    cells_of_Y,
    cells_of_Z,
)
from carbonflows_fast.uncertainties._error_model._errors import (
    Errors,
    SharedError,
    named,
    required_errors,
)

PATTERN = ("indptr", "indices")

__all__ = ["EffectQuestion", "effect_covariance", "errors_of_years"]


@dataclass(frozen=True, slots=True, eq=False)
class EffectQuestion:
    """What effects were asked of, as it was given.

    Attributes
    ----------
    tables : tuple of Table
        Before and after, whose cells the errors are of.
    stressor, demand
    errors : tuple of Errors
    correlation : float
        Between the own errors of a cell in both years.
    """

    tables: tuple[Table, Table]
    stressor: Any
    demand: Any
    errors: tuple[Errors, Errors]
    correlation: float


def errors_of_years(errors: Any, correlation: Any) -> tuple[tuple[Errors, Errors], float] | None:
    """Return the errors of both years, if any, and how own errors of a cell are correlated.

    Raises
    ------
    InputError
        If they are none, or the correlation is not from 0 to 1, or given without errors.
    """
    rho = checked_correlation(correlation)
    if errors is None:
        if rho != 0.0:
            raise InputError.about(
                "correlation",
                expected="errors, which it is between",
                got="none",
                remedy="add e.g. errors=cf.Errors(F=0.1), or leave it out",
            )
        return None
    pair = errors if isinstance(errors, list | tuple) and len(errors) == 2 else (errors, errors)
    return (required_errors(pair[0]), required_errors(pair[1])), rho


def effect_covariance(
    pair: TwoTables, asked: EffectQuestion, slopes: EffectSlopes, scale: float
) -> FloatArray:
    """Return the covariance of the effects, (E, E), over `scale` squared.

    Raises
    ------
    LabelError, InputError
        If errors do not fit their table, or a correlation is given for tables with other cells.
    """
    if asked.correlation:
        _require_same_cells(pair, asked)
    years = [_Year(pair, asked, which, scale) for which in (0, 1)]
    return _Covariance(pair, slopes, years, asked.correlation).total()


class _Year:
    """Deviations of the cells of a year, as effects meet them: in tile order, in one price."""

    def __init__(self, pair: TwoTables, asked: EffectQuestion, which: int, scale: float) -> None:
        self.which, self.table, self.errors = which, asked.tables[which], asked.errors[which]
        self.pair, self.scale = pair, scale
        self.stressor = select_stressor(self.table, asked.stressor)
        here, there = pair.before.table.rows, self.table.rows
        place = np.arange(pair.n) if here.equals(there) else there.get_indexer(here)
        self.rows = place[pair.order]
        self.x = pair.years[which].table.x.to_numpy()[pair.order]
        self.over_x = np.divide(1.0, self.x, out=np.zeros(pair.n), where=self.x != 0.0)
        given = self.table.x.to_numpy()[self.rows]
        self.prices = np.divide(given, self.x, out=np.ones(pair.n), where=self.x != 0.0)
        columns = select_demand(self.table, asked.demand).columns
        self.consumers = np.full(len(self.table.demand), -1)
        if columns is not None:
            names = [self.table.regions[code] for code in self.table.content.demand_codes]
            for at in np.flatnonzero(columns):
                self.consumers[at] = pair.consumers.index(names[at])

    def given(self) -> list[Errors | SharedError]:
        return [self.errors, *self.errors.shared]

    def inputs(self, given: Errors | SharedError) -> FloatArray | None:
        """Return deviation × a of every entry of the union, or None without errors of Z."""
        if given.Z is None:
            return None
        with named(given):
            cells = cells_of_Z(self.table, given.Z, 1)
        tiles, pair = cells.tiles, self.pair
        indptr, indices, values = tiles.core.to_csr(thread_count())
        matrix: Any = sp.csr_array((values * cells.factor, indices, indptr), shape=tiles.shape)
        place = np.empty(pair.n, dtype=np.int64)
        place[tiles.table_rows] = np.arange(pair.n)
        order = place[self.rows]
        if not np.array_equal(order, np.arange(pair.n)):
            matrix = matrix[order][:, order]
        matrix.sort_indices()
        rows = np.repeat(np.arange(pair.n), np.diff(matrix.indptr))
        matrix.data *= self.prices[matrix.indices] / self.prices[rows]
        return self._on_union(matrix, rows)

    def _on_union(self, matrix: Any, rows: Any) -> FloatArray:
        pattern = self.pair.union[0]
        same = [np.array_equal(getattr(pattern, a), getattr(matrix, a)) for a in PATTERN]
        if all(same):
            return np.asarray(matrix.data, dtype=np.float64)
        n, found = self.pair.n, np.zeros(pattern.indices.size)
        every = np.repeat(np.arange(n), np.diff(pattern.indptr)) * n + pattern.indices
        here = np.searchsorted(every, rows * n + matrix.indices)
        found[here] = matrix.data
        return found

    def demand(self, given: Errors | SharedError) -> FloatArray | None:
        """Return deviation × y / x, (n, m)."""
        if given.Y is None:
            return None
        with named(given):
            cells = cells_of_Y(self.table, given.Y)
        found: FloatArray = cells[self.rows]
        return found

    def emissions(self, given: Errors | SharedError) -> FloatArray | None:
        """Return deviation × F / x over the scale, (stressors, n)."""
        with named(given):
            if given.F_Y is not None:  # in no effect, but it must fit
                cells_of_stressor(self.table, self.stressor, "F_Y", given.F_Y)
            if given.F is None:
                return None
            cells = cells_of_stressor(self.table, self.stressor, "F", given.F)[:, self.rows]
        found: FloatArray = cells / self.scale * self.over_x
        return found


class _Covariance:
    """Sums over all cells of both years, of squares and products of what moves effects."""

    def __init__(
        self, pair: TwoTables, slopes: EffectSlopes, years: list[_Year], correlation: float
    ) -> None:
        self.pair, self.slopes, self.years, self.correlation = pair, slopes, years, correlation
        self.size = len(slopes.names)
        self.own = np.zeros((self.size, self.size))
        self.moved: dict[str, FloatArray] = {}

    def total(self) -> FloatArray:
        self._add_inputs()
        self._add_demand()
        self._add_emissions()
        total = self.own
        for moved in self.moved.values():
            total = total + np.outer(moved, moved)
        return total

    @cached_property
    def _outputs(self) -> list[FloatArray]:
        return [of.outputs / year.scale for of, year in zip(self.slopes.years, self.years)]

    def _add(self, each: list[FloatArray | None]) -> None:
        """Add what own errors of the same cells of both years move, (cells, E) each."""
        for one in each:
            if one is not None:
                self.own += np.einsum("ce,cf->ef", one, one)
        if self.correlation and each[0] is not None and each[1] is not None:
            both = self.correlation * np.einsum("ce,cf->ef", each[0], each[1])
            self.own += both + both.T

    def _move(self, one: Errors | SharedError, cells: FloatArray, slopes: FloatArray) -> None:
        assert isinstance(one, SharedError)
        moved = one.sd * np.einsum("c,ce->e", cells, slopes)
        self.moved[one.name] = self.moved.get(one.name, 0.0) + moved

    def _add_inputs(self) -> None:
        """Follow z_ij: a_ij by its own part, and by what its row's output is then."""
        given = [[(one, year.inputs(one)) for one in year.given()] for year in self.years]
        known = [any(cells is not None for _, cells in each) for each in given]
        for some in entries_of(self.pair) if any(known) else ():
            weight = self.slopes.weight(some)
            own: list[FloatArray | None] = [None, None]
            for which in np.flatnonzero(known).tolist():
                slopes = self._of_entries(which, some, weight)
                for at, (one, cells) in enumerate(given[which]):
                    if cells is not None and at == 0:
                        own[which] = cells[some.place, None] * slopes
                    elif cells is not None:
                        self._move(one, cells[some.place], slopes)
            self._add(own)

    def _of_entries(self, which: int, some: Entries, weight: FloatArray) -> FloatArray:
        year, a = self.years[which], self.pair.union[1 + which]
        slopes = self.slopes.inputs(which, some, weight, a) / year.scale
        ratio = year.x[some.columns] * year.over_x[some.rows]
        slopes += self._outputs[which][some.rows] * ratio[:, None]
        return slopes

    def _add_demand(self) -> None:
        given = [[(one, year.demand(one)) for one in year.given()] for year in self.years]
        columns = [len(year.consumers) for year in self.years]
        same = np.arange(columns[1])
        if self.correlation:
            labels = [year.table.demand for year in self.years]
            same = same if labels[0].equals(labels[1]) else labels[1].get_indexer(labels[0])
        for column in range(max(columns)):
            own: list[FloatArray | None] = [None, None]
            for which, at in enumerate((column, same[column] if column < len(same) else -1)):
                if not 0 <= at < columns[which]:
                    continue
                slopes = self._of_column(which, int(at))
                for number, (one, cells) in enumerate(given[which]):
                    if cells is not None and number == 0:
                        own[which] = cells[:, at, None] * slopes
                    elif cells is not None:
                        self._move(one, cells[:, at], slopes)
            self._add(own)

    def _of_column(self, which: int, column: int) -> FloatArray:
        """Return derivatives to y_ip / x_i of a column of Y, (n, E)."""
        year, consumer = self.years[which], self.years[which].consumers[column]
        found = self._outputs[which]
        if consumer >= 0:
            bought = self.slopes.years[which].bought[:, consumer]
            found = found + year.x[:, None] * bought / year.scale
        return found

    def _add_emissions(self) -> None:
        given = [[(one, year.emissions(one)) for one in year.given()] for year in self.years]
        for number in range(len(self.years[0].stressor.counted)):
            own: list[FloatArray | None] = [None, None]
            for which, each in enumerate(given):
                slopes = self.slopes.years[which].emitted
                for at, (one, cells) in enumerate(each):
                    if cells is not None and at == 0:
                        own[which] = cells[number][:, None] * slopes
                    elif cells is not None:
                        self._move(one, cells[number], slopes)
            self._add(own)


def _require_same_cells(pair: TwoTables, asked: EffectQuestion) -> None:
    before, after = asked.tables
    stressors = [select_stressor(table, asked.stressor).counted for table in asked.tables]
    for name, one, other in (
        ("columns of Y", sorted(before.demand), sorted(after.demand)),
        ("stressors that are counted", list(stressors[0]), list(stressors[1])),
    ):
        if one != other:
            raise LabelError.about(
                "correlation",
                expected=f"the same {name} in both tables",
                got="others",
                remedy="leave it out for errors that are independent",
            )
