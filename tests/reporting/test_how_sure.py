"""What a report says of errors of the data: ±, statements that survive, ranks that are open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references.report_reference import world
from support.running.report_page import Page, draw_nothing

import carbonflows_fast as cf
from carbonflows_fast.cli._main import main
from carbonflows_fast.reporting._how_sure import ranks, verdict
from carbonflows_fast.reporting._stated_errors import assumed

REGIONS = ("CHN", "DEU", "FRA", "GBR", "USA", "RoW")
ERRORS = cf.Errors(
    Z={"domestic": 0.1, "trade": 0.4}, Y=0.2, F=cf.BySize(0.3, -0.1, at_most=1.0), F_Y=0.2,
    shared=[cf.SharedError("statistics of <China>", 0.2, F={"CHN": 1.0}, F_Y={"CHN": 1.0})],
)  # fmt: skip


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_nothing(monkeypatch)


@pytest.fixture(scope="module")
def table() -> cf.Table:
    return world(1, REGIONS, year=2005)


def page_of(table: Any, folder: Path, errors: Any = ERRORS, **given: Any) -> Page:
    out = cf.report(table, out=folder / "report.html", errors=errors, **given)
    return Page(out.read_text(encoding="utf-8"))


# ---- every number is that of uncertainty ---------------------------------------------------------


@pytest.mark.usefixtures("undrawn")
def test_headline_figures_have_ranges(table: cf.Table, tmp_path: Path) -> None:
    page, sure = page_of(table, tmp_path), cf.uncertainty(table, errors=ERRORS)
    flows = cf.flows(table)
    exporter = str(sure.value.exports.idxmax())
    rows = page.tables["sure_figures"]
    importers = sure.total("net_imports", list(flows.net_importers().index))
    one = float(sure.value.exports[exporter]), float(sure.sd.exports[exporter])
    expected = [(total.value, total.sd) for total in (sure.total("production"), sure.industries(),
                                                      importers)] + [one]  # fmt: skip
    np.testing.assert_allclose([(row["value"], row["sd"]) for row in rows], expected)
    np.testing.assert_allclose([row["relative"] for row in rows], [sd / v for v, sd in expected])
    z = 1.6448536269514722
    np.testing.assert_allclose([row["low"] for row in rows], [v - z * sd for v, sd in expected])
    np.testing.assert_allclose([row["high"] for row in rows], [v + z * sd for v, sd in expected])
    assert page.figures["world_emissions_sd"] == pytest.approx(expected[0][1])
    assert page.figures["exporter_amount_sd"] == pytest.approx(one[1])
    shares = cf.uncertainty(table, errors=ERRORS, of="traded_share").sd.traded_share
    assert page.figures["traded_share_all_sd"] == pytest.approx(shares["all"])
    for kind, frame in (("importer", flows.net_importers()), ("exporter", flows.net_exporters())):
        sd = float(sure.sd.net_imports[frame.index[0]])
        assert page.figures[f"net_{kind}_amount_sd"] == pytest.approx(sd)


@pytest.mark.usefixtures("undrawn")
def test_the_largest_flows_have_deviations(table: cf.Table, tmp_path: Path) -> None:
    rows = page_of(table, tmp_path).tables["largest_flows"]
    sd = cf.uncertainty(table, errors=ERRORS, of="flows").sd
    assert len(rows) == 20
    np.testing.assert_allclose([row["sd"] for row in rows],
                               [sd.loc[row["from"], row["to"]] for row in rows])  # fmt: skip


@pytest.mark.usefixtures("undrawn")
def test_statements_have_probabilities(table: cf.Table, tmp_path: Path) -> None:
    page, sure = page_of(table, tmp_path), cf.uncertainty(table, errors=ERRORS)
    flows, above = cf.flows(table), sure.probability().net_imports
    for kind, frame in (("importer", flows.net_importers()), ("exporter", flows.net_exporters())):
        assert len(frame)
        for at, region in enumerate(frame.index[:3], start=1):
            p = above[region] if kind == "importer" else 1 - above[region]
            assert page.figures[f"sure_{kind}_{at}"] == pytest.approx(p)
            assert page.figures[f"net_{kind}_{at}_probability"] == pytest.approx(p)
            assert f"is a net {kind}: {verdict(p)}." in page.text.replace("\xa0", " ")
    largest = sure.value.consumption.sort_values(ascending=False).index
    larger = sure.probability_larger()
    for at in range(1, 5):
        expected = larger.loc[largest[at - 1], largest[at]]
        assert page.figures[f"sure_neighbour_{at}"] == pytest.approx(expected)
    rows = page.tables["sure_balances"]
    frame = pd.DataFrame(rows).set_index("region")
    np.testing.assert_allclose(frame.net_imports, sure.value.net_imports[frame.index])
    np.testing.assert_allclose(frame.sd, sure.sd.net_imports[frame.index])
    low, high = sure.interval(0.9)
    np.testing.assert_allclose(frame.low, low.net_imports[frame.index])
    np.testing.assert_allclose(frame.high, high.net_imports[frame.index])
    for region, said in frame.said.items():
        p = above[region]
        kind, p = ("importer", p) if sure.value.net_imports[region] > 0 else ("exporter", 1 - p)
        assert said == f"net {kind}, {verdict(p)}"
    settled = [(p > 0.99).sum() for p in (above, 1 - above)]
    words = re.search(r"(\d+) regions? surely on .* and (\d+) regions? surely .* For (\d+) the",
                      page.spaced)  # fmt: skip
    assert words
    assert [int(words[k]) for k in (1, 2, 3)] == [*settled, len(above) - sum(settled)]


@pytest.mark.usefixtures("undrawn")
def test_ranks_are_those_that_pairs_leave_open(table: cf.Table, tmp_path: Path) -> None:
    page, sure = page_of(table, tmp_path), cf.uncertainty(table, errors=ERRORS)
    frame = pd.DataFrame(page.tables["sure_ranks"]).set_index("region")
    assert list(frame.index) == list(sure.value.consumption.sort_values(ascending=False).index)
    opened = 0
    for account in ("consumption", "production"):
        np.testing.assert_allclose(frame[account], sure.value[account][frame.index])
        np.testing.assert_allclose(frame[f"{account}_sd"], sure.sd[account][frame.index])
        larger = sure.probability_larger(account)
        for region, shown in frame[f"{account}_rank"].items():
            others = [one for one in frame.index if one != region]
            best = 1 + sum(larger.loc[one, region] >= 0.95 for one in others)
            worst = len(others) + 1 - sum(larger.loc[region, one] >= 0.95 for one in others)
            assert shown == (f"{best}" if best == worst else f"{best}–{worst}")
            opened += best != worst
    assert opened  # else nothing was tried
    first = frame.source["CHN"]
    assert first.startswith("statistics of <China>, ")


@pytest.mark.usefixtures("undrawn")
def test_changes_are_those_of_difference(table: cf.Table, tmp_path: Path) -> None:
    later = world(2, REGIONS, year=2009)
    page = page_of(later, tmp_path, since=table)
    before, after = (cf.uncertainty(one, errors=ERRORS) for one in (table, later))
    change = cf.difference(before, after)
    frame = pd.DataFrame(page.tables["sure_changes"]).set_index("region")
    np.testing.assert_allclose(frame.change, change.value.consumption[frame.index])
    np.testing.assert_allclose(frame.sd, change.sd.consumption[frame.index])
    rose = change.probability().consumption
    for region, said in frame.said.items():
        p, up = rose[region], change.value.consumption[region] > 0
        assert said == f"{'rose' if up else 'fell'}, {verdict(p if up else 1 - p)}"
    assert "From 2005 to 2009, a shared error is the same" in page.text


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=7), st.floats(0.0, 5.0))
def test_a_rank_range_contains_the_rank(values: list[float], sd: float) -> None:
    from scipy.special import ndtr

    numbers = np.array(values)
    distance = numbers[:, None] - numbers
    p = ndtr(distance / sd) if sd > 1e-3 else (distance > 0) * 1.0
    np.fill_diagonal(p, np.nan)
    found = ranks(pd.DataFrame(p))
    for at, (best, worst) in enumerate(found):
        larger, as_large = (numbers > numbers[at]).sum(), (numbers >= numbers[at]).sum()
        assert best <= larger + 1
        assert as_large <= worst
        if sd <= 1e-3:
            assert (best, worst) == (larger + 1, as_large)


# ---- words ---------------------------------------------------------------------------------------


def test_verdicts_do_not_round_up() -> None:
    assert verdict(0.99) == "likely (p = 0.99)"
    assert verdict(0.990001) == "sure (p > 0.99)"
    assert verdict(0.9) == "likely (p = 0.90)"
    assert verdict(0.8999) == "open (p = 0.90)"
    assert verdict(0.001) == "open (p < 0.01)"


def test_what_was_assumed_is_said_in_words() -> None:
    said = assumed(ERRORS)
    assert said["Errors of cells"] == (
        "deliveries between industries (Z): domestic 10.0 %, trade 40.0 %; final purchases (Y): "
        "every cell 20.0 %; emissions of industries (F): 30.0 % × size to the power −0.1, at most "
        "100.0 %; emissions of households (F_Y): every cell 20.0 %. Errors of different cells are "
        "independent"
    )
    assert said["Shared error: statistics of <China>"] == (
        "20.0 %, moves together emissions of industries (F): CHN × 1; emissions of households "
        "(F_Y): CHN × 1"
    )
    assert said["How it is computed"].startswith("to first order in the errors")
    given = cf.Errors(
        Z={("DEU", None): 0.1, (None, "DEU"): 0.1, ("A", "B"): 0.1, ("C", "D"): 0.1, ("E", "F"): 0},
        F=np.ones((1, 2)), shared=[cf.SharedError("all", 0.05, F=1.0, Y=-0.5)],
    )  # fmt: skip
    said = assumed(given)
    assert said["Errors of cells"] == (
        "deliveries between industries (Z): DEU to all 10.0 %, all to DEU 10.0 %, A to B 10.0 %, C "
        "to D 10.0 % and 1 other label; emissions of industries (F): a number for each cell. "
        "Errors of different cells are independent"
    )
    assert said["Shared error: all"] == (
        "5.0 %, moves together final purchases (Y): every cell × −0.5; emissions of industries "
        "(F): every cell"
    )
    assert assumed(cf.Errors(shared=given.shared))["Errors of cells"] == "none"


@pytest.mark.usefixtures("undrawn")
def test_the_method_lists_what_was_assumed_and_labels_are_escaped(
    table: cf.Table, tmp_path: Path
) -> None:
    page = page_of(table, tmp_path)
    assert "<China>" not in page.source
    for head, text in assumed(ERRORS).items():
        assert head in page.text
        assert text in page.text
    assert "How sure is it?" in page.text


@pytest.mark.usefixtures("undrawn")
def test_without_errors_nothing_is_said(table: cf.Table, tmp_path: Path) -> None:
    page = page_of(table, tmp_path, errors=None)
    assert "±" not in page.text
    assert not [name for name in page.tables if name.startswith("sure")]
    assert "How sure" not in page.source
    assert "sd" not in page.tables["largest_flows"][0]
    assert not [name for name in page.figures if name.endswith(("_sd", "_probability"))]


@pytest.mark.usefixtures("undrawn")
def test_odd_tables_have_sections_that_make_sense(tmp_path: Path) -> None:
    alone = page_of(world(1, ("DEU",), year=2005), tmp_path, cf.Errors(F=0.1))
    assert len(alone.tables["sure_figures"]) == 2
    assert not {"sure_balances", "sure_ranks"} & set(alone.tables)
    certain = page_of(world(1, REGIONS[:3]), tmp_path, cf.Errors())
    assert set(pd.DataFrame(certain.tables["sure_ranks"]).source) == {"none"}
    assert "For none the errors leave some doubt" in certain.text
    assert [row["sd"] for row in certain.tables["sure_figures"]] == [0.0] * 4


# ---- the command, and what is wrong --------------------------------------------------------------

FILE = """
Y = 0.2
F.by_size = { a = 0.3, b = -0.1 }

