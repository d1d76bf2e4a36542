"""How sure each path is, and which of two is larger: what errors of the cells on it do.

A path v = y_{i0} a_{i1,i0} … s_{ik} is a product of cells over outputs, a_ij = z_ij / x_j and
s_i = f_i / x_i, and x = Z·1 + Y·1 follows its rows. So its relative change is

    dv / v = Σ dz_ij / z_ij + dy / y + df / f − Σ dx_i / x_i

over its purchases, its final demand, its emitter, and every row that it visits. A cell moves it
only if it is on the path, or in one of its rows: with c_i visits of row i and e_ij purchases of j
from i, z_ij has the relative derivative e_ij − c_i z_ij / x_i, and all others of row i together
need no more than the sum of squares of the row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast._base.arrays import CodeArray, FloatArray
from carbonflows_fast.paths._chain_list import Positions
from carbonflows_fast.uncertainties._error_model._cells import (
    cells_of_stressor,
    cells_of_Y,
    cells_of_Z,
)
from carbonflows_fast.uncertainties._error_model._errors import Errors, SharedError, named
from carbonflows_fast.uncertainties._normal import SAME, probability_of_more, probability_positive

if TYPE_CHECKING:
    from carbonflows_fast.table import Table
    from carbonflows_fast.table._selection import Demand, Stressor

__all__ = ["PathErrors", "Relative", "larger", "larger_than_next", "path_errors"]


@dataclass(frozen=True, slots=True, eq=False)
class _Moves:
    """What one error, of one standard deviation, does to a path: relative changes.

    A path gains `bought` for each purchase, `started` and `ended` for its first and last row, and
    loses `visited` for every row that it visits.

    Attributes
    ----------
    bought : ndarray, shape (purchases,)
    visited, started, ended : ndarray, shape (n,)
    """

    bought: FloatArray
    visited: FloatArray
    started: FloatArray
    ended: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Squares:
    """The same for independent errors of all cells: sums of squares and of products.

    Attributes
    ----------
    bought, bought_by_row : ndarray, shape (purchases,)
        d² of a cell, and d² z / x: with what its row does.
    visited, started, started_by_row, ended : ndarray, shape (n,)
    """

    bought: FloatArray
    bought_by_row: FloatArray
    visited: FloatArray
    started: FloatArray
    started_by_row: FloatArray
    ended: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class PathErrors:
    """What standard deviations and covariances of paths are made of.

    Attributes
    ----------
    n : int
        Rows of the table.
    purchases : ndarray of int64, shape (purchases,)
        seller × n + buyer of every purchase on some path, in order.
    own : _Squares
    shared : dict of _Moves
        By name.
    """

    n: int
    purchases: Positions
    own: _Squares
    shared: dict[str, _Moves]

    def of(self, starts: Positions, rows: CodeArray) -> Relative:
        """Return relative covariances of paths `rows[starts[k]:starts[k + 1]]`."""
        count, row = len(starts) - 1, np.arange(len(starts) - 1)
        path = np.repeat(row, np.diff(starts))
        steps = rows[starts[0] : starts[-1]].astype(np.int64)
        first, last = rows[starts[:-1]], rows[starts[1:] - 1]
        bought = np.ones(steps.size, dtype=np.bool_)
        bought[starts[:-1] - starts[0]] = False
        after = np.flatnonzero(bought)
        keys = steps[after] * self.n + steps[after - 1]
        place = np.searchsorted(self.purchases, keys)
        visits = _counted(path, steps, (count, self.n))
        buys = _counted(path[after], place, (count, len(self.purchases)))
        starting, ending = (_counted(row, one, (count, self.n)) for one in (first, last))
        own, sellers = self.own, self.purchases // self.n
        sold = _counted(np.arange(len(sellers)), sellers, (len(sellers), self.n))
        by_row = _scaled(buys, own.bought_by_row) @ sold + _scaled(starting, own.started_by_row)
        left = [_scaled(visits, own.visited) - by_row, -visits, _scaled(buys, own.bought)]
        left += [_scaled(starting, own.started), _scaled(ending, own.ended)]
        right = [visits, by_row, buys, starting, ending]
        moves = [
            buys @ one.bought - visits @ one.visited + one.started[first] + one.ended[last]
            for one in self.shared.values()
        ]
        moved = np.stack(moves, axis=1) if moves else np.zeros((count, 0))
        return Relative(sp.hstack(left, format="csr"), sp.hstack(right, format="csr"), moved)


@dataclass(frozen=True, slots=True, eq=False)
class Relative:
    """Covariances of the relative changes of some paths: left right' + moved moved'.

    Attributes
    ----------
    left, right : csr_array, shape (paths, features)
    moved : ndarray, shape (paths, shared errors)
    """

    left: Any
    right: Any
    moved: FloatArray

    def variances(self) -> FloatArray:
        products = self.left.multiply(self.right)
        own, sizes = _row_sums(products), _row_sums(abs(products))
        both: FloatArray = _no_rounding(own, sizes) + np.square(self.moved).sum(axis=1)
        return both

    def with_next(self) -> FloatArray:
        """Return the covariance of each path with the one that follows it."""
        own = _row_sums(self.left[:-1].multiply(self.right[1:]))
        both: FloatArray = own + (self.moved[:-1] * self.moved[1:]).sum(axis=1)
        return both

    def matrix(self) -> FloatArray:
        """Return all of them, (paths, paths)."""
        own = (self.left @ self.right.T).toarray()
        moved = np.einsum("ik,jk->ij", self.moved, self.moved)
        both: FloatArray = 0.5 * (own + own.T) + moved
        np.fill_diagonal(both, self.variances())
        return both


# --- from errors of a table ---------------------------------------------------------------------


def path_errors(
    table: Table,
    stressor: Stressor,
    demand: Demand,
    errors: Errors,
    starts: Positions,
    rows: CodeArray,
    blocks: Iterator[slice],
) -> PathErrors:
    """Return what errors of the table do to paths of a stressor and a demand.

    Raises
    ------
    LabelError, InputError
        If errors do not fit the table.
    """
    purchases = _purchases(table.n, starts, rows, blocks)
    at = _At(table, stressor, demand, purchases // table.n, purchases % table.n)
    shared = {}
    for one in errors.shared:
        with named(one):
            shared[one.name] = at.moves(one)
    with named(errors):
        squares = at.squares(errors)
    return PathErrors(table.n, purchases, squares, shared)


class _At:
    """The cells that errors move, over what they are parts of in a path."""

    def __init__(
        self, table: Table, stressor: Stressor, demand: Demand, sellers: Any, buyers: Any
    ) -> None:
        self.table, self.stressor, self.columns = table, stressor, demand.columns
        self.cells = sellers, buyers
        x = table.x.to_numpy()
        self.outputs_a_demand = _over(x, demand.values.sum(axis=1))
        self.emitted = stressor.s * x
        self.shares = cells_of_Z(table, 1.0, 1).at(*self.cells)

    def squares(self, errors: Errors) -> _Squares:
        """Return sums over the cells of their own errors."""
        n, (sellers, _) = self.table.n, self.cells
        bought, by_row = np.zeros(len(sellers)), np.zeros(len(sellers))
        visited, ended = np.zeros(n), np.zeros(n)
        started, started_by_row = np.zeros(n), np.zeros(n)
        if errors.Z is not None:
            moved = cells_of_Z(self.table, errors.Z, 1).at(*self.cells)
            deviation = _over(moved, self.shares)
            bought, by_row = np.square(deviation), deviation * moved
            visited += cells_of_Z(self.table, errors.Z, 2).times(np.ones((n, 1)))[:, 0]
        if errors.Y is not None:
            squares = np.square(cells_of_Y(self.table, errors.Y))
            visited += squares.sum(axis=1)
            if self.columns is not None:
                asked = squares[:, self.columns].sum(axis=1)
                started_by_row = asked * self.outputs_a_demand
                started = started_by_row * self.outputs_a_demand
        if errors.F_Y is not None:
            self._emissions(errors, "F_Y")  # on no path, but it must fit
        if errors.F is not None:
            ended = np.square(self._emissions(errors)).sum(axis=0)
        return _Squares(bought, by_row, visited, started, started_by_row, ended)

    def moves(self, one: SharedError) -> _Moves:
        """Return what one standard deviation of a shared error moves."""
        n, (sellers, _) = self.table.n, self.cells
        bought, visited = np.zeros(len(sellers)), np.zeros(n)
        started, ended = np.zeros(n), np.zeros(n)
        if one.Z is not None:
            cells = cells_of_Z(self.table, one.Z, 1)
            bought = _over(cells.at(*self.cells), self.shares)
            visited += cells.times(np.ones((n, 1)))[:, 0]
        if one.Y is not None:
            moved = cells_of_Y(self.table, one.Y)
            visited += moved.sum(axis=1)
            if self.columns is not None:
                started = moved[:, self.columns].sum(axis=1) * self.outputs_a_demand
        if one.F is not None:
            ended = self._emissions(one).sum(axis=0)
        if one.F_Y is not None:
            self._emissions(one, "F_Y")
        return _Moves(*(one.sd * part for part in (bought, visited, started, ended)))

    def _emissions(self, given: Errors | SharedError, source: str = "F") -> FloatArray:
        cells = cells_of_stressor(self.table, self.stressor, source, getattr(given, source))
        return _over(cells, np.broadcast_to(self.emitted, cells.shape)) if source == "F" else cells


def _purchases(n: int, starts: Positions, rows: CodeArray, blocks: Iterator[slice]) -> Positions:
    """Return the distinct purchases on paths, block by block, for paths may be many."""
    found = np.zeros(0, dtype=np.int64)
    for block in blocks:
        begin, end = starts[block.start], starts[block.stop]
        steps = rows[begin:end].astype(np.int64)
        bought = np.ones(steps.size, dtype=np.bool_)
        bought[starts[block.start : block.stop] - begin] = False
        after = np.flatnonzero(bought)
        found = np.union1d(found, steps[after] * n + steps[after - 1])
    return found


# --- from relative to what is asked -------------------------------------------------------------


def larger_than_next(value: FloatArray, relative: Relative) -> FloatArray:
    """Return the probability that each |value| is above that of the next, one number less."""
    sizes, own = np.abs(value), relative.variances()
    ratio = sizes[1:] / sizes[:-1]  # at most 1
    either = own[:-1] + ratio * ratio * own[1:]
    variance = either - 2.0 * ratio * relative.with_next()
    return probability_positive(1.0 - ratio, np.sqrt(_no_rounding(variance, either)))


def larger(value: FloatArray, relative: Relative) -> pd.DataFrame:
    """Return the probability that the |value| of a row is above that of a column."""
    sizes = np.abs(value) / (np.abs(value).max(initial=0.0) or 1.0)
    series = pd.Series(sizes, pd.RangeIndex(len(sizes), name="path"))
    return probability_of_more(series, relative.matrix() * np.outer(sizes, sizes))


def _counted(rows: Any, columns: Any, shape: tuple[int, int]) -> Any:
    ones = np.ones(len(rows))
    return sp.coo_array((ones, (rows, columns)), shape=shape).tocsr()


def _scaled(matrix: Any, factors: FloatArray) -> Any:
    """Return a csr_array with each column times a factor."""
    data = matrix.data * factors[matrix.indices]
    return sp.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _row_sums(matrix: Any) -> FloatArray:
    return np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()


def _no_rounding(variances: FloatArray, sizes: FloatArray) -> FloatArray:
    """Return variances, with zero for what may be rounding alone."""
    kept: FloatArray = np.where(variances > SAME * sizes, variances, 0.0)
    return kept


def _over(parts: FloatArray, wholes: npt.NDArray[np.float64]) -> FloatArray:
    return np.divide(parts, wholes, out=np.zeros(parts.shape), where=wholes != 0.0)
