"""The first sections: headline figures with definitions, regions, and what crosses borders."""

from __future__ import annotations

from carbonflows_fast import figures
from carbonflows_fast.reporting._elements import (
    Column,
    Html,
    Section,
    amount,
    count,
    element,
    headed,
    joined,
    paragraph,
    section,
    share,
    table,
)
from carbonflows_fast.reporting._pictures import picture
from carbonflows_fast.reporting._results import Results

__all__ = ["borders", "regions", "subtitle", "summary", "title_of"]

FLOWS = 20  # in the list of the largest
BALANCES = 16  # bars


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


def summary(results: Results) -> Section:
    """Say the most important figures, and what they mean."""
    accounts, flows, unit = results.accounts, results.flows, results.unit
    world, crossing = float(accounts["production"].sum()), float(accounts["exports"].sum())
    cards = [
        _card(
            f"Emitted in {results.places.all}",
            amount("world_emissions", world, unit),
            "By industries, for anybody's final purchases, and by households directly.",
        ),
        _card(
            "Crosses a border",
            share("traded_share_all", flows.traded_share_all),
            "Of all emissions: ",
            amount("traded", crossing, unit),
            " happen in one region to make what another region finally buys."
            if len(results.table.regions) > 1
            else ", as the table has one region and no other to trade with.",
        ),
    ]
    for frame, figure, head in (
        (flows.net_importers(), "net_importer", "Largest net importer"),
        (flows.net_exporters(), "net_exporter", "Largest net exporter"),
    ):
        if len(frame):
            cards.append(_balance_card(results, frame, figure, head))
    if results.change is not None:
        then = float(results.change.accounts["production"].sum())
        before, after = results.change.names
        cards.append(
            _card(
                f"Change from {before} to {after}",
                share("world_growth", world / then - 1 if then else float("nan"), sign=True),
                f"{headed(results.places.all)} emitted ",
                amount("world_change", abs(world - then), unit),
                f" {'more' if world >= then else 'less'} in {after} than in {before}.",
            )
        )
    lead = paragraph(
        "Products are made in one place and used in another. This report follows ",
        element("strong", results.stressor),
        " from where it is emitted to where the product that caused it is finally bought: by "
        "households, governments or investors, at the end of a supply chain of any length. What is "
        "emitted to make a product is said to be embodied in it.",
        class_="lead",
    )
    return section("summary", "In brief", lead, element("div", *cards, class_="cards"))


def _card(head: str, value: str, *about: str) -> Html:
    return element(
        "div", element("h3", head), paragraph(value, class_="headline"), paragraph(*about),
        class_="card",
    )  # fmt: skip


