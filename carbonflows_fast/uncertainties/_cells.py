"""Deviations on the cells of a table: from labels and arrays to numbers, and passes over Z."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast import _core
from carbonflows_fast._base.arrays import BoolArray, CodeArray, FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.classification import regions_in
from carbonflows_fast.errors import InputError, LabelError, shorten
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._tiles import RegionTiles, tiles_from
from carbonflows_fast.table._selection import Stressor, is_region
from carbonflows_fast.table._stressors import unknown_label

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Cells", "cells_of_Y", "cells_of_Z", "cells_of_stressor"]

BLOCKS = ("domestic", "trade")
NOTHING = 1e-290
"""A share of the largest output, squared, that is none: one over less is beyond float64."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """(d_ij z_ij / x_i)^p for the deviation d_ij of every cell of Z, to multiply with.

    p is 1 for a shared error and 2 for variances. Over x_i the numbers have no unit, and rows
    without output none at all.

    Attributes
    ----------
    tiles : RegionTiles
        (d_ij a_ij)^p; without d where that is a number.
    factor : float
        That number to the power of p, or 1.
    outputs, over_outputs : ndarray, shape (n,)
        x^p and 1 / x^p, relative to the largest output; 0 without output.
    """

    tiles: RegionTiles
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
        out[here] = self.tiles.product(sides, adjoint=adjoint, threads=thread_count())
        out *= (self.factor * after)[:, None]
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
    elif isinstance(given, Mapping):
        core = _by_block(tiles, table.content.region_codes, *_blocks("Z", given))
    else:
        numbers, order = _array("Z", given, (table.n, table.n), table.rows, table.rows), tiles.order
        in_order = numbers if order is None else numbers[order][:, order]
        core = _from_csr(tiles, sp.csr_array(_to_csr(tiles).multiply(in_order)))
    if power == 2:
        core = _with_values(core, np.square(core.values))
    return Cells(tiles.with_core(core), factor, outputs, over_outputs)


def _by_block(tiles: RegionTiles, codes: CodeArray, domestic: float, trade: float) -> _core.Tiles:
    """Return the tiles with what stays in a region, and what crosses a border, multiplied."""
    core, codes = tiles.core, codes[tiles.table_rows]
    region = codes[tiles.starts[:-1]]
    if not np.array_equal(np.repeat(region, np.diff(tiles.starts)), codes):  # in shared blocks
        matrix = _to_csr(tiles)
        seller = np.repeat(codes, np.diff(matrix.indptr))
        matrix.data = matrix.data * np.where(seller == codes[matrix.indices], domestic, trade)
        return _from_csr(tiles, matrix)
    values = core.values * trade
    first = core.entries[:, :, 1]
    begins = np.append(np.unique(first[core.entries[:, :, 3] > 0]), values.size)
    for begin in first[(region[:, None] == region) & (core.entries[:, :, 3] > 0)]:
        here = slice(begin, begins[np.searchsorted(begins, begin) + 1])
        values[here] = core.values[here] * domestic
    return _with_values(core, values)


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
    elif isinstance(given, Mapping):
        domestic, trade = _blocks("Y", given)
        deviation = np.where(p.region_codes[:, None] == p.demand_codes, domestic, trade)
    else:
        deviation = _dense(_array("Y", given, p.Y.shape, table.rows, table.demand))
    shares = np.zeros(p.Y.shape)
    np.divide(p.Y, x[:, None], out=shares, where=x[:, None] != 0.0)
    cells: FloatArray = shares * deviation
    return cells


def cells_of_stressor(table: Table, stressor: Stressor, argument: str, given: Any) -> FloatArray:
    """Return d F or d F_Y of each stressor that is counted, weighted: (stressors, n or m)."""
    p, final = table.content, argument == "F_Y"
    if final and p.F_Y is None:
        raise InputError.about(
            "F_Y",
            expected="a table with emissions of final users",
            got="one without",
            remedy="leave F_Y out, or add them with table.with_changes(F_Y=…)",
        )
    values = table.arrays.F_Y if final else table.arrays.F
    if isinstance(given, float):
        deviation: Any = np.full((len(p.stressors), 1), given)
    elif isinstance(given, Mapping):
        deviation = _by_label(table, argument, given)
    else:
        columns = table.demand if final else table.rows
        index = pd.Index(p.stressors)
        deviation = _dense(_array(argument, given, values.shape, index, columns))
    counted = [p.stressors.index(name) for name in stressor.counted]
    weights = np.array(stressor.weights)[:, None]
    cells: FloatArray = weights * values[counted] * deviation[counted]
    return cells


# --- by label -----------------------------------------------------------------------------------


def _blocks(argument: str, given: Mapping[str, float]) -> tuple[float, float]:
    for label in given:
        if label not in BLOCKS:
            raise LabelError.about(
                argument,
                expected="'domestic' and 'trade'",
                got=repr(label)[:60],
                remedy="give {'domestic': 0.05, 'trade': 0.2}, one number, or an array for "
                f"every cell of table.{argument}",
            )
    return given.get("domestic", 0.0), given.get("trade", 0.0)


def _by_label(table: Table, argument: str, given: Mapping[str, float]) -> FloatArray:
    """Return numbers by stressor, region or sector as (k, n), or (k, m) for F_Y."""
    p, final = table.content, argument == "F_Y"
    codes = p.demand_codes if final else p.region_codes
    kinds = {"stressor": p.stressors, "region": p.regions}
    kinds |= {} if final else {"sector": p.sectors}
    deviation = np.zeros((len(p.stressors), len(codes)))
    kind = _kind_of_labels(table, argument, given, kinds)
    if kind == "stressor":
        deviation += np.array([[given.get(name, 0.0)] for name in p.stressors])
    elif kind == "sector":
        deviation += np.array([given.get(name, 0.0) for name in p.sectors])[p.sector_codes]
    else:
        deviation += _by_region(table, argument, given)[codes]
    return deviation


def _kind_of_labels(
    table: Table, argument: str, given: Mapping[str, float], kinds: Mapping[str, tuple[str, ...]]
) -> str:
    fitting = [kind for kind, labels in kinds.items() if all(one in labels for one in given)]
    if not fitting and all(is_region(table, label) for label in given):
        fitting = ["region"]
    if len(fitting) == 1:
        return fitting[0]
    found = {k: [one for one in given if one in labels] for k, labels in kinds.items()}
    known = [one for labels in kinds.values() for one in labels]
    *others, last = kinds
    for label in given:
        if label not in known and not is_region(table, label):
            kind = f"{', '.join(others)} or {last}"
            raise unknown_label(argument, kind, label[:200], known, "")
    several = [f"{kind} {labels[0]!r}" for kind, labels in found.items() if labels]
    raise InputError.about(
        argument,
        expected="labels of one kind, which have no other meaning",
        got=" and ".join(several)[:200],
        remedy=f"give an array for every cell of table.{argument}",
    )


def _by_region(table: Table, argument: str, given: Mapping[str, float]) -> FloatArray:
    numbers = np.zeros(len(table.regions))
    named: BoolArray = np.zeros(len(table.regions), dtype=np.bool_)
    for label, number in given.items():
        meant = np.array(regions_in(table.regions, label, argument, year=table.year))
        twice = np.flatnonzero(named & meant)
        if twice.size:
            raise LabelError.about(
                argument,
                expected="every region once",
                got=f"{table.regions[twice[0]]!r} by two names",
                remedy="leave one of them out",
            )
        numbers[meant] = number
        named |= meant
    return numbers


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
