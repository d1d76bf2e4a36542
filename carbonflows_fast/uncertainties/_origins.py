"""Where variances come from: regions and sectors of sellers, and single cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import CodeArray, FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.leontief import system
from carbonflows_fast.uncertainties._answers import ACCOUNTS, WITH_DIRECT, Answers, Derivative
from carbonflows_fast.uncertainties._error_model._cells import (
    cells_of_stressor,
    cells_of_Y,
    cells_of_Z,
)
from carbonflows_fast.uncertainties._spread import Point, Spread

if TYPE_CHECKING:
    from carbonflows_fast.table import Table
    from carbonflows_fast.table._selection import Stressor
    from carbonflows_fast.uncertainties._error_model._errors import Errors

__all__ = ["Origins"]

ROWS_AT_ONCE = 48
SLACK = 1e-6
"""Relative: sums of squares are less exact than single squares, which they bound."""
COLUMNS = ["source", "region", "sector", "buyer_region", "buyer", "stressor"]
COLUMNS += ["value", "deviation", "share", "sd_if_halved"]


@dataclass(frozen=True, slots=True, eq=False)
class Origins:
    """What is needed to follow the variances of a result to the cells of its table.

    Attributes
    ----------
    table, stressor, errors
        The question.
    at : Point
    spreads : dict of Spread
        By source, Z and Y.
    emitted : dict of ndarray
        Variances of F by row and of F_Y by column of Y.
    answers : Answers
    """

    table: Table
    stressor: Stressor
    errors: Errors
    at: Point
    spreads: dict[str, Spread]
    emitted: dict[str, FloatArray]
    answers: Answers

    # ---- by region and sector of the seller ----------------------------------------------------

    def by_region(self) -> FloatArray:
        """Return variances by region of the seller, emitter or final user, (rows, columns, R)."""
        p, size = self.table.content, len(self.table.regions)
        found = self._grouped(p.region_codes, size)
        self._add_direct(found, None)
        return found

    def by_sector(self) -> FloatArray:
        """Return the same by sector, and of final users last, (rows, columns, sectors + 1)."""
        p = self.table.content
        found = self._grouped(p.sector_codes, len(p.sectors) + 1)
        self._add_direct(found, len(p.sectors))
        return found

    def _grouped(self, codes: CodeArray, size: int) -> FloatArray:
        by_answer = (self._by_row(self.answers[k]) for k in range(len(self.answers)))
        found = [sums.sum_by_group(by_row, codes, size).T for by_row in by_answer]
        return np.stack(found, axis=1 if self.answers.of == "accounts" else 0)

    def _by_row(self, one: Derivative) -> FloatArray:
        """Return variances by row and consumer, (n, R)."""
        found = np.zeros(self.at.shares.shape)
        for spread in self.spreads.values():
            squares = one.along * one.along * spread.aa + one.beyond * one.beyond * spread.ff
            found += np.maximum(squares + 2.0 * one.along * one.beyond * spread.af, 0.0)
        if "F" in self.emitted:
            found += self.emitted["F"][:, None] * np.square(one.emitted)
        return found

    def _add_direct(self, found: FloatArray, group: int | None) -> None:
        """Add what final users emit themselves: to their own region, or to one group."""
        if "F_Y" not in self.emitted:
            return
        p, size = self.table.content, len(self.table.regions)
        own = sums.sum_by_group(self.emitted["F_Y"][:, None], p.demand_codes, size)[:, 0]
        if self.answers.of == "flows":
            return
        rows = np.arange(size)
        for at in np.flatnonzero(np.isin(ACCOUNTS, WITH_DIRECT)):
            found[rows, at, rows if group is None else group] += own

    # ---- single cells --------------------------------------------------------------------------

    def top_cells(self, row: int, column: int, variance: float, count: int) -> pd.DataFrame:
        """Return the cells that add most to a variance, the largest first."""
        one, region = self.answers.find(row, column)
        along, beyond, emitted = one.about(region)
        best = _Best(count)
        if self.errors.F is not None:
            self._search_emissions(best, "F", np.square(emitted))
        if self.errors.F_Y is not None and one.direct:
            here = self.table.content.demand_codes == region
            self._search_emissions(best, "F_Y", here.astype(np.float64))
        if self.errors.Y is not None:
            self._search_demand(best, along, beyond, region)
        if self.errors.Z is not None:
            self._search_deliveries(best, along, beyond, region)
        return self._described(best, variance)

    def _search_emissions(self, best: _Best, source: str, squares: FloatArray) -> None:
        given = getattr(self.errors, source)
        cells = cells_of_stressor(self.table, self.stressor, source, given) / self.at.scale
        squared = np.square(cells)
        best.add(source, squared * squares, squared, np.arange(len(cells)))

    def _search_demand(
        self, best: _Best, along: FloatArray, beyond: FloatArray, region: int
    ) -> None:
        own = (self.table.content.demand_codes == region).astype(np.float64)
        moved = along * (own - self.at.shares[:, region, None]) - beyond * self.at.surplus
        squared = np.square(cells_of_Y(self.table, self.errors.Y))
        best.add("Y", squared * np.square(moved), squared, np.arange(self.table.n))

    def _search_deliveries(
        self, best: _Best, along: FloatArray, beyond: FloatArray, region: int
    ) -> None:
        """Search rows, the least sure first, until no row left could have a cell among the best."""
        spread, cells = self.spreads["Z"], cells_of_Z(self.table, self.errors.Z, 2)
        a, f, n = self.at.centred[:, region], self.at.surplus[:, 0], self.table.n
        aa, af = spread.aa[:, region, None], spread.af[:, region, None]
        squares = along * along * aa + 2.0 * along * beyond * af + beyond * beyond * spread.ff
        bound = squares[:, 0]
        order = np.argsort(-bound, kind="stable")
        bound = bound * (1.0 + SLACK) + SLACK**2 * np.abs(bound).max(initial=0.0)
        for first in range(0, n, ROWS_AT_ONCE):
            rows = order[first : first + ROWS_AT_ONCE]
            if bound[rows[0]] <= best.least:
                return
            squared = cells.times(_units(n, rows), adjoint=True).T
            moved = along[rows] * (a - a[rows, None]) + beyond[rows] * (f - f[rows, None])
            best.add("Z", squared * np.square(moved), squared, rows)

    def _described(self, best: _Best, variance: float) -> pd.DataFrame:
        """Return the labels of the best cells, what is in them, and what surer ones would gain."""
        p, x = self.table.content, self.table.x.to_numpy()
        sellers, buyers = list(self.table.rows), list(self.table.demand)
        deliveries = self._deliveries(best)
        found = []
        for source, i, j, part, squared in best.cells:
            if source in ("F", "F_Y"):
                at = self.stressor.counted[i]
                value = float(getattr(self.table.arrays, source)[p.stressors.index(at), j])
                size = abs(value * self.stressor.weights[i]) / self.at.scale
                labels = [*sellers[j], "", "", at] if source == "F" else ["", "", *buyers[j], at]
            else:
                value = float(p.Y[i, j]) if source == "Y" else deliveries[i, j]
                size, buyer = abs(value / x[i]), (buyers if source == "Y" else sellers)[j]
                labels = [*sellers[i], *buyer, ""]
            left = max(variance - 0.75 * part, 0.0) ** 0.5 * self.at.scale
            deviation = squared**0.5 / size
            found.append([source, *labels, value, deviation, part / variance, left])
        return pd.DataFrame(found, columns=COLUMNS)

    def _deliveries(self, best: _Best) -> dict[tuple[int, int], float]:
        """Return z_ij of the best cells, from their rows of A alone."""
        wanted = [(i, j) for source, i, j, _, _ in best.cells if source == "Z"]
        tiles, x = system(self.table).tiles, self.table.x.to_numpy()
        rows = np.unique([i for i, _ in wanted]).astype(np.int64)
        found: dict[tuple[int, int], float] = {}
        for first in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[first : first + ROWS_AT_ONCE]
            sides = np.ascontiguousarray(_units(self.table.n, some)[tiles.table_rows])
            A = np.empty(sides.shape)
            A[tiles.table_rows] = tiles.product(sides, adjoint=True, threads=thread_count())
            place = {int(row): at for at, row in enumerate(some)}
            found |= {(i, j): float(A[j, place[i]] * x[j]) for i, j in wanted if i in place}
        return found


class _Best:
    """The largest of all contributions that it is shown."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.cells: list[tuple[str, int, int, float, float]] = []

    @property
    def least(self) -> float:
        """What a contribution must be above to be one of them."""
        return self.cells[-1][3] if len(self.cells) == self._count else 0.0

    def add(self, source: str, parts: FloatArray, squared: FloatArray, rows: Any) -> None:
        """Look at the contributions (rows, columns) of some rows."""
        flat = parts.ravel()
        here = np.flatnonzero(flat > self.least)
        if here.size > self._count:
            here = here[np.argpartition(-flat[here], self._count - 1)[: self._count]]
        i, j = np.unravel_index(here, parts.shape)
        self.cells += [
            (source, int(rows[r]), int(c), float(parts[r, c]), float(squared[r, c]))
            for r, c in zip(i, j, strict=True)
        ]
        self.cells.sort(key=lambda cell: (-cell[3], cell[:3]))
        del self.cells[self._count :]


def _units(n: int, rows: Any) -> FloatArray:
    """Return unit vectors as columns."""
    units = np.zeros((n, len(rows)))
    units[rows, np.arange(len(rows))] = 1.0
    return units
