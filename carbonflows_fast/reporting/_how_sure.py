"""How sure the answers are, for errors of the data that were stated: ±, statements, ranks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd

from carbonflows_fast._base.wording import chance, count, percent
from carbonflows_fast.reporting._html import (
    Column,
    Html,
    Section,
    amount,
    element,
    full,
    joined,
    number,
    paragraph,
    section,
    table,
    unbroken,
)
from carbonflows_fast.reporting._results import Results
from carbonflows_fast.reporting._stated_errors import DATA
from carbonflows_fast.uncertainties import Difference, Uncertainty
from carbonflows_fast.uncertainties._total import Total

__all__ = ["how_sure", "plus_minus", "sureness", "verdict"]

SURE: Final = 0.99
LIKELY: Final = 0.9
APART: Final = 0.95  # two regions are told apart in a ranking
LEVEL: Final = 0.9  # of the ranges
NAMED: Final = 3  # net importers, and exporters, that have a sentence
NEIGHBOURS: Final = 5  # largest consumers that are compared, each with the next


def verdict(probability: float) -> str:
    """Say how sure a statement is.

    >>> verdict(0.9999), verdict(0.97), verdict(0.617)
    ('sure (p > 0.99)', 'likely (p = 0.97)', 'open (p = 0.62)')
    """
    said = chance(probability)
    return f"{_word(probability)} (p {said if said[0] in '<>' else f'= {said}'})"


def _word(probability: float) -> str:
    return "sure" if probability > SURE else "likely" if probability >= LIKELY else "open"


def plus_minus(figure: str, sd: float, unit: str, beside: float) -> Html:
    """Return a standard deviation to write after a value, on the value's scale."""
    said = amount(f"{figure}_sd", sd, unit, beside=beside)
    return element("span", " ±\N{NO-BREAK SPACE}", said, class_="unit")


def sureness(results: Results, figure: str, region: str) -> Html:
    """Return how sure it is that a region is the net importer, or exporter, that it seems to be."""
    assert results.sure is not None
    p = _balance_of(results.sure, region)[1]
    said = element("data", _word(p), value=full(p), data_figure=figure, data_value=full(p))
    return element("span", " ", said, class_="reason")


def _balance_of(sure: Uncertainty, region: str) -> tuple[float, float]:
    """Return the net imports of a region, and the probability that they have this sign."""
    value = float(sure.value["net_imports"][region])
    above = float(sure.probability()["net_imports"][region])
    return value, above if value > 0 else 1.0 - above


def how_sure(results: Results) -> Section | None:
    """Say which figures, statements and ranks the errors of the data leave standing."""
    if results.sure is None:
        return None
    lead = paragraph(
        "The data behind these numbers have errors. This section takes those listed under ",
        element("a", "Method and data", href="#method"),
        " and says what they leave open. If they are right, the true number is within ±, one "
        "standard deviation, two times in three, and within the range nine times in ten. p is the "
        "probability that a statement is true: sure above 0.99, likely from 0.9 on, open below.",
    )
    parts = [lead, _figures(results, results.sure)]
    if len(results.table.regions) > 1:
        parts += [_statements(results, results.sure), _balances(results, results.sure)]
        parts.append(_ranks(results, results.sure))
    if results.change is not None and results.change.sure is not None:
        parts.append(_moves(results, results.change.sure, results.change.names))
    return section("sure", "How sure is it?", *parts)


def _figures(results: Results, sure: Uncertainty) -> Html:
    """Return the headline figures with their ranges."""
    found = {
        f"Emitted in {results.places.all}": sure.total("production"),
        "Emitted by industries": sure.industries(),
    }
    importers = list(map(str, results.flows.net_importers().index))
    if importers:
        found["Net imports of all net importers"] = sure.total("net_imports", importers)
    if len(results.table.regions) > 1:
        region = str(results.accounts["exports"].idxmax())
        value, sd = (float(frame["exports"][region]) for frame in (sure.value, sure.sd))
        name = f"Exports of {results.places.name(region)}, the largest exporter"
        found[name] = Total(value, sd, results.unit)
    ends = [one.interval(LEVEL) for one in found.values()]
    relative = [one.sd / abs(one.value) if one.value else np.nan for one in found.values()]
    columns = [
        Column("figure", "Figure", list(found), "text"),
        Column("value", "Value", [one.value for one in found.values()]),
        Column("sd", "±", [one.sd for one in found.values()]),
        Column("relative", "± in per cent", relative, "share"),
        Column("low", "Range from", [low for low, _ in ends]),
        Column("high", "to", [high for _, high in ends]),
    ]
    return table("sure_figures", "Headline figures and how sure they are", columns, results.unit)


# ---- statements ----------------------------------------------------------------------------------


def _statements(results: Results, sure: Uncertainty) -> Html:
    """Return sentences with their probabilities, and how many regions are open."""
    chances = [_balance_of(sure, str(region)) for region in sure.value.index]
    known = [value for value, p in chances if p > SURE and value]
    importers = sum(value > 0 for value in known)
    doubtful = len(chances) - len(known)
    settled = (
        f"{count(importers, 'region')} surely on balance imported emissions, and "
        f"{count(len(known) - importers, 'region')} surely exported them. "
        f"{f'For {doubtful}' if doubtful else 'For none'} the errors leave some doubt."
    )
    items = [
        element("li", text, ": ", number(figure, p, verdict(p)), ".")
        for figure, text, p in _sentences(results, sure)
    ]
    return joined([paragraph(settled), element("ul", *items)])


