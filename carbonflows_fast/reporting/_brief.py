"""The first section: the questions of the study, answered by cards, with its published figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pandas as pd

from carbonflows_fast._base.wording import NOT_KNOWN
from carbonflows_fast.classification import country_of
from carbonflows_fast.errors import LabelError
from carbonflows_fast.reporting._how_sure import plus_minus, sureness
from carbonflows_fast.reporting._html import (
    Column,
    Html,
    Section,
    amount,
    element,
    headed,
    joined,
    number,
    paragraph,
    section,
    share,
    table,
    unbroken,
)
from carbonflows_fast.reporting._published import CLAIMS, COUNTRIES, NET_IMPORTS, SOURCE, YEAR
from carbonflows_fast.reporting._results import Results, Study
from carbonflows_fast.reporting._signs import part
from carbonflows_fast.synthetic._world import NAME as INVENTED

__all__ = ["priced", "summary"]

NAMED = 6  # net importers and exporters in a card
CO2: Final = re.compile(r"co2|co₂|carbon dioxide", re.IGNORECASE)
OTHER_GASES: Final = re.compile(r"eq|gwp|ghg|ch4|n2o|biogenic", re.IGNORECASE)


def summary(results: Results) -> Section:
    """Answer the questions of the study."""
    lead = paragraph(
        "Products are made in one place and used in another. This report follows ",
        element("strong", results.stressor),
        " from where it is emitted to where the product that caused it is finally bought: by "
        "households, governments or investors, at the end of a supply chain of any length. What is "
        "emitted to make a product is said to be embodied in it.",
        class_="lead",
    )
    cards, lists = [_world(results), _border(results)], []
    if len(results.table.regions) > 1:
        cards += [_classes(results), *_exporter(results)]
        lists = _balances(results)
    if results.change is not None:
        cards.append(_growth(results))
    lists.append(_sectors(results))
    parts = [lead, *(element("div", *some, class_="cards") for some in (cards, lists))]
    if results.mixed:
        parts.append(
            paragraph(
                "Some emissions or purchases in this table are below zero, so that totals are "
                "what is left when parts cancel. A share of such a total says nothing; "
                f"where one would be, the report has {NOT_KNOWN}.",
                class_="note",
            )
        )
    elif results.below_zero:
        parts.append(
            paragraph(
                "Some flows between regions are below zero. An amount is what is left when all "
                "are added up, and a share of what is traded is one of sizes, where none is "
                "below zero: the two differ.",
                class_="note",
            )
        )
    return section("summary", "In brief", *parts, _beside_the_study(results))


def _card(head: str, value: str, *about: str) -> Html:
    return element(
        "div",
        element("h3", head),
        paragraph(value, class_="headline"),
        paragraph(*about),
        class_="card",
    )


def _list_card(head: str, about: str, *rows: tuple[str, str], end: str = "") -> Html:
    items = (element("li", element("span", name), " ", value) for name, value in rows)
    ranks = [element("ul", *items, class_="ranks")] if rows else []
    return element("div", element("h3", head), *ranks, paragraph(about, end), class_="card")


def _world(results: Results) -> Html:
    world, sd = float(results.accounts["production"].sum()), Html()
    if results.sure is not None:
        sd = plus_minus("world_emissions", results.sure.total("production").sd, results.unit, world)
    return _card(
        f"Emitted in {results.places.all}",
        joined([amount("world_emissions", world, results.unit), sd]),
        "By industries, for anybody's final purchases, and by households directly."
        if results.emitted_by_households
        else "By industries, for anybody's final purchases; the table has no emissions of "
        "households.",
    )


def _border(results: Results) -> Html:
    crossing, sd = float(results.accounts["exports"].sum()), Html()
    if results.sure_share is not None and not results.mixed:
        value = share("traded_share_all_sd", float(results.sure_share.sd.traded_share["all"]))
        sd = element("span", " ±\N{NO-BREAK SPACE}", value, class_="unit")
    return _card(
        "Crosses a border",
        joined([share("traded_share_all", results.known(results.flows.traded_share_all)), sd]),
        "Of all emissions: ",
        amount("traded", crossing, results.unit),
        " happen in one region to make what another region finally buys."
        if len(results.table.regions) > 1
        else ", as the table has one region and no other to trade with.",
    )


def _classes(results: Results) -> Html:
    head = "Commodities : products"
    if results.split is None:
        return _card(
            head,
            NOT_KNOWN,
            "No classification that the library has knows all sectors of the "
            "table, so goods cannot be told apart.",
        )
    border, final = results.split["by_border_product"], results.split["by_final_product"]
    both = ["commodity", "product"]
    if not (border[both] != 0).all():
        return _card(
            head, NOT_KNOWN, "The table has no trade in one of the two: see the table of classes."
        )
    return _card(
        head,
        _ratio("commodities_at_border", results.known(part(border["commodity"], border[both]))),
        "By the product that crosses the border. By the product that is finally bought it is ",
        _ratio("commodities_when_bought", results.known(part(final["commodity"], final[both]))),
        ". Energy and services, ",
        share("energy_at_border", results.known(part(border["energy"], border))),
        " and ",
        share("services_at_border", results.known(part(border["service"], border))),
        " of what crosses the border, are neither.",
    )


def _ratio(figure: str, value: float) -> Html:
    """Write a share and the rest of the whole as "46 : 54"."""
    first = 0 if value != value else round(100 * value)
    return number(figure, value, NOT_KNOWN if value != value else f"{first} : {100 - first}")


def _exporter(results: Results) -> list[Html]:
    frame = results.accounts
    region = str(frame["exports"].idxmax())
    exported = float(frame["exports"][region])
    if exported <= 0:
        return []
    sd = Html()
    if results.sure is not None:
        given = float(results.sure.sd["exports"][region])
        sd = plus_minus("exporter_amount", given, results.unit, exported)
    return [
        _card(
            "Largest exporter",
            element("span", results.places.name(region), data_text="exporter", data_value=region),
            "Emits ",
            amount("exporter_amount", exported, results.unit),
            sd,
            " to make what other regions finally buy, ",
            share("exporter_share", results.of_own(region, exported)),
            " of all that it emits.",
        )
    ]


def _balances(results: Results) -> list[Html]:
    """Name the largest net importers and exporters, each with its share."""
    cards = []
    for kind, does, frame in (
        ("importer", "consumes more than it emits", results.flows.net_importers()),
        ("exporter", "emits more than it consumes", results.flows.net_exporters()),
    ):
        if not len(frame):
            continue
        rows = []
        for at, region in enumerate(map(str, frame.index[:NAMED]), start=1):
            name = element(
                "span", results.places.name(region), data_text=f"net_{kind}_{at}", data_value=region
            )
            of = float(results.accounts["net_share"][region])
            value = share(f"net_{kind}_{at}_share", of, sign=True)
            if results.sure is not None:
                value = element(
                    "span", value, sureness(results, f"net_{kind}_{at}_probability", region)
                )
            rows.append((name, value))
        size = abs(float(frame["net_imports"].iloc[0]))
        first = amount(f"net_{kind}_amount", size, results.unit)
        if results.sure is not None:
            sd = float(results.sure.sd["net_imports"][frame.index[0]])
            first = joined([first, plus_minus(f"net_{kind}_amount", sd, results.unit, size)])
        said = f"A net {kind} {does}, {results.places.name(str(frame.index[0]))} by "
        end = joined([first, ". In per cent of what each emits; the largest amounts come first."])
        if results.sure is not None:
            meant = element("a", "How sure is it?", href="#sure")
            end = joined([end, " What sure, likely and open mean: ", meant])
        cards.append(_list_card(f"Net {kind}s", said, *rows, end=end))
    return cards


def _sectors(results: Results) -> Html:
    rows = [(study.name.capitalize(), _abroad(study)) for study in results.studies]
    why = element("a", "Which sectors are meant", href="#studies")
    if not any(study.result is not None for study in results.studies):
        return _list_card(
            "Five sectors",
            "The study's sectors are steel, aluminium, automotive, clothing and "
            "cotton. None of them is a sector of this table. ",
            end=joined([element("a", "Why", href="#studies"), "."]),
        )
    return _list_card(
        "Five sectors",
        "Of the emissions of all supply chains through each sector, the part that is emitted in "
        "another region than the one that consumes the final product. ",
        *rows,
        end=joined([why, "."]),
    )


def _abroad(study: Study) -> Html:
    if study.same_as:
        return element("span", f"the same sector as {study.same_as}", class_="reason")
    if study.result is None:
        return element("span", "not a sector of this table", class_="reason")
    return share(f"{study.name}_abroad", study.shares["emitted → consumed"])


def _growth(results: Results) -> Html:
    assert results.change is not None
    world = float(results.accounts["production"].sum())
    then = float(results.change.accounts["production"].sum())
    before, after = results.change.names
    known = not (results.mixed or results.change.mixed) and then > 0
    return _card(
        f"Change from {before} to {after}",
        share("world_growth", world / then - 1 if known else float("nan"), sign=True),
        f"{headed(results.places.all)} emitted ",
        amount("world_change", abs(world - then), results.unit),
        f" {'more' if world >= then else 'less'} in {after} than in {before}.",
    )


# ---- beside the study ----------------------------------------------------------------------------


def _beside_the_study(results: Results) -> str:
    """Set the published figures beside those of the table, where both are about the same."""
    regions = {region: country_of(region) for region in results.table.regions}
    known = list(regions.values())  # a country in parts has no number of its own
    places = {country: region for region, country in regions.items() if known.count(country) == 1}
    if not _is_comparable(results, places):
        return ""
    rows = [row for row in _rows(results, places) if row[2] == row[2]]
    year = results.table.year
    listed = table(
        "study",
        f"The questions of {SOURCE}, and their answers",
        [
            Column("question", "Question", [row[0] for row in rows], "text"),
            Column("published", f"The study, {YEAR}", [row[1] for row in rows], "text"),
            Column(
                "found",
                f"This table, {year}" if year is not None else "This table",
                [row[2] for row in rows],
                "share",
            ),
        ],
    )
    about = paragraph(
        "The two may differ, for they come from different databases"
        + ("" if year == YEAR else " and years")
        + ": other regions, sectors and emission accounts. A net number is the small difference of "
        "two large ones, and moves most. The study's Europe and its sectors are not those of this "
        "table in every detail.",
        class_="note",
    )
    return joined([listed, about])


def _is_comparable(results: Results, places: dict[str | None, str]) -> bool:
    """Tell whether the table is one of CO2 in the world, with the countries of the study."""
    carbon_dioxide = CO2.search(results.stressor) and not OTHER_GASES.search(results.stressor)
    real = results.table.name != INVENTED
    return bool(carbon_dioxide and real and not results.mixed and places.keys() >= COUNTRIES)


def _rows(results: Results, places: dict[str | None, str]) -> Iterator[tuple[str, str, float]]:
    """Return question, published answer, and answer of the table (NaN if it has none)."""
    studies = {study.name: study for study in results.studies}
    found = {"traded": results.flows.traded_share_all}
    if results.split is not None:
        border = results.split["by_border_product"]
        found["commodities"] = part(border["commodity"], border[["commodity", "product"]])
    china = places["CHN"]
    exports: pd.Series = results.accounts["exports"]
    found["exporter"] = results.of_own(china, float(exports[china]))
    if studies["clothing"].result is not None:
        found["clothing"] = studies["clothing"].shares["emitted → consumed"]
    covered = priced(results, studies["aluminium"])
    if covered is not None:
        found["aluminium"] = covered
    for name, claim in CLAIMS.items():
        if name in found:
            yield claim.question, claim.answer, found[name]
        if name == "exporter":
            for country, published in NET_IMPORTS.items():
                region = places[country]
                question = f"{results.places.name(region)}: net imports, of what it emits"
                share_of = float(results.accounts["net_share"][region])
                yield question, unbroken(f"{published} %"), share_of


def priced(results: Results, study: Study) -> float | None:
    """Return how much of what Europe consumes is emitted where Europe has a carbon price."""
    if study.result is None or study.mixed or not results.is_carbon:
        return None
    system = f"EU ETS {results.table.year}"
    try:
        return study.result.price_coverage(system, consumers=system)
    except LabelError:  # no such year, or no such country in the table
        return None
