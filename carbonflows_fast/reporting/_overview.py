"""The title, the regions, and what crosses borders."""

from __future__ import annotations

import math

from carbonflows_fast import figures
from carbonflows_fast._base.wording import count
from carbonflows_fast.reporting._html import (
    Column,
    Html,
    Section,
    amount,
    joined,
    labels,
    paragraph,
    section,
    share,
    table,
    terms,
)
from carbonflows_fast.reporting._results import Results
from carbonflows_fast.reporting._signs import part
from carbonflows_fast.reporting._svg import picture

__all__ = ["borders", "regions", "subtitle", "title_of"]

FLOWS = 20  # in the list of the largest
BALANCES = 16  # bars
NARROW = 10  # regions of the heat map on a narrow screen


def title_of(results: Results) -> str:
    """Return the title of a report that was given none."""
    stressor = results.stressor
    year = results.table.year
    what = "Carbon" if results.is_carbon else stressor
    return f"{what} embodied in trade" + (f", {year}" if year is not None else "")


def subtitle(results: Results) -> str:
    """Return what the title is about."""
    name = results.table.name or "a table without a name"
    regions = count(len(results.table.regions), "region")
    sectors = count(len(results.table.sectors), "sector")
    return f"{results.stressor}, from {name}: {regions}, {sectors}"


# ---- regions -------------------------------------------------------------------------------------


def regions(results: Results) -> Section:
    """Set what each region emits beside what it consumes."""
    frame, places = results.accounts, results.places
    ordered = frame.sort_values("consumption", ascending=False, kind="stable")
    sums = ordered.sum()
    texts = {
        "production": "Production",
        "consumption": "Consumption",
        "imports": "Imports",
        "exports": "Exports",
        "households": "Of households",
        "unallocated": "Unallocated",
    }
    columns = {
        key: Column(key, head, ordered[key].tolist(), total=float(sums[key]))
        for key, head in texts.items()
    }
    of_own = [results.of_own(str(region), value) for region, value in ordered["exports"].items()]
    columns["export_share"] = Column("export_share", "Export share", of_own, "share")
    lost = ordered["unallocated"].abs().sum() > ordered.attrs["error_bound"]
    more = ["imports", "exports", "export_share", "households", *["unallocated"] * bool(lost)]
    net = Column("net_imports", "Net imports", ordered["net_imports"].tolist(), "change")
    of_production = Column("net_share", "Net share", ordered["net_share"].tolist(), "growth")
    listed = table(
        "accounts",
        "Emissions by production and by consumption of each region",
        [
            places.column("region", "Region", ordered.index),
            columns["production"],
            columns["consumption"],
            net,
            of_production,
        ],
        results.unit,
        total=places.total,
    )
    traded = table(
        "region_trade",
        "What each region imports and exports, and what its households emit",
        [places.column("region", "Region", ordered.index), *(columns[key] for key in more)],
        results.unit,
        total=places.total,
    )
    parts: list[str] = [paragraph(_regions_text(results))]
    if len(results.table.regions) > 1:
        parts.append(
            picture(
                "balance",
                "Net importers and net exporters",
                _balance_text(results),
                lambda: figures.net_imports(results.flows, top=BALANCES, names=places.names),
            )
        )
    about = terms(_meanings(results.emitted_by_households, bool(lost)), "terms")
    return section("regions", "Who emits, and for whom", *parts, about, listed, traded)


def _meanings(own: bool, lost: bool) -> dict[str, str]:
    """Return what the columns mean; `own`: households emit, `lost`: something is unallocated."""
    meanings = {
        "Production": "What is emitted in the region by its industries for anybody's final "
        f"purchases{', and by its households directly, in driving and heating' * own}."
        f"{' The table has no emissions of households.' * (not own)}",
        "Consumption": "What is emitted anywhere to make what the region finally "
        f"buys{', and by its households directly' * own}.",
        "Net imports": "Consumption less production. A net importer causes more emissions than it "
        "hosts; a net exporter hosts more than it causes.",
        "Net share": "Net imports over production.",
        "Imports, exports": "What is emitted in other regions for the final purchases of a region, "
        "and in a region for those of others. The export share is exports over production.",
    }
    if lost:
        meanings["Unallocated"] = (
            "What the table gives to industries without output, or cannot balance. "
            "No final purchase causes it, and no other column contains it."
        )
    return meanings


def _regions_text(results: Results) -> str:
    if len(results.table.regions) == 1:
        return "The table has one region, which consumes all that it produces."
    importers = results.flows.net_importers()
    exporters = results.flows.net_exporters()
    if not len(importers) and not len(exporters):
        return f"No region on balance imported or exported emissions {results.when}."
    name = results.places.name
    text = f"{count(len(importers), 'region')} on balance imported emissions {results.when}, and "
    text += f"{count(len(exporters), 'region')} exported them."
    for frame, what in ((importers, "net importer"), (exporters, "net exporter")):
        names = [name(str(region)) for region in frame.index]
        if len(names) == 1:
            text += f" The {what} is {names[0]}."
        elif names:
            text += f" The largest {what}s: {', '.join(names[:3])}."
    return text


def _balance_text(results: Results) -> str:
    grouped = "; regions beyond the largest are grouped"
    return (
        f"Bars to the right are net imports, bars to the left net exports, {results.when}"
        f"{grouped if len(results.table.regions) > BALANCES else ''}. The table below has every "
        "region."
    )