[[shared]]
name = "China"
sd = 0.2
F.CHN = 1.0
"""


@pytest.mark.usefixtures("undrawn")
def test_the_command_takes_a_file(table: cf.Table, tmp_path: Path, capsys: Any) -> None:
    saved, file = cf.save(table, tmp_path / "saved"), tmp_path / "errors.toml"
    file.write_text(FILE, encoding="utf-8")
    out, other = tmp_path / "a.html", tmp_path / "b.html"
    assert main(["report", str(saved), "--errors", str(file), "--out", str(out)]) == 0
    capsys.readouterr()
    cf.report(table, out=other, errors=cf.Errors.read(file))
    assert out.read_bytes() == other.read_bytes()
    file.write_text(FILE.replace("F.CHN", "F.CO2.CHNN"), encoding="utf-8")
    out.unlink()
    assert main(["report", str(saved), "--errors", str(file), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert f"{file}, shared 'China', F.CO2.CHNN: expected a " in said
    assert not out.exists()


@pytest.mark.usefixtures("undrawn")
def test_a_panel_is_about_the_last_year(table: cf.Table, tmp_path: Path) -> None:
    later = world(2, REGIONS, year=2009)
    for one in (table, later):
        cf.save(one, tmp_path / "store" / str(one.year))
    page = page_of(cf.Panel(tmp_path / "store"), tmp_path)
    total = cf.uncertainty(later, errors=ERRORS).total("production")
    assert page.figures["world_emissions_sd"] == pytest.approx(total.sd)


def test_wrong_errors_get_one_sentence(table: cf.Table, tmp_path: Path) -> None:
    out = tmp_path / "a.html"
    with pytest.raises(cf.InputError, match=r"^errors: expected .* as cf\.Errors, got a float"):
        cf.report(table, out=out, errors=0.1)  # type: ignore[arg-type]
    broken = cf.Errors(shared=cf.SharedError("a\x00b", 0.1, F=1.0))
    with pytest.raises(cf.InputError, match=r"^errors: expected one line of text"):
        cf.report(table, out=out, errors=broken)
    with pytest.raises(cf.LabelError, match=r"^F: expected a stressor, region or sector"):
        cf.report(table, out=out, errors=cf.Errors(F={"CHNN": 0.1}))
    assert not out.exists()
