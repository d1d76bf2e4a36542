"""Deviations on the cells of a table: from labels and arrays to numbers, and passes over Z."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast import _core
from carbonflows_fast._base.arrays import CodeArray, FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.errors import InputError, LabelError, Phrase, shorten
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._tiles import RegionTiles, tiles_from
from carbonflows_fast.table._selection import Stressor
from carbonflows_fast.uncertainties._error_model._forms import BySize
from carbonflows_fast.uncertainties._error_model._labels import Assigned, assigned

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Cells", "cells_of_Y", "cells_of_Z", "cells_of_stressor", "product_of"]

NOTHING = 1e-290
"""A share of the largest output, squared, that is none: one over less is beyond float64."""
AT_ONCE = 2**22
"""Cells whose sizes are looked at together."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """(d_ij z_ij / x_i)^p for the deviation d_ij of every cell of Z, to multiply with.

    p is 1 for a shared error and 2 for variances. Over x_i the numbers have no unit, and rows
    without output none at all.

    Attributes
    ----------
    tiles : RegionTiles
        d_ij a_ij, squared as they are read if p is 2; without d where that is a number.
    squared : bool
        Whether p is 2.
    factor : float
        That number to the power of p, or 1.
    outputs, over_outputs : ndarray, shape (n,)
        x^p and 1 / x^p, relative to the largest output; 0 without output.
    """

    tiles: RegionTiles
    squared: bool
    factor: float
    outputs: FloatArray
    over_outputs: FloatArray

    def times(self, X: FloatArray, *, adjoint: bool = False) -> FloatArray:
        """Return the product with X (n, k), or of the transposed, in the order of the table."""
        before, after = self.outputs, self.over_outputs
        if adjoint:
            before, after = after, before
        here = self.tiles.table_rows
        sides = np.ascontiguousarray((before[:, None] * X)[here])
        out = np.empty(X.shape)
        out[here] = self.tiles.product(
            sides, adjoint=adjoint, squared=self.squared, threads=thread_count()
        )
        out *= (self.factor * after)[:, None]
        return out

    def at(self, rows: Any, columns: Any) -> FloatArray:
        """Return single cells, (k,), by rows and columns (k,) of the table."""
        here = self.tiles.table_rows
        place = np.empty(self.tiles.n, dtype=np.int64)
        place[here] = np.arange(self.tiles.n)
        values = _to_csr(self.tiles)[place[rows], place[columns]] if len(rows) else np.zeros(0)
        if self.squared:
            values = np.square(values)
        found: FloatArray = self.outputs[columns] * values * (self.factor * self.over_outputs[rows])
        return found

    def spread(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """Return Σ_j v_ij (left_i · (right_j − right_i))² of each row, for variances v_ij."""
        here = self.tiles.table_rows
        left, right, outputs = (
            np.ascontiguousarray(each[here]) for each in (left, right, self.outputs)
        )
        out = np.empty(len(left))
        out[here] = _core.row_spread(self.tiles.core, left, right, outputs, thread_count())
        out *= self.factor * self.over_outputs
        return out


def cells_of_Z(table: Table, given: Any, power: int) -> Cells:
    """Return the deviations of Z, given as a number, by block, or for every cell."""
    tiles, x = system(table).tiles, table.x.to_numpy()
    outputs = (x / (np.abs(x).max(initial=0.0) or 1.0)) ** power
    over_outputs = np.zeros(table.n)
    np.divide(1.0, outputs, out=over_outputs, where=np.abs(outputs) > NOTHING)
    factor = 1.0
    if isinstance(given, float):
        core, factor = tiles.core, given**power
    elif isinstance(given, Mapping | BySize):
        core = _by_label(tiles, x, table.content.region_codes, assigned(table, "Z", given))
    else:
        numbers, order = _array("Z", given, (table.n, table.n), table.rows, table.rows), tiles.order
        in_order = numbers if order is None else numbers[order][:, order]
        core = _from_csr(tiles, sp.csr_array(_to_csr(tiles).multiply(in_order)))
    return Cells(tiles.with_core(core), power == 2, factor, outputs, over_outputs)


def product_of(one: Cells, other: Cells) -> Cells:
    """Return the products of the same cells in two tables with the same rows."""
    a, b = one.tiles.core, other.tiles.core
    same = all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("entries", "masks"))
    if same:
        core = _with_values(a, a.values * b.values)
    else:
        core = _from_csr(one.tiles, sp.csr_array(_to_csr(one.tiles).multiply(_to_csr(other.tiles))))
    return Cells(
        one.tiles.with_core(core),
        one.squared,
        one.factor * other.factor,
        one.outputs * other.outputs,
        one.over_outputs * other.over_outputs,
    )


def _by_label(tiles: RegionTiles, x: FloatArray, codes: CodeArray, given: Assigned) -> _core.Tiles:
    """Return the tiles with each cell multiplied by what holds for its seller and buyer."""
    core, codes = tiles.core, codes[tiles.table_rows]
    region, numbers = codes[tiles.starts[:-1]], given.numbers
    in_own_blocks = np.array_equal(np.repeat(region, np.diff(tiles.starts)), codes)
    if numbers is None or not in_own_blocks:
        return _cell_by_cell(tiles, x[tiles.table_rows], codes, given)
    values: FloatArray = np.array(core.values, dtype=np.float64)
    first, filled = core.entries[:, :, 1], core.entries[:, :, 3] > 0
    begins = np.append(np.unique(first[filled]), values.size)
    for seller, buyer in np.argwhere(filled):
        begin = first[seller, buyer]
        end = begins[np.searchsorted(begins, begin) + 1]
        values[begin:end] = values[begin:end] * numbers[region[seller], region[buyer]]
    return _with_values(core, values)


def _cell_by_cell(
    tiles: RegionTiles, x: FloatArray, codes: CodeArray, given: Assigned
) -> _core.Tiles:
    """Return the same where regions share a block, or numbers depend on sizes: some rows a time."""
    matrix = _to_csr(tiles)
    step = max(1, AT_ONCE // tiles.n)
    for first in range(0, tiles.n, step):
        begins = matrix.indptr[first : first + step + 1]
        here = slice(begins[0], begins[-1])
        seller = np.repeat(codes[first : first + step], np.diff(begins))
        columns = matrix.indices[here]
        sizes = np.abs(matrix.data[here] * x[columns])
        matrix.data[here] *= given.at("Z", given.codes[seller, codes[columns]], sizes)
    return _from_csr(tiles, matrix)


def _with_values(core: _core.Tiles, values: Any) -> _core.Tiles:
    return type(core)(core.starts, core.entries, core.masks, values)


def _to_csr(tiles: RegionTiles) -> Any:
    indptr, indices, values = tiles.core.to_csr(thread_count())
    return sp.csr_array((values, indices, indptr), shape=tiles.shape)


def _from_csr(tiles: RegionTiles, matrix: Any) -> _core.Tiles:
    return tiles_from(matrix, tiles.starts, None, thread_count())


def cells_of_Y(table: Table, given: Any) -> FloatArray:
    """Return d_ip y_ip / x_i, (n, m), given as a number, by block, or for every cell."""
    p, x = table.content, table.x.to_numpy()
    if isinstance(given, float):
        deviation: Any = given
    elif isinstance(given, Mapping | BySize):
        held = assigned(table, "Y", given)
        deviation = held.at("Y", held.codes[p.region_codes], p.Y)
    else:
        deviation = _dense(_array("Y", given, p.Y.shape, table.rows, table.demand))
    cells: FloatArray = np.zeros(p.Y.shape)
    np.divide(p.Y, x[:, None], out=cells, where=x[:, None] != 0.0)
    cells *= deviation
    return cells


def cells_of_stressor(table: Table, stressor: Stressor, argument: str, given: Any) -> FloatArray:
    """Return d F or d F_Y of each stressor that is counted, weighted: (stressors, n or m)."""
    p, final = table.content, argument == "F_Y"
    if final and p.F_Y is None:
        raise InputError.about(
            "F_Y",
            expected="a table with emissions of final users",
            got="one without",
            remedy=Phrase(
                "leave F_Y out, or add them with table.with_changes(F_Y=…)", "leave F_Y out"
            ),
        )
    values = table.arrays.F_Y if final else table.arrays.F
    if isinstance(given, float):
        deviation: Any = np.full((len(p.stressors), 1), given)
    elif isinstance(given, Mapping | BySize):
        held = assigned(table, argument, given)
        deviation = held.at(argument, held.codes, values)
    else:
        columns = table.demand if final else table.rows
        index = pd.Index(p.stressors)
        deviation = _dense(_array(argument, given, values.shape, index, columns))
    counted = [p.stressors.index(name) for name in stressor.counted]
    weights = np.array(stressor.weights)[:, None]
    cells: FloatArray = weights * values[counted] * deviation[counted]
    return cells


# --- for every cell -----------------------------------------------------------------------------


def _array(
    argument: str, given: Any, shape: tuple[int, int], index: pd.Index, columns: pd.Index
) -> Any:
    """Return an array or a sparse array of the shape, and see that labels are the table's."""
    numbers = given.to_numpy() if isinstance(given, pd.DataFrame | pd.Series) else given
    one_row = numbers.ndim == 1 and shape == (1, numbers.size)
    if numbers.shape != shape and not one_row:
        raise InputError.about(
            argument,
            expected=f"shape {shape}",
            got=f"shape {numbers.shape}",
            remedy=f"give one number for each cell of table.{argument}, or one for all",
        )
    labels = [(given.index, columns if one_row else index)] if numbers is not given else []
    if isinstance(given, pd.DataFrame):
        labels.append((given.columns, columns))
    for got, expected in labels:
        if list(got) != list(expected):
            other = [str(one) for one, name in zip(got, expected, strict=True) if one != name]
            raise LabelError.about(
                argument,
                expected=f"the labels of table.{argument} in the same order",
                got=f"others, e.g. {shorten(map(repr, other), 1)}"[:200],
                remedy="use .reindex(…) with these labels, or pass .to_numpy()",
            )
    return numbers


def _dense(numbers: Any) -> FloatArray:
    dense = numbers.toarray() if sp.issparse(numbers) else np.asarray(numbers)
    return dense.reshape(1, -1) if dense.ndim == 1 else dense
