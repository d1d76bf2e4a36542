"""The commands `factors` and `purchases`, and workbooks of any command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import carbonflows_fast as cf
from carbonflows_fast.cli import main

LEDGER = """category,amount,currency,year,supplier
food,"1200.50",EUR,2019,Smith & Sons
food,-200,EUR,2019,Smith & Sons
rice,3400,GBP,2021,=cmd()
server hosting,800,EUR,2019,Cloud
"""
CATEGORIES = "category,product,weight\nfood,Wheat,0.75\nfood,Crops nec,0.25\nRice,paddy rice,1\n"
MARGINS = "sector,basic,trade,transport,taxes\n,0.7,0.1,0.1,0.1\n"


@pytest.fixture(scope="module")
def table() -> cf.Table:
    return cf.synthetic.world(3, 12)


@pytest.fixture
def place(table: cf.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    cf.save(table, "world")
    Path("ledger.csv").write_text(LEDGER)
    Path("categories.csv").write_text(CATEGORIES)
    Path("margins.csv").write_text(MARGINS)
    Path("prices.csv").write_text("year,index\n2019,100\n2021,104\n")
    return tmp_path


def shell(capsys: pytest.CaptureFixture[str], line: str, status: int = 0) -> str:
    assert main(line.split()) == status
    printed = capsys.readouterr()
    return printed.err if status else printed.out


ASK = "purchases world ledger.csv --categories categories.csv --exchange GBP=1.14 --buyer AT"
ASK += " --price-index prices.csv"


def asked(table: cf.Table) -> cf.Purchases:
    return cf.purchases(table, "ledger.csv", categories="categories.csv", exchange={"GBP": 1.14},
                        buyer="AT", price_index={2019: 100, 2021: 104})  # fmt: skip


def test_purchases_are_shown(
    place: Path, table: cf.Table, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shell(capsys, f"{ASK} --price AT --top 5")
    found = asked(table)
    lines = out.splitlines()
    assert lines[1].endswith(f" for {found.spent:,.1f} EUR")
    assert "note: One GBP is 1.14 EUR." in lines
    assert any(line.startswith("rice ") for line in lines)
    assert "line 5: the mapping has no category 'server hosting'; nearest" in out
    assert f"{100 * found.price_coverage('AT'):.1f} % is emitted in AT" in out
    assert lines[-1].startswith("certified: the total is not wrong by more than ")


def test_a_workbook_has_all_of_it(
    place: Path, table: cf.Table, capsys: pytest.CaptureFixture[str]
) -> None:
    shell(capsys, f"{ASK} --out result.xlsx")
    sheets = pd.read_excel("result.xlsx", sheet_name=None, engine="openpyxl")
    names = ["summary", "lines", "categories", "emitters", "tiers", "chains", "unmatched"]
    assert list(sheets) == names
    found, lines = asked(table), sheets["lines"]
    assert lines.emissions.sum() == pytest.approx(found.total, rel=1e-14)
    assert list(lines.supplier) == list(found.lines.supplier)
    assert sheets["categories"].emissions.sum() == pytest.approx(found.total, rel=1e-12)
    assert sheets["emitters"].emissions.sum() == pytest.approx(found.total, rel=1e-12)
    assert sheets["tiers"].emissions[0] == pytest.approx(found.tiers.emissions[0], rel=1e-14)
    assert list(sheets["chains"].path) == list(found.paths(top=100).to_frame().path)
    assert list(sheets["unmatched"].line) == [5]
    summary = sheets["summary"].set_index("name")["value"]
    assert summary["lines"] == 4
    assert summary["unmatched lines"] == 1
    assert summary["note 1"] == found.notes[0]
    shell(capsys, f"{ASK} --out lines.csv")
    pd.testing.assert_series_equal(pd.read_csv("lines.csv").emissions, found.lines.emissions)


def test_a_chart_and_a_spreadsheet_with_one_command(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shell(capsys, f"{ASK} --out result.xlsx --figure chart.svg")
    assert out.splitlines()[-2:] == ["written: result.xlsx", "written: chart.svg"]
    assert Path("chart.svg").read_text().startswith("<?xml")
    assert Path("result.xlsx").read_bytes()[:2] == b"PK"


def test_factors_are_shown_and_written(
    place: Path, table: cf.Table, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shell(
        capsys,
        "factors world --valuation both --margins margins.csv --trade Wheat --transport Wheat "
        "--abroad --currency GBP --exchange GBP=1.2 --products AT: --top 3 --out factors.xlsx",
    )
    found = cf.factors(
        table, valuation="both", margins="margins.csv", currency="GBP", exchange={"GBP": 1.2},
        margin_sectors=dict.fromkeys(("trade", "transport"), "Wheat"), products=("AT", None),
        abroad=True,
    )  # fmt: skip
    assert f"the largest of {len(found)} factors, in kg/GBP, prices of 2019" in out
    written = pd.read_excel("factors.xlsx", engine="openpyxl")
    assert list(written.columns) == ["region", "sector", *found.columns]
    assert written.factor.to_numpy() == pytest.approx(found.factor.to_numpy(), rel=1e-14)
    Path("errors.toml").write_text("F = 0.1\n")
    assert " sd" in shell(capsys, "factors world --errors errors.toml --products Wheat")


COMMANDS = {
    "accounts world": "region",
    "flows world": "from",
    "sector world Wheat": "emitted",
    "paths world --top 9": "path",
    "check world": "check",
    "factors world": "region",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_writes_workbooks(
    place: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(f"{command} --out a.xlsx".split()) in (0, 1)
    assert main(f"{command} --out a.csv".split()) in (0, 1)
    book, text = pd.read_excel("a.xlsx", engine="openpyxl"), pd.read_csv("a.csv")
    assert COMMANDS[command] in book
    pd.testing.assert_frame_equal(book, text, check_dtype=False, rtol=1e-14)


WRONG: dict[str, Any] = {
    "purchases world ledger.csv --categories categories.csv":
        r"--exchange: expected a rate of GBP, .* e\.g\. --exchange GBP=1\.14",
    "purchases world ledger.csv --categories categories.csv --exchange GBP=1.14":
        "--price-index: expected prices of 2021 .* give a CSV file with columns year and index",
    "purchases world ledger.csv --exchange GBP=1,14":
        "--exchange: expected CODE=RATE, got 'GBP=1,14'; e.g.",
    "purchases world ledger.csv --exchange GBP=1.14":
        "--categories: expected the products that categories of the ledger stand for",
    "purchases world ledger.csv --currency francs": "--currency: expected a currency by its code",
    "purchases world none.csv": r"none\.csv: expected a file that can be read",
    "purchases world ledger.csv --price Atlantis": "--price: expected a region",
    "purchases world ledger.csv --out ledger.csv": "--out: expected another place than that of a",
    "purchases world ledger.csv --figure chart.gif": "--figure: expected a file name that ends in",
    "factors world --price-year 1800": "--price-year: expected a whole number from 1900 to 2100",
    "factors world --valuation purchaser": "--margins: expected what purchasers' prices are made",
    "factors world --valuation purchaser --margins margins.csv":
        "--trade: expected the rows that supply trade, .* name sectors with --trade and --tr",
    "factors world --margins margins.csv": "or leave it out|ask with --valuation purchaser",
}  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong_is_said_in_words_of_a_shell(
    place: Path, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = shell(capsys, line, status=2)
    assert said.count("\n") == 1
    assert pd.Series([said]).str.contains(WRONG[line]).item(), said
    assert Path("ledger.csv").read_text() == LEDGER
