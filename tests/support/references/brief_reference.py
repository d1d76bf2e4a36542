"""The cards of a report and its comparison with the study, from the references of its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from support.references import trade_reference
from support.references.reference import Array

from carbonflows_fast.classification import STUDIES, country_of, regions_in, study_sectors
from carbonflows_fast.errors import LabelError

if TYPE_CHECKING:
    from support.references.report_reference import Checker

# Typed from the study, not read from the library.
STUDY_2004 = {
    "Emissions that cross a border, of all emissions": "about 25 %",
    "Commodities, of commodities and products that cross a border": "about half",
    "China: emissions for other countries, of what it emits": "about 23 %",
    "United Kingdom: net imports, of what it emits": "34 %",
    "Germany: net imports, of what it emits": "29 %",
    "Japan: net imports, of what it emits": "19 %",
    "United States: net imports, of what it emits": "13 %",
    "France: net imports, of what it emits": "43 %",
    "Sweden: net imports, of what it emits": "61 %",
    "Clothing: emitted in another country than the one that consumes": "over half",
    "Aluminium consumed in Europe: emitted where the EU emissions trading system has a price on "
    "carbon": "about a third",
}
COUNTRIES = ("CHN", "GBR", "DEU", "JPN", "USA", "FRA", "SWE")  # of these questions


def expected_cards(
    accounts: pd.DataFrame,
    border: dict[str, float],
    final: dict[str, float],
    abroad: dict[str, float],
) -> tuple[dict[str, float], dict[str, float], dict[str, str]]:
    """Return amounts, shares and regions that the cards name, by their names in the page."""
    both = border["commodity"] + border["product"], final["commodity"] + final["product"]
    crossing = sum(border.values())
    shares = {
        "commodities_at_border": border["commodity"] / both[0],
        "commodities_when_bought": final["commodity"] / both[1],
        "energy_at_border": border["energy"] / crossing,
        "services_at_border": border["service"] / crossing,
    } | {f"{name}_abroad": value for name, value in abroad.items()}
    first = accounts.exports.idxmax()
    amounts = {"exporter_amount": accounts.exports[first]}
    shares["exporter_share"] = accounts.exports[first] / accounts.production[first]
    texts = {"exporter": str(first)}
    for kind, sign in (("importer", 1), ("exporter", -1)):
        net = (sign * accounts.net_imports).sort_values(ascending=False)
        named = net[net > 0].index[:6]
        if len(named):
            amounts[f"net_{kind}_amount"] = net[named[0]]
        for at, region in enumerate(named, start=1):
            texts[f"net_{kind}_{at}"] = str(region)
            shares[f"net_{kind}_{at}_share"] = (
                accounts.net_imports[region] / accounts.production[region]
            )
    return amounts, shares, texts


def expected_answers(
    page_year: int | None, accounts: pd.DataFrame, traded: float, commodities: float,
    studies: dict[str, Array], sectors: list[str],
) -> list[float]:  # fmt: skip
    """Return the answers of a world table to the questions of the study, in its order.

    `studies` are emitted × made × consumed of each study with sectors of its own.
    """
    regions = list(accounts.index)
    places = {country_of(region): region for region in regions}
    own = [places[country] for country in COUNTRIES]
    net = accounts.net_imports / accounts.production
    made = {study_sectors(name, sectors)[0]: name for name in reversed(STUDIES)}
    clothing, metals = (
        studies[made[study_sectors(name, sectors)[0]]] for name in ("clothing", "aluminium")
    )
    answers = [traded, commodities, accounts.exports[own[0]] / accounts.production[own[0]],
               *net[own[1:]]]  # fmt: skip
    answers.append(trade_reference.crossing(clothing, 0, 2))
    try:
        inside = regions_in(regions, f"EU ETS {page_year}")
    except LabelError:  # there was no such system, so no question
        return answers
    return [*answers, trade_reference.priced(metals, inside)]


def check(checker: Checker) -> None:
    """Check the cards, and what is beside the answers of the study."""
    steps = {name: found["steps"] for name, (found, _) in checker.known.items()}
    abroad = {name: trade_reference.crossing(step, 0, 2) for name, step in steps.items()}
    amounts, shares, texts = expected_cards(checker.expected, checker.border, checker.final, abroad)
    for name, value in amounts.items():
        checker.figure(name, value)
    for name, value in shares.items():
        checker.ratio(name, value)
    page, table = checker.page, checker.table
    assert page.texts == texts
    if not set(COUNTRIES) <= set(checker.regions) or "CO2" not in table.stressors[0]:
        return  # another question than that of the study
    answers = expected_answers(
        table.year, checker.expected, page.figures["traded_share_all"],
        shares["commodities_at_border"], steps, checker.reference.sectors,
    )  # fmt: skip
    rows = checker.rows("study")
    asked = [(row["question"], row["published"].replace("\xa0", " ")) for row in rows]
    assert asked == [*STUDY_2004.items()][: len(answers)]
    checker.column("study", "found", answers, 1e-9)
