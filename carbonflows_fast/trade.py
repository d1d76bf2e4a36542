"""Flows of emissions between regions, from where they happen to where the product is bought.

Three numbers are called "traded" in the literature. Here `traded_share` is the off-diagonal part
of the multi-regional flow matrix, over industrial emissions; `traded_share_all` the same part
over all emissions; `net_transfers` what net importers consume beyond what they produce.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._account_solves import (
    RegionFlows,
    adjoint,
    demand_weight,
    positive_output,
    region_flows,
    summed_by_group,
    unknown_consumers,
)
from carbonflows_fast._parts import CodeArray, FloatArray, encode
from carbonflows_fast.errors import InputError, LabelError, nearest, shorten, wrong

if TYPE_CHECKING:
    from carbonflows_fast.leontief import SolveReport
    from carbonflows_fast.table import Table

__all__ = ["Flows", "flows"]


@dataclass(frozen=True, eq=False, repr=False)
class Flows:
    """Who emits for whom.

    Attributes
    ----------
    matrix : DataFrame, emitting region × consuming region, in the stressor's unit
        E_rq = Σ_{i∈r} s_i x_i^(q), (I − A) x^(q) = y^(q), in the order of the table. What final
        users emit themselves (F_Y) is never inside. For a demand given as an array there is one
        column, "demand".
    households : Series by region
        F_Y of the selected demand.
    stressor, unit : str
    error_bound : float
        Absolute bound, in `unit`, on the error of any entry of `matrix` and of
        `by_emitting_sector()`, of any of their sums, and of `net_transfers`.
    report : SolveReport
        Of the solve.
    """

    matrix: pd.DataFrame
    households: pd.Series
    stressor: str
    unit: str
    error_bound: float
    report: SolveReport
    _table: Table
    _flow: RegionFlows
    _groups: tuple[str, ...] = field(default=())  # of each region of the table; empty: as they are

    def __repr__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        traded = f"{self.traded_share:.1%} traded, " if self._known_consumers else ""
        return (
            f"Flows({self.stressor!r}, {self.matrix.shape[0]} × {self.matrix.shape[1]}, "
            f"total {self.total:.6g}{unit}, {traded}error bound {self.error_bound:.2g}{unit})"
        )

    @property
    def _known_consumers(self) -> bool:
        return self._flow.demand.columns is not None

    def _need_consumers(self, question: str) -> None:
        if not self._known_consumers:
            raise InputError(
                unknown_consumers(f"select it by region and category to ask for {question}")
            )

    @property
    def total(self) -> float:
        """Industrial emissions caused by the demand, ΣE, in `unit`."""
        return float(self.matrix.to_numpy().sum())

    @cached_property
    def _traded(self) -> float:
        """Sum of the off-diagonal flows, added up without the diagonal to lose no digits."""
        foreign = self.matrix.to_numpy(copy=True)
        np.fill_diagonal(foreign, 0.0)
        return float(foreign.sum())

    @property
    def traded_share(self) -> float:
        """Share of industrial emissions that cross a border: Σ_{r≠q} E_rq / ΣE.

        NaN where nothing is emitted. Raises InputError if the demand was an array.
        """
        self._need_consumers("traded_share")
        return self._traded / self.total if self.total else float("nan")

    @property
    def traded_share_all(self) -> float:
        """The same flows over all emissions, households' own included: Σ_{r≠q} E_rq / (ΣE + ΣF_Y).

        The "25 %" of International Carbon Flows (Carbon Trust 2011) is this number for 2004.
        """
        self._need_consumers("traded_share_all")
        everything = self.total + float(self.households.to_numpy().sum())
        return self._traded / everything if everything else float("nan")

    @property
    def net_transfers(self) -> float:
        """Σ_r max(0, consumption − production) of industrial emissions, in `unit`."""
        self._need_consumers("net_transfers")
        E = self.matrix.to_numpy()
        return float(np.maximum(E.sum(axis=0) - E.sum(axis=1), 0.0).sum())

    def by_emitting_sector(self) -> pd.DataFrame:
        """Return s_i x_i^(q): rows (region, sector) where emitted, columns consumer, in `unit`."""
        table, flow = self._table, self._flow
        values = flow.stressor.s[:, None] * flow.x
        return self._grouped(values, table.rows, table._parts.region_codes)

    def by_product(self) -> pd.DataFrame:
        """Return emissions by emitting region, product finally bought and consumer.

        P_(r,p),q = Σ_{j∈p} m_j^(r) y_j^(q), where (I − A)'m^(r) = s restricted to region r; j runs
        over product p of every origin. One adjoint solve with R right-hand sides.

        Returns
        -------
        DataFrame, (emitting region, product) × consumer, in the stressor's unit
            `attrs["error_bound"]`: absolute bound on the error of any entry and of any sum.
        """
        values, bound = self._by_product
        p = self._table._parts
        levels = [p.regions, p.sectors]
        rows = pd.MultiIndex.from_product(levels, names=["region", "product"])
        codes = np.repeat(np.arange(len(p.regions), dtype=np.int32), len(p.sectors))
        frame = self._grouped(values, rows, codes)
        frame.attrs = {"stressor": self.stressor, "unit": self.unit, "error_bound": bound}
        return frame

    @cached_property
    def _by_product(self) -> tuple[FloatArray, float]:
        from carbonflows_fast import _kernels

        table, p, Y = self._table, self._table._parts, self._flow.demand.values
        source = np.arange(len(p.regions))[:, None] == p.region_codes
        weight = demand_weight(np.abs(Y).sum(axis=1), positive_output(table))
        m, bounds = adjoint(table, np.where(source, self._flow.stressor.s, 0.0), weight)
        values = _kernels.sector_sums(m, Y, p.sector_codes, len(p.sectors))
        values = values.reshape(len(p.regions), Y.shape[1], len(p.sectors)).transpose(0, 2, 1)
        values = np.ascontiguousarray(values).reshape(-1, Y.shape[1])
        values.flags.writeable = False
        rounding = 2.0**-52 * (table.n + 8) * float((np.abs(m) @ np.abs(Y)).sum())
        return values, float(bounds.sum()) + rounding

    def aggregate(self, *, regions: Mapping[str, str]) -> Flows:
        """Return the flows summed over groups of regions.

        A flow between two regions of a group becomes domestic, so the traded share falls.

        Parameters
        ----------
        regions : mapping of region to group
            Regions not in it stay as they are.

        Returns
        -------
        Flows
            Groups in order of first appearance.

        Raises
        ------
        LabelError
            If a key is not a region of these flows.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> table = cf.synthetic.world(regions=3, sectors=4)
        >>> one = cf.flows(table).aggregate(regions={name: "world" for name in table.regions})
        >>> one.matrix.shape, one.traded_share
        ((1, 1), 0.0)
        """
        if not isinstance(regions, Mapping):
            raise InputError(
                wrong(
                    "regions",
                    expected="a mapping from region to group",
                    got=type(regions).__name__,
                    remedy='give e.g. {"FRA": "EU", "DEU": "EU"}',
                )
            )
        known = list(self.matrix.index)
        for name in regions:
            if name not in known:
                raise LabelError(
                    wrong(
                        "regions",
                        expected="regions of these flows as keys",
                        got=repr(name),
                        remedy=f"nearest are {shorten(map(repr, nearest(str(name), known)))}",
                    )
                )
        now = self._groups or self._table.regions
        return _assemble(self._table, self._flow, tuple(str(regions.get(g, g)) for g in now), self)

    def _grouped(self, values: FloatArray, rows: pd.MultiIndex, codes: CodeArray) -> pd.DataFrame:
        """Return rows × consumers as a frame, in groups of regions where there are any.

        `codes` say to which region of the table each row belongs.
        """
        columns = pd.Index(self._flow.demand.consumers, name="consumer")
        if not self._groups:
            return pd.DataFrame(values, index=rows, columns=columns)
        labels = rows.get_level_values(1)
        pairs = [(self._groups[c], label) for c, label in zip(codes, labels, strict=True)]
        distinct = sorted(dict.fromkeys(pairs), key=lambda pair: self._groups.index(pair[0]))
        position = {pair: at for at, pair in enumerate(distinct)}
        targets = np.array([position[pair] for pair in pairs], dtype=np.int32)
        values, names = _summed(values, targets, len(distinct), self._groups, self._known_consumers)
        return pd.DataFrame(
            values,
            index=pd.MultiIndex.from_tuples(distinct, names=rows.names),
            columns=pd.Index(names or list(columns), name="consumer"),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return all flows, row by row: columns from, to, value, share (of ΣE)."""
        E = self.matrix.to_numpy()
        emitter, consumer = np.indices(E.shape).reshape(2, -1)
        return self._long(emitter, consumer)

    def top(self, n: int = 10) -> pd.DataFrame:
        """Return the largest off-diagonal flows: columns from, to, value, share (of ΣE).

        Parameters
        ----------
        n : int
            How many at most, largest first; of equal ones the first of the table first.

        Raises
        ------
        InputError
            If n is not a positive whole number, or if the demand was an array.
        """
        self._need_consumers("the largest flows between regions")
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise InputError(
                wrong("n", expected="a positive whole number", got=repr(n), remedy="give e.g. 10")
            )
        E = self.matrix.to_numpy()
        emitter, consumer = np.nonzero(~np.eye(len(E), dtype=np.bool_))
        order = np.argsort(-E[emitter, consumer], kind="stable")[:n]
        return self._long(emitter[order], consumer[order])

    def _long(self, emitter: Any, consumer: Any) -> pd.DataFrame:
        values = self.matrix.to_numpy()[emitter, consumer]
        return pd.DataFrame(
            {
                "from": self.matrix.index.to_numpy()[emitter],
                "to": self.matrix.columns.to_numpy()[consumer],
                "value": values,
                "share": values / self.total if self.total else np.full(values.size, np.nan),
            }
        )


