"""How sure the footprints of products are, and the multipliers behind them.

The footprint of product k bought by region q is E_kq = m_k y_kq, (I − A)'m = s. With ξ_i^k =
L_ik / x_i, an error of z_ij moves m_k by m_i (ξ_j^k − ξ_i^k), one of y_ip by −m_i ξ_i^k, and one of
f_i by ξ_i^k; y_kp moves E_kq directly as well if p is a column of q. All is per unit of a product's
whole output: a_i = x_k ξ_i^k, and E_kq is the part y_kq / x_k of what x_k carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from carbonflows_fast._base import sums
from carbonflows_fast._base.arguments import tolerance
from carbonflows_fast._base.arrays import FloatArray, locked
from carbonflows_fast.accounting._footprint_bounds import demanded, of_bought
from carbonflows_fast.errors import InputError
from carbonflows_fast.table._selection import select_demand, select_rows
from carbonflows_fast.table._stressors import select_stressor
from carbonflows_fast.uncertainties._error_model._cells import cells_of_Y
from carbonflows_fast.uncertainties._error_model._errors import SOURCES, Errors, SharedError, named
from carbonflows_fast.uncertainties._error_model._forms import got_of
from carbonflows_fast.uncertainties._of_multipliers import MOST_PRODUCTS, Moved
from carbonflows_fast.uncertainties._result import Uncertainty

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

Rows: TypeAlias = npt.NDArray[np.int64]

__all__ = ["FootprintOrigins", "chosen_products", "of_footprints"]


def chosen_products(table: Table, products: Any, of: str, drawn: bool) -> Rows | None:
    """Return the rows that are asked for, or None where the question is not about products.

    Raises
    ------
    LabelError
        If a region or sector is unknown.
    InputError
        If there are none, too many, or draws of them; or if the question is another.
    """
    if of != "footprints":
        if products is not None:
            raise InputError.about(
                "products",
                expected=f"None for {of}",
                got=got_of(products),
                remedy='leave it out, or ask cf.uncertainty(…, of="footprints")',
            )
        return None
    example = f"give e.g. products={tuple(table.rows[0])!r}"
    if products is None or (isinstance(products, list | tuple) and not products):
        raise InputError.about(
            "products", expected="products to ask about", got=repr(products), remedy=example
        )
    if drawn:
        raise InputError.about(
            "draws",
            expected="accounts or flows",
            got="footprints",
            remedy="leave draws out: deviations are to first order",
        )
    rows = np.flatnonzero(select_rows(table, products, "products"))
    if not 1 <= rows.size <= MOST_PRODUCTS:
        raise InputError.about(
            "products",
            expected=f"1 to {MOST_PRODUCTS:,} products",
            got=f"{rows.size:,}",
            remedy=example,
        )
    return rows


def of_footprints(
    table: Table, stressor: Any, errors: Errors, rows: Rows, rtol: float
) -> Uncertainty:
    """Return how sure the footprints of some rows are, by consuming region."""
    found = _Products(table, select_stressor(table, stressor), errors, rows, tolerance(rtol))
    with named(errors):
        variances, origins, of_multipliers = found.variances()
    scale, products = found.scale, table.rows[rows]
    value = pd.DataFrame(
        found.m[rows, None] * found.bought, products, pd.Index(table.regions, name="consumer")
    )
    unit = found.stressor.unit
    value.attrs = {
        "stressor": found.stressor.name,
        "unit": unit,
        "error_bound": found.error_bound,
    }
    total = np.sum(list(variances.values()), axis=0)
    each = np.zeros(rows.size)
    output = np.abs(found.outputs)
    np.divide(np.sqrt(of_multipliers) * scale, output, out=each, where=output > 0.0)
    return Uncertainty(
        value=value,
        sd=pd.DataFrame(locked(np.sqrt(total) * scale), value.index, value.columns),
        stressor=found.stressor.name,
        unit=unit,
        of="footprints",
        errors=errors,
        multipliers=pd.DataFrame({"value": found.m[rows], "sd": each}, products),
        _variances=variances,
        _covariances={},
        _origins=origins,
        _moved={name: moved * scale for name, moved in found.moves.items()},
        _scale=scale,
    )


@dataclass(frozen=True, slots=True, eq=False)
class FootprintOrigins:
    """Variances of footprints by whose data are wrong.

    Attributes
    ----------
    table : Table
    rows : ndarray, shape (P,)
        The products.
    parts : ndarray, shape (P, R)
        y_kq / x_k.
    regions, sectors : ndarray, shape (P, R) and (P, sectors)
        Variances of m_k x_k by region and sector, but for those of the product's own final demand.
    own : ndarray, shape (P, R)
        What errors of the product's own final demand add.
    """

    table: Table
    rows: Rows
    parts: FloatArray
    regions: FloatArray
    sectors: FloatArray
    own: FloatArray

    def by_region(self) -> FloatArray:
        """Return variances by region of the seller or emitter, (P, consumers, R)."""
        return self._by(self.regions, self.table.content.region_codes)

    def by_sector(self) -> FloatArray:
        """Return the same by sector, and of final users last, (P, consumers, sectors + 1)."""
        nobody = np.zeros((len(self.rows), 1))
        return self._by(np.c_[self.sectors, nobody], self.table.content.sector_codes)

    def _by(self, groups: FloatArray, codes: Any) -> FloatArray:
        found: FloatArray = np.square(self.parts)[:, :, None] * groups[:, None, :]
        found[np.arange(len(self.rows)), :, codes[self.rows]] += self.own
        return found


class _Products:
    """Some products, what errors do to their multipliers, and so to their footprints."""

    def __init__(
        self, table: Table, stressor: Any, errors: Errors, rows: Rows, rtol: float
    ) -> None:
        self.table, self.stressor, self.errors, self.rows = table, stressor, errors, rows
        self.outputs = table.x.to_numpy()[rows]
        sides = np.zeros((table.n, rows.size))
        sides[rows, np.arange(rows.size)] = self.outputs
        self.moved = Moved(table, stressor, errors, sides, rtol)
        self.m, self.scale, self.carried = self.moved.m, self.moved.scale, self.moved.carried
        self.error_bound = float(of_bought(self.m[None], self.moved.bounds, demanded(table))[0])
        self.bought = select_demand(table).values[rows]
        self.parts = np.zeros(self.bought.shape)
        np.divide(
            self.bought,
            self.outputs[:, None],
            out=self.parts,
            where=self.outputs[:, None] != 0.0,
        )
        self._moves = {one.name: self._moved_by(one) for one in errors.shared}

    @property
    def moves(self) -> dict[str, FloatArray]:
        """How one standard deviation of each shared error moves footprints, (P, R), over scale."""
        return {name: footprints for name, (footprints, _) in self._moves.items()}

    def _by_consumer(self, cells: FloatArray) -> FloatArray:
        p = self.table.content
        return sums.sum_columns_by_group(cells, p.demand_codes, len(p.regions))

    def _moved_by(self, one: SharedError) -> tuple[FloatArray, FloatArray]:
        """Return how a shared error of one standard deviation moves E (P, R) and m_k x_k (P,)."""
        moved, direct = self.moved.by_shared(one), np.zeros(self.parts.shape)
        with named(one):
            if one.Y is not None:
                cells_Y = cells_of_Y(self.table, one.Y)[self.rows]
                direct += one.sd * self.carried[self.rows, None] * self._by_consumer(cells_Y)
        return self.parts * moved[:, None] + direct, moved

    def variances(self) -> tuple[dict[str, FloatArray], FootprintOrigins, FloatArray]:
        """Return variances by source, (P, R) each, their origins, and those of m_k x_k, (P,)."""
        p, count = self.table.content, len(self.rows)
        along = {name: np.zeros(count) for name in SOURCES}
        regions = np.zeros((count, len(p.regions)))
        sectors = np.zeros((count, len(p.sectors)))
        for name, by_row in self.moved.rows_of_sources().items():
            for here in self.moved.groups():
                found = by_row(here)
                if name == "Y":  # see _own_demand
                    found[self.rows[here], np.arange(found.shape[1])] = 0.0
                along[name][here] = found.sum(axis=0)
                regions[here] += sums.sum_by_group(found, p.region_codes, len(p.regions)).T
                sectors[here] += sums.sum_by_group(found, p.sector_codes, len(p.sectors)).T
        own, own_of_multipliers = self._own_demand()
        by_source = {name: np.square(self.parts) * along[name][:, None] for name in SOURCES}
        by_source["Y"] += own
        by_source |= {name: np.square(footprints) for name, (footprints, _) in self._moves.items()}
        of_multipliers = np.sum(list(along.values()), axis=0) + own_of_multipliers
        for _, moved in self._moves.values():
            of_multipliers += np.square(moved)
        origins = FootprintOrigins(self.table, self.rows, self.parts, regions, sectors, own)
        return by_source, origins, of_multipliers

    def _own_demand(self) -> tuple[FloatArray, FloatArray]:
        """Return what errors of the products' own demand add: to footprints, to multipliers.

        A relative change of y_kp moves E_kq by m_k (y_kp [p of q] − (y_kq / x_k) a_k y_kp).
        """
        if self.errors.Y is None:
            return np.zeros(self.parts.shape), np.zeros(len(self.rows))
        mine = np.square(self.carried[self.rows])
        V = self._by_consumer(np.square(cells_of_Y(self.table, self.errors.Y)[self.rows]))
        V *= mine[:, None]
        a = self.moved.shares[self.rows, np.arange(len(self.rows))]
        total, fallen = V.sum(axis=1), self.parts * a[:, None]
        own = V * np.square(1.0 - fallen) + (total[:, None] - V) * np.square(fallen)
        return np.maximum(own, 0.0), total * np.square(a)
