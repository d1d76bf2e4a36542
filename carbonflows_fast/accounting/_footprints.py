"""The footprint accounts that pymrio calls D_cba, D_pba, D_imp and D_exp."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._footprint_bounds import (
    Demanded,
    add_direct,
    demanded,
    of_bought,
    of_emitted,
    of_outputs,
)
from carbonflows_fast.accounting._imported_footprints import imported_footprints
from carbonflows_fast.accounting._solves import (
    OF_FOOTPRINTS,
    most_accurate,
    solve_certified,
    solve_multipliers,
)
from carbonflows_fast.accounting._stressor_block import StressorBlock, stressor_frame
from carbonflows_fast.accounting._weights import account_weight, demand_weight, positive_output
from carbonflows_fast.errors import shorten
from carbonflows_fast.leontief._certificate import rounding
from carbonflows_fast.leontief._right_hand_sides import raised
from carbonflows_fast.table._selection import select_demand

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Footprints"]


def _below_1(values: FloatArray) -> FloatArray:
    """Scale by a power of two, exactly, so that no sum of products of them overflows."""
    return np.ldexp(values, -int(np.frexp(values.max(initial=0.0))[1]))


@dataclass(frozen=True, eq=False, repr=False)
class Footprints:
    """Accounts by consuming region and product bought, solved when first asked for.

    The definitions are those of pymrio's `calc_accounts`. With x^(q,p) the output needed for
    region q's final demand of product p, of any origin,

    - D_cba[e, (q, p)] = Σ_i s_ei x_i^(q,p): footprint (consumption-based account);
    - D_imp[e, (q, p)]: the part of it emitted outside q;
    - D_pba[e, i] = s_ei Σ_qp x_i^(q,p): emitted by row i (production-based account);
    - D_exp[e, i]: the part of it that serves other regions than that of i;
    - M and S: multipliers and intensities.

    D_cba and D_imp have one column for each consuming region and each distinct sector label, in
    order of first appearance; D_pba, D_exp, M and S have the table's rows as columns. `_reg`
    sums over sectors; only `D_cba_reg` and `D_pba_reg` contain direct emissions of final users
    (F_Y).

    `attrs` of each account has `unit` and `error_bound`, which map each stressor to its unit and to
    a bound, in that unit, on the sum of the absolute errors of all its cells. For M it bounds the
    errors of footprints made from it, as for :func:`multipliers`.

    Solves, with k stressors, R regions and P sector labels: D_cba and M share k adjoint
    right-hand sides, D_pba and D_exp share R forward ones. D_imp needs k R adjoint ones, or the
    dense factors of I − A and their inverses; the cheaper way is taken. By factors it computes M
    and outputs on the way, except for their proofs: if you need both, ask for D_imp first.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> found = cf.footprints(cf.synthetic.world(2, 3))
    >>> found.D_imp.shape, found.M.shape, found.D_imp_reg.shape
    ((1, 6), (1, 6), (1, 2))
    >>> bool(abs(found.D_pba.sum(axis=1) / found.D_cba.sum(axis=1) - 1).max() < 1e-9)
    True
    >>> bool(abs(found.D_exp_reg.sum(axis=1) / found.D_imp_reg.sum(axis=1) - 1).max() < 1e-9)
    True
    >>> bool((found.D_pba_reg.sum(axis=1) > found.D_exp.sum(axis=1)).all())
    True
    """

    _table: Table
    _block: StressorBlock
    _tolerances: tuple[float, ...] = OF_FOOTPRINTS

    def __repr__(self) -> str:
        return f"Footprints({shorten(self._block.names, 3)}; {len(self._table.regions)} regions)"

    @cached_property
    def _demand(self) -> FloatArray:
        """Final demand by consuming region, (n, R)."""
        return select_demand(self._table, None).values

    @cached_property
    def _products(self) -> pd.MultiIndex:
        table = self._table
        levels = [table.regions, table.content.sectors]
        return pd.MultiIndex.from_product(levels, names=["region", "sector"])

    @cached_property
    def _forward_weight(self) -> FloatArray:
        """Mean of the stressors' account weights, each as a share of its own total."""
        x = self._table.x.to_numpy()
        size = _below_1(np.abs(x))
        weights = [_below_1(account_weight(s, x)) for s in self._block.S]
        with np.errstate(invalid="ignore"):  # infinite weights, which the solve refuses
            total: FloatArray = sum((t / (t @ size or 1.0) for t in weights), np.zeros(x.size))
        return raised(total / len(weights))

    @cached_property
    def _adjoint_weight(self) -> FloatArray:
        size = np.abs(self._table.content.Y).sum(axis=1)
        return demand_weight(size, positive_output(self._table))

    @cached_property
    def _demanded(self) -> Demanded:
        return demanded(self._table)

    def _frame(self, values: FloatArray, bounds: FloatArray, columns: pd.Index) -> pd.DataFrame:
        frame = stressor_frame(values, self._block.names, columns)
        frame.attrs = {
            "unit": dict(zip(self._block.names, self._block.units, strict=True)),
            "error_bound": dict(zip(self._block.names, bounds.tolist(), strict=True)),
        }
        return frame

    @cached_property
    def _output(self) -> tuple[FloatArray, float]:
        """Output for each consuming region, (n, R), and a bound on its errors in the weight."""
        weight = self._forward_weight
        solve = partial(
            solve_certified,
            self._table,
            self._demand,
            by_row=False,
            weight=weight,
            x0=self.__dict__.pop("_near_output", None),
        )
        solution = most_accurate(solve, self._tolerances)
        x = np.ascontiguousarray(solution.values)
        certified = float(solution.report.error_bounds @ (weight @ np.abs(x)))
        certified *= 1 + rounding(sum(x.shape))
        return x, of_outputs(self._table, weight, certified, self._demanded)

    @cached_property
    def _emitted_bounds(self) -> FloatArray:
        """Bounds on the sums of errors of what rows emit, for some consumers or for all."""
        x, inexact = self._output
        return of_emitted(self._block.S, x, inexact, self._forward_weight)

    @cached_property
    def S(self) -> pd.DataFrame:
        """Emissions per unit of output, stressor × rows."""
        return stressor_frame(self._block.S, self._block.names, self._table.rows)

    @cached_property
    def M(self) -> pd.DataFrame:
        """Multipliers, stressor × rows; their bound is that of :func:`multipliers`."""
        near = self.__dict__.pop("_near", None)
        weight = self._adjoint_weight
        solve = partial(solve_multipliers, self._table, self._block.S, weight, x0=near)
        m, bounds = most_accurate(solve, self._tolerances)
        return self._frame(m, bounds, self._table.rows)

    @cached_property
    def D_cba(self) -> pd.DataFrame:
        """Footprint, stressor × (consuming region, product)."""
        p = self._table.content
        m = self.M.to_numpy()
        values = sums.sector_sums(m, self._demand, p.sector_codes, len(p.sectors))
        certified = np.array(list(self.M.attrs["error_bound"].values()))
        return self._frame(values, of_bought(m, certified, self._demanded), self._products)

    @cached_property
    def D_pba(self) -> pd.DataFrame:
        """Emissions where they happen, stressor × rows."""
        values = self._block.S * self._output[0].sum(axis=1)
        return self._frame(values, self._emitted_bounds, self._table.rows)

    @cached_property
    def D_exp(self) -> pd.DataFrame:
        """Emissions that serve other regions, stressor × rows."""
        codes = self._table.content.region_codes
        values = self._block.S * sums.sum_other_regions(self._output[0], codes)
        return self._frame(values, self._emitted_bounds, self._table.rows)

    @cached_property
    def D_imp(self) -> pd.DataFrame:
        """Footprint emitted abroad, stressor × (consuming region, product).

        By far the most expensive account: dense factors and their inverses, or k R right-hand
        sides if these are cheaper.
        """
        weights = self._adjoint_weight, self._forward_weight
        solve = partial(imported_footprints, self._table, self._block.S, self._demand, weights)
        found = most_accurate(solve, self._tolerances)
        if "M" not in self.__dict__:
            self.__dict__["_near"] = found.m
        if "_output" not in self.__dict__:
            self.__dict__["_near_output"] = found.x
        return self._frame(found.values, found.bounds, self._products)

    def _by_region(self, frame: pd.DataFrame, *, households: bool) -> pd.DataFrame:
        table, p = self._table, self._table.content
        labels = frame.columns.get_level_values("region")
        codes = pd.Index(p.regions).get_indexer(labels).astype(np.int32)
        values = sums.sum_columns_by_group(frame.to_numpy(), codes, len(p.regions))
        direct = self._block.F_Y if households else self._block.F_Y[:, :0]
        if households:
            values += sums.sum_columns_by_group(direct, p.demand_codes, len(p.regions))
        certified = np.array(list(frame.attrs["error_bound"].values()))
        bounds = add_direct(certified, direct, frame.to_numpy())
        return self._frame(values, bounds, pd.Index(table.regions, name="region"))

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
