"""The sections of a report about purchases and about a carbon price."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.references.report_reference import world
from support.running.report_page import Page, draw_nothing

import carbonflows_fast as cf
from carbonflows_fast.cli import main
from carbonflows_fast.errors import InputError

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_nothing(monkeypatch)


@pytest.fixture(scope="module")
def table() -> cf.Table:
    return world(1, year=2009).with_changes(row_units="M.EUR")


def bought(table: cf.Table, categories: int = 3) -> cf.Purchases:
    sectors = [table.content.sectors[at % len(table.content.sectors)] for at in range(categories)]
    names = [HOSTILE, *(f"category {at}" for at in range(1, categories))]
    lines = pd.DataFrame(
        {
            "category": [*names, "nothing we know", "nor this"],
            "amount": [*(1e6 * (at + 1.0) for at in range(categories)), 5.0, 7.0],
        }
    )
    return cf.purchases(table, lines, "CO2", categories=dict(zip(names, sectors)))


def page_of(table: cf.Table, folder: Path, **given: Any) -> Page:
    out = cf.report(table, "CO2", out=folder / "report.html", **given)
    return Page(out.read_text(encoding="utf-8"))


@pytest.mark.parametrize("categories", [3, 30])
def test_purchases(table: cf.Table, tmp_path: Path, categories: int) -> None:
    found = bought(table, categories)
    page = page_of(table, tmp_path, purchases=found)
    assert page.figures["purchases_total"] == found.total
    assert page.figures["purchases_spent"] == found.spent
    assert page.figures["purchases_unmatched"] == 2
    assert page.figures["purchases_bound"] == found.error_bound
    listed = pd.DataFrame(page.tables["purchases_categories"])
    assert len(listed) == min(categories, 21)
    kept = found.categories.iloc[: 20 if categories > 21 else categories]
    for name in ("lines", "spent", "emissions", "direct", "tier_1", "rest"):
        np.testing.assert_allclose(listed[name][: len(kept)], kept[name])
        assert listed[name].sum() == pytest.approx(found.categories[name].sum())
    np.testing.assert_allclose(listed["share"], listed["emissions"] / found.total)
    assert page.totals["purchases_categories"]["emissions"] == found.total
    assert HOSTILE in set(listed["category"]) or categories > 21
    assert HOSTILE not in page.source
    where = pd.DataFrame(page.tables["purchases_emitters"]).set_index("region")
    np.testing.assert_allclose(where["emissions"], found.emitters["emissions"][where.index])
    tiers = pd.DataFrame(page.tables["purchases_tiers"])
    np.testing.assert_allclose(tiers["remainder"], found.tiers["remainder"])
    chains, paths = pd.DataFrame(page.tables["purchases_chains"]), found.paths(top=20)
    np.testing.assert_allclose(chains["value"], paths.to_frame()["value"])
    assert page.figures["purchases_remainder"] == paths.remainder
    reasons = pd.DataFrame(page.tables["purchases_unmatched"])
    assert reasons["lines"].sum() == 2


@pytest.mark.parametrize("border", [None, "direct"])
def test_prices(table: cf.Table, tmp_path: Path, border: str | None) -> None:
    priced = table.regions[:2]
    found = cf.carbon_price(table, "CO2", 80, regions=list(priced), border=border, rebate=border)
    page = page_of(table, tmp_path, prices=found)
    assert page.figures["price_collected"] == found.collected
    assert page.figures["price_crossing"] == found.crossing_share
    assert page.figures["price_bound"] == found.error_bound
    assert "A price of 80 EUR for a tonne of CO2 in" in page.text
    assert ("a charge at the border and a rebate for exports" in page.text) == (border is not None)
    rows = pd.DataFrame(page.tables["price_payers"]).set_index("region")
    paid = found.payments.groupby(level="region").sum()
    np.testing.assert_allclose(rows["paid"], paid["paid"][rows.index])
    np.testing.assert_allclose(rows["of_spending"], (paid.paid / paid.spending)[rows.index])
    assert page.totals["price_payers"]["paid"] == found.paid
    for name in ("emissions", "border", "rebates"):
        assert (name in rows) == (name == "emissions" or border is not None)
        if name in rows:
            np.testing.assert_allclose(rows.loc[list(priced), name], found.revenue[name])
    exposed = pd.DataFrame(page.tables["price_exposure"])
    largest = found.exposure.dropna(subset="share").nlargest(20, "share")
    np.testing.assert_allclose(exposed["share"], largest["share"])
    assert ("share_without_border" in exposed) == (border is not None)


def test_results_of_something_else_are_refused(table: cf.Table, tmp_path: Path) -> None:
    other = world(2, ("AT", "BE"), year=2009).with_changes(row_units="M.EUR")
    for given, said in (
        ({"purchases": 1}, "purchases: expected a result of cf.purchases, got int"),
        ({"prices": bought(table)}, "prices: expected a result of cf.carbon_price"),
        ({"purchases": bought(other)}, "purchases: expected a result of the table of the report"),
    ):
        with pytest.raises(InputError, match=said):
            page_of(table, tmp_path, **given)
    weighed = {"CO2": 2.0}
    found = cf.carbon_price(table, weighed, 80, regions=table.regions[0])
    with pytest.raises(InputError, match="prices: expected a result about 'CO2'"):
        page_of(table, tmp_path, prices=found)
    assert list(tmp_path.iterdir()) == []


def test_the_command_adds_them(
    table: cf.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    cf.save(table, "world/2009")
    Path("bought.csv").write_text(f'product,amount\n"{table.content.sectors[0]}",1000\nX,1\n')
    region = table.regions[0]
    more = f"--purchases bought.csv --buyer {region} --per-tonne 80 --price {region}"
    ask = f"report world --stressor CO2 --out page.html {more} --border direct"
    assert main(ask.split()) == 0
    page = Page(Path("page.html").read_text(encoding="utf-8"))
    found = cf.purchases(table, "bought.csv", "CO2", buyer=region)
    assert page.figures["purchases_total"] == pytest.approx(found.total, rel=1e-12)
    price = cf.carbon_price(table, "CO2", 80, regions=region, border="direct")
    assert page.figures["price_collected"] == pytest.approx(price.collected, rel=1e-12)
    capsys.readouterr()
    for half, said in (
        ("--buyer AT", "--buyer: expected --purchases beside it"),
        ("--price AT", "--per-tonne: expected it beside --price"),
        ("--per-tonne 80", "--price: expected it beside --per-tonne"),
        ("--border direct", "--border: expected --per-tonne beside it"),
        ("--purchases none.csv", "none.csv: expected a file that can be read"),
    ):
        assert main(f"report world/2009 --stressor CO2 --out no.html {half}".split()) == 2
        assert said in capsys.readouterr().err
    assert not Path("no.html").exists()
