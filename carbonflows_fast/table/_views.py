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
from carbonflows_fast.table._kept import Kept, Key

__all__ = ["Views"]


class Arrays:
    """Numbers of a table as arrays, each computed on first use and kept with the table."""

    __slots__ = ("_table",)

    def __init__(self, table: Views) -> None:
        self._table = table

    @property
    def x(self) -> FloatArray:
        """x as an array (n,), solved on first use where it is not known."""

        def make() -> FloatArray:
            if self._table.content.x is not None:
                return self._table.content.x
            return self._table._solved()

        values: FloatArray = self._table.kept.get(Key("array x", "matrix Y x"), make)
        return values

    @property
    def S(self) -> FloatArray:
        """S as an array (k, n)."""

        def make() -> FloatArray:
            p = self._table.content
            if p.emissions_kind == "S":
                return p.emissions
            return locked(over_output(p.emissions, self.x, "S = F / x"))

        values: FloatArray = self._table.kept.get(Key("array S", "emissions"), make)
        return values

    @property
    def F(self) -> FloatArray:
        """F as an array (k, n)."""

        def make() -> FloatArray:
            p = self._table.content
            return p.emissions if p.emissions_kind == "F" else locked(p.emissions * self.x)

        values: FloatArray = self._table.kept.get(Key("array F", "emissions matrix Y x"), make)
        return values

    @property
    def F_Y(self) -> FloatArray:
        """F_Y as an array (k, m), zeros where none was given."""
        p = self._table.content
        if p.F_Y is not None:
            return p.F_Y
        shape = len(p.stressors), len(p.demand_codes)
        values: FloatArray = self._table.kept.get(
            Key("array F_Y", "F_Y"), lambda: locked(np.zeros(shape))
        )
        return values


class Views:
    """The properties of `Table`, which adds how one is made, changed and compared."""

    __slots__ = ("content", "kept")

    # For the modules of this package: what was given, and what was computed of it before.
    content: Parts
    kept: Kept

    def _solved(self) -> FloatArray:
        """Return x (n,) where the parts lack it."""
        raise NotImplementedError

    # --- labels -----------------------------------------------------------------------------

    @property
    def n(self) -> int:
        """Number of rows, one (region, sector) pair each."""
        return len(self.content.region_codes)

    @property
    def regions(self) -> tuple[str, ...]:
        """The R distinct regions: of the rows, in order of first appearance, then of Y alone."""
        return self.content.regions

    @property
    def sectors(self) -> tuple[str, ...]:
        """The distinct sectors, in order of first appearance; not every region has them all."""
        return self.content.sectors

    @property
    def rows(self) -> Any:
        """MultiIndex (region, sector) of the n rows."""

        def make() -> Any:
            p = self.content
            return pd.MultiIndex(
                levels=[list(p.regions), list(p.sectors)],
                codes=[p.region_codes, p.sector_codes],
                names=["region", "sector"],
            )

        return self.kept.get(Key("rows"), make).view()

    @property
    def demand(self) -> Any:
        """MultiIndex (region, category) of the m columns of Y and F_Y."""

        def make() -> Any:
            p = self.content
            return pd.MultiIndex(
                levels=[list(p.regions), list(p.categories)],
                codes=[p.demand_codes, p.category_codes],
                names=["region", "category"],
            )

        return self.kept.get(Key("demand"), make).view()

    @property
    def categories(self) -> tuple[str, ...]:
        """The distinct categories of final demand, in order of first appearance."""
        return self.content.categories

    @property
    def stressors(self) -> tuple[str, ...]:
        """The names of the k stressors, each once."""
        return self.content.stressors

    @property
    def extensions(self) -> tuple[str, ...]:
        """The extension that each stressor belongs to."""
        return self.content.extensions

    @property
    def stressor_units(self) -> Any:
        """Series of units by stressor; empty text where unknown."""
        return self._frame(
            Key("stressor_units", "stressor_units stressors"),
            lambda: pd.Series(
                list(self.content.stressor_units), self._stressor_index(), dtype="str", name="unit"
            ),
        )

    @property
    def row_units(self) -> Any:
        """Series of units by row; empty text where unknown."""

        def make() -> Any:
            units = [self.content.row_units[code] for code in self.content.row_unit_codes]
            return pd.Series(units, self.rows, dtype="str", name="unit")

        return self._frame(Key("row_units", "row_unit_codes row_units"), make)

    @property
    def population(self) -> Any:
        """Series of heads by region (NaN where unknown), or None."""
        heads = self.content.population
        if heads is None:
            return None
        index = pd.Index(list(self.regions), name="region")
        return self._frame(
            Key("population", "population"),
            lambda: pd.Series(heads, index, name="population", copy=False),
        )

    @property
    def year(self) -> int | None:
        """The year, or None."""
        return self.content.year

    @property
    def name(self) -> str:
        """The name; may be empty."""
        return self.content.name

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of its files took for granted, a sentence each; empty for your own."""
        return self.content.notes

    def _stressor_index(self) -> Any:
        return pd.Index(list(self.stressors), name="stressor", dtype="str")

    # --- numbers ----------------------------------------------------------------------------

    @property
    def arrays(self) -> Arrays:
        """x, S, F and F_Y as read-only arrays, without labels.

        >>> import carbonflows_fast as cf
        >>> cf.synthetic.world(2, 3).arrays.x.shape
        (6,)
        """
        return Arrays(self)

    def _frame(self, key: Key, make: Callable[[], Any]) -> Any:
        """Return a cached frame or series as a shallow copy: copy-on-write guards the original."""
        return self.kept.get(key, make).copy(deep=False)

    @property
    def x(self) -> Any:
        """Output by row: Series (n,), in the units of the rows."""
        return self._frame(
            Key("x", "matrix Y x"),
            lambda: pd.Series(self.arrays.x, self.rows, name="x", copy=False),
        )

    @property
    def Y(self) -> Any:
        """Final demand: DataFrame (n, m), in the units of the rows."""
        return self._frame(
            Key("Y", "Y"), lambda: pd.DataFrame(self.content.Y, self.rows, self.demand, copy=False)
        )

    @property
    def F(self) -> Any:
        """Stressors by sector: DataFrame (k, n), in the units of the stressors; S x̂ if S given."""
        return self._frame(
            Key("F", "emissions matrix Y x stressors"),
            lambda: pd.DataFrame(self.arrays.F, self._stressor_index(), self.rows, copy=False),
        )

    @property
    def S(self) -> Any:
        """Stressors per unit of output: DataFrame (k, n), F x̂⁻¹, zero where x = 0."""
        return self._frame(
            Key("S", "emissions stressors"),
            lambda: pd.DataFrame(self.arrays.S, self._stressor_index(), self.rows, copy=False),
        )

    @property
    def F_Y(self) -> Any:
        """Stressors emitted by final users directly: DataFrame (k, m)."""
        return self._frame(
            Key("F_Y", "F_Y stressors"),
            lambda: pd.DataFrame(self.arrays.F_Y, self._stressor_index(), self.demand, copy=False),
        )

    @property
    def A(self) -> Any:
        """Coefficients A = Z x̂⁻¹: csr_array (n, n), no zeros stored, built on first use."""
        return sparse_view(self.kept.get(Key("A", "matrix"), lambda: coefficients(self.content)))

    @property
    def Z(self) -> Any:
        """Transactions Z = A x̂: csr_array (n, n), no zeros stored, built on first use."""
        return sparse_view(
            self.kept.get(Key("Z", "matrix Y x"), lambda: transactions(self.content, self.arrays.x))
        )
