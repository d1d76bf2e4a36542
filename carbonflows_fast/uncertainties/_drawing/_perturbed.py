"""Perturbed tables: every cell times a random factor of mean 1, and shared errors on top.

A factor is a function of the seed, the number of the draw, the year of the table and the place of
the cell in it (cpp/include/carbonflows/draws.hpp): two years of one seed have cells of their own,
correlated as far as is asked for. The draw of a shared error is one of its name and the same in
every year and table, wherever the error is listed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast import _core
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import instruction_set, thread_count
from carbonflows_fast.errors import InputError
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._tiles import RegionTiles
from carbonflows_fast.table._selection import Stressor
from carbonflows_fast.uncertainties._correlation import require_drawable
from carbonflows_fast.uncertainties._error_model._cells import (
    _array,
    cells_of_stressor,
    cells_of_Y,
    cells_of_Z,
)
from carbonflows_fast.uncertainties._error_model._errors import (
    DISTRIBUTIONS,
    LARGEST_DEVIATION,
    Errors,
    SharedError,
    named,
)
from carbonflows_fast.uncertainties._error_model._forms import BySize
from carbonflows_fast.uncertainties._error_model._labels import assigned

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["PerturbedTable", "Perturber"]

LARGEST_COEFFICIENT = 1e30
"""Of A, for draws: float32 goes to 3e38, and few factors are above 1e8."""

STREAMS = {"Z": 0, "Y": 1, "F": 2, "F_Y": 3, "shared": 4}
"""Each has random words of its own; above the lowest 8 bits is which stressor or shared error."""
YEARS = 2**16
"""As many have words of their own; a table without a year has those that are common to all."""


@dataclass(frozen=True, slots=True, eq=False)
class PerturbedTable:
    """One draw. Z, Y and their sums are in tile order, emissions in the order of the table.

    Attributes
    ----------
    tiles : RegionTiles
        z_ij / x_j, the x of the table itself, in float32: a draw's cells have no more digits. Its
        values are overwritten by the next draw. Rows may be scaled.
    rows : ndarray, shape (n,)
        Σ_j z_ij.
    Y : ndarray, shape (n, R)
        By consumer.
    F, F_Y : ndarray, shape (n,) and (m,)
        Of the stressors that are counted, weighted.
    own : tuple (Y, F, F_Y)
        The last three without shared errors.
    shared : dict of str to float
        What was drawn, by the name of the error.
    """

    tiles: RegionTiles
    rows: FloatArray
    Y: FloatArray
    F: FloatArray
    F_Y: FloatArray
    own: tuple[FloatArray, FloatArray, FloatArray]
    shared: dict[str, float]

    @property
    def values(self) -> npt.NDArray[np.float32]:
        """The values of the tiles, to change in place."""
        values: Any = self.tiles.core.values
        return cast("npt.NDArray[np.float32]", values)


class Perturber:
    """Draws of a table; one at a time, for each overwrites the last one's tiles."""

    def __init__(
        self,
        table: Table,
        stressor: Stressor,
        errors: Errors,
        seed: int,
        correlation: float = 0.0,
    ) -> None:
        p = table.content
        require_drawable(correlation, errors.distribution, table.year)
        self._when: tuple[int, float] = ((table.year or 0) % YEARS, correlation)
        self.tiles = system(table).tiles
        self._seed, self._kind = seed, DISTRIBUTIONS.index(errors.distribution)
        self._errors, self._n = errors, table.n
        order, self._places = self.tiles.order, self.tiles.table_rows
        self._rows = np.arange(table.n) if order is None else order
        self._x = np.ascontiguousarray(table.x.to_numpy()[self._places])
        self._Y, self._consumers, self._regions = p.Y, p.demand_codes, len(p.regions)
        self.base_Y = self._sums_of_Y(0, 0.0, [])[0]
        counted = [p.stressors.index(name) for name in stressor.counted]
        self._stressors = counted
        self._F = {
            "F": cells_of_stressor(table, stressor, "F", 1.0),
            "F_Y": np.zeros((1, p.Y.shape[1])),
        }
        if p.F_Y is not None:
            self._F["F_Y"] = cells_of_stressor(table, stressor, "F_Y", 1.0)
        self._sources = []
        for given in (errors, *errors.shared):
            with named(given):
                self._sources.append(self._prepared(table, stressor, given))
        self._values: npt.NDArray[np.float32] | None = None
        if self.solved_again:
            _require_room_for_factors(self.tiles.core.values)
            self._values = np.zeros(self.tiles.core.values.size, dtype=np.float32)
        self.base_rows = self._row_sums(self.tiles)

    @property
    def solved_again(self) -> bool:
        """Whether any cell of Z or Y moves, so that output and coefficients do."""
        return any(given.keys() & {"Z", "Y"} for given in self._sources)

    @property
    def shared_in_Z(self) -> bool:
        """Whether a shared error moves cells of Z."""
        return any("Z" in given for given in self._sources[1:])

    def _prepared(
        self, table: Table, stressor: Stressor, given: Errors | SharedError
    ) -> dict[str, Any]:
        """Return deviations or loadings by source, as the loops take them."""
        found: dict[str, Any] = {}
        largest_of_Z = 0.0
        if given.Z is not None:
            found["Z"], largest_of_Z = _numbers_of_Z(table, self.tiles, given.Z)
        if given.Y is not None:
            found["Y"] = given.Y
            if not isinstance(given.Y, float):
                found["Y"] = _over(cells_of_Y(table, given.Y), cells_of_Y(table, 1.0))
        for source in ("F", "F_Y"):
            one = getattr(given, source)
            if one is not None:
                found[source] = _over(
                    cells_of_stressor(table, stressor, source, one), self._F[source]
                )
        if isinstance(given, SharedError):
            _require_fitting("sd", given.sd, self._errors.distribution)
        else:
            for source, numbers in found.items():
                largest = _largest(
                    getattr(given, source), largest_of_Z if source == "Z" else numbers
                )
                _require_fitting(source, largest, given.distribution)
        return found

    # ---- one draw ------------------------------------------------------------------------------

    def shared(self, number: int) -> dict[str, float]:
        """Return the draws of the shared errors, each of mean 0."""
        return {
            one.name: float(self._factors(number, "shared", _code(one.name), [one.sd])[0]) - 1.0
            for one in self._errors.shared
        }

    @property
    def scales_at_once(self) -> bool:
        """Whether `own` can scale rows: nothing else moves their sums."""
        return "Z" in self._sources[0] and not self.shared_in_Z

    def own(self, number: int, *, scaled: bool = False) -> PerturbedTable:
        """Return a draw without what shared errors do to Z.

        Rows of the tiles may be `scaled` by the output of the table over that of the draw.
        """
        shared = self.shared(number)
        Y = self._demand(number, shared)
        tiles, rows = self._own_Z(number, self.rest(Y[1]) if scaled else np.empty(0))
        F, F_Y = (self._moved(number, source, shared) for source in ("F", "F_Y"))
        own = (Y[0], F[0], F_Y[0])
        return PerturbedTable(tiles, rows, Y[1], F[1], F_Y[1], own, shared)

    def _moved(
        self, number: int, source: str, shared: dict[str, float]
    ) -> tuple[FloatArray, FloatArray]:
        """Return cells moved by their own errors, and by shared ones as well."""
        own = self._F[source] * self._own_factors(number, source)
        together = own
        for given, size in zip(self._sources[1:], shared.values(), strict=True):
            if source in given:
                together = together * (1.0 + size * given[source])
        return own.sum(axis=0), together.sum(axis=0)

    def _demand(self, number: int, shared: dict[str, float]) -> tuple[FloatArray, FloatArray]:
        """Return Y by consumer in the same two ways, in tile order."""
        if not any("Y" in given for given in self._sources):
            return self.base_Y, self.base_Y
        pairs = zip(self._sources[1:], shared.values(), strict=True)
        moved = [(size, given["Y"]) for given, size in pairs if "Y" in given]
        return self._sums_of_Y(number, self._sources[0].get("Y", 0.0), moved)

    def _sums_of_Y(
        self, number: int, deviations: Any, moved: list[tuple[float, Any]]
    ) -> tuple[FloatArray, FloatArray]:
        own, together = _core.draw_sums(
            self._seed,
            number,
            STREAMS["Y"],
            self._kind,
            self._Y,
            self._consumers,
            self._regions,
            deviations,
            np.array([size for size, _ in moved]),
            [loading for _, loading in moved],
            thread_count(),
            instruction_set(),
            *self._when,
        )
        if not moved:
            together = own
        return own[self._places], together[self._places]

    def rest(self, Y: FloatArray) -> FloatArray:
        """Return what output is made of, (n,), beside the sums of the rows of Z."""
        return np.asarray(self._x - self.base_rows + (Y - self.base_Y).sum(axis=1))

    def with_shared(self, drawn: PerturbedTable) -> FloatArray:
        """Move Z by the shared errors in place, and return the sums of its rows."""
        rows = drawn.rows
        for given, size in zip(self._sources[1:], drawn.shared.values(), strict=True):
            if "Z" in given:
                core, values = self.tiles.core, drawn.values
                rows = _core.move_cells(
                    core, values, size, given["Z"], self._rows, self._x, thread_count()
                )
        return rows

    def _own_Z(self, number: int, rest: FloatArray) -> tuple[RegionTiles, FloatArray]:
        core, values = self.tiles.core, self._values
        if values is None:
            return self.tiles, self.base_rows
        tiles = self.tiles.with_core(_core.Tiles32(core.starts, core.entries, core.masks, values))
        if "Z" not in self._sources[0]:
            values[:] = core.values
            return tiles, self.base_rows
        rows = _core.draw_cells(
            core,
            values,
            self._seed,
            number,
            STREAMS["Z"],
            self._kind,
            self._sources[0]["Z"],
            self._rows,
            self._x,
            rest,
            thread_count(),
            instruction_set(),
            *self._when,
        )
        return tiles, rows

    def _row_sums(self, tiles: RegionTiles) -> FloatArray:
        product = tiles.product(self._x[:, None], adjoint=False, threads=thread_count())
        return np.ascontiguousarray(product[:, 0])

    def _own_factors(self, number: int, source: str) -> FloatArray | float:
        deviations = self._sources[0].get(source)
        if deviations is None:
            return 1.0
        rows = zip(self._stressors, deviations, strict=True)
        factors = [self._factors(number, source, code, row, self._when) for code, row in rows]
        return np.reshape(factors, deviations.shape)

    def _factors(
        self,
        number: int,
        source: str,
        code: int,
        deviations: Any,
        when: tuple[int, float] = (0, 0.0),
    ) -> FloatArray:
        cells = np.ascontiguousarray(deviations, dtype=np.float64)
        stream = STREAMS[source] + (code << 8)
        flat = cells.ravel()
        factors = _core.draw_factors(
            self._seed, number, stream, self._kind, flat, instruction_set(), *when
        )
        shaped: FloatArray = factors.reshape(cells.shape)
        return shaped


