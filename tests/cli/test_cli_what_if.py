"""The commands `prices`, `responsibility`, `extraction` and `scenario`, and accounts per head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import carbonflows_fast as cf
from carbonflows_fast.cli import main

HEADS = {"AT": 9e6, "BE": 11e6, "BG": 6e6}
CHANGES = (
    "part,region,sector,stressor,buyer_region,factor,value\nS,AT,,CO2,,0.8,\nA,,Wheat,,BE,0.5,\n"
)


@pytest.fixture(scope="module")
def table() -> cf.Table:
    return cf.synthetic.world(3, 12).with_changes(population=HEADS)


@pytest.fixture
def place(table: cf.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    cf.save(table, "world")
    Path("changes.csv").write_text(CHANGES)
    return tmp_path


def shell(capsys: pytest.CaptureFixture[str], line: str, status: int = 0) -> str:
    assert main(line.split()) == status
    printed = capsys.readouterr()
    return printed.err if status else printed.out


PRICE = "prices world --per-tonne 80 --price AT --price BE"


def test_prices(place: Path, table: cf.Table, capsys: pytest.CaptureFixture[str]) -> None:
    found = cf.carbon_price(table, "CO2", 80, regions=["AT", "BE"], border="total", rebate="direct")
    ask = f"{PRICE} --border total --rebate direct"
    out = shell(capsys, f"{ask} --out prices.xlsx --figure payers.svg")
    assert f"{found.collected:,.0f} M.EUR collected" in out
    assert "collected in  on emissions" in out
    assert "rebates" in out
    assert out.splitlines()[-2:] == ["written: prices.xlsx", "written: payers.svg"]
    sheets = pd.read_excel("prices.xlsx", sheet_name=None, engine="openpyxl")
    assert list(sheets) == ["prices", "payments", "revenue", "who pays whom", "exposure"]
    assert sheets["payments"].paid.sum() == pytest.approx(found.paid, rel=1e-12)
    assert sheets["revenue"].total.sum() == pytest.approx(found.collected, rel=1e-12)
    np.testing.assert_allclose(sheets["prices"].increase, found.prices.increase, rtol=1e-14)
    assert Path("payers.svg").read_text().startswith("<?xml")
    out = shell(capsys, f"{PRICE} --sectors Wheat --out rises.csv")
    assert "rebates" not in out
    only = cf.carbon_price(table, "CO2", 80, regions=["AT", "BE"], sectors="Wheat")
    np.testing.assert_allclose(pd.read_csv("rises.csv").increase, only.prices.increase)


def test_responsibility(place: Path, table: cf.Table, capsys: pytest.CaptureFixture[str]) -> None:
    told = cf.responsibility(table, "CO2")
    out = shell(capsys, "responsibility world --out told.csv --figure told.png")
    assert "region  production  consumption      income  technology-adjusted" in out
    assert f"{told.income['AT']:,.0f}" in out
    assert "all 3" in out
    np.testing.assert_allclose(pd.read_csv("told.csv").income, told.income)
    assert Path("told.png").read_bytes()[1:4] == b"PNG"
    out = shell(capsys, "responsibility world --per-head")
    assert "all 3" not in out
    assert "in kt per head" in out


def test_accounts_per_head(
    place: Path, table: cf.Table, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shell(capsys, "accounts world --per-head --out heads.csv")
    assert "all 3" not in out
    assert "in kt per head" in out
    each = cf.accounts(table, "CO2", per_head=True)
    np.testing.assert_allclose(pd.read_csv("heads.csv").consumption, each.consumption)
    Path("errors.toml").write_text("F = 0.1\n")
    said = shell(capsys, "accounts world --per-head --errors errors.toml", 2)
    assert "--per-head: expected accounts without --errors, got both" in said
    nobody = cf.Table(Z=[[1.0]], Y=[9.0], F=[5.0], regions="DE", sectors=["all"], stressors="CO2")
    cf.save(nobody, "unpeopled")
    said = shell(capsys, "responsibility unpeopled --per-head", 2)
    assert "--per-head: expected a table with heads by region" in said
    assert "or leave --per-head out" in said


@pytest.mark.parametrize("how", ["", " --direction forward --part 0.5"])
def test_extraction(
    place: Path, table: cf.Table, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    options = {"direction": "forward", "part": 0.5} if how else {}
    found = cf.extraction(table, [("AT", "Wheat"), ("BE", None)], **options)  # type: ignore[arg-type]
    out = shell(capsys, f"extraction world AT:Wheat BE:{how} --out lost.csv --figure lost.pdf")
    lost = found.emissions_lost
    assert f"{100 * lost.sum() / found.emissions.sum():.1f} % of all" in out
    assert "region  lost, Mt  of all that is lost" in out
    np.testing.assert_allclose(pd.read_csv("lost.csv").emissions_lost, lost)


@pytest.mark.parametrize("how", ["", " --keep-flows"])
def test_scenario(
    place: Path, table: cf.Table, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    made, ledger = cf.scenario(table, "changes.csv", rebalance=not how)
    out = shell(capsys, f"scenario world changes.csv new --ledger ledger.csv{how}")
    assert out.splitlines()[0].split() == [
        *("part", "region", "sector", "stressor", "buyer", "region"),
        *("numbers", "before", "after"),
    ]
    assert f"note: {made.notes[-1]}" in out
    opened = cf.open("new")
    np.testing.assert_allclose(opened.x, made.x, rtol=1e-12)
    np.testing.assert_allclose(opened.A.toarray(), made.A.toarray(), rtol=1e-12)
    written = pd.read_csv("ledger.csv")
    np.testing.assert_allclose(written[["before", "after"]], ledger[["before", "after"]])
    assert "and 1 more change" in shell(capsys, "scenario world changes.csv new --top 1")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"{PRICE} --price XX", "--price: expected a region of the table, a country or a group"),
        ("prices world --per-tonne -1 --price AT", "--per-tonne: expected a positive price"),
        (f"{PRICE} --goods Wheat", "--goods: expected a charge or a rebate at the border"),
        (f"{PRICE} --border direct --goods Wheet", "--goods: expected a sector of the table"),
        (f"{PRICE} --phase-in 2028", "--phase-in: expected a charge at the border"),
        (f"{PRICE} --figure a.gif", "--figure: expected a file name that ends in .svg"),
        ("extraction world Wheet", "[REGION:]SECTOR: expected a sector of the table, got 'Wheet'"),
        ("extraction world Wheat --part 2", "--part: expected a number above 0 and at most 1"),
        ("scenario world no.csv new", "no.csv: expected a file that can be read"),
        ("scenario world changes.csv changes.csv", "DESTINATION: expected a"),
        ("scenario world changes.csv new --ledger changes.csv", "--ledger: expected another place"),
    ],
)
def test_bad_input(place: Path, capsys: pytest.CaptureFixture[str], line: str, said: str) -> None:
    assert said in shell(capsys, line, 2)
    assert not Path("new").exists()
    assert Path("changes.csv").read_text() == CHANGES
