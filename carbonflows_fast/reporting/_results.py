"""The results of a report: every number in it comes from the library's public functions.

Nothing is computed without being shown, or twice: studies of the same rows share one result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from carbonflows_fast._base.progress import progress_bar
from carbonflows_fast.classification import STUDIES, study_sectors
from carbonflows_fast.decomposition import (
    Decomposition,
    PathChanges,
    structural_decomposition,
    structural_path_decomposition,
)
from carbonflows_fast.errors import LabelError
from carbonflows_fast.figures._axes import one_sign
from carbonflows_fast.leontief import system
from carbonflows_fast.linkages import production_layers
from carbonflows_fast.paths import Paths, structural_paths
from carbonflows_fast.reporting._of_one_kind import alike, comparable, names_of, require_same
from carbonflows_fast.reporting._region_names import Places
from carbonflows_fast.reporting._signs import cancels, checked_accounts
from carbonflows_fast.sectors import SectorStudy, sector_study
from carbonflows_fast.table import Table
from carbonflows_fast.table._selection import select_stressor
from carbonflows_fast.table._stressors import require_one_measure
from carbonflows_fast.trade import Flows, flows
from carbonflows_fast.uncertainties import (
    Difference,
    Errors,
    Uncertainty,
    difference,
    uncertainty,
)

if TYPE_CHECKING:
    from carbonflows_fast.panel import Panel
    from carbonflows_fast.prices import PriceEffects
    from carbonflows_fast.spending import Purchases

__all__ = [
    "CHAINS",
    "NO_CHAINS",
    "Change",
    "Results",
    "Study",
    "results_of",
    "searchable",
]

CHAINS: Final = 20  # supply chains in a list
STUDY_CHAINS: Final = 5  # of each study
NO_CHAINS: Final = (
    "Supply chains are not listed one by one, because negative inputs (by-products) cancel chains "
    "of any length, so that nothing bounds what a list leaves out."
)


@dataclass(frozen=True, eq=False)
class Study:
    """One of the five sector studies, or why there is none.

    `notes` are, for each sector, how well it fits, its label and what is in or out. `same_as` names
    the earlier study of the same sectors, whose result and chains this one shares. `mixed`: its
    emissions cancel each other, so that a part of them is no share.
    """

    name: str
    notes: tuple[tuple[str, str, str], ...] = ()
    result: SectorStudy | None = None
    chains: Paths | None = None
    same_as: str = ""
    why_not: str = ""
    mixed: bool = False

    @property
    def shares(self) -> dict[str, float]:
        """What crosses a border between two steps, as shares of all."""
        assert self.result is not None
        found: dict[str, float] = dict(self.result.border_shares)
        return {step: float("nan") if self.mixed else value for step, value in found.items()}

    def part(self, value: float) -> float:
        """Return an amount as a share of all."""
        assert self.result is not None
        total = 0.0 if self.mixed else self.result.total
        return value / total if total else float("nan")


@dataclass(frozen=True, eq=False)
class Change:
    """What another table says, and what changed from it to the table of the report.

    `names` distinguish the two, e.g. "2005" and "2009". `chains` are None if by-products prevent
    the search of either table. `mixed`: emissions of the other table cancel each other. `sure`: how
    sure changes of the accounts are, if errors of the data were given.
    """

    table: Table
    names: tuple[str, str]
    accounts: pd.DataFrame
    flows: Flows
    between: pd.DataFrame
    causes: Decomposition
    chains: PathChanges | None
    mixed: bool
    sure: Difference | None = None


@dataclass(frozen=True, eq=False)
class Results:
    """What is known of a table.

    `trade` is embodied in bilateral trade. `split` is None where the sectors are in no shipped
    classification; `no_split` says why. `chains` are None where by-products stop the search.
    `years` are the accounts of a panel. `mixed`: emissions cancel each other, so that a part is no
    share. `sure`, `sure_flows`, `sure_share`: of accounts, flows, traded share, if asked.
    `purchases`, `prices`: as they were given.
    """

    table: Table
    places: Places
    accounts: pd.DataFrame
    flows: Flows
    trade: pd.DataFrame
    split: pd.DataFrame | None
    no_split: str
    studies: tuple[Study, ...]
    layers: pd.DataFrame
    chains: Paths | None
    change: Change | None
    years: pd.DataFrame | None
    mixed: bool
    sure: Uncertainty | None = None
    sure_flows: Uncertainty | None = None
    sure_share: Uncertainty | None = None
    purchases: Purchases | None = None
    prices: PriceEffects | None = None

    def known(self, value: float) -> float:
        """Return a share of all emissions, NaN where there is no such thing."""
        return float("nan") if self.mixed else value

    def part(self, value: float) -> float:
        """Return an amount as a share of all industrial emissions."""
        total = 0.0 if self.mixed else self.flows.total
        return value / total if total else float("nan")

    def of_own(self, region: str, value: float) -> float:
        """Return an amount as a share of what a region emits."""
        row = self.accounts.loc[region]
        known = row["net_share"] == row["net_share"]
        return value / float(row["production"]) if known else float("nan")

    @property
    def stressor(self) -> str:
        """The stressor's name."""
        return self.flows.stressor

    @property
    def unit(self) -> str:
        """Its unit."""
        return self.flows.unit

    @property
    def is_carbon(self) -> bool:
        """Whether the stressor is carbon dioxide or greenhouse gases, by its name."""
        return any(word in self.stressor.upper() for word in ("CO2", "GWP", "CARBON", "GHG"))

    @property
    def below_zero(self) -> bool:
        """Whether some flow between regions is, by more than its proved error."""
        return bool((self.flows.matrix.to_numpy() < -self.flows.error_bound).any())

    @property
    def emitted_by_households(self) -> bool:
        """Whether the table has emissions of final users."""
        return bool(self.accounts["households"].any())

    @property
    def when(self) -> str:
        """The year of the table in a sentence."""
        return (
            f"in {self.table.year}" if self.table.year is not None else "in the year of the table"
        )