def _code(name: str) -> int:
    """Return 24 bits that stand for the name of a shared error."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=3).digest(), "little")


def _over(cells: FloatArray, every: FloatArray) -> FloatArray:
    """Return the deviation of each cell from deviation × cell; 0 where the cell is 0."""
    found = np.zeros(np.broadcast_shapes(cells.shape, every.shape))
    np.divide(cells, every, out=found, where=every != 0.0)
    return found


# --- deviations of Z in a form for the loops ------------------------------------------------------


def _numbers_of_Z(table: Table, tiles: RegionTiles, given: Any) -> tuple[_core.CellNumbers, float]:
    """Return a number for each cell of Z without a copy of what has one for every cell.

    And the largest of those that are made here.
    """
    no_codes, nothing = np.empty(0, np.int32), np.empty(0)
    positions = np.empty(0, np.int64)
    one, groups, by_group, dense = 0.0, no_codes, nothing, None
    starts, columns, numbers = positions, positions, nothing
    if isinstance(given, float):
        one = given
    elif isinstance(given, Mapping) and not _by_size(given):
        held = assigned(table, "Z", given)
        by_group = np.array(held.laws, dtype=np.float64)[held.codes].ravel()
        groups = np.ascontiguousarray(table.content.region_codes[tiles.table_rows], dtype=np.int32)
    elif isinstance(given, np.ndarray | pd.DataFrame):
        dense = np.asarray(_array("Z", given, (table.n, table.n), table.rows, table.rows))
    else:
        matrix = _ratios(tiles, cells_of_Z(table, given, 1))
        starts, columns, numbers = matrix.indptr, matrix.indices, matrix.data
        starts, columns = starts.astype(np.int64), columns.astype(np.int64)
    made = _core.CellNumbers(one, groups, by_group, dense, starts, columns, numbers)
    return made, float(np.max(numbers, initial=0.0))


def _ratios(tiles: RegionTiles, cells: Any) -> Any:
    """Return the deviations of cells (d a) over a as a sparse array in tile order."""
    parts = []
    for core in (cells.tiles.core, tiles.core):
        indptr, indices, values = core.to_csr(thread_count())
        parts.append(sp.csr_array((values, indices, indptr), shape=tiles.shape))
    moved, every = parts
    every.data = 1.0 / every.data
    ratios = sp.csr_array(moved.multiply(every) * cells.factor)
    ratios.sort_indices()
    return ratios


def _by_size(given: Any) -> bool:
    laws = given.values() if isinstance(given, Mapping) else [given]
    return any(isinstance(law, BySize) for law in laws)


def _largest(given: Any, deviations: Any) -> float:
    """Return the largest of what was given; of the deviations themselves where sizes decide."""
    if _by_size(given):
        return float(np.max(deviations, initial=0.0)) * (1.0 - 1e-12)  # they were divided out
    if isinstance(given, Mapping):
        return max(map(float, given.values()))
    numbers = given.data if sp.issparse(given) else np.asarray(given, dtype=np.float64)
    return float(np.max(numbers, initial=0.0))


def _require_room_for_factors(values: Any) -> None:
    """Refuse coefficients that leave float32 as soon as they are moved."""
    largest = max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))
    if largest > LARGEST_COEFFICIENT:
        raise InputError.about(
            "draws",
            expected=f"coefficients z_ij / x_j of at most {LARGEST_COEFFICIENT:g}",
            got=f"{largest:.1e}",
            remedy="leave draws out",
        )


def _require_fitting(source: str, largest: float, distribution: str) -> None:
    """Refuse deviations with which a cell would change its sign."""
    most = LARGEST_DEVIATION[distribution]
    if largest > most:
        raise InputError.about(
            source,
            expected=f"relative deviations of at most {most:g} for a {distribution} distribution",
            got=f"{largest:g}",
            remedy='use distribution="lognormal", which has no such limit',
        )
