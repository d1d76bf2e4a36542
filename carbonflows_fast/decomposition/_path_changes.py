"""Changes of structural paths as a result: arrays, effects by kind, position and region."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from carbonflows_fast._base.arrays import FloatArray, locked
from carbonflows_fast.paths._chain_list import ChainList

__all__ = ["KINDS", "PathChanges"]

KINDS = ("intensity", "technology", "trade", "demand")


@dataclass(frozen=True, eq=False, repr=False)
class PathChanges(ChainList):
    """Structural paths whose values changed most between two tables, and why.

    p paths are reported, all others are in `remainder`. All arrays are read-only. `to_frame` and
    `to_arrow` have the columns before, after, change, effect_intensity, effect_technology,
    effect_trade, effect_demand (all in `unit`), stage and path.

    Attributes
    ----------
    before, after, change : float64 array, shape (p,), in the stressor's unit
        Value in either table and the difference, largest |change| first. A new path has a zero
        before, a vanished one after.
    starts, rows : int64 array, shape (p + 1,), and int32 array, shape (starts[-1],)
        Path k is `rows[starts[k]:starts[k + 1]]`: rows of the table before, the final product
        first.
    kinds : float64 array, shape (p, 4)
        Effects of intensity, technology, trade and demand; they add up to `change`.
    positions : float64 array, shape (starts[-1] + p,)
        Effect of each factor, path k's from starts[k] + k on: final demand, every coefficient,
        intensity.
    origins : float64 array, shape (starts[-1] + p,)
        The part of each of these effects that is due to the origin of purchases.
    label, prices, method, stressor, unit : str
    total : float
        ΔE, the change of all paths together, in `unit`.
    error_bound : float
        Absolute bound on the error of `total` and of the remainder's `change`.
    pruned : float64 array, shape (stages,)
        The change of paths not reported, by the stage at which they were cut off.
    nodes : int
        Prefixes that the search expanded.
    unlogged : int
        Paths in which a factor changes sign: method "lmdi" uses "shapley" for these.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> before, after = (cf.synthetic.world(2, 3, year=year) for year in (2010, 2019))
    >>> found = cf.structural_path_decomposition(before, after, top=5)
    >>> len(found), len(found.effects) - int((found.stage + 2).sum())
    (5, 0)
    >>> bool(abs(found.by_region().change.sum() - found.explained.change) < 1e-9 * found.before[0])
    True
    >>> found.to_arrow().column_names[:3]
    ['before', 'after', 'change']
    """

    before: FloatArray
    after: FloatArray
    kinds: FloatArray
    positions: FloatArray
    origins: FloatArray
    label: str
    prices: str
    method: str
    unlogged: int
    _all_effects: Callable[[], dict[str, float] | None]

    _NUMBERS: ClassVar = ("before", "after", "kinds", "positions", "origins", "pruned")
    _ABOUT: ClassVar = ("label", "prices", "method", "stressor", "unit", "total", "error_bound")

    def __repr__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"PathChanges({self.label!r}, {len(self):,} paths, {self.stressor!r}, {self.method}, "
            f"{self.prices}: {self.explained['change']:.6g} of {self.total:.6g}{unit})"
        )

    @cached_property
    def change(self) -> FloatArray:
        """float64 array, shape (p,): after − before."""
        return locked(self.after - self.before)

    @cached_property
    def explained(self) -> pd.Series:
        """Sums over the reported paths: change, and the four effects, in `unit`."""
        values = [float(self.change.sum()), *self.kinds.sum(axis=0).tolist()]
        return pd.Series(values, index=["change", *KINDS], name="explained")

    @cached_property
    def remainder(self) -> pd.Series:
        """The contribution of paths not reported: change, summed from pruned paths, and effects.

        The effects are those of the whole (`structural_decomposition`, the same path by path)
        minus the explained ones. They are solved when first asked for. They are NaN if the whole
        cannot be solved: if a table between the two is not productive, or nearly so (the effects do
        not add up to the change within 1e-6 of it), or, for method "lmdi", if a coefficient or an
        intensity changes sign.
        """
        whole = self._all_effects()
        values = [float(self.pruned.sum())]
        for kind in KINDS:
            values.append(whole[kind] - self.explained[kind] if whole is not None else np.nan)
        return pd.Series(values, index=["change", *KINDS], name="remainder")

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        columns = {"before": self.before, "after": self.after, "change": self.change}
        columns |= {f"effect_{kind}": row for kind, row in zip(KINDS, self.kinds.T.copy())}
        return columns | {"stage": self.stage}

    @property
    def _about(self) -> dict[str, Any]:
        return super()._about | {"remainder": float(self.pruned.sum())}

    @property
    def effects(self) -> pd.DataFrame:
        """Effects of every factor of every path.

        DataFrame, one row a factor: path, counted from 0; position, 0 for final demand, 1 … stage
        for the coefficients, stage + 1 for intensity; kind ("demand", "input", "intensity");
        region and sector of the row: the product finally bought, the seller of the input, or the
        emitter; effect, and trade, the part of it that is due to the origin of purchases, in
        `unit`.
        """
        lengths = np.diff(self.starts) + 1
        first = self.starts[:-1] + np.arange(len(self))
        position = np.arange(self.positions.size) - np.repeat(first, lengths)
        last = np.repeat(lengths - 1, lengths)
        path = np.repeat(np.arange(len(self)), lengths)
        row = self.rows[np.repeat(self.starts[:-1], lengths) + np.minimum(position, last - 1)]
        kind = np.where(position == 0, 0, np.where(position == last, 2, 1))
        columns = {
            "path": path,
            "position": position.astype(np.int32),
            "kind": pd.Categorical.from_codes(kind, ["demand", "input", "intensity"]),
        }
        columns |= self._labels(row)
        columns |= {"effect": self.positions, "trade": self.origins}
        return self._frame(columns)

    def by_region(self) -> pd.DataFrame:
        """Return the explained effects by region: of the emitter (intensity), of the buyer of each
        input (technology and trade), of the maker of the final product (demand, and the trade in
        final products).

        DataFrame, index region in the order of the table; columns intensity, technology, trade,
        demand, and change, their sum, in `unit`.
        """
        effects = self.effects
        seller = effects["region"].cat.codes.to_numpy()
        is_input = (effects["kind"] == "input").to_numpy()
        # The buyer of an input is the row of the step before it.
        place = np.where(is_input, np.roll(seller, 1), seller)
        regions = list(self._table.regions)
        own = self.positions - self.origins
        parts = {
            "intensity": np.where(effects["kind"] == "intensity", own, 0.0),
            "technology": np.where(is_input, own, 0.0),
            "trade": self.origins,
            "demand": np.where(effects["kind"] == "demand", own, 0.0),
        }
        columns: dict[str, Any] = {
            name: np.bincount(place, part, len(regions)) for name, part in parts.items()
        }
        columns["change"] = sum(columns.values())
        return self._frame(columns, pd.Index(regions, name="region"))
