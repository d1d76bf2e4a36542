"""Regions by any name, wherever a question asks for one: the table's label, a country, a group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.running.panel_cluster import Cluster
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.classification import load, membership_note, one_region, regions_in
from carbonflows_fast.classification._groups import group_called
from carbonflows_fast.cli import main
from carbonflows_fast.table._selection import select_demand, select_rows

EXIOBASE = load("exiobase3_regions")["code"].tolist()
COUNTRIES = load("regions").to_dict("records")
CODES = ["DEU", "FRA", "GBR", "HRV", "USA", "RoW"]
SECTORS = ["coal", "steel"]


def world(regions: list[str] = CODES, year: int | None = 2009) -> cf.Table:
    rng = np.random.default_rng(7)
    n = 2 * len(regions)
    return cf.Table(
        Z=rng.random((n, n)), Y=rng.random((n, 2 * len(regions))) + 1, F=rng.random((1, n)),
        F_Y=rng.random((1, 2 * len(regions))), stressors="CO2", stressor_units="kt", year=year,
        regions=np.repeat(regions, 2), sectors=SECTORS * len(regions),
        demand=[(r, c) for r in regions for c in ("homes", "state")],
        population={r: 1.0 + i for i, r in enumerate(regions)}, name="world",
    )  # fmt: skip


@pytest.fixture(scope="module")
def table() -> cf.Table:
    return world()


def asked(table: cf.Table, demand: Any) -> list[str]:
    columns = select_demand(table, demand).columns
    assert columns is not None
    return list(dict.fromkeys(table.demand[columns].get_level_values(0)))


# --- the European Union ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "group"),
    [(1995, "EU15"), (2003, "EU15"), (2004, "EU25"), (2006, "EU25"), (2007, "EU27 2007"),
     (2012, "EU27 2007"), (2013, "EU28"), (2019, "EU28"), (2020, "EU27"), (2026, "EU27")],
)  # fmt: skip
def test_the_union_of_a_year_is_the_group_of_that_time(year: int, group: str) -> None:
    shipped = set(load("region_groups").query("group == @group")["iso3"])
    for text in (f"EU {year}", f"eu {year} ", f"EU{len(shipped)}_{year}"):
        assert group_called(text, "regions") == (f"EU {year}", shipped)
    assert group_called("EU", "regions", year) == (f"EU {year}", shipped)


def test_the_union_before_that_has_the_members_of_its_treaties() -> None:
    counts = [len(group_called(f"EU {year}", "regions")[1])  # type: ignore[index]
              for year in (1958, 1972, 1973, 1980, 1981, 1986, 1994)]  # fmt: skip
    assert counts == [6, 6, 9, 9, 10, 12, 12]


@pytest.mark.parametrize(
    ("text", "year", "match"),
    [
        ("EU", None, "a year with 'EU', since this table has none"),
        ("EU 1950", 2009, "of 1958 or later"),
        ("EU15 2009", 2009, "the 27 members that .* at the end of 2009, got .*give 'EU 2009'"),
    ],
)
def test_no_membership_is_guessed(text: str, year: int | None, match: str) -> None:
    with pytest.raises(cf.LabelError, match=match) as caught:
        regions_in(["DEU", "RoW"], text, year=year)
    assert SENTENCE.match(str(caught.value))


def test_eu27_is_said_to_be_that_of_2020() -> None:
    assert "since 2020; the 15 of 2000 are 'EU 2000'" in membership_note("EU27", 2000)
    assert "of 2004 to 2006; the 27 of 2009 are 'EU 2009'" in membership_note("eu25", 2009)
    assert "'EU ETS 2009'" in membership_note("EU ETS", 2009)
    for quiet in ("EU 2009", "EU27 2007", "DEU", "EU28", 5):
        assert membership_note(quiet, 2013) == "", quiet


# --- names ----------------------------------------------------------------------------------


@given(st.data())
def test_every_code_and_name_of_a_country_is_its_region(data: Any) -> None:
    rows = data.draw(st.lists(st.sampled_from(COUNTRIES), min_size=1, max_size=6, unique_by=str))
    kind = data.draw(st.sampled_from(["iso3", "iso2", "name"]))
    labels = [row[kind] for row in rows]
    wanted = data.draw(st.sampled_from(rows))
    names = [wanted["iso3"], wanted["iso2"], wanted["name"], *wanted["aliases"].split("|")]
    for name in filter(None, names):
        if name.casefold() in ("congo", "korea", "georgia"):
            continue
        assert one_region(labels, name) == wanted[kind]
        assert one_region(labels, f" {name.upper()} ") == wanted[kind]


@pytest.mark.parametrize(
    ("regions", "name", "both"),
    [
        (["KOR", "JPN"], "Korea", "South Korea (KOR) or North Korea (PRK)"),
        (["COG", "COD"], "congo", "(COG) or Democratic Republic of the Congo (COD)"),
        (["US-GA", "RoUS"], "Georgia", "Georgia (GEO) or the region 'US-GA'"),
    ],
)
def test_a_name_of_two_countries_is_refused_with_both(
    regions: list[str], name: str, both: str
) -> None:
    with pytest.raises(cf.LabelError) as caught:
        regions_in(regions, name)
    found = SENTENCE.match(str(caught.value))
    assert found
    assert both in str(caught.value)
    tried = [word for word in str(caught.value).rsplit("; ", 1)[1].split("'") if word in regions]
    assert tried
    assert all(sum(regions_in(regions, word)) == 1 for word in tried)
    # A label of the table is no question of what it means.
    assert regions_in([name, *regions], name) == (True, *[False] * len(regions))


def test_georgia_is_the_country_where_no_table_says_otherwise() -> None:
    assert one_region(["GEO", "ARM"], "Georgia") == "GEO"


def test_rests_of_the_world_by_name() -> None:
    assert one_region(CODES, "Rest of the World") == "RoW"
    assert one_region(["DE", "FIGW1"], "RoW") == "FIGW1"
    assert one_region(EXIOBASE, "Rest of the world Africa") == "WF"
    five = [code for code, here in zip(EXIOBASE, regions_in(EXIOBASE, "RoW")) if here]
    assert sorted(five) == ["WA", "WE", "WF", "WL", "WM"]
    for regions in (["DEU", "FRA"], ["FR", "WF"]):  # WF alone is Wallis and Futuna
        with pytest.raises(cf.LabelError, match="got 'rest of the world'"):
            regions_in(regions, "rest of the world")


# --- every question -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "label"),
    [("Germany", "DEU"), ("de", "DEU"), ("United States", "USA"), ("rest of the world", "RoW")],
)
def test_a_country_is_the_region_it_names(table: cf.Table, name: str, label: str) -> None:
    for demand in ((name, "homes"), name, [name, (name, None)]):
        there = (label, "homes") if isinstance(demand, tuple) else label
        pd.testing.assert_frame_equal(
            cf.accounts(table, demand=demand), cf.accounts(table, demand=there)
        )
        assert asked(table, demand) == [label]
    for argument in ("start", "through", "end"):
        for sector in ("steel", None):
            found, same = (
                cf.structural_paths(table, top=5, **{argument: (region, sector)})
                for region in (name, label)
            )
            np.testing.assert_array_equal(found.value, same.value)
    flows = cf.flows(table)
    pd.testing.assert_frame_equal(flows.partners(name), flows.partners(label))
    pd.testing.assert_frame_equal(flows.origins(name), flows.origins(label))
    pd.testing.assert_frame_equal(flows.sector(name, "coal"), flows.sector(label, "coal"))
    study = cf.sector_study(table, sectors=(name, "steel"))
    assert study.total == cf.sector_study(table, sectors=(label, "steel")).total
    assert study.price_coverage(name, consumers=name) == study.price_coverage(
        label, consumers=label
    )
    one = table.aggregate(regions={name: "here"})
    assert one.regions == tuple("here" if r == label else r for r in CODES)


def test_a_group_is_its_members_in_the_table(table: cf.Table) -> None:
    assert asked(table, "EU") == ["DEU", "FRA", "GBR"]  # of 2009
    assert asked(table, "EU27") == ["DEU", "FRA", "HRV"]
    assert asked(table, ["EU 2013", "USA"]) == ["DEU", "FRA", "GBR", "HRV", "USA"]
    assert asked(world(year=2020), ("EU", "state")) == ["DEU", "FRA", "HRV"]
    rows = select_rows(table, ("EU", "steel"))
    assert table.rows[rows].tolist() == [(r, "steel") for r in ("DEU", "FRA", "GBR")]
    assert cf.flows(table).aggregate(regions="EU").matrix.index.tolist() == [
        "EU", "HRV", "USA", "RoW"
    ]  # fmt: skip
    assert table.aggregate(regions={"EU": "Union"}).regions == ("Union", "HRV", "USA", "RoW")
    study = cf.sector_study(table, sectors="steel")
    assert study.price_coverage("EU") == study.price_coverage(["DEU", "FRA", "GBR"])


def test_population_by_country_names() -> None:
    regions = ["DEU", "FRA"]
    given = {"Germany": 83.0, "fr": 68.0}
    made = cf.Table(Z=np.eye(2), Y=np.eye(2) + 1, F=[1, 1], regions=regions, sectors=["a", "a"],
                    stressors="CO2", population=given)  # fmt: skip
    assert made.population.tolist() == [83.0, 68.0]
    for wrong, match in (
        ({"Germany": 1, "DEU": 2}, "'DEU' by two names"),
        ({"EU27": 1}, "one region, got 'EU27', which is 2 of them"),
        ({"Germny": 1}, "nearest are 'Germany'"),
    ):
        with pytest.raises(cf.LabelError, match=f"population: .*{match}") as caught:
            cf.Table(Z=np.eye(2), Y=np.eye(2) + 1, F=[1, 1], regions=regions,
                     sectors=["a", "a"], stressors="CO2", population=wrong)  # fmt: skip
        assert SENTENCE.match(str(caught.value))


def test_two_years_must_mean_the_same_consumers() -> None:
    before, after = world(year=2009), world(year=2013)  # Croatia joined
    with pytest.raises(cf.InputError, match=r"demand: .*'EU', which has 'HRV' in one") as caught:
        cf.structural_decomposition(before, after, demand="EU")
    assert SENTENCE.match(str(caught.value))
    found = cf.structural_decomposition(before, after, demand="EU 2009")
    same = cf.structural_decomposition(before, after, demand=["DEU", "FRA", "GBR"])
    assert found.total == same.total
    assert cf.structural_decomposition(before, world(year=2012), demand="EU").total == 0.0


def test_consumers_of_a_panel(tmp_path: Path) -> None:
    for year in (2009, 2013):
        cf.save(world(year=year), tmp_path / str(year))
    panel = cf.Panel(tmp_path)
    with Cluster(1) as one:
        found = panel.structural_paths(
            consumers=["Germany", "DEU", "EU"], top=3, client=one.address, years=2009
        )
    assert list(dict.fromkeys(found.index.get_level_values("consumer"))) == ["DEU", "EU"]
    own = cf.structural_paths(panel[2009], demand=["DEU", "FRA", "GBR"], top=3)
    np.testing.assert_array_equal(found.loc[(2009, "EU"), "value"], own.value)


def test_lines_of_countries_in_a_figure(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    frame = pd.concat({y: cf.accounts(world(year=y)) for y in (2008, 2009)}, names=["year"])
    ax = cf.figures.time_series(frame, regions=["Germany", "G7"])
    assert [line.get_label() for line in ax.lines[:4]] == ["DEU", "FRA", "GBR", "USA"]


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(cf.save(world(), tmp_path / "world"))
    assert main(["accounts", path, "--demand", "EU27:homes", "--demand", "usa"]) == 0
    shown = capsys.readouterr().out
    assert "for the final demand of EU27:homes, usa" in shown
    assert "EU27: the 27 members since 2020; the 27 of 2009 are 'EU 2009'" in shown
    assert main(["paths", path, "--start", "Germany:steel", "--top", "3"]) == 0
    assert "DEU: steel" in capsys.readouterr().out
    assert main(["sector", path, "steel", "--price", "EU", "--consumers", "Germany"]) == 0
    assert "EU: the 27 members at the end of 2009" in capsys.readouterr().out
    assert main(["accounts", path, "--demand", "Korea"]) == 2
    assert "--demand: expected the name of one country" in capsys.readouterr().err