# ---- borders -------------------------------------------------------------------------------------


def borders(results: Results) -> Section:
    """Show what crosses borders, by each of the three definitions, and the largest flows."""
    if len(results.table.regions) == 1:
        text = paragraph("The table has one region, so it says nothing about trade with others.")
        return section("flows", "Across borders", text)
    parts = [
        _definitions(results),
        picture(
            "bands",
            "From where it is emitted to where it is consumed",
            "The left end of a band is where emissions happen, the right end where the product "
            "that caused them is finally bought. The largest regions are named.",
            lambda: figures.sankey(results.flows, top=10, names=results.places.names),
        ),
        _largest(results),
        picture(
            "matrix",
            "All flows between regions",
            "Rows emit, columns consume; darker cells are larger flows, on a logarithmic "
            "scale. The diagonal is what regions emit for themselves.",
            lambda: figures.heat_map(results.flows, top=40, names=results.places.names),
            lambda: figures.heat_map(results.flows, top=NARROW, names=results.places.names),
        ),
    ]
    return section("flows", "Across borders", *parts, _classes(results))


def _definitions(results: Results) -> Html:
    flows, total = results.flows, results.flows.total
    traded = float(results.accounts["exports"].sum())
    gross = float(results.trade.to_numpy().sum())
    net = flows.net_transfers
    names = ["Flows to final buyers", "Gross trade (EEBT)", "Net transfers"]
    meanings = [
        "Emitted in one region to make what another region finally buys, through supply chains of "
        "any length.",
        "Emissions embodied in bilateral trade: the exporter's own emissions for its gross "
        "exports, whoever uses them next. Each tonne counts once, at the first border of its "
        "chain.",
        "What net importers consume beyond what they produce, added up: the part that does not "
        "cancel out.",
    ]
    values = [traded, gross, net]
    sizes = [flows.traded_share * flows.gross, results.trade.abs().to_numpy().sum(), net]
    shares = [results.known(size / flows.gross) if flows.gross else math.nan for size in sizes]
    listed = table(
        "traded",
        "Three numbers that are called traded emissions, and are not the same",
        [
            Column("measure", "Measure", names, "text"),
            Column("meaning", "What it counts", meanings, "text", wide=True),
            Column("value", "Amount", values),
            Column("share", "Share of industrial emissions", shares, "share"),
        ],
        results.unit,
        stacked=True,
    )
    emitted = amount("industrial_emissions", total, results.unit)
    said = [
        "Of the ",
        emitted,
        " that industries emit, ",
        share("traded_share", flows.traded_share),
        " is caused by final purchases in another region. ",
        *_with_households(results),
        "The literature has two other numbers by the same name.",
    ]
    if not total or results.mixed:
        said = ["What industries emit adds up to ", emitted, ", of which nothing is a share."]
    return joined([paragraph(*said), listed])


def _with_households(results: Results) -> list[str]:
    """Return the share of all emissions, where households have a part in them."""
    if not results.emitted_by_households:
        return ["The table has no emissions of households, so that this is all. "]
    return [
        "With what households emit directly, which never crosses a border, it is ",
        share("traded_share_all_again", results.flows.traded_share_all),
        " of all emissions. ",
    ]


def _largest(results: Results) -> Html:
    frame, sd = results.flows.top(FLOWS), []
    if results.sure_flows is not None:
        found = results.sure_flows.sd
        row, column = (found.index.get_indexer(frame[name]) for name in ("from", "to"))
        sd = [Column("sd", "±", found.to_numpy()[row, column].tolist())]
    return table(
        "largest_flows",
        f"The largest {len(frame)} flows from one region to another"
        if len(frame) < len(results.table.regions) * (len(results.table.regions) - 1)
        else "All flows from one region to another",
        [
            results.places.column("from", "Emitted in", frame["from"]),
            results.places.column("to", "Consumed in", frame["to"]),
            Column("value", "Emissions", frame["value"].tolist()),
            *sd,
            Column(
                "share",
                "Share of industrial emissions",
                [*map(results.known, frame["share"])],
                "share",
            ),
        ],
        results.unit,
    )


def _classes(results: Results) -> Html:
    if results.split is None:
        return paragraph(
            "What kind of product is traded is not known: no classification that the library has "
            f"knows the class of every sector of the table: {results.no_split}.",
            class_="note",
        )
    meanings = {
        "energy": "Coal, oil, gas, electricity",
        "commodity": "Goods sold by weight and grade: crops, ores, steel, chemicals",
        "product": "Semi-finished and finished goods: vehicles, machinery, clothing",
        "service": "Services, transport among them",
    }
    columns = [
        labels("class", "Class of product", meanings),
        Column("meaning", "Examples", [*meanings.values()], "text", wide=True),
    ]
    for key, head in (
        ("by_border_product", "Product crossing the border"),
        ("by_final_product", "Product finally bought"),
    ):
        values = results.split[key][[*meanings]]
        whole = float(values.sum())
        shares = [results.known(part(v, values)) for v in values]
        columns.append(Column(key, head, values.tolist(), total=whole))
        columns.append(Column(f"{key}_share", "Share", shares, "share"))
    return table(
        "classes",
        "Traded emissions by class of product, counted at the border and at the final buyer",
        columns,
        results.unit,
        total="All",
        stacked=True,
    )
