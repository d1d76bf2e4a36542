"""What a report says at a glance: cards, the answers of the study, and shares where they exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from support.references import brief_reference
from support.references.report_reference import Checker, world
from support.running.report_page import Page, draw_nothing
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.reporting import _published

COUNTRIES = (*brief_reference.COUNTRIES, "RoW")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_nothing(monkeypatch)


def page_of(table: cf.Table, folder: Path, **given: Any) -> Page:
    out = cf.report(table, out=folder / "report.html", **given)
    return Page(out.read_text(encoding="utf-8"))


def few(emissions: Any, regions: tuple[str, ...] = COUNTRIES, **given: Any) -> cf.Table:
    """A table with two sectors a region, whose emissions are given or drawn from a seed."""
    rng = np.random.default_rng(3)
    n = 2 * len(regions)
    about = {"stressors": ["CO2"], "stressor_units": ["kt"], "year": 2005} | given
    return cf.Table(
        Z=rng.random((n, n)), Y=3 * rng.random((n, len(regions))) + 1,
        F=np.resize(emissions, (1, n)).astype(float), regions=np.repeat(regions, 2).tolist(),
        sectors=["Textiles and Textile Products", "Basic Metals and Fabricated Metal"]
        * len(regions), **about,
    )  # fmt: skip


# ---- beside the study ----------------------------------------------------------------------------


@pytest.mark.usefixtures("undrawn")
def test_the_answers_of_the_study_are_beside_those_of_the_table(tmp_path: Path) -> None:
    table = world(1, COUNTRIES, year=2005)
    page = page_of(table, tmp_path)
    assert len(page.tables["study"]) == len(brief_reference.STUDY_2004) == 11
    Checker(page, table).everything()
    text = page.text
    assert f"The questions of {_published.SOURCE}, and their answers" in text
    assert "The study, 2004" in text
    assert "This table, 2005" in text
    assert "The two may differ, for they come from different databases and years" in text
    page.tables["study"][3]["found"] += 1e-6
    with pytest.raises(AssertionError):
        Checker(page, table).everything()


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("changes", "compared"),
    [
        ({}, True),
        ({"stressors": ["Carbon dioxide (CO2), fossil"]}, True),
        ({"stressors": ["CH4"]}, False),
        ({"stressors": ["GHG emissions (CO2-eq)"]}, False),
        ({"stressors": ["CO2 - biogenic - air"]}, False),
        ({"regions": COUNTRIES[1:]}, False),
        ({"regions": ("US-GA", "RoUS", *COUNTRIES[:4], *COUNTRIES[5:])}, False),
        ({"name": "synthetic world (invented numbers)"}, False),
        ({"emissions": [9.0, -8.0]}, False),
    ],
)
def test_only_tables_of_carbon_dioxide_in_the_world_are_compared(
    changes: dict[str, Any], compared: bool, tmp_path: Path
) -> None:
    page = page_of(few(**{"emissions": [4.0, 5.0, 1.0], **changes}), tmp_path)
    assert ("study" in page.tables) == compared
    assert ("Carbon Trust" in page.text) == compared


# ---- cards ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("undrawn")
def test_cards_say_what_they_cannot_know(tmp_path: Path) -> None:
    spaced = page_of(few([4.0, 5.0, 1.0]), tmp_path).spaced
    assert "Steel " in spaced
    assert "Aluminium the same sector as steel" in spaced
    assert "Automotive not a sector of this table" in spaced
    assert re.search(r"Commodities: products \d+\s?:\s\d+ By the product that crosses", spaced)
    assert "Net importers" in spaced
    nothing = cf.Table(
        Z=[[1.0, 0.2], [0.3, 1.0]], Y=[[9.0, 1.0], [2.0, 8.0]], F=[[1.0, 2.0]],
        regions=["DE", "FR"], sectors=["all", "all"], stressors=["CO2"],
    )  # fmt: skip
    spaced = page_of(nothing, tmp_path).spaced
    assert "Commodities: products n/a No classification that the library has knows" in spaced
    assert "None of them is a sector of this table" in spaced
    assert "Largest exporter France" in spaced or "Largest exporter Germany" in spaced


@pytest.mark.usefixtures("undrawn")
def test_a_table_of_one_kind_of_goods_has_no_split(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = cf.Table(
        Z=rng.random((4, 4)), Y=3 * rng.random((4, 2)) + 1, F=rng.random((1, 4)),
        regions=["DE", "DE", "FR", "FR"], stressors=["CO2"],
        sectors=["Basic Metals and Fabricated Metal", "Mining and Quarrying"] * 2,
    )  # fmt: skip
    page = page_of(table, tmp_path)
    assert "Commodities: products n/a The table has no trade in one of the two" in page.spaced
    assert "commodities_at_border" not in page.figures


# ---- shares --------------------------------------------------------------------------------------


def percents(page: Page) -> list[float]:
    text = re.sub(r"[<>]\s[+−]?1,000\s%", "", page.spaced)  # of next to nothing, and said to be so
    return [float(found.replace(",", "")) for found in re.findall(r"([\d,]+\.\d)\s%", text)]


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    "emissions",
    [[5.0, -4.9, 1.0], [1.0, -1.0], [1e9, -1e9, 1.0], [3.0] * 8 + [-2.0] * 8, [-4.0, 1.0, 2.0]],
)
def test_parts_that_cancel_are_no_shares(emissions: list[float], tmp_path: Path) -> None:
    table, before = few(emissions), few([1.0, 2.0, 3.0], year=2001)
    page = page_of(table, tmp_path, since=before)
    assert "totals are what is left when parts cancel" in page.text
    assert "n/a" in page.text
    assert max(percents(page), default=0.0) <= 1000
    for name in ("traded_share_all", "commodities_at_border", "energy_at_border", "world_growth",
                 "steel_abroad", "steel_direct_share", "chains_coverage"):  # fmt: skip
        assert np.isnan(page.figures.get(name, np.nan))
    for name in ("largest_flows", "traded", "chains", "layers"):
        assert all(np.isnan(row["share"]) for row in page.tables[name])
    assert "error_share" not in page.figures
    turned = page_of(before, tmp_path, since=few(emissions, year=1999))  # and the other way round
    assert all(np.isnan(row["share"]) for row in turned.tables["causes_table"])
    assert not np.isnan(turned.figures["traded_share_all"])
    assert np.isnan(turned.figures["world_growth"])


@pytest.mark.usefixtures("undrawn")
def test_a_few_sinks_leave_the_shares_as_they_are(tmp_path: Path) -> None:
    table = few([40.0, 50.0, 10.0, -1.0])
    page = page_of(table, tmp_path)
    assert page.figures["traded_share_all"] == cf.flows(table).traded_share_all
    assert "parts cancel" not in page.text


@pytest.mark.usefixtures("undrawn")
def test_growth_from_next_to_nothing_has_no_digits(tmp_path: Path) -> None:
    now = few([4.0, 5.0, 1.0])
    F = now.F.to_numpy().copy()
    F[0, :2] = 1e-13, 0.0
    F[0, 2:4] *= 1e-6
    then = few(F, year=2001)
    page = page_of(now, tmp_path, since=then)
    growth = page.by("production_changes", "region")
    assert np.isnan(growth["CHN"]["growth"])  # the rest of a difference, or nothing
    assert growth["GBR"]["growth"] == pytest.approx(1e6 - 1)
    assert "> +1,000 %" in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert max(percents(page)) <= 1000


# ---- panels, figures -----------------------------------------------------------------------------


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("changes", "stressor", "said"),
    [
        ({"stressor_units": ["t"]}, "CO2", "'CO2' in 'kt' for 2001 and 'CO2' in 't' for 2002"),
        ({"stressors": ["CH4"]}, "CO2", "got 2002 without it"),
        ({"stressors": ["N2O"]}, "GWP100_AR5", "'GWP100_AR5 of N2O"),
    ],
)  # fmt: skip
def test_years_that_cannot_be_in_one_column_are_refused(
    changes: dict[str, Any], stressor: str, said: str, tmp_path: Path
) -> None:
    for year in (2001, 2002, 2003):
        given = changes if year == 2002 else {}
        cf.save(few([4.0, 5.0, 1.0], **given, year=year), tmp_path / str(year))
    with pytest.raises(cf.InputError, match=SENTENCE) as raised:
        cf.report(cf.Panel(tmp_path), stressor, out=tmp_path / "report.html")
    assert str(raised.value).startswith("table: expected ")
    assert said in str(raised.value)
    assert not (tmp_path / "report.html").exists()


def test_the_figures_of_reports_are_not_those_of_pyplot(tmp_path: Path) -> None:
    own = plt.figure()
    path = cf.report(few([4.0, 5.0, 1.0]), out=tmp_path / "report.html")
    assert plt.get_fignums() == [own.number]  # type: ignore[attr-defined]
    assert "\n" not in repr(path)
    assert str(path) in repr(path)


@pytest.mark.usefixtures("undrawn")
def test_what_the_numbers_are_of_is_said(tmp_path: Path) -> None:
    made = cf.Table(
        Z=[[20, 9], [8, 30]], Y=[[60, -7], [9, 40]], F=[[50, 30]], regions=["DE", "FR"],
        sectors=["all"] * 2, stressors="CO2",
    )  # fmt: skip
    assert cf.flows(made).matrix.to_numpy().min() < 0
    text = cf.report(made, out=tmp_path / "net.html").read_text(encoding="utf-8")
    assert "the table has no emissions of households" in text
    assert "With what households emit directly" not in text
    assert "Some flows between regions are below zero." in text
    assert "at the first border of its chain" in text
    plain = made.with_changes(Y=np.abs(made.Y), F_Y=np.ones((1, 2)))
    text = cf.report(plain, out=tmp_path / "plain.html").read_text(encoding="utf-8")
    assert "no emissions of households" not in text
    assert "Some flows between regions are below zero." not in text