def results_of(
    table: Table,
    stressor: Any,
    since: Table | None,
    panel: Panel | None,
    progress: bool | None,
    errors: Errors | None = None,
    purchases: Purchases | None = None,
    prices: PriceEffects | None = None,
) -> Results:
    """Ask all that a report says.

    Raises
    ------
    CarbonFlowsError
        As the functions of the library do; tables that cannot be compared are found first.
    """
    if stressor is None:  # the only one, of another table too if that has more
        stressor = select_stressor(table).name
    if since is not None:
        since = comparable(table, since, stressor)
    require_same(table, stressor, purchases=purchases, prices=prices)
    years = () if panel is None else panel.years
    if panel is not None:
        measures = {}
        for year in years:
            alike(table, panel[year], year, stressor)
            chosen = select_stressor(panel[year], stressor)
            measures[year] = chosen.name, chosen.unit
        require_one_measure("table", measures)
    steps = 3 + len(STUDIES) + (since is not None) + len(years) + (errors is not None)
    with progress_bar("Report: flows", steps, progress) as bar:

        def done(next_title: str) -> None:
            bar.advance()
            bar.rename(f"Report: {next_title}")

        found = flows(table, stressor)
        mixed = cancels(table, stressor, found)
        sure = sure_flows = sure_share = change = None
        if errors is not None:
            done("how sure it is")
            sure = uncertainty(table, stressor, errors)
            sure_flows = uncertainty(table, stressor, errors, of="flows")
            sure_share = uncertainty(table, stressor, errors, of="traded_share")
        if since is not None:
            done("what changed")
            change = _change(since, table, stressor, found, sure)
        done("trade")
        split, no_split = _split(found)
        trade, studies = found.bilateral_trade(), list[Study]()
        for name in STUDIES:
            done(name)
            studies.append(_study(table, stressor, name, studies, mixed))
        done("supply chains")
        chains = structural_paths(table, stressor, top=CHAINS) if searchable(table) else None
        layers = production_layers(table, stressor, layers=8)
        kept = {}
        for year in years:
            done(str(year))
            kept[year] = checked_accounts(panel[year], stressor)  # type: ignore[index]
        bar.advance()
    own = checked_accounts(table, stressor)
    return Results(
        table=table,
        places=Places(table.regions),
        accounts=own,
        flows=found,
        trade=trade,
        split=split,
        no_split=no_split,
        studies=tuple(studies),
        layers=layers,
        chains=chains,
        change=change,
        years=_over_years(kept, own.attrs),
        mixed=mixed,
        sure=sure,
        sure_flows=sure_flows,
        sure_share=sure_share,
        purchases=purchases,
        prices=prices,
    )


def searchable(table: Table) -> bool:
    """Return whether chains can be listed one by one: by-products cancel chains of any length."""
    return system(table).by_sizes


def _over_years(kept: dict[int, pd.DataFrame], about: dict[Any, Any]) -> pd.DataFrame | None:
    if not kept:
        return None
    frame = pd.concat(kept, names=["year"])
    frame.attrs = about
    return frame


def _change(
    before: Table, after: Table, stressor: Any, found: Flows, sure: Uncertainty | None
) -> Change:
    earlier = flows(before, stressor)
    moved = None
    if sure is not None:
        moved = difference(uncertainty(before, stressor, sure.errors), sure)
    return Change(
        table=before,
        names=names_of(after, before),
        between=found.change_from(earlier),
        accounts=checked_accounts(before, stressor),
        flows=earlier,
        mixed=cancels(before, stressor, earlier),
        causes=structural_decomposition(before, after, stressor),
        chains=structural_path_decomposition(before, after, stressor, top=CHAINS)
        if searchable(before) and searchable(after)
        else None,
        sure=moved,
    )


def _split(found: Flows) -> tuple[pd.DataFrame | None, str]:
    """Return what is traded by class of product, or why it is not known."""
    try:
        return found.split(), ""
    except LabelError as error:
        return None, error.got


def _study(table: Table, stressor: Any, name: str, earlier: list[Study], mixed: bool) -> Study:
    try:
        labels, about = study_sectors(name, table.content.sectors, "sectors")
    except LabelError as error:
        return Study(name, why_not=f"the study takes {error.expected}; this is {error.got}")
    notes = tuple(
        (fit, label, text.removeprefix(f"{label}: "))
        for label, (fit, _, text) in zip(
            labels, (note.partition(": ") for note in about), strict=True
        )
    )
    for other in earlier:
        if other.result is not None and set(other.result.sectors) == set(labels):
            same = (notes, other.result, other.chains)
            return Study(name, *same, same_as=other.name, mixed=other.mixed)
    result = sector_study(table, stressor, sectors=name)
    mixed = mixed or not one_sign(result.flow["value"])
    chains = result.paths(top=STUDY_CHAINS) if searchable(table) else None
    return Study(name, notes, result, chains, mixed=mixed)
