"""The matrix of flows: who emits for whom, its sums, and the same in groups of regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from carbonflows_fast._base import sums
from carbonflows_fast._base.arguments import whole
from carbonflows_fast._base.arrays import CodeArray, FloatArray, encode
from carbonflows_fast._base.markup import Shown
from carbonflows_fast._base.wording import percent
from carbonflows_fast.accounting._accounts import produced_by_size
from carbonflows_fast.accounting._region_flows import (
    RegionFlows,
    summed_by_group,
    unknown_consumers,
)
from carbonflows_fast.classification import one_region, renamed_regions
from carbonflows_fast.errors import InputError, LabelError, only_in, shorten
from carbonflows_fast.table._stressors import require_same_stressor

if TYPE_CHECKING:
    from carbonflows_fast.leontief import SolveReport
    from carbonflows_fast.table import Table

__all__ = ["FlowMatrix", "parts_of", "require_consumers", "summed"]


@dataclass(frozen=True, eq=False, repr=False)
class FlowMatrix(Shown):
    """The matrix E_rq and what it was made from; `trade.Flows` adds the questions about trade."""

    matrix: pd.DataFrame
    households: pd.Series
    stressor: str
    unit: str
    error_bound: float
    report: SolveReport
    _table: Table
    _flow: RegionFlows
    _rtol: float = 1e-10  # of solves that are made when they are asked for
    _groups: tuple[str, ...] = field(default=())  # of each region of the table; empty: as they are

    def _main_frame(self) -> pd.DataFrame:
        return self.to_frame().sort_values("value", ascending=False, kind="stable")

    def __repr__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        traded = f"{percent(self.traded_share)} traded, " if self.known_consumers else ""
        return (
            f"{type(self).__name__}({self.stressor!r}, {' × '.join(map(str, self.matrix.shape))}, "
            f"total {self.total:.6g}{unit}, {traded}error bound {self.error_bound:.2g}{unit})"
        )

    @property
    def known_consumers(self) -> bool:
        """Whether the demand says who consumes; an array of numbers does not."""
        return self._flow.demand.columns is not None

    @property
    def total(self) -> float:
        """Industrial emissions caused by the demand, ΣE, in `unit`."""
        return float(self.matrix.to_numpy().sum())

    @property
    def gross(self) -> float:
        """Σ|E|, which shares are of, in `unit`: |total| where all flows have one sign.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> flows = cf.flows(cf.synthetic.world(2, 3))
        >>> flows.gross == flows.total
        True
        """
        return float(np.abs(self.matrix.to_numpy()).sum())

    @cached_property
    def _traded(self) -> float:
        """Sum of the sizes of flows off the diagonal, without which no digits are lost."""
        foreign = np.abs(self.matrix.to_numpy())
        np.fill_diagonal(foreign, 0.0)
        return float(foreign.sum())

    @property
    def traded_share(self) -> float:
        """Share of industrial emissions that cross a border: Σ_{r≠q} E_rq / ΣE.

        Where flows have both signs (sinks), of their sizes: Σ_{r≠q} |E_rq| / Σ|E|, from 0 to 1.
        NaN where nothing is emitted. Raises InputError if the demand was an array.
        """
        require_consumers(self, "traded_share")
        return self._traded / self.gross if self.gross else float("nan")

    @property
    def traded_share_all(self) -> float:
        """The same flows over all emissions, households' own included: Σ_{r≠q} E_rq / (ΣE + ΣF_Y).

        The "25 %" of International Carbon Flows (Carbon Trust 2011) is this number for 2004. Of
        sizes, as `traded_share`.
        """
        require_consumers(self, "traded_share_all")
        everything = self.gross + float(np.abs(self.households.to_numpy()).sum())
        return self._traded / everything if everything else float("nan")

    @property
    def net_transfers(self) -> float:
        """Σ_r max(0, consumption − production) of industrial emissions, in `unit`."""
        require_consumers(self, "net_transfers")
        E = self.matrix.to_numpy()
        return float(np.maximum(E.sum(axis=0) - E.sum(axis=1), 0.0).sum())

    def aggregate(self, *, regions: Mapping[str, str] | str) -> Self:
        """Return the flows summed over groups of regions.

        A flow between two regions of a group becomes domestic, so the traded share falls.

        Parameters
        ----------
        regions : mapping, or str
            From a region, a country or a shipped group ("EU27", "EU ETS 2009", "Annex I"; see
            ``classification.region_groups``) to the group's name here. Regions that are not meant
            stay as they are. A region goes before a country, and both before groups that they
            belong to. The name of a shipped group may be given alone.

        Returns
        -------
        Flows
            Groups in order of first appearance.

        Raises
        ------
        LabelError
            If a key is not a region of these flows, nor a group with members there.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> table = cf.synthetic.world(regions=3, sectors=4)
        >>> one = cf.flows(table).aggregate(regions={name: "world" for name in table.regions})
        >>> one.matrix.shape, one.traded_share
        ((1, 1), 0.0)
        """
        if isinstance(regions, str):
            regions = {regions: regions}
        if not isinstance(regions, Mapping):
            raise InputError.about(
                "regions",
                expected="a mapping from region to group, or the name of a group",
                got=type(regions).__name__,
                remedy='give e.g. {"FRA": "EU", "DEU": "EU"}',
            )
        for name, group in regions.items():
            if not isinstance(group, str) or not group.strip():
                raise InputError.about(
                    "regions",
                    expected=f"a text as the name of the group of {name!r}",
                    got=repr(group),
                    remedy='give e.g. {"EU27": "EU"}',
                )
        groups = self._regrouped(regions)
        return replace(self, **parts_of(self._table, self._flow, groups), _groups=groups)

    def _regrouped(self, regions: Mapping[str, str]) -> tuple[str, ...]:
        """Return the new group of each region of the table."""
        now = self._groups or self._table.regions
        own = {name: group for name, group in regions.items() if name in now}
        others = {name: group for name, group in regions.items() if name not in own}
        named = renamed_regions(self._table.regions, others, year=self._table.year)
        groups = tuple(
            own.get(group, named.get(region, group))
            for region, group in zip(self._table.regions, now, strict=True)
        )
        # Regions merged before move together, or not at all.
        for old in dict.fromkeys(now):
            parts = dict.fromkeys(g for g, before in zip(groups, now, strict=True) if before == old)
            if len(parts) > 1:
                raise InputError.about(
                    "regions",
                    expected=f"all of {old!r}, which was merged before",
                    got=f"a part of it for {next(iter(parts))!r}",
                    remedy="aggregate the flows of the table itself",
                )
        return groups

    def net_importers(self) -> pd.DataFrame:
        """Return the regions that consume more than they emit, the largest difference first.

        Returns
        -------
        DataFrame, index region, in `unit`
            production and consumption, with households' own emissions (of a selected demand only
            what it causes, so that regions outside it seem to export all); net_imports, their
            difference; net_share, that over production; exports and imports over production as
            export_share and import_share (of sizes where flows have both signs: production is
            then Σ_q |E_rq| + |households|); if the table has population, also population,
            production_per_head and consumption_per_head.
        """
        balance = self.balance
        found = balance[balance["net_imports"] > 0]
        return found.sort_values("net_imports", ascending=False, kind="stable")

    def net_exporters(self) -> pd.DataFrame:
        """Return the regions that emit more than they consume, as :meth:`net_importers` does."""
        balance = self.balance
        return balance[balance["net_imports"] < 0].sort_values("net_imports", kind="stable")

    @cached_property
    def balance(self) -> pd.DataFrame:
        """What :meth:`net_importers` and :meth:`net_exporters` have, of all regions."""
        require_consumers(self, "net importers")
        E, own = self.matrix.to_numpy(), self.households.to_numpy()
        foreign = E * ~np.eye(len(E), dtype=np.bool_)
        frame = pd.DataFrame(index=self.matrix.index)
        frame["production"] = E.sum(axis=1) + own
        frame["consumption"] = E.sum(axis=0) + own
        frame["net_imports"] = foreign.sum(axis=0) - foreign.sum(axis=1)
        base = produced_by_size(E, own)
        frame["net_share"] = frame["net_imports"] / base
        frame["export_share"] = np.abs(foreign).sum(axis=1) / base
        frame["import_share"] = np.abs(foreign).sum(axis=0) / base
        heads = self._table.content.population
        if heads is not None:
            names, codes = encode(self._groups or self._table.regions)
            count = np.bincount(codes, weights=heads, minlength=len(names))
            frame["population"] = count
            for name in ("production", "consumption"):
                frame[f"{name}_per_head"] = frame[name] / np.where(count > 0, count, np.nan)
        return self._with_bound(frame, self.error_bound)

    def partners(self, region: str) -> pd.DataFrame:
        """Return a region's trade with every other: index partner, in `unit`.

        Parameters
        ----------
        region : str
            A region of these flows, or the name of its country.

        Returns
        -------
        DataFrame
            imports, emitted in the partner for what the region finally buys; exports, emitted in
            the region for what the partner finally buys; net_imports, their difference.
        """
        require_consumers(self, "trade with each partner")
        name = self._region(region)
        E = self.matrix
        frame = pd.DataFrame({"imports": E[name], "exports": E.loc[name]}).drop(index=name)
        frame["net_imports"] = frame["imports"] - frame["exports"]
        frame.index.name = "partner"
        return self._with_bound(frame, self.error_bound)

    def change_from(self, before: FlowMatrix) -> pd.DataFrame:
        """Return what changed since other flows, the largest change first.

        Parameters
        ----------
        before : Flows
            Of the same regions and consumers, in any order, and of the same stressor and unit: of
            the table as it was before ``with_changes``, or of another year.

        Returns
        -------
        DataFrame
            from, to, before, after, change; a row for every pair of regions, in `unit`.

        Raises
        ------
        InputError, LabelError
            If the two cannot be compared.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> table = cf.synthetic.world(regions=3, sectors=4)
        >>> cleaner = table.with_changes(S=table.S * 0.9)
        >>> found = cf.flows(cleaner).change_from(cf.flows(table))
        >>> bool(abs(found.change / found.before + 0.1).max() < 1e-9)
        True
        """
        if not isinstance(before, FlowMatrix):
            raise InputError.about(
                "before",
                expected="Flows",
                got=type(before).__name__,
                remedy="give cf.flows(table) of the earlier table",
            )
        names = f"these flows{_as_in(self._table)}", f"before{_as_in(before._table)}"
        require_same_stressor(self._flow.stressor, before._flow.stressor, "before", names)
        mine, other = self.matrix, before.matrix
        for what, ours, theirs in (
            ("regions", mine.index, other.index),
            ("consumers", mine.columns, other.columns),
        ):
            if got := only_in(("these flows", "before"), ours, theirs):
                raise LabelError.about(
                    "before",
                    expected=f"flows of the same {what}",
                    got=got,
                    remedy="aggregate both to common groups first",
                )
        asked = [one._selected() for one in (self, before)]
        if asked[0] != asked[1]:
            said = [shorten(sorted(map(repr, one or {"all"}))) for one in asked]
            raise InputError.about(
                "before",
                expected=f"flows of the same final demand, {said[0]}",
                got=said[1],
                remedy="ask cf.flows with the same demand= of both tables",
            )
        frame = self.to_frame()[["from", "to"]]
        frame["before"] = other.loc[mine.index, mine.columns].to_numpy().ravel()
        frame["after"] = mine.to_numpy().ravel()
        frame["change"] = frame["after"] - frame["before"]
        order = np.argsort(-frame["change"].abs().to_numpy(), kind="stable")
        bound = self.error_bound + before.error_bound
        return self._with_bound(frame.iloc[order].reset_index(drop=True), bound)

    def _selected(self) -> set[Any]:
        """Return whose final demand is in the flows: regions (or groups of them) whole, and pairs
        (region, category) of those in part; nothing for all of it, or a demand of one's own.
        """
        mask, p = self._flow.demand.columns, self._table.content
        if mask is None or mask.all():
            return set()
        names = self._groups or p.regions
        of_column = np.array([names[code] for code in p.demand_codes])
        whole = set(of_column) - set(of_column[~mask])
        return {str(name) for name in whole} | {
            (p.regions[p.demand_codes[at]], p.categories[p.category_codes[at]])
            for at in np.flatnonzero(mask)
            if of_column[at] not in whole
        }

    def _region(self, region: str) -> str:
        """Return a region of these flows by its label, or by the name of its country."""
        known = [str(label) for label in self.matrix.index]
        return one_region(known, region, "region", year=self._table.year)

    def _with_bound(self, frame: pd.DataFrame, bound: float) -> pd.DataFrame:
        frame.attrs = {"stressor": self.stressor, "unit": self.unit, "error_bound": bound}
        return frame

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
        values, names = summed(values, targets, len(distinct), self._groups, self.known_consumers)
        return pd.DataFrame(
            values,
            index=pd.MultiIndex.from_tuples(distinct, names=rows.names),
            columns=pd.Index(names or list(columns), name="consumer"),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return all flows, row by row: columns from, to, value, share (of Σ|E|)."""
        E = self.matrix.to_numpy()
        emitter, consumer = np.indices(E.shape).reshape(2, -1)
        return self._long(emitter, consumer)

    def top(self, n: int = 10) -> pd.DataFrame:
        """Return the largest off-diagonal flows: columns from, to, value, share (of Σ|E|).

        Parameters
        ----------
        n : int
            How many at most, largest |value| first; of equal ones the first of the table first.

        Raises
        ------
        InputError
            If n is not a positive whole number, or if the demand was an array.
        """
        require_consumers(self, "the largest flows between regions")
        n = whole("n", n, remedy="give e.g. 10")
        E = self.matrix.to_numpy()
        emitter, consumer = np.nonzero(~np.eye(len(E), dtype=np.bool_))
        order = np.argsort(-np.abs(E[emitter, consumer]), kind="stable")[:n]
        return self._long(emitter[order], consumer[order])

    def _long(self, emitter: Any, consumer: Any) -> pd.DataFrame:
        values = self.matrix.to_numpy()[emitter, consumer]
        frame = pd.DataFrame(
            {
                "from": self.matrix.index.to_numpy()[emitter],
                "to": self.matrix.columns.to_numpy()[consumer],
                "value": values,
                "share": values / self.gross if self.gross else np.full(values.size, np.nan),
            }
        )
        return self._with_bound(frame, self.error_bound)