def flows(table: Table, stressor: Any = None, *, demand: Any = None) -> Flows:
    """Return the emissions of each region by the region whose final demand causes them.

    E_rq = Σ_{i∈r} s_i x_i^(q), (I − A) x^(q) = y^(q): one solve, one right-hand side for each
    consuming region.

    Parameters
    ----------
    table : Table
    stressor : str or mapping of str to float, optional
        A stressor of the table, or weights of several in one unit. May be left out if there is
        only one.
    demand : region, (region, category), list of these, or ndarray of shape (n,), optional
        Count only what this final demand causes. All by default. An array does not say who
        consumes: it gives one column, and no traded shares.

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
        If the table cannot be solved.

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
    return _assemble(table, region_flows(table, stressor, demand), (), None)


def _assemble(table: Table, flow: RegionFlows, groups: tuple[str, ...], old: Flows | None) -> Flows:
    """Make Flows, in groups of regions where these are given."""
    E, households = flow.matrix, flow.households
    rows, columns = list(table.regions), list(flow.demand.consumers)
    if groups:
        names, codes = encode(groups)
        known = flow.demand.columns is not None
        E, consumers = _summed(E, codes, len(names), groups, known)
        households = summed_by_group(households, codes, len(names))
        rows, columns = list(names), consumers or columns
    for array in (E, households):
        array.flags.writeable = False
    index = pd.Index(rows, name="region")
    parts = {
        "matrix": pd.DataFrame(E, index, pd.Index(columns, name="consumer"), copy=False),
        "households": pd.Series(households, index, name="households", copy=False),
    }
    if old is not None:
        return replace(old, **parts, _groups=groups)
    return Flows(
        **parts,
        stressor=flow.stressor.name,
        unit=flow.stressor.unit,
        error_bound=flow.error_bound,
        report=flow.report,
        _table=table,
        _flow=flow,
    )


def _summed(
    values: FloatArray, codes: CodeArray, size: int, groups: tuple[str, ...], consumers: bool
) -> tuple[FloatArray, list[str]]:
    """Sum rows by `codes`, and columns by the groups of the regions if columns are regions."""
    from carbonflows_fast import _kernels

    values = _kernels.sum_by_group(np.ascontiguousarray(values), codes, size)
    if not consumers:
        return values, []
    names, column_codes = encode(groups)
    return _kernels.sum_columns_by_group(values, column_codes, len(names)), list(names)
