"""Wrong ledgers, mappings, prices and margins: one sentence each, that names lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf

GOOD = {"product": ["Wheat", "Wheat", "Paddy rice"], "amount": [1.0, 2.0, 3.0]}


def world() -> cf.Table:
    return cf.synthetic.world(2, 3)


def undated() -> cf.Table:
    return cf.Table(Z=[[1.0]], Y=[2.0], F=[3.0], regions="DE", sectors=["all"], stressors="CO2",
                    row_units="M.EUR")  # fmt: skip


def mapping(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"category": ["food"] * 2, "product": ["Wheat", "Paddy rice"],
                         "weight": [0.5, 0.5]} | columns)  # fmt: skip


def shares(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"sector": [""], "basic": [0.7], "trade": [0.1], "transport": [0.1],
                         "taxes": [0.1]} | columns)  # fmt: skip


def of_ledger(**columns: Any) -> Any:
    lines = {name: column for name, column in (GOOD | columns).items() if column is not None}
    return lambda: cf.purchases(world(), pd.DataFrame(lines))


def of_options(**options: Any) -> Any:
    return lambda: cf.purchases(world(), pd.DataFrame(GOOD), **options)


def of_food(**options: Any) -> Any:
    ledger = pd.DataFrame({"category": ["food"], "amount": [1.0]})
    return lambda: cf.purchases(world(), ledger, **options)


MARGINS = {"valuation": "purchaser", "margins": shares()}
WRONG: dict[str, tuple[Any, str]] = {
    # the ledger
    "no amount": (of_ledger(amount=None), "ledger: expected the column amount, got columns prod"),
    "nothing bought": (of_ledger(product=None), "ledger: expected the column product or category"),
    "empty": (of_ledger(product=[], amount=[]), "ledger: expected at least one line, got none"),
    "taken name": (of_ledger(spent=1.0), "ledger: expected no column line, spent, emissions, find"),
    "two amounts": (of_ledger(Amount=1.0), "ledger: expected one column amount, got 'amount', 'A"),
    "thousands": (of_ledger(amount=["1,000.50", "2", "3 000"]),
                  r"amount: expected numbers such as 1234.56, got '1,000.50' in row 1, '3 000' in "
                  "row 3; write plain numbers with a decimal point: no thousands separators"),
    "many": (of_ledger(product=["Wheat"] * 9, amount=["x"] * 9),
             "got 'x' in row 1, 'x' in row 2, 'x' in row 3 and 6 more rows;"),
    "missing": (of_ledger(amount=[1.0, np.nan, 3.0]), "got nothing in row 2;"),
    "infinite": (of_ledger(amount=[1.0, 2.0, np.inf]), "got 'inf' in row 3;"),
    "underscore": (of_ledger(amount=["1_000", "2", "3"]), "got '1_000' in row 1;"),
    "no numbers": (of_ledger(amount=[True, 2j, pd.Timestamp(0)]), "got 'True' in row 1, "),
    "year": (of_ledger(year=["FY19", 2019, 2019]), "year: expected years of prices such as 2019, "),
    "currency": (of_ledger(currency=["EUR", "TOE", "Euro"]),
                 "currency: expected currencies, got 'TOE' in row 2; write codes"),
    "no frame": (lambda: cf.purchases(world(), GOOD), "ledger: expected a DataFrame or the path"),
    "nothing matches": (of_ledger(product=["Weat"] * 3),
                        "none, since in row 1 the table has no product 'Weat'; nearest are 'Wheat"),
    # money
    "no rate": (of_ledger(currency=["EUR", "GBP", "GBP"]),
                "exchange: expected a rate of GBP, since the table is in EUR, got rates of none"),
    "rate below 0": (of_options(exchange={"GBP": -1}), "exchange: expected what one GBP is in EUR"),
    "own rate": (of_options(exchange={"EUR": 1.1}), "what one EUR is in EUR, which is 1, got 1.1"),
    "rate of nothing": (of_options(exchange={"": 1}), "exchange: expected a currency by its code"),
    "no rates": (of_options(exchange=[1.1]), "exchange: expected what one unit of each currency"),
    "rate twice": (of_options(exchange=pd.DataFrame({"currency": ["GBP"] * 2, "rate": [1, 2]})),
                   "currency: expected one rate for each currency, got GBP again in row 2"),
    "no index": (of_ledger(year=[2018, 2019, 2019]),
                 "price_index: expected prices of 2018 and of 2019, the year of the table, got no"),
    "outside the index": (of_options(year=2030, price_index={2019: 100, 2020: 101}),
                          "price_index: expected prices of 2030 and of 2019, .* got those of 2019"),
    "index of others": (of_options(year=2020, price_index=pd.DataFrame(
        {"sector": "Wheat", "year": [2019, 2020], "index": [1, 2]})),
        r"prices of 2020 and of 2019 for every product, got none of \('AT', 'Paddy rice'\)"),
    "index of 0": (of_options(price_index={2019: 0}), "index: expected index numbers above 0, got"),
    "index without a year": (of_options(price_index=pd.DataFrame(
        {"year": [2019, ""], "index": [1, 2]})), "year: expected a year in every line, got row 2"),
    "index twice": (of_options(price_index=pd.DataFrame(
        {"sector": "", "year": 2019, "index": [1, 2]})), "expected one line for each product, got"),
    "index of a stranger": (of_options(price_index=pd.DataFrame(
        {"sector": ["Weat"], "year": 2019, "index": 1})),
        "sector: expected a sector of the table, got 'Weat' in row 1; nearest are 'Wheat'"),
    "index of nowhere": (of_options(price_index=pd.DataFrame(
        {"region": ["Atlantis"], "year": 2019, "index": 1})), "region, row 1: expected a region"),
    "no year": (lambda: cf.factors(undated(), year=2020),
                "year: expected a table that has a year, got 2020, and a table without one"),
    # categories
    "no mapping": (of_food(), "categories: expected the products that categories of the ledger"),
    "category": (of_food(categories={"drink": "Wheat"}),
                 "the mapping has no category 'food'; nearest is 'drink'; write labels of"),
    "product": (of_food(categories={"food": "Weat"}),
                "column product: expected a product of the table, got 'Weat' in row 1; nearest ar"),
    "region": (of_food(categories=mapping(region=["", "Atlantis"])),
               "categories, column region, row 2: expected a region of the table"),
    "weights": (of_food(categories=mapping(weight=[0.5, 0.6])),
                "weights of each category that add up to 1, got 1.1 for 'food' with 2 products"),
    "no weights": (of_food(categories=mapping().drop(columns="weight")),
                   "expected a column weight, weights of each category that add up to 1, got 2 fo"),
    "negative": (of_food(categories=mapping(weight=[-0.5, 1.5])), "weights of 0 to 1, got '-0.5' "),
    "twice": (of_food(categories=mapping(product=["Wheat"] * 2)),
              "each product once in a category, got 'Wheat' of 'food' again in row 2"),
    "a column": (of_food(categories=mapping().drop(columns="product")), "the column product, got"),
    # margins
    "no margins": (of_options(valuation="purchaser"), "margins: expected what purchasers' prices"),
    "unasked": (of_options(margins=shares()), "margins: expected none for valuation='basic'"),
    "unasked too": (of_options(margin_sectors={}), "margin_sectors: expected none for valuation='"),
    "not 1": (of_options(valuation="purchaser", margins=shares(taxes=[0.2])),
              "add up to 1, got '1.1 together' in row 1"),
    "below 0": (of_options(valuation="purchaser", margins=shares(trade=[-0.1], taxes=[0.3])),
                "margins: expected shares of 0 or more"),
    "not all": (of_options(valuation="purchaser", margins=shares(sector=["Wheat"])),
                r"shares of every product that is asked for, got none of \('AT', 'Paddy rice'\)"),
    "no suppliers": (of_options(**MARGINS), "margin_sectors: expected the rows that supply trade,"),
    "one supplier": (of_options(**MARGINS, margin_sectors={"trade": "Wheat"}),
                     "margin_sectors: expected the rows that supply transport, since .* 'trade';"),
    "elsewhere": (of_options(**MARGINS, margin_sectors=dict.fromkeys(
        ("trade", "transport"), ("AT", "Wheat"))), "with margins, got none in 'BE'; add sectors"),
    # the table
    "no money": (lambda: cf.factors(world().with_changes(row_units="t")),
                 "table: expected rows in a unit of money, e.g. M.EUR, got rows in t; say it with"),
    "two currencies": (lambda: cf.factors(world().with_changes(row_units=[*"€€€$$$"])),
                       "table: expected rows in one currency, got EUR and USD"),
    # questions
    "errors of all": (lambda: cf.factors(cf.synthetic.world(6), errors=cf.Errors(F=0.1)),
                      "errors: expected at most 1,000 products, .* got 1,200; choose with product"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_one_sentence(name: str) -> None:
    ask, said = WRONG[name]
    with pytest.raises(cf.InputError, match=SENTENCE) as caught:
        ask()
    text = str(caught.value)
    assert pd.Series([text]).str.contains(said).item(), text
    assert "\n" not in text


FILES = {
    "semicolons": (
        "product;amount\nWheat;1\n",
        "the file has semicolons or tabs: save it with com",
    ),
    "ragged": (
        "product,amount\nWheat,1\nWheat,1,2\n",
        "Expected 2 fields in line 3, saw 3; save it",
    ),
    "nothing": ("", "got No columns to parse from file; save it so"),
    "no lines": ("product,amount\n", "expected at least one line, got none"),
    "empty amount": ("product,amount\nWheat,1\n\nWheat,\n", "got nothing in line 4;"),
    "thousands": ('product,amount\nWheat,"1,000.5"\n', "got '1,000.5' in line 2;"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_are_named_with_their_lines(name: str, tmp_path: Path) -> None:
    text, said = FILES[name]
    path = tmp_path / "ledger.csv"
    path.write_text(text)
    with pytest.raises(cf.InputError, match=SENTENCE) as caught:
        cf.purchases(world(), path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


def test_letters_that_are_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    path.write_bytes("product,amount\nWheat,1\nK\xe4se,2\n".encode("latin-1"))
    with pytest.raises(cf.InputError, match="expected a CSV file in UTF-8"):
        cf.purchases(world(), path)
    with pytest.raises(cf.InputError, match=r"none\.csv: expected a file that .* No such file"):
        cf.purchases(world(), tmp_path / "none.csv")


def test_cells_without_a_name_are_refused_and_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("product,amount\nPaddy, rice,5\n")
    with pytest.raises(cf.InputError, match=r"a\.csv: expected lines of at most 2 cells, as many"):
        cf.purchases(world(), path)
    path.write_text("product,amount\nWheat,5\nPaddy, rice,5\n")
    with pytest.raises(cf.InputError, match=r"a\.csv: .*line 3, saw 3"):
        cf.purchases(world(), path)


def sheet(path: Path, rows: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet("notes").append(["not", "read"])
    book.save(path)
    return path


def test_a_workbook_is_read_as_the_same_file_of_text(tmp_path: Path) -> None:
    rows = [
        ["product", "amount", "region", "year", None], ["Wheat", 1234.5, "AT", 2019, "a note"],
        [None, None, None, None, None], ["Paddy rice", 7, None, None, None],
    ]  # fmt: skip
    text = tmp_path / "ledger.csv"
    text.write_text("product,amount,region,year\nWheat,1234.5,AT,2019\n,,,\nPaddy rice,7,,\n")
    got = cf.purchases(world(), sheet(tmp_path / "ledger.xlsx", rows))
    expected = cf.purchases(world(), text)
    assert got.total == expected.total > 0
    assert got.lines["line"].tolist() == expected.lines["line"].tolist() == [2, 4]


def test_wrong_workbooks(tmp_path: Path) -> None:
    wrong = sheet(tmp_path / "a.xlsx", [["product", "amount"], ["Wheat", "1 000"]])
    with pytest.raises(cf.InputError, match=r"a\.xlsx, column amount: .*'1 000' in line 2"):
        cf.purchases(world(), wrong)
    twice = sheet(tmp_path / "b.xlsx", [["product", "amount", "amount"], ["Wheat", 1, 2]])
    with pytest.raises(cf.InputError, match=r"b\.xlsx: expected a different name for each col"):
        cf.purchases(world(), twice)
    with pytest.raises(cf.InputError, match=r"c\.xlsx: expected a workbook whose first sheet"):
        cf.purchases(world(), sheet(tmp_path / "c.xlsx", []))
    (tmp_path / "d.xlsx").write_bytes(b"PK\x03\x04 damaged")
    for name in ("d.xlsx", "none.xlsx"):
        with pytest.raises(cf.InputError, match=rf"{name}.*: expected"):
            cf.purchases(world(), tmp_path / name)
