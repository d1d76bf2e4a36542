"""Flows of emissions between regions, from where they happen to where the product is bought.

Three numbers are called "traded" in the literature, and are never mixed here:

- `traded_share`, the off-diagonal part of the multi-regional flow matrix, over industrial
  emissions; `traded_share_all`, the same part over all emissions;
- `bilateral_trade()`, emissions embodied in gross exports (EEBT), intermediate and final;
- `net_transfers`, what net importers consume beyond what they produce.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import FloatArray, encode
from carbonflows_fast.accounting._region_flows import region_flows
from carbonflows_fast.accounting._solves import demand_size, source_multipliers
from carbonflows_fast.accounting._weights import purchase_weight
from carbonflows_fast.classification import CLASSES, sector_classes
from carbonflows_fast.errors import LabelError, nearest_are
from carbonflows_fast.leontief._certificate import TINY, rounding, seen_through
from carbonflows_fast.trade._bilateral import Bilateral
from carbonflows_fast.trade._flow_matrix import parts_of, require_consumers

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Flows", "flows"]


@dataclass(frozen=True, eq=False, repr=False)
class Flows(Bilateral):
    """Who emits for whom.

    Attributes
    ----------
    matrix : DataFrame, emitting region × consuming region, in the stressor's unit
        E_rq = Σ_{i∈r} s_i x_i^(q), (I − A) x^(q) = y^(q), in the order of the table. It never
        contains direct emissions of final users (F_Y). For a demand given as an array there is one
        column, "demand".
    households : Series by region
        F_Y of the selected demand.
    stressor, unit : str
    error_bound : float
        Absolute bound, in `unit`, on the error of any entry of `matrix` and of
        `by_emitting_sector()`, of any of their sums, and of `net_transfers`.
    report : SolveReport
        The report of the solve.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> found = cf.flows(cf.synthetic.world(regions=3, sectors=4))
    >>> found.matrix.shape, found.by_emitting_sector().shape, found.by_product().shape
    ((3, 3), (12, 3), (12, 3))
    >>> 0 < found.traded_share_all < found.traded_share < 1
    True
    >>> found.known_consumers, len(found.balance) >= len(found.net_importers())
    (True, True)
    """

    def by_emitting_sector(self) -> pd.DataFrame:
        """Return s_i x_i^(q): rows (region, sector) where emitted, columns consumer, in `unit`."""
        table, flow = self._table, self._flow
        values = flow.stressor.s[:, None] * flow.x
        frame = self._grouped(values, table.rows, table.content.region_codes)
        return self._with_bound(frame, self.error_bound)

    def by_product(self) -> pd.DataFrame:
        """Return emissions by emitting region, product finally bought and consumer.

        P_(r,p),q = Σ_{j∈p} m_j^(r) y_j^(q), where (I − A)'m^(r) = s restricted to region r; j runs
        over product p of every origin. One adjoint solve with R right-hand sides.

        Returns
        -------
        DataFrame, (emitting region, product) × consumer, in the stressor's unit
            `attrs["error_bound"]`: absolute bound on the error of any entry and of any sum.
        """
        p, Y = self._table.content, self._flow.demand.values
        m, bound = self._by_source
        values = sums.sector_sums(m, Y, p.sector_codes, len(p.sectors))
        values = values.reshape(len(p.regions), Y.shape[1], len(p.sectors)).transpose(0, 2, 1)
        rows = pd.MultiIndex.from_product([p.regions, p.sectors], names=["region", "product"])
        codes = np.repeat(np.arange(len(p.regions), dtype=np.int32), len(p.sectors))
        flat = np.ascontiguousarray(values).reshape(-1, Y.shape[1])
        return self._with_bound(self._grouped(flat, rows, codes), bound)

    @cached_property
    def _by_source(self) -> tuple[FloatArray, float]:
        """Multipliers of what each region emits, (R, n), and the bound of all m_j^(r) y_j^(q)."""
        table = self._table
        m, bound = source_multipliers(table, self._flow.stressor.s, self._rtol)
        weight = purchase_weight(table)
        size, columns = demand_size(table, self._flow.demand)
        terms = table.n + columns + 2 * len(table.regions)
        summed = float((np.abs(m).sum(axis=0) + bound / weight) @ size)
        bound = bound * seen_through(size, weight) + rounding(terms) * summed
        return m, bound * (1 + rounding(terms)) + m.size * len(table.regions) * TINY

    def split(self, classes: Any = None) -> pd.DataFrame:
        """Return traded emissions by class of product: energy, commodity, product, service.

        Parameters
        ----------
        classes : optional
            Class of each sector: a mapping, a DataFrame with columns name (or code) and class, or
            the name of a shipped classification. The default is the shipped one that has the
            table's sectors; see ``carbonflows_fast/classification/README.md``.

        Returns
        -------
        DataFrame, index class, in `unit`
            - by_border_product: by the product that crosses a border; adds up to the bilateral
              trade;
            - by_final_product: by the product finally bought; adds up to the off-diagonal of
              `matrix`.

        Raises
        ------
        LabelError, InputError
            If a sector has no class, or `classes` is of the wrong kind.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> found = cf.flows(cf.synthetic.world(regions=3, sectors=4))
        >>> found.split().index.tolist()
        ['energy', 'commodity', 'product', 'service']
        """
        require_consumers(self, "a split of what is traded")
        sectors = self._table.content.sectors
        class_of = dict(zip(sectors, sector_classes(sectors, classes), strict=True))
        border, final = self.by_traded_product(), self.by_product()
        emitter = final.index.get_level_values("region").to_numpy()[:, None]
        foreign = final.where(emitter != final.columns.to_numpy(), 0.0)
        columns = {"by_border_product": border, "by_final_product": foreign}
        frame = pd.DataFrame(
            {
                name: by_product.sum(axis=1)
                .groupby(by_product.index.get_level_values("product").map(class_of))
                .sum()
                for name, by_product in columns.items()
            }
        ).reindex(pd.Index(CLASSES, name="class"), fill_value=0.0)
        frame.columns.name = None
        return self._with_bound(frame, border.attrs["error_bound"] + final.attrs["error_bound"])

    # ---- one region, one sector ------------------------------------------------------------------

    def origins(self, region: str) -> pd.DataFrame:
        """Return the emissions caused by a region: product finally bought × emitting region.

        Adds up to the region's column of `matrix`, in `unit`.

        Parameters
        ----------
        region : str
            A region of these flows, or the name of its country.
        """
        require_consumers(self, "products by origin")
        frame = self.by_product()
        wide = frame[self._region(region)].unstack("region", fill_value=0.0)
        products = [p for p in self._table.content.sectors if p in wide.index]
        return self._with_bound(
            wide.loc[products, list(self.matrix.index)], frame.attrs["error_bound"]
        )

    def sector(self, region: str, sector: str) -> pd.DataFrame:
        """Return where one sector's emissions go, and where the emissions in its product come from.

        Parameters
        ----------
        region, sector : str
            A region of these flows, or the name of its country; a sector that it has.

        Returns
        -------
        DataFrame, index region, in `unit`
            - emitted_for: emitted by the sector, by final consumer;
            - exported_to: embodied in the exports of its product (EEBT), by importer;
            - embodied_from: embodied in final purchases of its product, by region of emission.

        Raises
        ------
        LabelError
            If there is no such region or sector.
        """
        require_consumers(self, "where a sector's emissions go")
        name = self._region(region)
        emitted, traded = self.by_emitting_sector(), self.by_traded_product()
        if not isinstance(sector, str) or (name, sector) not in emitted.index:
            here = emitted.loc[name].index
            raise LabelError.about(
                "sector",
                expected=f"a sector of {name!r}",
                got=repr(sector),
                remedy=nearest_are(sector, here),
            )
        p = self._table.content
        names, codes = encode(self._groups or self._table.regions)
        chosen = (codes[p.region_codes] == names.index(name)) & (
            p.sector_codes == p.sectors.index(sector)
        )
        m, bound = self._by_source
        bought = (m[:, chosen] * self._flow.demand.values[chosen].sum(axis=1)).sum(axis=1)
        frame = pd.DataFrame(
            {
                "emitted_for": emitted.loc[[(name, sector)]].sum(),
                "exported_to": traded.loc[[(name, sector)]].sum(),
                "embodied_from": np.bincount(codes, weights=bought, minlength=len(names)),
            },
            index=self.matrix.index,
        )
        return self._with_bound(frame, max(self.error_bound, bound, traded.attrs["error_bound"]))


def flows(table: Table, stressor: Any = None, *, demand: Any = None, rtol: float = 1e-10) -> Flows:
    """Return the emissions of each region by the region whose final demand causes them.

    E_rq = Σ_{i∈r} s_i x_i^(q), (I − A) x^(q) = y^(q): one solve, one right-hand side for each
    consuming region.

    Parameters
    ----------
    table : Table
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    demand : region, (region, category), list of these, or ndarray of shape (n,), optional
        Count only what this final demand causes. The default is all final demand. An array does
        not say who consumes: it gives one column, and no traded shares.
    rtol : float, optional
        Relative error that every solve is certified to, those of the methods of the result as
        well. A looser one takes fewer passes over A, and `error_bound` says how accurate the
        result is.

    Returns
    -------
    Flows

    Raises
    ------
    LabelError
        If a stressor, region or category is unknown.
    InputError
        If an argument is of the wrong kind.
    NotProductiveError, ConvergenceError
        If the table cannot be solved, or not to `rtol`.

    Notes
    -----
    In the stressor's unit. Source: Davis & Caldeira (2010), PNAS 107:5687; Peters (2008),
    Ecological Economics 65:13.

    Examples
    --------
    >>> import numpy as np
    >>> import carbonflows_fast as cf
    >>> table = cf.Table(
    ...     Z=np.array([[20.0, 10.0], [5.0, 30.0]]), Y=np.array([[60.0, 10.0], [5.0, 60.0]]),
    ...     F=np.array([[50.0, 100.0]]), regions=["AA", "BB"], sectors=["goods", "goods"],
    ...     stressors=["CO2"],
    ... )
    >>> cf.flows(table).matrix.round(3)
    consumer      AA      BB
    region
    AA        38.288  11.712
    BB        12.613  87.387
    """
    flow = region_flows(table, stressor, demand, rtol)
    return Flows(
        **parts_of(table, flow),
        stressor=flow.stressor.name,
        unit=flow.stressor.unit,
        error_bound=flow.error_bound,
        report=flow.report,
        _table=table,
        _flow=flow,
        _rtol=float(rtol),
    )
