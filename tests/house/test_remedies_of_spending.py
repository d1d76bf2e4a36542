"""What errors of factors, purchases and workbooks advise is done, and works."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any
from unittest import mock

import openpyxl
import pandas as pd
import pytest
from support.advice import NEAREST, Case, advice_tests, named, python

import carbonflows_fast as cf
from carbonflows_fast._base import workbook
from carbonflows_fast.cli._spending import _rates

COVERED = [f"spending/{name}" for name in (
    "_by_row", "_factors", "_given", "_ledger", "_margins", "_match", "_money", "_prices",
    "_purchases", "_result", "_solved",
)] + ["_base/workbook", "cli/_spending"]  # fmt: skip
"""Modules whose every piece of advice has a case."""

GOOD = {"product": ["Wheat", "Paddy rice"], "amount": [1.0, 2.0]}
ROOT = Path(__file__).parents[2]
BOTH = ("trade", "transport")


def world() -> cf.Table:
    return cf.synthetic.world(2, 3)


def undated() -> cf.Table:
    return cf.Table(Z=[[1.0]], Y=[2.0], F=[3.0], regions="DE", sectors=["all"], stressors="CO2",
                    row_units="M.EUR")  # fmt: skip


def buy(table: cf.Table | None = None, *, lines: Any = None, **options: Any) -> cf.Purchases:
    ledger = pd.DataFrame(GOOD) if lines is None else lines
    return cf.purchases(world() if table is None else table, ledger, **options)


def lines(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(GOOD | columns)


def food(mapping: Any) -> cf.Purchases:
    return buy(lines=pd.DataFrame({"category": ["food"], "amount": [1.0]}), categories=mapping)


def mapping(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"category": ["food"] * 2, "product": ["Wheat", "Paddy rice"],
                         "weight": [0.5, 0.5]} | columns)  # fmt: skip


def paid(suppliers: Any = BOTH, **columns: Any) -> cf.Purchases:
    shares = {"sector": [""], "basic": [0.7], "trade": [0.1], "transport": [0.1], "taxes": [0.1]}
    if suppliers is BOTH:
        suppliers = dict.fromkeys(BOTH, "Wheat")
    return buy(valuation="purchaser", margins=pd.DataFrame(shares | columns),
               margin_sectors=suppliers)  # fmt: skip


def index(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"sector": ["", ""], "year": [2019, 2020], "index": [1.0, 2.0]} | columns)


def file(text: str, **options: Any) -> cf.Purchases:
    Path("ledger.csv").write_text(text)
    return buy(lines="ledger.csv", **options)


def book(*rows: list[Any]) -> cf.Purchases:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    made.save("ledger.xlsx")
    return buy(lines="ledger.xlsx")


def without_openpyxl() -> None:
    with mock.patch.dict(sys.modules, {"openpyxl": None}):
        workbook.check_workbook(Path("a.xlsx"), "path")


def written(text: str) -> None:
    workbook.write_workbook({"a": pd.DataFrame({"b": [text]})}, Path("a.xlsx"))


CASES = [
    # frames and files
    Case(lambda: buy(lines=GOOD), r"give columns (product or category, amount)",
         lambda _: buy()),
    Case(lambda: buy(lines=lines(Amount=1.0)), "rename or leave out the other", lambda _: buy()),
    Case(lambda: buy(lines=lines().rename(columns={"amount": "money"})),
         "rename the columns that have them", lambda _: buy()),
    Case(lambda: file("product;amount\nWheat;1\n"),
         "has semicolons or tabs: save it with commas and decimal points, or read it with pandas",
         lambda _: [file("product,amount\nWheat,1\n"), buy(lines=pd.DataFrame(GOOD))]),
    Case(lambda: book(), "put the table on the first sheet",
         lambda _: book(["product", "amount"], ["Wheat", 1])),
    Case(lambda: file("product,amount\nBasic metals, n.e.c.,1\n"),
         "put texts that have commas in quotes, and name all columns",
         lambda _: [file('product,amount\n"Wheat",1\n'),
                    file("product,amount,note\nWheat,1,n.e.c.\n")]),
    Case(lambda: buy(lines="no.csv"), "check the path",
         lambda _: file("product,amount\nWheat,1\n")),
    Case(lambda: file(""), "save it so, or read it with pandas and give the frame",
         lambda _: [file("product,amount\nWheat,1\n"), buy(lines=pd.DataFrame(GOOD))]),
    Case(lambda: buy(lines=lines(amount=["1,000", "2"])),
         "write plain numbers with a decimal point: no thousands separators, currency signs or e",
         lambda _: buy(lines=lines(amount=["1000", "2"]))),
    Case(lambda: buy(lines=lines(year="FY19")), "write years such as (2019)",
         lambda year: buy(lines=lines(year=year))),
    Case(lambda: buy(lines=lines(spent=1)), "rename it", lambda _: buy(lines=lines(paid=1))),
    Case(lambda: buy(lines=lines()[:0]), "add what was bought", lambda _: buy()),
    Case(lambda: buy(lines=lines(currency="TOE")), "write codes of ISO 4217 such as (EUR)",
         lambda code: buy(lines=lines(currency=code))),
    Case(lambda: buy(lines=lines(product="Weat")),
         "write labels of table.sectors, or map your own words with categories=",
         lambda _: [buy(), buy(lines=lines().assign(category="Weat", product=""),
                               categories={"Weat": "Wheat"})]),
    # what products are called
    Case(lambda: buy(price_index=index(sector=["Weat", ""])), NEAREST,
         lambda text: buy(price_index=index(sector=[named(text)[0], ""]))),
    Case(lambda: buy(price_index=index(region=["Atlantis", ""])), NEAREST,
         lambda text: buy(price_index=index(region=["AT", ""]))),
    Case(lambda: buy(cf.national(Z=[[1.0]], Y=[[2.0, 1.0]], F=[3.0], region="LU", sectors=["Wheat"],
                                 stressors="CO2", exports="out", categories=["in", "out"],
                                 row_units="M.EUR", year=2019),
                     lines=lines(product="Wheat"),
                     price_index=index(sector=["Wheat", "Wheat"], region=["RoW", "LU"])),
         "no row there is '(Wheat)'", lambda _: buy(price_index=index())),
    Case(lambda: buy(price_index=index(year=2019)), "leave one of them out",
         lambda _: buy(price_index=index()[:1])),
    # categories
    Case(lambda: food(None), r"give a mapping, e\.g\. \{'paper': 'Pulp'\}, or name products",
         lambda _: [food({"food": "Wheat"}), buy()]),
    Case(lambda: food({"food": "Weat"}), NEAREST, lambda text: food({"food": named(text)[0]})),
    Case(lambda: food(mapping(region="Atlantis")), NEAREST, lambda _: food(mapping(region="AT"))),
    Case(lambda: food(mapping(product="Wheat")), "add up the weights of the two",
         lambda _: food(mapping(product="Wheat", weight=1.0)[:1])),
    Case(lambda: food(mapping(weight=1.0)), "divide them by their sum",
         lambda _: food(mapping(weight=1.0 / 2.0))),
    # prices and currencies
    Case(lambda: buy(year=1800), "leave it out for the year of the table", lambda _: buy()),
    Case(lambda: buy(currency="francs"), "leave it out for EUR, the table's", lambda _: buy()),
    Case(lambda: buy(price_index=index(year=[2019, ""])), "write the year of each line",
         lambda _: buy(price_index=index())),
    Case(lambda: buy(price_index=index()[:0]), "add a line",
         lambda _: buy(price_index=index())),
    Case(lambda: cf.factors(undated(), year=2020), r"say it with table\.with_changes\(year=…\)",
         lambda _: cf.factors(undated().with_changes(year=2019), year=2020,
                              price_index={2019: 1, 2020: 2})),
    Case(lambda: buy(year=2023), r"give an index by year, or by product, e\.g\. (\{.*\})",
         lambda code: buy(year=2023, price_index=python(code))),
    Case(lambda: buy(year=2023, price_index={2019: 1}), "add the index of (2023)",
         lambda year: buy(year=2023, price_index={2019: 1, int(year): 2})),
    Case(lambda: buy(year=2020, price_index=index(sector="Wheat")),
         "add lines for them, or one with an empty sector for all others",
         lambda _: buy(year=2020, price_index=index())),
    Case(lambda: buy(exchange=3), r"give e\.g\. (\{.*\})",
         lambda code: buy(exchange=python(code))),
    Case(lambda: buy(exchange={"GBP": 0}), r"give e\.g\. (\{.*\}), or leave this currency out",
         lambda code: [buy(exchange=python(code)), buy()]),
    Case(lambda: buy(currency="GBP"), r"give what one GBP was in EUR in 2019, e\.g\. (.*)",
         lambda code: buy(currency="GBP", **python(f"dict({code})"))),
    Case(lambda: buy(exchange=pd.DataFrame({"currency": "GBP", "rate": [1, 2]})),
         "keep that of (2019), in a column year or alone",
         lambda year: buy(exchange=pd.DataFrame(
             {"currency": "GBP", "rate": [1, 2], "year": [2018, int(year)]}))),
    # the table
    Case(lambda: buy(world().with_changes(row_units="t")), r"say it with (table\.with_changes.*)",
         lambda code: buy(python(code, table=world()))),
    Case(lambda: cf.factors(world().with_changes(row_units=[*"€€€$$$"])),
         "convert its rows to one of them first", lambda _: cf.factors(world())),
    Case(lambda: cf.factors(world().with_changes(row_units=["t", *"€€€€€"]),
                            products=("AT", "Paddy rice")),
         "choose others, or leave it out for all", lambda _: cf.factors(world())),
    # margins
    Case(lambda: buy(valuation="purchaser"),
         "columns sector, basic, trade, transport and taxes, or ask with valuation='basic'",
         lambda _: [paid(), buy()]),
    Case(lambda: buy(margin_sectors={}), "ask with valuation='purchaser', or leave it out",
         lambda _: [paid(), buy()]),
    Case(lambda: paid(taxes=[0.2]), "divide each by the price at which the product is bought",
         lambda _: paid(basic=[0.6], taxes=[0.2])),
    Case(lambda: paid(sector=["Wheat"]),
         "add lines for them, or one with an empty sector for all others", lambda _: paid()),
    Case(lambda: paid(None), r"give \{'trade': …, 'transport': …\}, each a sector or a list of",
         lambda _: [paid(dict.fromkeys(BOTH, "Wheat")), paid({kind: ["Wheat"] for kind in BOTH})]),
    Case(lambda: paid(dict.fromkeys(BOTH, ("AT", "Wheat"))), "add sectors of these regions",
         lambda _: paid({kind: [("AT", "Wheat"), ("BE", "Wheat")] for kind in BOTH})),
    # questions
    Case(lambda: cf.factors(cf.synthetic.world(6), errors=cf.Errors(F=0.1)),
         r"those of one region: products=(\(.*\))",
         lambda code: cf.factors(cf.synthetic.world(6), errors=cf.Errors(F=0.1),
                                 products=[(python(code)[0], "Wheat")])),
    Case(lambda: cf.factors(world(), valuation="gross"), "leave it out for basic prices",
         lambda _: cf.factors(world())),
    Case(lambda: buy(valuation="both"), "leave it out for basic prices", lambda _: buy()),
    Case(lambda: buy().paths(demand="AT"), "leave it out, or ask cf.structural_paths",
         lambda _: [buy().paths(top=3), cf.structural_paths(world(), demand="AT", top=3)]),
    Case(lambda: buy().save("a.xlsx", top=0), "leave it out for 100",
         lambda _: buy().save("a.xlsx")),
    Case(lambda: _rates(["GBP=1,14"]), r"e\.g\. --exchange (GBP=.*), with a decimal point",
         lambda text: _rates([text])),
    # workbooks
    Case(lambda: buy().save("a.xls"), "write it so", lambda _: buy().save("a.xlsx")),
    Case(lambda: workbook.check_workbook(Path("a.xlsx"), "path", 2_000_000),
         r"write a (\.csv) or \.parquet file",
         lambda suffix: cf.structural_paths(world(), top=3).save(f"a{suffix}")),
    Case(without_openpyxl, r"install it with `pip install 'carbonflows_fast\[(excel)\]'`",
         lambda extra: [buy().save("a.xlsx"), tomllib.loads(
             (ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"][extra]]),
    Case(lambda: written("x" * 40_000),
         r"write a (\.csv) or \.parquet file",
         lambda suffix: cf.structural_paths(world(), top=3).save(f"a{suffix}")),
]  # fmt: skip


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
