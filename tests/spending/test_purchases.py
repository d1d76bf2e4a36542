"""Ledgers against sums over the inverse, line by line, and what must hold of any ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references.reference import Reference
from support.references.spending_reference import Spending
from support.worlds.strategies import seeds, tables

import carbonflows_fast as cf

OWN, YEARS, RATES = 2019, (2018, 2019, 2023), {"EUR": 1.0, "GBP": 1.14, "USD": 0.9}


def in_money(table: cf.Table) -> cf.Table:
    return table.with_changes(row_units="M.EUR", year=OWN)


worlds = tables(zero_outputs=False).map(in_money)


class Case:
    """A random ledger of a table, its options, and its reference."""

    def __init__(self, table: cf.Table, rng: np.random.Generator, purchaser: bool) -> None:
        self.table, sectors = table, list(table.content.sectors)
        regions = ["", *table.regions]
        self.mapping = {
            f"own {at}": [(str(k), str(rng.choice(regions)) * (at > 1), 1.0 / n)
                          for k in rng.permutation(sectors)[:n]]
            for at, n in enumerate((1, min(2, len(sectors)), 1))
        }  # fmt: skip
        size = 12
        self.ledger = pd.DataFrame({
            "product": rng.choice(["", *sectors], size),
            "category": rng.choice(list(self.mapping), size),
            "region": rng.choice(regions, size),
            "amount": np.round(rng.normal(1e6, 2e6, size), 2),
            "currency": rng.choice(list(RATES), size),
            "year": rng.choice(YEARS, size),
        })  # fmt: skip
        self.options: dict[str, Any] = {
            "categories": pd.DataFrame(
                [(c, *part) for c, parts in self.mapping.items() for part in parts],
                columns=["category", "product", "region", "weight"],
            ),
            "exchange": {name: rate for name, rate in RATES.items() if name != "EUR"},
            "price_index": pd.DataFrame(
                [(k, year, rng.uniform(50, 150)) for k in sectors for year in YEARS],
                columns=["sector", "year", "index"],
            ),
            "buyer": str(rng.choice(regions)) or None,
        }
        shares, suppliers = None, ((), ())
        if purchaser:
            cut = {k: rng.dirichlet(np.ones(4)) for k in sectors}
            shares = {k: (parts[0], parts[1], parts[2]) for k, parts in cut.items()}
            self.options |= {
                "valuation": "purchaser",
                "margins": pd.DataFrame(
                    [(k, *parts) for k, parts in cut.items()],
                    columns=["sector", "basic", "trade", "transport", "taxes"],
                ),
                "margin_sectors": {"trade": sectors, "transport": sectors},
            }
            suppliers = (sectors, sectors)
        index = self.options["price_index"]
        self.reference = Spending(
            Reference(table), table.S.to_numpy()[0], self.options["buyer"],
            {(k, y): p for k, y, p in index.itertuples(index=False)}, RATES, shares, suppliers,
        )  # fmt: skip

    def ask(self, ledger: Any = None, **changes: Any) -> cf.Purchases:
        lines = self.ledger if ledger is None else ledger
        return cf.purchases(self.table, lines, self.table.stressors[0], **self.options | changes)

    def parts(self, line: dict[str, Any]) -> list[tuple[str, str, float]]:
        if line["product"]:
            return [(line["product"], "", 1.0)]
        return self.mapping[line["category"]]

    def expected(self) -> list[Any]:
        """Demand of each line, or None."""
        known = {*self.reference.rows}
        found = []
        for line in self.ledger.to_dict("records"):
            parts = self.parts(line)
            there = all(
                (where or line["region"], k) in known or not (where or line["region"])
                for k, where, _ in parts
            )
            found.append(self.reference.demand(line, parts) if there else None)
        return found


def slack(found: cf.Purchases) -> float:
    size = float(found.by_emitter.abs().to_numpy().sum() + found.lines.emissions.abs().sum())
    return 2 * found.error_bound + 1e-10 * size + 1e-14


@given(worlds, seeds(), st.booleans())
def test_a_ledger_is_what_the_inverse_says(
    table: cf.Table, rng: np.random.Generator, purchaser: bool
) -> None:
    case = Case(table, rng, purchaser)
    expected = case.expected()
    matched = [y for y in expected if y is not None]
    if not matched:
        with pytest.raises(cf.InputError, match="expected lines with products of the table"):
            case.ask()
        return
    found = case.ask()
    limit, emitted = slack(found), [case.reference.emitted(y) for y in matched]
    lines = found.lines
    assert list(lines.emissions.isna()) == [y is None for y in expected]
    assert np.abs(lines.emissions.dropna() - [e.sum() for e in emitted]).max() <= limit
    assert abs(found.total - np.sum(emitted)) <= limit
    everywhere = found.emitters.emissions.reindex(list(table.regions))
    assert np.abs(everywhere - np.sum(emitted, axis=0)).max() <= limit
    y = np.sum(matched, axis=0)
    assert np.allclose(found.demand, y, rtol=1e-9, atol=1e-12)
    tiers = found.tiers
    for k in (0, 1, 2):
        gap = abs(tiers.emissions[k] - case.reference.tier(y, k))
        assert gap <= limit + tiers.attrs["error_bound"]
    names = [
        line["category"] if line["category"] else line["product"]
        for line, one in zip(case.ledger.to_dict("records"), expected)
        if one is not None
    ]
    by_category = pd.DataFrame(emitted).groupby(np.array(names), sort=True).sum()
    got = found.by_emitter.sort_index()
    assert list(got.index) == list(by_category.index)
    assert np.abs(got.to_numpy() - by_category.to_numpy()).max() <= limit


@given(worlds, seeds(), st.booleans())
def test_all_sums_are_one(table: cf.Table, rng: np.random.Generator, purchaser: bool) -> None:
    case = Case(table, rng, purchaser)
    case.ledger.loc[0, ["product", "region"]] = table.content.sectors[0], ""  # one that matches
    found = case.ask()
    limit = slack(found)
    frame, tiers = found.categories, found.tiers
    assert abs(found.lines.emissions.sum() - found.total) <= limit
    assert abs(frame.emissions.sum() - found.total) <= limit
    assert abs(found.emitters.emissions.sum() - found.total) <= limit
    assert abs(found.by_emitter.to_numpy().sum() - found.total) <= limit
    beyond = abs(tiers.cumulative + tiers.remainder - found.total)
    assert beyond.max() <= limit + 2 * tiers.attrs["error_bound"]
    gap = frame.direct + frame.tier_1 + frame.rest - frame.emissions
    assert gap.abs().max() <= limit
    assert abs(frame.direct.sum() - tiers.emissions[0]) <= limit + tiers.attrs["error_bound"]
    assert abs(frame.tier_1.sum() - tiers.emissions[1]) <= limit + tiers.attrs["error_bound"]
    assert frame.lines.sum() + len(found.unmatched) == len(case.ledger)
    paths = found.paths(top=5)
    assert abs(paths.value.sum() + paths.remainder - found.total) <= limit + paths.error_bound


@given(worlds, seeds(), st.booleans())
def test_lines_may_be_split_turned_round_and_given_back(
    table: cf.Table, rng: np.random.Generator, purchaser: bool
) -> None:
    case = Case(table, rng, purchaser)
    case.ledger.loc[0, ["product", "region"]] = table.content.sectors[0], ""
    whole = case.ask()
    limit = slack(whole)
    half = case.ledger.assign(amount=case.ledger.amount / 2)
    split = case.ask(pd.concat([half, half.sample(frac=1, random_state=1)], ignore_index=True))
    assert abs(split.total - whole.total) <= limit
    gap = split.by_emitter.sort_index() - whole.by_emitter.sort_index()
    assert gap.abs().to_numpy().max() <= limit
    refund = case.ledger.assign(amount=-case.ledger.amount)
    nothing = case.ask(pd.concat([case.ledger, refund], ignore_index=True))
    assert abs(nothing.total) <= 2 * limit
    assert nothing.by_emitter.abs().to_numpy().max() <= 2 * limit


@given(worlds, seeds(), st.floats(0.01, 100.0), st.floats(0.01, 100.0))
def test_rates_and_prices_scale(
    table: cf.Table, rng: np.random.Generator, rate: float, price: float
) -> None:
    ledger = Case(table, rng, False).ledger[["product", "amount"]]
    ledger.loc[:, "product"] = table.content.sectors[0]
    name = table.stressors[0]
    plain = cf.purchases(table, ledger, name)
    index = {OWN: 100.0, 2023: 100.0 * price}
    options = {"currency": "GBP", "exchange": {"GBP": rate}, "year": 2023, "price_index": index}
    other = cf.purchases(table, ledger, name, **options)
    assert other.total == pytest.approx(plain.total * rate / price, rel=1e-9)
    assert other.spent == pytest.approx(plain.spent * rate / price, rel=1e-9)
    factors = [cf.factors(table, name, **extra).factor for extra in ({}, options)]
    assert np.allclose(factors[1], factors[0] * rate / price, rtol=1e-12)


@given(worlds, st.booleans())
def test_a_factor_is_what_one_purchase_causes(table: cf.Table, purchaser: bool) -> None:
    case = Case(table, np.random.default_rng(0), purchaser)
    money = {n: v for n, v in case.options.items() if n in ("valuation", "margins",
                                                            "margin_sectors")}  # fmt: skip
    factors = cf.factors(table, table.stressors[0], **money)
    rows = factors.index.to_frame(index=False)
    ledger = pd.DataFrame({"product": rows.sector, "region": rows.region, "amount": 1e6})
    found = cf.purchases(table, ledger, table.stressors[0], **money)
    assert np.allclose(found.lines.emissions, factors.factor, rtol=1e-7, atol=1e-12)


def world() -> cf.Table:
    return cf.synthetic.world(3, 6)


def test_a_file_is_as_good_as_a_frame(tmp_path: Path) -> None:
    table = world()
    ledger = pd.DataFrame(
        {
            "Product": ["Wheat", " wheat ", "Paddy rice"],
            "Amount": [10.5, -2.25, 1e3],
            "Region": ["AT", "Belgium", ""],
            "supplier": ["=1+1", "NA", 'Smith, "Sons"'],
        }
    )
    ledger.to_csv(tmp_path / "ledger.csv", index=False)
    text = (tmp_path / "ledger.csv").read_text()
    (tmp_path / "odd.csv").write_text("\ufeff" + text.replace("Paddy", "\n,,,\nPaddy") + "\n\n")
    frame = cf.purchases(table, ledger)
    for name in ("ledger.csv", "odd.csv"):  # the other has blank lines and a byte order mark
        file = cf.purchases(table, tmp_path / name)
        assert file.total == frame.total
        assert list(file.lines.supplier) == list(ledger.supplier)
    assert list(frame.lines.line) == [1, 2, 3]
    assert list(cf.purchases(table, tmp_path / "ledger.csv").lines.line) == [2, 3, 4]
    assert list(cf.purchases(table, tmp_path / "odd.csv").lines.line) == [2, 3, 6]
    assert list(frame.categories.index) == ["Paddy rice", "Wheat"]


def test_what_was_taken_for_granted_is_said() -> None:
    ledger = pd.DataFrame({"product": ["Wheat", "Bread", "Bread"], "amount": [10.0, 5.0, 2.0],
                           "currency": ["", "GBP", None], "year": ["", 2019, 2020.0]})  # fmt: skip
    index = {2019: 100, 2020: 103}
    found = cf.purchases(world(), ledger, exchange={"GBP": 2}, price_index=index, buyer="AT")
    assert found.notes == (
        "Lines without a currency are in EUR, that of the table.",
        "Lines without a year are in prices of 2019, the table's.",
        "One GBP is 2 EUR.",
        "Prices of 2020 are brought to 2019 by the price index given.",
        "Products of 3 lines without a region come from where AT buys them.",
        "2 of 3 lines are not in the result, since they match no product: 2.0000 EUR and "
        "5.0000 GBP.",
    )
    stated = ledger.assign(currency="EUR", year=2019, region="AT")[:1]
    assert cf.purchases(world(), stated).notes == ()


def test_lines_that_match_nothing_are_findings() -> None:
    table = world()
    rows = [("Bread", "", ""), ("", "", ""), ("Wheat", "Atlantis", ""), ("", "", "Unheard"),
            ("Wheat", "", "paper"), ("", "", "Paper")]  # fmt: skip
    ledger = pd.DataFrame(rows, columns=["product", "region", "category"]).assign(amount=1.0)
    found = cf.purchases(table, ledger, categories={"paper": "Wheat"})
    lost = found.unmatched
    assert list(lost.line) == [1, 2, 3, 4]
    beginnings = [
        "the table has no product 'Bread'; nearest are ",
        "the line has neither product",
        "the table has no region 'Atlantis'; ",
        "the mapping has no category 'Unheard'; ",
    ]
    for finding, beginning in zip(lost.finding, beginnings, strict=True):
        assert finding.startswith(beginning)
    assert list(found.categories.lines) == [2]  # paper and Paper
    assert found.lines.emissions.isna().sum() == 4
    mixed = table.with_changes(row_units=["t", *["M.EUR"] * (table.n - 1)])
    lost = cf.purchases(mixed, pd.DataFrame({"product": "Paddy rice", "region": ["AT", "BE"],
                                             "amount": 1.0})).unmatched  # fmt: skip
    assert list(lost.finding) == ["'Paddy rice' is in t, not in money"]


def test_a_group_of_countries_and_a_carbon_price() -> None:
    table = world()
    ledger = pd.DataFrame({"product": ["Wheat"], "amount": [1e6], "region": ["EU27"]})
    group = cf.purchases(table, ledger)
    everywhere = cf.purchases(table, ledger.assign(region=""))
    assert group.total == everywhere.total  # Austria, Belgium and Bulgaria are all there is
    share = group.emitters.share
    assert group.price_coverage(["AT", "Belgium"]) == pytest.approx(share["AT"] + share["BE"])
    assert group.price_coverage("EU27") == 1.0
    nothing = cf.purchases(table, ledger.assign(amount=0.0))
    assert nothing.total == nothing.error_bound * 0 == 0.0
    assert np.isnan(nothing.price_coverage("AT"))


def test_the_number_of_lines_costs_no_solve(monkeypatch: pytest.MonkeyPatch) -> None:
    from carbonflows_fast.spending import _solved

    table, solved, right = world(), _solved.solve_multipliers, []

    def counted(table: cf.Table, sides: Any, *rest: Any) -> Any:
        right.append(len(sides))
        return solved(table, sides, *rest)

    monkeypatch.setattr(_solved, "solve_multipliers", counted)
    for lines in (1, 5_000):
        ledger = pd.DataFrame({"product": ["Wheat"] * lines, "amount": 1.0})
        cf.purchases(table, ledger)
    assert right == [3, 3]  # one for each region, however many lines


def test_bounds_are_relative_to_the_ledger() -> None:
    table = cf.synthetic.world(4, 20)
    for amount in (1e-6, 1.0, 1e15):
        ledger = pd.DataFrame({"product": table.content.sectors[:3], "amount": amount})
        found = cf.purchases(table, ledger)
        assert 0 < found.error_bound < 1e-9 * found.total
