"""The views of a table: its labels, and its numbers as labelled frames.

Frames are built on first use over the table's own arrays, without a copy, and kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arrays import FloatArray, locked, sparse_view
from carbonflows_fast.table._content import Parts, coefficients, over_output, transactions

__all__ = ["Views"]


class Views:
    """The properties of `Table`, which adds how one is made, changed and compared."""

    __slots__ = ("_cache", "_parts")

    _parts: Parts
    _cache: dict[str, Any]

    def _solved(self) -> FloatArray:
        """Return x (n,) where the parts lack it."""
        raise NotImplementedError

    def _kept(self, key: str, make: Callable[[], Any]) -> Any:
        """Return what is cached under `key`, made on first use.

        Two threads may make it twice; both get the one that was stored first.
        """
        if key not in self._cache:
            self._cache.setdefault(key, make())
        return self._cache[key]

    # --- labels -----------------------------------------------------------------------------

    @property
    def n(self) -> int:
        """Number of rows, one (region, sector) pair each."""
        return len(self._parts.region_codes)

    @property
    def regions(self) -> tuple[str, ...]:
        """The R distinct regions: of the rows, in order of first appearance, then of Y alone."""
        return self._parts.regions

    @property
    def sectors(self) -> tuple[str, ...]:
        """The distinct sectors, in order of first appearance; not every region has them all."""
        return self._parts.sectors

    @property
    def rows(self) -> Any:
        """MultiIndex (region, sector) of the n rows."""

        def make() -> Any:
            p = self._parts
            return pd.MultiIndex(
                levels=[list(p.regions), list(p.sectors)],
                codes=[p.region_codes, p.sector_codes],
                names=["region", "sector"],
            )

        return self._kept("rows", make).view()

    @property
    def demand(self) -> Any:
        """MultiIndex (region, category) of the m columns of Y and F_Y."""

        def make() -> Any:
            p = self._parts
            return pd.MultiIndex(
                levels=[list(p.regions), list(p.categories)],
                codes=[p.demand_codes, p.category_codes],
                names=["region", "category"],
            )

        return self._kept("demand", make).view()

    @property
    def categories(self) -> tuple[str, ...]:
        """The distinct categories of final demand, in order of first appearance."""
        return self._parts.categories

    @property
    def stressors(self) -> tuple[str, ...]:
        """The names of the k stressors, each once."""
        return self._parts.stressors

    @property
    def extensions(self) -> tuple[str, ...]:
        """The extension that each stressor belongs to."""
        return self._parts.extensions

    @property
    def stressor_units(self) -> Any:
        """Series of units by stressor; empty text where unknown."""
        return self._frame(
            "stressor_units",
            lambda: pd.Series(
                list(self._parts.stressor_units), self._stressor_index(), dtype="str", name="unit"
            ),
        )

    @property
    def row_units(self) -> Any:
        """Series of units by row; empty text where unknown."""

        def make() -> Any:
            units = [self._parts.row_units[code] for code in self._parts.row_unit_codes]
            return pd.Series(units, self.rows, dtype="str", name="unit")

        return self._frame("row_units", make)

    @property
    def population(self) -> Any:
        """Series of heads by region (NaN where unknown), or None."""
        heads = self._parts.population
        if heads is None:
            return None
        index = pd.Index(list(self.regions), name="region")
        return self._frame(
            "population", lambda: pd.Series(heads, index, name="population", copy=False)
        )

    @property
    def year(self) -> int | None:
        """The year, or None."""
        return self._parts.year

    @property
    def name(self) -> str:
        """The name; may be empty."""
        return self._parts.name

    def _stressor_index(self) -> Any:
        return pd.Index(list(self.stressors), name="stressor", dtype="str")

    # --- numbers ----------------------------------------------------------------------------

    @property
    def _x(self) -> FloatArray:
        """x as an array (n,), solved on first use where it is not known."""

        def make() -> FloatArray:
            if self._parts.x is not None:
                return self._parts.x
            return self._solved()

        values: FloatArray = self._kept("array x", make)
        return values

    @property
    def _S(self) -> FloatArray:
        """S as an array (k, n)."""

        def make() -> FloatArray:
            p = self._parts
            if p.emissions_kind == "S":
                return p.emissions
            return locked(over_output(p.emissions, self._x, "S = F / x"))

        values: FloatArray = self._kept("array S", make)
        return values

    @property
    def _F(self) -> FloatArray:
        """F as an array (k, n)."""

        def make() -> FloatArray:
            p = self._parts
            return p.emissions if p.emissions_kind == "F" else locked(p.emissions * self._x)

        values: FloatArray = self._kept("array F", make)
        return values

    @property
    def _F_Y(self) -> FloatArray:
        """F_Y as an array (k, m), zeros where none was given."""
        p = self._parts
        if p.F_Y is not None:
            return p.F_Y
        shape = len(p.stressors), len(p.demand_codes)
        values: FloatArray = self._kept("array F_Y", lambda: locked(np.zeros(shape)))
        return values

    def _frame(self, key: str, make: Callable[[], Any]) -> Any:
        """Return a cached frame or series as a shallow copy: copy-on-write guards the original."""
        return self._kept(f"frame {key}", make).copy(deep=False)

    @property
    def x(self) -> Any:
        """Output by row: Series (n,), in the units of the rows."""
        return self._frame("x", lambda: pd.Series(self._x, self.rows, name="x", copy=False))

    @property
    def Y(self) -> Any:
        """Final demand: DataFrame (n, m), in the units of the rows."""
        return self._frame(
            "Y", lambda: pd.DataFrame(self._parts.Y, self.rows, self.demand, copy=False)
        )

    @property
    def F(self) -> Any:
        """Stressors by sector: DataFrame (k, n), in the units of the stressors; S x̂ if S given."""
        return self._frame(
            "F", lambda: pd.DataFrame(self._F, self._stressor_index(), self.rows, copy=False)
        )

    @property
    def S(self) -> Any:
        """Stressors per unit of output: DataFrame (k, n), F x̂⁻¹, zero where x = 0."""
        return self._frame(
            "S", lambda: pd.DataFrame(self._S, self._stressor_index(), self.rows, copy=False)
        )

    @property
    def F_Y(self) -> Any:
        """Stressors emitted by final users directly: DataFrame (k, m)."""
        return self._frame(
            "F_Y", lambda: pd.DataFrame(self._F_Y, self._stressor_index(), self.demand, copy=False)
        )

    @property
    def A(self) -> Any:
        """Coefficients A = Z x̂⁻¹: csr_array (n, n), no zeros stored, built on first use."""
        return sparse_view(self._kept("A", lambda: coefficients(self._parts)))

    @property
    def Z(self) -> Any:
        """Transactions Z = A x̂: csr_array (n, n), no zeros stored, built on first use."""
        return sparse_view(self._kept("Z", lambda: transactions(self._parts, self._x)))
