"""The footprint accounts that pymrio calls D_cba, D_pba, D_imp and D_exp."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from carbonflows_fast._account_solves import (
    BLOCK,
    StressorBlock,
    account_weight,
    adjoint,
    demand_weight,
    positive_output,
    stressor_frame,
)
from carbonflows_fast._parts import CodeArray, FloatArray
from carbonflows_fast.errors import shorten
from carbonflows_fast.leontief import system
from carbonflows_fast.selection import select_demand

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Footprints"]

# The certificate is relative to the whole table, while a cell is a small part of it: a digit more
# than elsewhere, one pass over A, keeps single cells to 1e-9 on published tables.
RTOL = 1e-11


@dataclass(frozen=True, eq=False, repr=False)
class Footprints:
    """Accounts by consuming region and product bought, solved when first asked for.

    The definitions are those of pymrio's `calc_accounts`. With x^(q,p) the output that serves
    what region q finally buys of product p, of whatever origin,

    - D_cba[e, (q, p)] = Σ_i s_ei x_i^(q,p): footprint (consumption-based account);
    - D_imp[e, (q, p)]: the part of it emitted outside q;
    - D_pba[e, i] = s_ei Σ_qp x_i^(q,p): emitted by row i (production-based account);
    - D_exp[e, i]: the part of it that serves other regions than that of i;
    - M and S: multipliers and intensities.

    D_cba and D_imp have one column for each consuming region and each distinct sector label, in
    order of first appearance; D_pba, D_exp, M and S have the table's rows as columns. `_reg`
    sums over sectors; only `D_cba_reg` and `D_pba_reg` contain what final users emit themselves
    (F_Y).

    Solves, with k stressors, R regions and P sector labels: D_cba and M share k adjoint
    right-hand sides, D_pba and D_exp share R forward ones. D_imp needs k R adjoint or R P
    forward ones, as many as the table has rows: the fewer are taken, 1,200 at a time.
    """

    _table: Table
    _block: StressorBlock

    def __repr__(self) -> str:
        return f"Footprints({shorten(self._block.names, 3)}; {len(self._table.regions)} regions)"

    @cached_property
    def _demand(self) -> FloatArray:
        """Final demand by consuming region, (n, R)."""
        return select_demand(self._table, None).values

    @cached_property
    def _products(self) -> pd.MultiIndex:
        table = self._table
        levels = [table.regions, table._parts.sectors]
        return pd.MultiIndex.from_product(levels, names=["region", "sector"])

    @cached_property
    def _forward_weight(self) -> FloatArray:
        """Mean of the stressors' account weights, each as a share of its own total."""
        x = self._table.x.to_numpy()
        weights = [account_weight(s, x) for s in self._block.S]
        total: FloatArray = sum((t / (t @ np.abs(x) or 1.0) for t in weights), np.zeros(x.size))
        return total / len(weights)

    @cached_property
    def _adjoint_weight(self) -> FloatArray:
        return demand_weight(self._demand.sum(axis=1), positive_output(self._table))

    @cached_property
    def _output(self) -> FloatArray:
        """Output for each consuming region, (n, R)."""
        solution = system(self._table).solve(self._demand, weight=self._forward_weight, rtol=RTOL)
        return np.ascontiguousarray(solution.values)

    @cached_property
    def S(self) -> pd.DataFrame:
        """Emissions per unit of output, stressor × rows."""
        return stressor_frame(self._block.S, self._block.names, self._table.rows)

    @cached_property
    def M(self) -> pd.DataFrame:
        """Multipliers, stressor × rows."""
        m, _ = adjoint(self._table, self._block.S, self._adjoint_weight, RTOL)
        return stressor_frame(m, self._block.names, self._table.rows)

    @cached_property
    def D_cba(self) -> pd.DataFrame:
        """Footprint, stressor × (consuming region, product)."""
        from carbonflows_fast import _kernels

        p = self._table._parts
        m = self.M.to_numpy()
        values = _kernels.sector_sums(m, self._demand, p.sector_codes, len(p.sectors))
        return stressor_frame(values, self._block.names, self._products)

    @cached_property
    def D_pba(self) -> pd.DataFrame:
        """Emissions where they happen, stressor × rows."""
        values = self._block.S * self._output.sum(axis=1)
        return stressor_frame(values, self._block.names, self._table.rows)

    @cached_property
    def D_exp(self) -> pd.DataFrame:
        """Emissions that serve other regions, stressor × rows."""
        from carbonflows_fast import _kernels

        codes = self._table._parts.region_codes
        values = self._block.S * _kernels.sum_other_regions(self._output, codes)
        return stressor_frame(values, self._block.names, self._table.rows)

    @cached_property
    def D_imp(self) -> pd.DataFrame:
        """Footprint emitted abroad, stressor × (consuming region, product).

        The costly one: min(k R, R P) right-hand sides, 1,200 at a time.
        """
        p, Y = self._table._parts, self._demand
        bought = np.zeros((len(p.regions), len(p.sectors)), dtype=np.bool_)
        for q in range(len(p.regions)):
            bought[q, p.sector_codes[Y[:, q] != 0]] = True
        consumers = np.flatnonzero(bought.any(axis=1)).tolist()
        pairs = [(e, q) for e in range(len(self._block.S)) for q in consumers]
        products = [(int(q), int(c)) for q, c in np.argwhere(bought)]
        few = len(pairs) <= len(products)
        values = self._imports_adjoint(pairs) if few else self._imports_forward(products)
        return stressor_frame(values, self._block.names, self._products)

    def _imports_adjoint(self, pairs: list[tuple[int, int]]) -> FloatArray:
        """For each (stressor, consumer): multipliers of what is emitted outside the consumer."""
        from carbonflows_fast import _kernels

        p = self._table._parts
        out = np.zeros((len(self._block.S), len(p.regions), len(p.sectors)))
        for e, q in _blocks(pairs):
            abroad = np.where(p.region_codes == q[:, None], 0.0, self._block.S[e])
            m, _ = adjoint(self._table, abroad, self._adjoint_weight, RTOL)
            out[e, q] = _kernels.sector_sums_paired(
                m, self._demand, q, p.sector_codes, len(p.sectors)
            )
        return out.reshape(len(out), -1)

    def _imports_forward(self, products: list[tuple[int, int]]) -> FloatArray:
        """For each (consumer, product): the output that serves it."""
        from carbonflows_fast import _kernels

        p = self._table._parts
        out = np.zeros((len(self._block.S), len(p.regions), len(p.sectors)))
        for q, c in _blocks(products):
            y = np.where(p.sector_codes[:, None] == c, self._demand[:, q], 0.0)
            x = system(self._table).solve(y, weight=self._forward_weight, rtol=RTOL).values
            x = np.ascontiguousarray(x)
            out[:, q, c] = _kernels.outside_sums(self._block.S, x, p.region_codes, q)
        return out.reshape(len(out), -1)

    def _by_region(self, frame: pd.DataFrame, *, households: bool) -> pd.DataFrame:
        from carbonflows_fast import _kernels

        table, p = self._table, self._table._parts
        position = {region: code for code, region in enumerate(p.regions)}
        labels = frame.columns.get_level_values("region")
        codes = np.array([position[label] for label in labels], dtype=np.int32)
        values = _kernels.sum_columns_by_group(frame.to_numpy(), codes, len(p.regions))
        if households:
            values += _kernels.sum_columns_by_group(self._block.F_Y, p.demand_codes, len(p.regions))
        return stressor_frame(values, self._block.names, pd.Index(table.regions, name="region"))

    @cached_property
    def D_cba_reg(self) -> pd.DataFrame:
        """Footprint by consuming region, F_Y included."""
        return self._by_region(self.D_cba, households=True)

    @cached_property
    def D_pba_reg(self) -> pd.DataFrame:
        """Emissions by region where they happen, F_Y included."""
        return self._by_region(self.D_pba, households=True)

    @cached_property
    def D_imp_reg(self) -> pd.DataFrame:
        """Footprint emitted abroad, by consuming region."""
        return self._by_region(self.D_imp, households=False)

    @cached_property
    def D_exp_reg(self) -> pd.DataFrame:
        """Emissions that serve other regions, by region where they happen."""
        return self._by_region(self.D_exp, households=False)


def _blocks(items: list[tuple[int, int]]) -> Iterator[tuple[CodeArray, CodeArray]]:
    for first in range(0, len(items), BLOCK):
        pairs = np.array(items[first : first + BLOCK], dtype=np.int32)
        yield np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])