def require_consumers(flows: FlowMatrix, question: str) -> None:
    """Refuse a question about consumers where the demand does not say who they are."""
    if not flows.known_consumers:
        raise unknown_consumers(f"select it by region and category to ask for {question}")


def _as_in(table: Table) -> str:
    return "" if table.year is None else f" ({table.year})"


def parts_of(table: Table, flow: RegionFlows, groups: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return matrix and households as frames, in groups of regions where these are given."""
    E, households = flow.matrix, flow.households
    rows, columns = list(table.regions), list(flow.demand.consumers)
    if groups:
        names, codes = encode(groups)
        known = flow.demand.columns is not None
        E, consumers = summed(E, codes, len(names), groups, known)
        households = summed_by_group(households, codes, len(names))
        rows, columns = list(names), consumers or columns
    for array in (E, households):
        array.flags.writeable = False
    index = pd.Index(rows, name="region")
    return {
        "matrix": pd.DataFrame(E, index, pd.Index(columns, name="consumer"), copy=False),
        "households": pd.Series(households, index, name="households", copy=False),
    }


def summed(
    values: FloatArray, codes: CodeArray, size: int, groups: tuple[str, ...], consumers: bool
) -> tuple[FloatArray, list[str]]:
    """Sum rows by `codes`, and columns by the groups of the regions if columns are regions."""
    values = sums.sum_by_group(np.ascontiguousarray(values), codes, size)
    if not consumers:
        return values, []
    names, column_codes = encode(groups)
    return sums.sum_columns_by_group(values, column_codes, len(names)), list(names)
