"""What a price on emissions does: who pays and collects, and whose costs rise most."""

from __future__ import annotations

from typing import Final

import pandas as pd

from carbonflows_fast import figures
from carbonflows_fast.classification._currencies import unit_of_money
from carbonflows_fast.errors import shorten
from carbonflows_fast.prices import PriceEffects
from carbonflows_fast.reporting._html import (
    Column,
    Html,
    Section,
    amount,
    paragraph,
    section,
    share,
    table,
)
from carbonflows_fast.reporting._results import Results
from carbonflows_fast.reporting._svg import picture

__all__ = ["prices"]

LISTED: Final = 20  # sectors
NAMED: Final = 5  # regions with the price


def prices(results: Results) -> Section | None:
    """Show what a price on emissions does."""
    found = results.prices
    if found is None:
        return None
    drawing = picture(
        "payers",
        "Who pays the price in the end",
        "What final users of each region pay in all; red is collected by another region.",
        lambda: figures.payers(found, names=results.places.names),
    )
    parts = [*_lead(results, found), drawing, _payers(results, found)]
    return section("prices", "What a carbon price would do", *parts, _exposed(results, found))


def _lead(results: Results, found: PriceEffects) -> list[Html]:
    where = shorten([results.places.name(region) for region in found.regions], NAMED)
    said = [
        f"A price of {_price(found)} of {found.stressor} in {where}",
        f"{_border(found)} would collect ",
        amount("price_collected", found.collected, found.unit),
        ", of which ",
        share("price_crossing", found.crossing_share),
        " is paid in another region than it is collected in. Producers are taken to pass on the "
        "whole cost, and nobody to buy less or elsewhere, so real effects are smaller. No amount "
        "is wrong by more than ",
        amount("price_bound", found.error_bound, found.unit),
        ".",
    ]
    lost = found.unallocated
    more = [
        "Final users pay ",
        amount("price_paid", found.paid, found.unit),
        "; ",
        amount("price_unallocated", lost, found.unit),
        " is collected on output that serves no final demand of the table.",
    ]
    return [paragraph(*said), *([paragraph(*more)] if abs(lost) > found.error_bound else [])]


def _price(found: PriceEffects) -> str:
    """Say how much is charged for what."""
    if found.per == "unit":
        return f"{found.price:g} {found.unit} for a unit"
    money = unit_of_money(found.unit)
    currency = f" {money[0]}" if money else ""
    return f"{found.price:g}{currency} for a {'tonne' if found.per == 't' else found.per}"


def _border(found: PriceEffects) -> str:
    revenue = found.revenue
    parts = ["a charge at the border"] if revenue["border"].any() else []
    parts += ["a rebate for exports"] if revenue["rebates"].any() else []
    return f", with {' and '.join(parts)}," if parts else ""


def _payers(results: Results, found: PriceEffects) -> Html:
    paid = found.payments[["spending", "paid"]].groupby(level="region", sort=False).sum()
    revenue = found.revenue.reindex(paid.index).fillna(0.0)
    frame = pd.concat([paid, revenue], axis="columns")
    frame = frame.sort_values("paid", ascending=False, kind="stable")
    kept = {"emissions": "Collected on emissions", "border": "At the border", "rebates": "Rebates"}
    spending = frame["spending"].where(frame["spending"] > 0)
    columns = [
        results.places.column("region", "Region", frame.index),
        Column("paid", "Paid", frame["paid"].tolist(), total=found.paid),
        Column("of_spending", "Of spending", (frame["paid"] / spending).tolist(), "share"),
    ]
    columns += [
        Column(name, head, frame[name].tolist(), total=float(frame[name].sum()))
        for name, head in kept.items()
        if name == "emissions" or frame[name].any()
    ]
    return table(
        "price_payers",
        "What final users pay, and what regions collect",
        columns,
        found.unit,
        total=results.places.total,
    )


def _exposed(results: Results, found: PriceEffects) -> Html:
    frame = found.exposure.dropna(subset="share")
    frame = frame.sort_values("share", ascending=False, kind="stable").head(LISTED)
    regions, sectors = (frame.index.get_level_values(level) for level in ("region", "sector"))
    columns = [
        Column("sector", "Sector", [str(one) for one in sectors], "text", wide=True),
        results.places.column("region", "Region", regions),
        Column("cost", "Cost", frame["cost"].tolist()),
        Column("share", "Of value added", frame["share"].tolist(), "share"),
        Column("trade_intensity", "Trade intensity", frame["trade_intensity"].tolist(), "share"),
    ]
    if not frame["share"].equals(frame["share_without_border"]):
        without = frame["share_without_border"].tolist()
        head = "Without the border"
        columns.insert(4, Column("share_without_border", head, without, "share"))
    return table(
        "price_exposure",
        f"The {len(frame)} sectors with the largest cost over value added",
        columns,
        found.unit,
    )
