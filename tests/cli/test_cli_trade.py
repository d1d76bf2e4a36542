"""``flows`` and ``sector`` on the command line: classes, balances, studies, published figures."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.running.shell import Shell

import carbonflows_fast as cf
from carbonflows_fast import classification
from carbonflows_fast.cli import main

PUBLISHED = "published for 2004"


@pytest.fixture(scope="module")
def table() -> cf.Table:
    """Four regions of the first ten products, one class missing among them."""
    return cf.synthetic.world(4, 10, density=0.7)


@pytest.fixture(scope="module")
def saved(table: cf.Table, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(cf.save(table, tmp_path_factory.mktemp("saved") / "world"))


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def read_workbook(path: Path) -> pd.DataFrame:
    return pd.read_excel(path, engine="openpyxl")


def test_flows_show_classes_and_balances(shell: Shell, table: cf.Table, saved: str) -> None:
    out = shell("flows", saved, "--top", "2")
    flows = cf.flows(table)
    traded = flows.bilateral_trade().to_numpy().sum()
    assert f"{traded:,.0f} kt, {100 * traded / flows.total:.1f} %" in out
    split = flows.split()["by_border_product"]
    for name, value in split.items():
        assert re.search(rf"^{name} .*{100 * value / traded:.1f} %", out, re.MULTILINE)
    exporter = flows.net_exporters().iloc[0]
    assert re.search(rf"^{exporter.name} .* {100 * exporter.net_share:+.1f} %", out, re.MULTILINE)
    assert PUBLISHED not in out  # a world of four invented regions is not that of the study


def test_classes_of_ones_own(shell: Shell, table: cf.Table, saved: str, tmp_path: Path) -> None:
    names = list(dict.fromkeys(table.rows.get_level_values("sector")))
    classes = pd.DataFrame({"name": names, "class": ["commodity"] * 3 + ["product"] * 7})
    classes.to_csv(tmp_path / "mine.csv", index=False)
    out = shell("flows", saved, "--classes", tmp_path / "mine.csv")
    split = cf.flows(table).split(classes)["by_border_product"]
    share = round(100 * split["commodity"] / split.sum())
    assert f"commodity : product = {share} : {100 - share} by product" in out
    classes.iloc[:4].to_csv(tmp_path / "mine.csv", index=False)
    assert "classes: " in shell("flows", saved, "--classes", tmp_path / "mine.csv", status=2)
    assert "--classes: expected a CSV" in shell("flows", saved, "--classes", "none.csv", status=2)


def test_sectors_that_no_classification_knows(shell: Shell, tmp_path: Path) -> None:
    table = cf.synthetic.world(3, 4)
    rows = [(region, f"industry {at}") for at, (region, _) in enumerate(table.rows)]
    index = pd.MultiIndex.from_tuples(rows, names=["region", "sector"])
    Z = pd.DataFrame(table.Z.toarray(), index, index)
    Y, F = table.Y.set_axis(index), table.F.set_axis(index, axis=1)
    cf.save(cf.Table(Z=Z, Y=Y, F=F), tmp_path / "other")
    out = shell("flows", tmp_path / "other")
    assert "by class of product: not known" in out
    assert "net importers" in out


def test_sector_shows_the_study(shell: Shell, table: cf.Table, saved: str, tmp_path: Path) -> None:
    out = shell("sector", saved, "Wheat", "--top", "3", "--price", "EU27", "--price",
                table.regions[0], "--out", tmp_path / "flow.csv")  # fmt: skip
    study = cf.sector_study(table, sectors="Wheat")
    assert f"{study.total:,.0f} kt along chains through Wheat" in out
    assert f"direct {100 * study.direct / study.total:.1f} %" in out
    assert f"{100 * study.border_shares['any']:.1f} % cross any border" in out
    assert study.paths(top=1).to_frame().path[0] in out
    covered = study.price_coverage(["EU27", table.regions[0]])
    assert f"{100 * covered:.1f} % of what all consumers cause is emitted in EU27" in out
    written = pd.read_csv(tmp_path / "flow.csv", keep_default_na=False)
    assert written["value"].sum() == pytest.approx(study.total)
    assert list(written) == ["emitted", "made", "consumed", "value", "stressor", "unit"]


def test_sector_takes_rows_and_demand(shell: Shell, table: cf.Table, saved: str) -> None:
    region = table.regions[1]
    out = shell("sector", saved, f"{region}:Wheat", "Paddy rice", "--demand", region)
    rows = [(region, "Wheat"), "Paddy rice"]
    study = cf.sector_study(table, sectors=rows, demand=region)
    assert f"{study.total:,.0f} kt along chains through 5 rows" in out


def test_what_sector_refuses(shell: Shell, saved: str) -> None:
    assert "STUDY: expected a study (steel" in shell("sector", saved, "stel", status=2)
    assert "STUDY: expected a table with all" in shell("sector", saved, "steel", status=2)
    err = shell("sector", saved, "Wheat", "--consumers", "EU27", status=2)
    assert "--consumers: expected --price with it" in err
    err = shell("sector", saved, "Wheat", "--price", "Atlantis", status=2)
    assert "--price: expected a region" in err
    with pytest.raises(SystemExit):
        main(["sector", saved])


def test_greenhouse_gases_from_a_text_table(shell: Shell, tmp_path: Path) -> None:
    names = classification.load("ghg_stressors")["stressor"].head(3).tolist()
    table = cf.synthetic.world(3, 4, stressors=3)
    table = cf.Table(
        Z=table.Z, Y=table.Y, F=table.F.set_axis(names), stressor_units="kg",
        regions=table.rows.get_level_values("region"),
        sectors=table.rows.get_level_values("sector"), demand=list(table.demand),
    )  # fmt: skip
    cf.write_exiobase(table, tmp_path / "text")
    out = shell("accounts", tmp_path / "text", "--stressor", "GWP100_AR6")
    assert "GWP100_AR6 of " in out
    assert "kg CO2-eq" in out


def test_decompose_shows_effects_and_chains(shell: Shell, tmp_path: Path) -> None:
    tables = [cf.synthetic.world(3, 10, year=year) for year in (2010, 2019)]
    stores = [str(cf.save(t, tmp_path / str(t.year))) for t in tables]
    where = "--out", tmp_path / "effects.csv", "--chains", tmp_path / "chains.csv"
    out = shell("decompose", *stores, "--lines", "5", *where)
    whole = cf.structural_decomposition(*tables)
    for name, effect in whole.to_frame()["effect"].items():
        share = f"{100 * effect / whole.before:+.1f} %".replace("+0.0", "0.0").replace("+", r"\+")
        assert re.search(rf"^{name} .* {share}$", out, re.MULTILINE), name
    found = cf.structural_path_decomposition(*tables, top=5)
    assert found.to_frame().path[0] in out
    assert "demand origin above among them" in out  # trade of the chains is more than of the causes
    assert pd.read_csv(tmp_path / "chains.csv")["change"].sum() == pytest.approx(
        found.explained["change"]
    )
    for extension, read in ((".csv", pd.read_csv), (".json", pd.read_json),
                            (".parquet", pd.read_parquet), (".xlsx", read_workbook)):  # fmt: skip
        file = tmp_path / f"effects{extension}"
        shell("decompose", *stores, "--method", "shapley", "--out", file)
        effects = read(file)
        assert effects.factor.tolist() == whole.to_frame().index.tolist()
        np.testing.assert_allclose(effects.effect, whole.to_frame().effect, rtol=1e-12)
        np.testing.assert_allclose(effects.share, whole.shares, rtol=1e-12)
        assert effects.columns.tolist()[3:] == ["label", "prices", "method", "stressor", "unit"]
        assert effects.label.unique().tolist() == ["2010 → 2019"]
    assert "--chains: expected a file name that ends in" in shell(
        "decompose", *stores, "--chains", tmp_path / "chains.ods", status=2
    )
    other = cf.save(cf.synthetic.world(2, 10), tmp_path / "other")
    assert "AFTER: expected the rows of before" in shell("decompose", stores[0], other, status=2)


def test_shares_of_a_change_with_sinks_are_of_all_that_moves(shell: Shell, tmp_path: Path) -> None:
    tables = [cf.synthetic.world(3, 10, year=year) for year in (2010, 2019)]
    rows = tables[0].rows.get_level_values("region") == tables[0].regions[0]
    s = tables[0].S.to_numpy()[0]
    x = tables[0].x.to_numpy()
    sink = float(s[~rows] @ x[~rows] / (s[rows] @ x[rows])) * 0.999  # emissions all but cancel
    sinks = [t.with_changes(S=t.S * np.where(rows, -sink, 1.0)) for t in tables]
    found = cf.structural_decomposition(*sinks)
    assert found.has_sinks
    assert found.gross_before > 100 * abs(found.before)
    gross = float(np.abs(sinks[0].S.to_numpy()[0]) @ x)
    assert found.gross_before == pytest.approx(gross, rel=1e-6)
    np.testing.assert_allclose(found.shares, found.to_frame()["effect"] / gross, rtol=1e-6)
    plain = cf.structural_decomposition(*tables)
    assert (plain.gross_before, plain.has_sinks) == (plain.before, False)
    stores = [str(cf.save(t, tmp_path / str(t.year))) for t in sinks]
    out = shell("decompose", *stores, "--lines", "5")
    assert "emissions and sinks added up" in out
    assert max(abs(float(one)) for one in re.findall(r"([-+][\d.]+) %", out)) < 1000
    assert re.search(r"chains \(shapley\) add .*, rises of .* and falls of .*; all others", out)
    page = cf.report(sinks[1], out=tmp_path / "report.html", since=sinks[0]).read_text("utf-8")
    page = re.sub(r"<svg.*?</svg>|<[^>]*>", " ", page[page.index('id="change"') :], flags=re.DOTALL)
    assert "Effects in Mt" in page or "Effects in kt" in page  # parts of a net are no shares
    per_cent = re.findall(r"([−+]?[\d.,]+)\N{NO-BREAK SPACE}%", page)
    before, after = (cf.accounts(t)[["consumption", "production"]] for t in sinks)
    grown = (after / before - 1).where((before > 0) & (after > 0)).to_numpy().ravel()
    grown = np.sort(grown[~np.isnan(grown)] * 100)
    assert grown.size == 5  # of six: one region takes up more than it emits
    read = [float(one.replace("−", "-").replace(",", "")) for one in per_cent]
    np.testing.assert_allclose(np.sort(read), grown, rtol=0, atol=0.05001)
    effects = len(found.shares) + 1  # and their sum
    assert len(re.findall(r"\bn/a\b", page)) == effects + (6 - grown.size) + 2  # two world totals


def test_a_characterisation_is_never_taken_for_the_only_stressor(
    shell: Shell, tmp_path: Path
) -> None:
    rows = {"regions": ["DE", "FR"], "sectors": ["a", "b"], "stressor_units": "kt"}
    Z, Y, F = [[10.0, 20.0], [30.0, 40.0]], [[60.0, 10.0], [10.0, 20.0]], [5.0, 5.0]
    for stressor in ("CH4", "water"):
        cf.save(cf.Table(Z=Z, Y=Y, F=F, stressors=stressor, **rows), tmp_path / stressor)
    out = shell("accounts", tmp_path / "CH4", "--stressor", "GWP100_AR6")
    assert "kt CO2-eq" in out
    err = shell("accounts", tmp_path / "water", "--stressor", "GWP100_AR6", status=2)
    assert "greenhouse gases" in err


@pytest.mark.real_data
@pytest.mark.parametrize("year", [2005, 2009])
def test_the_headline_agrees_in_sign_with_the_study(
    shell: Shell, real_data: Path, year: int
) -> None:
    # WIOD 2013 release (Timmer et al. 2015), CO2 by JRC (Corsatea et al. 2019).
    out = shell("flows", real_data / f"wiod2013_{year}.zip")
    table = out.split(PUBLISHED)[1]
    rows = re.findall(
        r"^(\w{3}) consumption over production +(\S+) % +(\S+) %$", table, re.MULTILINE
    )
    assert [region for region, _, _ in rows] == ["GBR", "DEU", "JPN", "USA", "FRA", "SWE"]
    assert all(float(ours) > 0 and float(theirs) > 0 for _, ours, theirs in rows)
    assert re.search(r"^CHN exports of what it emits +2\d\.\d % +23\.0 %$", table, re.MULTILINE)
    assert re.search(r"^crosses a border, of all +2\d\.\d % +25\.0 %$", table, re.MULTILINE)
    assert re.search(r"^commodity : product +4\d : 5\d +50 : 50$", table, re.MULTILINE)
    assert re.search(r"^CHN .* -\d+\.\d %", out.split("net exporters")[1], re.MULTILINE)


def test_households_are_said_to_be_included_where_the_table_has_them(
    shell: Shell, table: cf.Table, saved: str, tmp_path: Path
) -> None:
    assert "of all emissions, households' own included" in shell("flows", saved)
    assert "include households' own emissions" in shell("accounts", saved)
    without = cf.save(table.with_changes(F_Y=np.zeros_like(table.F_Y)), tmp_path / "without")
    for command in ("flows", "accounts"):
        out = shell(command, without)
        assert "the table has no emissions of households" in out
        assert "own" not in out


def test_the_study_stands_beside_tables_of_its_countries_alone(
    shell: Shell, tmp_path: Path
) -> None:
    regions = ["CHN", "GBR", "DEU", "JPN", "USA", "FRA", "SWE", "RoW"]
    rng = np.random.default_rng(1)
    for wanted, name in ((regions, "world"), (regions[1:], "without China")):
        n = len(wanted)
        made = cf.Table(
            Z=rng.random((n, n)), Y=rng.random((n, n)) + n, F=rng.random((1, n)), regions=wanted,
            sectors=["all"] * n, stressors="CO2",
        )  # fmt: skip
        out = shell("flows", cf.save(made, tmp_path / name))
        assert (PUBLISHED in out) == (name == "world")
        assert PUBLISHED not in shell("flows", tmp_path / name, "--demand", "GBR")


def test_amounts_with_flows_below_zero_are_said_to_be_net(shell: Shell, tmp_path: Path) -> None:
    made = cf.Table(
        Z=[[20, 9], [8, 30]], Y=[[60, -7], [9, 40]], F=[[50, 30]], regions=["DE", "FR"],
        sectors=["all"] * 2, stressors="CO2",
    )  # fmt: skip
    flows = cf.flows(made)
    assert flows.matrix.to_numpy().min() < 0
    said = "amounts are sums of all, shares are of sizes"
    assert said in shell("flows", cf.save(made, tmp_path / "net"))
    plain = made.with_changes(Y=np.abs(made.Y))
    assert said not in shell("flows", cf.save(plain, tmp_path / "plain"))
