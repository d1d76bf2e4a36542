"""Purchases and factors, and what they claim about their error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from flint import arb, arb_mat
from support.exact.exact_case import Case, Claim
from support.exact.exact_chains import _layers
from support.references.exact_reference import any_sum, exact, summed

import carbonflows_fast as cf

OWN = 2019


class _Money:
    """How a case's table counts money, and what one unit of it buys, without rounding."""

    def __init__(self, case: Case) -> None:
        rng, table = case.rng, case.table
        self.unit = str(rng.choice(["EUR", "k EUR", "M.EUR"]))
        self.power = {"EUR": 0, "k EUR": 3, "M.EUR": 6}[self.unit]
        self.table = table.with_changes(row_units=self.unit, year=OWN)
        self.rate, self.index = float(rng.uniform(0.1, 10)), float(rng.uniform(50, 200))
        self.options: dict[str, Any] = {
            "currency": "GBP", "exchange": {"GBP": self.rate}, "year": 2023,
            "price_index": {OWN: 100.0, 2023: self.index},
        }  # fmt: skip
        self.shares = [1.0, 0.0, 0.0]
        x = np.maximum(table.x.to_numpy(), 0.0)
        self.x, self.region = x, list(table.rows.get_level_values("region"))
        sums = [summed(arb(v) for v, q in zip(x.tolist(), self.region) if q == r)
                for r in table.regions]  # fmt: skip
        self.output = dict(zip(table.regions, sums, strict=True))
        if rng.random() < 0.5 and all(value > 0 for value in sums):
            self.shares = [0.5, 0.25, 0.125]
            suppliers = np.ones(table.n, bool)
            self.options |= {
                "valuation": "purchaser",
                "margins": pd.DataFrame([("", *self.shares, 0.125)], columns=[
                    "sector", "basic", "trade", "transport", "taxes"]),
                "margin_sectors": {"trade": suppliers, "transport": suppliers},
            }  # fmt: skip

    def demand(self, row: int, amount: float) -> arb_mat:
        """What an amount spent on a row is, at basic prices, (n, 1)."""
        paid = arb(amount) * arb(self.rate) * 100 / arb(self.index) / 10**self.power
        basic, trade, transport = self.shares
        margins = arb(trade) + arb(transport)
        y = [arb(0)] * self.table.n
        y[row] += paid * arb(basic)
        if margins > 0:
            r = self.region[row]
            for j, q in enumerate(self.region):
                if q == r:
                    y[j] += paid * margins * arb(float(self.x[j])) / self.output[r]
        return arb_mat(self.table.n, 1, y)


def purchases(case: Case) -> Iterator[Claim]:
    money, rng, true = _Money(case), case.rng, case.true
    rows = rng.integers(0, case.table.n, int(rng.integers(1, 6)))
    amounts = rng.normal(size=rows.size) * 10.0 ** rng.uniform(-3, 12)
    labels = money.table.rows[rows].to_frame(index=False)
    ledger = labels.rename(columns={"sector": "product"}).assign(amount=amounts)
    found = cf.purchases(money.table, ledger, case.stressor, **money.options, **case.accuracy())
    bound, s = found.error_bound, exact([case.s])
    bought = [money.demand(row, amount) for row, amount in zip(rows.tolist(), amounts.tolist())]
    each = [(s * true.L * y).entries()[0] for y in bought]
    y = bought[0]
    for more in bought[1:]:
        y += more
    total = summed(each)
    yield Claim("total", abs(arb(found.total) - total), bound)
    errors = [arb(v) - t for v, t in zip(found.lines.emissions.tolist(), each)]
    yield Claim("lines", any_sum(errors), bound)
    emitted = true.by_region(true.times(case.s, true.L * y)).entries()
    by_region = found.emitters.emissions.reindex(list(money.table.regions))
    yield Claim("emitters", any_sum([arb(v) - t for v, t in zip(by_region, emitted)]), bound)
    direct = (s * y).entries()[0]
    first = (s * true.A * y).entries()[0]
    parts = found.categories[["direct", "tier_1", "rest"]].sum().tolist()
    for name, value, exactly in zip(("direct", "tier 1", "rest"), parts,
                                    (direct, first, total - direct - first)):  # fmt: skip
        yield Claim(name, abs(arb(value) - exactly), bound)
    yield from _layers(case, y, found.tiers)


def factors(case: Case) -> Iterator[Claim]:
    money, true = _Money(case), case.true
    found = cf.factors(money.table, case.stressor, **money.options, **case.accuracy())
    s, scale = exact([case.s]), 10**money.power
    for row in range(case.table.n):
        y = money.demand(row, 1.0) * arb(scale)  # a factor is in the unit of x over that of money
        m, direct, first = ((v * y).entries()[0] for v in (s * true.L, s, s * true.A))
        at = found.iloc[row]
        values = {"factor": m, "direct": direct, "tier_1": first, "rest": m - direct - first}
        for name, value in values.items():
            yield Claim(name, abs(arb(float(at[name])) - value), float(at["error_bound"]))
