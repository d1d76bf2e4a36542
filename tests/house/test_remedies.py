"""What an error advises is done, and works: one case for every piece of advice.

A case asks something wrong, reads the advice in the error, does it, and must get an answer. The
last test takes all advice from the source of the modules below and wants a case for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.advice import Case, advice_tests, named, python
from support.worlds.small_table import small

import carbonflows_fast as cf
from carbonflows_fast.classification import regions_in
from carbonflows_fast.table._selection import select_demand, select_rows

COVERED = [
    "accounting/_accounts", "accounting/_region_flows", "accounting/_solves",
    "accounting/_stressor_block", "accounting/_weights", "classification/_groups", "linkages",
    "paths/_limits", "paths/_path_errors", "paths/_result", "paths/_search", "sectors/_result",
    "sectors/_study", "sectors/_study_errors", "table/_selection", "table/_stressors",
    "trade/_flow_matrix", "trade/_flows",
]  # fmt: skip
"""Modules whose every piece of advice has a case."""


def endless_chains(**limits: Any) -> cf.Paths:
    """The largest paths of a sector that buys nearly all of its output itself."""
    Z, Y = np.zeros((4, 4)), np.ones((4, 4))
    Z[0, 0] = 4e7
    made = cf.Table(**small(Z=Z, Y=Y, F=np.ones((2, 4))))
    return cf.structural_paths(made, "CO2", top=10, **limits)


@cache
def table() -> cf.Table:
    Z = np.array([[8.0, 5, 1, 0], [3, 9, 0, 2], [2, 1, 7, 4], [0, 1, 2, 6]])
    Y = np.array([[30.0, 1, 4, 1], [25, 1, 2, 1], [3, 1, 28, 1], [1, 1, 33, 1]])
    return cf.Table(**small(Z=Z, Y=Y, stressor_units=["kt", "kt"]))


@cache
def mixed() -> cf.Table:
    return cf.Table(**small())  # its stressors have two units


@cache
def flows() -> cf.Flows:
    return cf.flows(table(), "CO2")


@cache
def by_array() -> cf.Flows:
    return cf.flows(table(), "CO2", demand=np.ones(4))


@cache
def study() -> cf.SectorStudy:
    return cf.sector_study(table(), "CO2", sectors="coal")


@cache
def paths() -> cf.Paths:
    return cf.structural_paths(table(), "CO2", top=5)


@cache
def steel() -> cf.Table:
    """A table whose sectors a shipped classification knows."""
    return cf.synthetic.world(2, 20)


FRAME = pd.Series([1.0, 2, 3, 4], index=["a", "b", "c", "d"])


def unsure_paths(top: int = 3) -> cf.Paths:
    return cf.structural_paths(table(), "CO2", top=top, errors=cf.Errors(F=0.1))


CASES = [
    # selection
    Case(lambda: select_demand(table(), table().Y), r"sum them with (\.sum\(axis=1\))",
         lambda code: select_demand(table(), python(f"Y{code}", Y=table().Y))),
    Case(lambda: select_demand(table(), np.ones(3)), "one number for each of table.rows",
         lambda _: select_demand(table(), np.ones(len(table().rows)))),
    Case(lambda: select_demand(table(), np.array([1, np.nan, 1, 1])), "replace it",
         lambda _: select_demand(table(), np.array([1.0, 0, 1, 1]))),
    Case(lambda: select_demand(table(), FRAME), r"use (demand\.reindex\(.*\))",
         lambda code: select_demand(table(), python(code, table=table(), demand=pd.Series(
             1.0, index=table().rows[::-1])))),
    Case(lambda: cf.structural_decomposition(eu(2009), eu(2013), "CO2", demand="EU"),
         r"e\.g\. ('EU 2009'), or list the regions",
         lambda name: cf.structural_decomposition(eu(2009), eu(2013), "CO2",
                                                  demand=python(name))),
    Case(lambda: select_rows(table(), np.ones(3, bool)), "a mask over table.rows, or names",
         lambda _: select_rows(table(), np.ones(len(table().rows), bool))),
    Case(lambda: select_rows(table(), []), "leave it out for everything",
         lambda _: cf.structural_paths(table(), "CO2", top=1)),
    Case(lambda: select_demand(table(), ("DE", "NA", "DE")), "in a list, not in a tuple",
         lambda _: select_demand(table(), ["DE", "NA", "DE"])),
    Case(lambda: select_demand(unequal(), ("NA", "homes")), r"'NA' has (.*)",
         lambda names: select_demand(unequal(), ("NA", named(names)[0]))),
    Case(lambda: select_demand(table(), "households"), r"write (\(.*\))",
         lambda pair: select_demand(table(), python(pair))),
    Case(lambda: select_rows(table(), "Germany"), r"write (\(.*\))",
         lambda pair: select_rows(table(), python(pair))),
    # names of regions
    Case(lambda: regions_in(table().regions, "EU"), r"give e\.g\. ('EU 2009'), or ('EU27')",
         lambda _: [regions_in(table().regions, n) for n in ("EU 2009", "EU27")]),
    Case(lambda: regions_in(["DE"], "EU 1900"), "list the countries",
         lambda _: regions_in(["DE", "NA"], ["Germany", "Namibia"])),
    Case(lambda: regions_in(["DE"], "EU15 2009"), r"give ('EU 2009')",
         lambda name: regions_in(["DE"], python(name))),
    # stressors
    Case(lambda: cf.accounts(table(), "CO22"), r"nearest are ('CO2')",
         lambda name: cf.accounts(table(), python(name))),
    Case(lambda: cf.accounts(table(), 3), r"give a name, e\.g\. (.*)",
         lambda names: cf.accounts(table(), named(names)[0])),
    Case(lambda: cf.accounts(table()), r"choose from (.*)",
         lambda names: [cf.accounts(table(), name) for name in named(names)]),
    Case(lambda: cf.accounts(mixed(), {"CO2": 1, "CH4": 28}),
         "weigh those of each unit apart, or convert the table's F first",
         lambda _: [cf.accounts(mixed(), {"CO2": 1}), cf.accounts(table(), {"CO2": 1, "CH4": 28})]),
    Case(lambda: cf.accounts(table(), {}), r"give at least one, e\.g\. (\{.*\})",
         lambda code: cf.accounts(table(), python(code))),
    Case(lambda: cf.accounts(table(), {"CO2": None}), r"give e\.g\. (\{.*\})",
         lambda code: cf.accounts(table(), python(code))),
    Case(lambda: cf.figures.time_series(of_units("kt", "t"), "consumption"),
         "convert the tables of some years first, or ask for years of one kind",
         lambda _: [cf.figures.time_series(of_units("kt", "kt"), "consumption"),
                    cf.figures.time_series(of_units("kt", "t").loc[[2009]], "consumption")]),
    Case(lambda: cf.accounts(table(), "gwp"), r"characterisations are (\w+), .*; nearest",
         lambda name: cf.accounts(table(), name)),
    Case(lambda: compared(of("t")), r"convert the other with (table\..*\)), or, where",
         lambda code: compared(python(code, table=of("t")))),
    Case(lambda: compared(of("t")), r"say so with (table\.with_changes\(stressor_units=.*\))",
         lambda code: compared(python(code, table=of("t")))),
    Case(lambda: compared(of("t", "t"), {"CO2": 1, "CH4": 28}),
         r"convert one of them, by table\.with_changes\(unit=\{stressor: unit, …\}\)",
         lambda _: compared(of("t", "t").with_changes(unit={"CO2": "kt", "CH4": "kt"}),
                            {"CO2": 1, "CH4": 28})),
    Case(lambda: compared(of("loads")), r"same, (table\.with_changes\(.*\)) says so",
         lambda code: compared(python(code, table=of("loads")))),
    Case(lambda: compared(of("kt", "kt", names=["CO2", "N2O"]), "GWP100_AR5"),
         r"ask for what both have, e\.g\. (.*)",
         lambda name: compared(of("kt", "kt", names=["CO2", "N2O"]), python(name))),
    Case(lambda: compared(of("kt", "kt", names=["N2O", "SF6"]), "GWP100_AR5"),
         "name them alike in both", lambda _: compared(of("kt", "kt"), "GWP100_AR5")),
    # accounts
    Case(lambda: cf.multipliers(table(), 3), "name stressors of the table",
         lambda _: cf.multipliers(table(), list(table().stressors))),
    Case(lambda: cf.multipliers(table(), ["CO2", "CO2"]),
         "name each stressor once, or leave the argument out for all",
         lambda _: [cf.multipliers(table(), ["CO2"]), cf.multipliers(table())]),
    Case(lambda: cf.accounts(table(), "CO2", demand=np.ones(4)),
         "select it by region and category",
         lambda _: cf.accounts(table(), "CO2", demand=("DE", "households"))),
    *(Case(lambda ask=ask: ask(by_array()), "select it by region and category to ask for",
           lambda _, ask=ask: ask(cf.flows(table(), "CO2", demand=("DE", "households"))))
      for ask in (
          lambda one: one.traded_share, lambda one: one.traded_share_all,
          lambda one: one.net_transfers, lambda one: one.net_importers(),
          lambda one: one.partners("DE"), lambda one: one.top(3))),
    # flows
    Case(lambda: flows().bilateral_trade("both"), "leave it out for both",
         lambda _: flows().bilateral_trade()),
    Case(lambda: flows().sector("DE", "coke"), r"nearest (?:is|are) (.*)",
         lambda names: flows().sector("DE", named(names)[0])),
    Case(lambda: flows().aggregate(regions=3), r"give e\.g\. (\{.*\})",
         lambda code: larger().aggregate(regions=python(code))),
    Case(lambda: larger().aggregate(regions={"EU27": 3}), r'give e\.g\. (\{"EU27": "EU"\})',
         lambda code: larger().aggregate(regions=python(code))),
    Case(lambda: larger().aggregate(regions="EU27").aggregate(regions={"FRA": "x"}),
         "aggregate the flows of the table itself",
         lambda _: larger().aggregate(regions={"FRA": "x"})),
    Case(lambda: flows().change_from(table()), r"give (cf\.flows\(table\)) of the earlier",
         lambda _: flows().change_from(cf.flows(table(), "CO2"))),
    Case(lambda: flows().change_from(cf.flows(table(), "CH4")),
         "ask both for the same stressor",
         lambda _: flows().change_from(cf.flows(table(), "CO2"))),
    Case(lambda: cf.flows(table(), "CO2", demand="DE").change_from(flows()),
         "ask cf.flows with the same demand= of both tables",
         lambda _: cf.flows(table(), "CO2", demand="DE").change_from(
             cf.flows(table(), "CO2", demand="DE"))),
    Case(lambda: flows().change_from(flows().aggregate(regions={"DE": "x"})),
         "aggregate both to common groups first",
         lambda _: flows().aggregate(regions={"DE": "x"}).change_from(
             flows().aggregate(regions={"DE": "x"}))),
    Case(lambda: flows().top(0), r"give e\.g\. (\d+)", lambda n: flows().top(python(n))),
    # paths
    Case(lambda: cf.sector_study(table(), "CO2", sectors=table().sectors[0]).sd_by("made"),
         r"ask cf\.sector_study\(…, errors=cf\.Errors\(…\)\)",
         lambda _: cf.sector_study(table(), "CO2", sectors=table().sectors[0],
                                   errors=cf.Errors(F=0.1)).sd_by("made")),
    Case(lambda: cf.structural_paths(table(), "CO2").probability_larger(),
         r"ask cf\.structural_paths\(…, errors=cf\.Errors\(…\)\)",
         lambda _: unsure_paths().probability_larger()),
    Case(lambda: unsure_paths().probability_larger(0), r"give e\.g\. count=(100) for the largest",
         lambda count: unsure_paths().probability_larger(python(count))),
    Case(lambda: unsure_paths(top=5001).probability_larger(), r"give e\.g\. count=(100)",
         lambda count: unsure_paths(top=5001).probability_larger(python(count))),
    Case(lambda: cf.structural_paths(table(), "CO2", demand=np.full(4, 1e290)),
         "give it in another unit",
         lambda _: cf.structural_paths(table(), "CO2", demand=np.full(4, 1e2))),
    Case(lambda: many_paths(), "ask for less, or set max_paths for the largest",
         lambda _: [many_paths(threshold=1.0), many_paths(max_paths=10)]),
    Case(lambda: cf.structural_paths(table(), "CO2", top=1, coverage=0.5),
         "leave all but one out; max_paths limits each",
         lambda _: cf.structural_paths(table(), "CO2", coverage=0.5, max_paths=1)),
    Case(lambda: cf.structural_paths(table(), "CO2", top=0), "leave it out for the default",
         lambda _: cf.structural_paths(table(), "CO2")),
    Case(lambda: cf.structural_paths(table(), "CO2", coverage=2), "leave it out for the top 1,000",
         lambda _: cf.structural_paths(table(), "CO2")),
    Case(lambda: cf.structural_paths(table(), "CO2", threshold=0), "there is no end to all paths",
         lambda _: cf.structural_paths(table(), "CO2", threshold=1e-3)),
    Case(lambda: cf.structural_paths(table(), "CO2", coverage=0.99, max_stage=0),
         "ask for less, or for more stages",
         lambda _: [cf.structural_paths(table(), "CO2", coverage=0.1, max_stage=0),
                    cf.structural_paths(table(), "CO2", coverage=0.99, max_stage=50)]),
    Case(lambda: endless_chains().by_stage(), r"search with max_stage=",
         lambda _: endless_chains(max_stage=3).by_stage()),
    Case(lambda: cf.structural_paths(table(), "CO2", threshold=1e-300),
         "ask for the top paths instead",
         lambda _: cf.structural_paths(table(), "CO2", top=10)),
    Case(lambda: cf.structural_paths(with_byproducts(), top=3),
         r"ask cf\.flows or cf\.production_layers, which need no chains one by one, or set these "
         r"inputs to zero with (table\.with_changes\()A=\.\.\.\)",
         lambda code: [cf.flows(with_byproducts()), cf.production_layers(with_byproducts()),
                       cf.structural_paths(python(
                           f"{code}A=table.A.maximum(0))", table=with_byproducts()), top=3)]),
    Case(lambda: paths().by("colour"), r"give e\.g\. (by\(.*\))",
         lambda code: python(f"paths.{code}", paths=paths())),
    Case(lambda: paths().save("a.txt"), "the extension says how to write it",
         lambda _: paths().save("a.csv")),
    # studies
    Case(lambda: cf.sector_study(table(), "CO2", sectors=None), "name at least one",
         lambda _: cf.sector_study(table(), "CO2", sectors="coal")),
    Case(lambda: cf.sector_study(steel(), sectors=["clothing", "Wheat"]),
         "ask for each study by itself, or name its sectors",
         lambda _: cf.sector_study(steel(), sectors=["Wheat"])),
    Case(lambda: cf.sector_study(table(), "CO2", sectors="stele"), r"nearest are (.*)",
         lambda names: cf.sector_study(table(), "CO2", sectors=named(names)[0])),
    Case(lambda: study().by("colour"), "name one or two", lambda _: study().by("emitted", "made")),
    Case(lambda: study().paths(through="coal"), r"leave it out, or ask (cf\.structural_paths)",
         lambda code: [study().paths(top=1),
                       python(code)(table(), "CO2", through="coal", top=1)]),
    Case(lambda: cf.sector_study(table(), "CO2", sectors="coal", demand=np.ones(4))
         .price_coverage("DE", consumers="DE"), "select it by region and category",
         lambda _: study().price_coverage("DE", consumers="DE")),
    # layers
    Case(lambda: cf.production_layers(table(), "CO2", layers=-1), "leave it out for 10",
         lambda _: cf.production_layers(table(), "CO2")),
    Case(lambda: cf.transaction_betweenness(table(), "CO2", top=0), "leave it out for 1,000",
         lambda _: cf.transaction_betweenness(table(), "CO2")),
]  # fmt: skip


@cache
def eu(year: int) -> cf.Table:
    rng = np.random.default_rng(1)
    return cf.Table(Z=rng.random((3, 3)), Y=rng.random((3, 3)) + 1, F=rng.random((1, 3)),
                    regions=["DEU", "HRV", "RoW"], sectors=["all"] * 3, stressors="CO2",
                    year=year)  # fmt: skip


def of(*units: str, names: Sequence[str] = ("CO2", "CH4")) -> cf.Table:
    """The table of another year, whose stressors have these units."""
    Z = np.array([[8.0, 5, 1, 0], [3, 9, 0, 2], [2, 1, 7, 4], [0, 1, 2, 6]])
    count = len(units)
    return cf.Table(**small(
        Z=Z, F=np.ones((count, 4)), stressors=list(names[:count]),
        stressor_units=list(units), F_Y=None))  # fmt: skip


def compared(other: cf.Table, stressor: Any = "CO2") -> Any:
    return cf.structural_decomposition(of("kt", "kt"), other, stressor)


@cache
def with_byproducts() -> cf.Table:
    """A table whose chains can cancel."""
    return cf.Table(A=[[0.9, -0.5], [0.5, 0.9]], Y=[6.0, 1.0], S=[[1.0, 1.0]],
                    regions="DE", sectors=["a", "b"], stressors="CO2")  # fmt: skip


@cache
def larger() -> cf.Flows:
    rng = np.random.default_rng(1)
    return cf.flows(cf.Table(
        Z=rng.random((3, 3)), Y=rng.random((3, 3)) + 1, F=rng.random((1, 3)),
        regions=["DEU", "FRA", "RoW"], sectors=["all"] * 3, stressors="CO2"))  # fmt: skip


@cache
def unequal() -> cf.Table:
    """Regions whose final users differ in kind."""
    return cf.Table(Z=np.eye(2), Y=np.eye(2) + 1, F=[1.0, 1], regions=["DE", "NA"],
                    sectors=["a", "a"], stressors="CO2",
                    demand=[("DE", "homes"), ("NA", "state")])  # fmt: skip


def of_units(*units: str) -> pd.DataFrame:
    frames = {
        2009 + at: cf.accounts(table(), "CO2").assign(unit=unit) for at, unit in enumerate(units)
    }
    return pd.concat(frames, names=["year"])


def many_paths(**options: Any) -> cf.Paths:
    loop = cf.Table(A=[[0.999999]], Y=[1.0], S=[[1.0]], x=[1e6], regions="r", sectors=["s"],
                    stressors="g")  # fmt: skip
    return cf.structural_paths(loop, **(options or {"threshold": 1e-20}))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