def _sentences(results: Results, sure: Uncertainty) -> Iterator[tuple[str, str, float]]:
    """Return name, statement and probability: of the largest balances and of neighbours."""
    name = results.places.name
    for kind, frame in (
        ("importer", results.flows.net_importers()),
        ("exporter", results.flows.net_exporters()),
    ):
        for at, region in enumerate(map(str, frame.index[:NAMED]), start=1):
            p = _balance_of(sure, region)[1]
            yield f"sure_{kind}_{at}", f"{name(region)} is a net {kind}", p
    largest = sure.value["consumption"].nlargest(NEIGHBOURS).index
    larger = sure.probability_larger()
    for at, (one, other) in enumerate(pairwise(map(str, largest)), start=1):
        text = f"{name(one)} consumes more than {name(other)}"
        yield f"sure_neighbour_{at}", text, float(larger.loc[one, other])


def _balances(results: Results, sure: Uncertainty) -> Html:
    """Return the net imports of every region with their ranges and what can be said."""
    ordered = sure.value["net_imports"].sort_values(ascending=False, kind="stable")
    low, high = (side["net_imports"][ordered.index] for side in sure.interval(LEVEL))
    said, chances = [], []
    for region in map(str, ordered.index):
        value, p = _balance_of(sure, region)
        kind = "net importer" if value > 0 else "net exporter" if value < 0 else "neither"
        said.append(f"{kind}, {verdict(p)}" if value else kind)
        chances.append(p)
    columns = [
        results.places.column("region", "Region", ordered.index),
        Column("net_imports", "Net imports", ordered.tolist(), "change"),
        Column("sd", "±", sure.sd["net_imports"][ordered.index].tolist()),
        Column("low", "Range from", low.tolist(), "change"),
        Column("high", "to", high.tolist(), "change"),
        Column("said", "What can be said", said, "text"),
    ]
    return table("sure_balances", "Who is surely a net importer or exporter", columns, results.unit)


# ---- ranks ---------------------------------------------------------------------------------------


def ranks(larger: pd.DataFrame) -> list[tuple[int, int]]:
    """Return the best and the worst rank that each region may have.

    Only regions that are told apart with 95 % count: `larger` has the probabilities that a row's
    region has more than a column's.

    >>> nan, regions = float("nan"), ["AT", "BE", "BG"]
    >>> p = [[nan, 0.6, 0.99], [0.4, nan, 0.97], [0.01, 0.03, nan]]
    >>> ranks(pd.DataFrame(p, regions, regions))
    [(1, 2), (1, 2), (3, 3)]
    """
    above = (larger >= APART).to_numpy()
    best, worst = 1 + above.sum(axis=0), len(above) - above.sum(axis=1)
    return list(zip(best.tolist(), worst.tolist(), strict=True))


def _ranks(results: Results, sure: Uncertainty) -> Html:
    """Return consumption and production with the ranks that are open."""
    ordered = sure.value["consumption"].sort_values(ascending=False, kind="stable").index
    columns = [results.places.column("region", "Region", ordered)]
    for account in ("consumption", "production"):
        found = pd.Series(ranks(sure.probability_larger(account)), sure.value.index)[ordered]
        shown = [f"{best}" if best == worst else f"{best}–{worst}" for best, worst in found]
        head = account.capitalize()
        columns += [
            Column(account, head, sure.value[account][ordered].tolist()),
            Column(f"{account}_sd", "±", sure.sd[account][ordered].tolist()),
            Column(f"{account}_rank", "Rank", shown, "text"),
        ]
    columns.append(Column("source", "Error that matters most", _sources(sure, ordered), "text"))
    listed = table("sure_ranks", "Ranks that the errors leave open", columns, results.unit)
    about = paragraph(
        "Rank 2–4 means that the order of these places is open. Two regions are told apart where "
        "one has more with a probability of at least 0.95; errors that they share do not change "
        "their order. The last column is about consumption."
    )
    return joined([about, listed])


def _moves(results: Results, moved: Difference, names: tuple[str, str]) -> Html:
    """Return how sure it is that the consumption of each region rose or fell."""
    ordered = moved.value["consumption"].sort_values(key=np.abs, ascending=False, kind="stable")
    rose = moved.probability()["consumption"][ordered.index]
    said = []
    for value, p in zip(ordered, rose, strict=True):
        word = "rose" if value > 0 else "fell" if value < 0 else "stayed"
        said.append(f"{word}, {verdict(p if value > 0 else 1.0 - p)}" if value else word)
    columns = [
        results.places.column("region", "Region", ordered.index),
        Column("change", "Change of consumption", ordered.tolist(), "change"),
        Column("sd", "±", moved.sd["consumption"][ordered.index].tolist()),
        Column("said", "What can be said", said, "text"),
    ]
    listed = table("sure_changes", "Whose consumption surely rose or fell", columns, results.unit)
    about = paragraph(
        f"From {names[0]} to {names[1]}, a shared error is the same in both, so that what it moves "
        "alike cancels. Errors of cells are independent in the two."
    )
    return joined([about, listed])


def _sources(sure: Uncertainty, regions: pd.Index) -> list[str]:
    """Return the source of most of the variance of each consumption, with its share."""
    shares = sure.by_source.xs("consumption", level="account").loc[regions]
    names = shares.fillna(0.0).idxmax(axis=1)
    return [
        f"{DATA.get(name, name)}, {unbroken(percent(one))}" if one > 0 else "none"
        for name, one in zip(names, shares.max(axis=1).fillna(0.0), strict=True)
    ]