def _balance_card(results: Results, frame: object, figure: str, head: str) -> Html:
    first = frame.iloc[0]  # type: ignore[attr-defined]
    region, net = str(first.name), abs(float(first["net_imports"]))
    importer = figure == "net_importer"
    name = element("span", results.places.name(region), data_text=figure, data_value=region)
    larger, smaller = ("consumption", "production")[:: 1 if importer else -1]
    # Of less than nothing there is no share.
    part = share(f"{figure}_share", abs(float(first["net_share"])))
    of_what = [", or ", part, " of what it emits"] if first["production"] > 0 else []
    return _card(
        head,
        name,
        f"Its {larger} exceeds its {smaller} by ",
        amount(f"{figure}_amount", net, results.unit),
        *of_what,
        ".",
    )


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
    columns = {key: Column(key, head, ordered[key].tolist(), total=float(sums[key]))
               for key, head in texts.items()}  # fmt: skip
    net = Column("net_imports", "Net imports", ordered["net_imports"].tolist(), "change")
    of_production = Column(
        "net_share", "Net imports / production", ordered["net_share"].tolist(), "growth"
    )
    listed = table(
        "accounts",
        "Emissions by production and by consumption of each region",
        [
            places.column("region", "Region", ordered.index),
            columns["production"], columns["consumption"], net, of_production,
            columns["imports"], columns["exports"], columns["households"], columns["unallocated"],
        ],
        results.unit,
        total=places.total,
    )  # fmt: skip
    about = element(
        "dl",
        element("dt", "Production"),
        element("dd", "What is emitted in the region: by its industries for anybody's final "
                "purchases, and by its households directly, in driving and heating."),
        element("dt", "Consumption"),
        element("dd", "What is emitted anywhere to make what the region finally "
                "buys, and by its households directly."),
        element("dt", "Net imports"),
        element("dd", "Consumption less production. A net importer causes more emissions than it "
                "hosts; a net exporter hosts more than it causes."),
        element("dt", "Unallocated"),
        element("dd", "What the table gives to industries without output, or cannot balance. It "
                "serves no final purchase, and stands in no other column."),
        class_="terms",
    )  # fmt: skip
    several = len(results.table.regions) > 1
    shown = picture(
        "balance",
        "Net importers and net exporters",
        _balance_text(results),
        lambda: figures.net_imports(results.flows, top=BALANCES),
    ) if several else ""  # fmt: skip
    return section(
        "regions", "Who emits, and for whom", paragraph(_regions_text(results)), shown, about,
        listed,
    )  # fmt: skip


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
            lambda: figures.sankey(results.flows, top=10),
        ),
        _largest(results),
        picture(
            "matrix",
            "All flows between regions",
            "Rows emit, columns consume; darker cells are larger flows, on a logarithmic "
            "scale. The diagonal is what regions emit for themselves.",
            lambda: figures.heat_map(results.flows, top=40),
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
        "exports, whoever uses them next. A product that crosses several borders counts at each.",
        "What net importers consume beyond what they produce, added up: the part that does not "
        "cancel out.",
    ]
    values = [traded, gross, net]
    listed = table(
        "traded",
        "Three numbers that are called traded emissions, and are not the same",
        [
            Column("measure", "Measure", names, "text"),
            Column("meaning", "What it counts", meanings, "text", wide=True),
            Column("value", "Amount", values),
            Column("share", "Share of industrial emissions",
                   [v / total if total else float("nan") for v in values], "share"),
        ],
        results.unit,
    )  # fmt: skip
    emitted = amount("industrial_emissions", total, results.unit)
    said = [
        "Of the ",
        emitted,
        " that industries emit, ",
        share("traded_share", flows.traded_share),
        " is caused by final purchases in another region. With what households emit directly, "
        "which never crosses a border, it is ",
        share("traded_share_all_again", flows.traded_share_all),
        " of all emissions. The literature has two other numbers by the same name.",
    ]
    if not total:
        said = ["What industries emit adds up to ", emitted, ", of which nothing is a share."]
    return joined([paragraph(*said), listed])


def _largest(results: Results) -> Html:
    frame = results.flows.top(FLOWS)
    return table(
        "largest_flows",
        f"The largest {len(frame)} flows from one region to another"
        if len(frame) < len(results.table.regions) * (len(results.table.regions) - 1)
        else "All flows from one region to another",
        [
            results.places.column("from", "Emitted in", frame["from"]),
            results.places.column("to", "Consumed in", frame["to"]),
            Column("value", "Emissions", frame["value"].tolist()),
            Column("share", "Share of industrial emissions", frame["share"].tolist(), "share"),
        ],
        results.unit,
    )


def _classes(results: Results) -> Html:
    if results.split is None:
        return paragraph(
            "What kind of product is traded is not told, since no classification that the library "
            f"has knows the class of every sector of the table: {results.no_split}.",
            class_="note",
        )
    meanings = {
        "energy": "Coal, oil, gas, electricity",
        "commodity": "Goods sold by weight and grade: crops, ores, steel, chemicals",
        "product": "Semi-finished and finished goods: vehicles, machinery, clothing",
        "service": "Services, transport among them",
    }
    columns = [
        Column(
            "class", "Class of product", [*meanings], "text", [n.capitalize() for n in meanings]
        ),
        Column("meaning", "Examples", [*meanings.values()], "text", wide=True),
    ]
    for key, head in (("by_border_product", "Product crossing the border"),
                      ("by_final_product", "Product finally bought")):  # fmt: skip
        values = results.split[key][[*meanings]]
        whole = float(values.sum())
        shares = [v / whole if whole else float("nan") for v in values]
        columns.append(Column(key, head, values.tolist(), total=whole))
        columns.append(Column(f"{key}_share", "Share", shares, "share"))
    return table(
        "classes", "Traded emissions by class of product, counted at the border and at the final "
        "buyer", columns, results.unit, total="All",
    )  # fmt: skip
