"""What changed since another table, and the accounts of all years of a panel."""

from __future__ import annotations

import pandas as pd

from carbonflows_fast import figures
from carbonflows_fast.decomposition import Decomposition
from carbonflows_fast.reporting._elements import (
    Column,
    Html,
    Section,
    amount,
    headed,
    joined,
    paragraph,
    percent,
    section,
    share,
    table,
)
from carbonflows_fast.reporting._pictures import picture
from carbonflows_fast.reporting._results import Change, Results

__all__ = ["change", "years"]

# In chains the region that final buyers choose belongs to trade; the causes have it apart.
KINDS = {
    "intensity": "intensity",
    "technology": "technology",
    "trade": "trade and demand origin",
    "demand": "demand",
}
FACTORS = {
    "intensity": "Industries emit more or less for each unit that they make",
    "technology": "Industries need more or fewer inputs for each unit that they make",
    "trade": "Industries buy their inputs from other regions",
    "population": "There are more or fewer people",
    "demand level": "Final buyers spend more or less",
    "demand mix": "Final buyers choose other products",
    "demand origin": "Final buyers choose products of other regions",
}
FLOWS = 15


def change(results: Results) -> Section | None:
    """Tell what changed, and what the change is due to."""
    found = results.change
    if found is None:
        return None
    causes, (then, now) = found.causes, found.names
    several = len(results.table.regions) > 1
    largest = max(abs(causes.before), abs(causes.after))
    text = paragraph(
        "Industrial emissions went from ",
        amount("change_before", causes.before, causes.unit, beside=largest),
        f" in {then} to ",
        amount("change_after", causes.after, causes.unit, beside=largest),
        f" in {now}, a change of ",
        amount("change_total", causes.total, causes.unit, sign=True, beside=largest),
        ".",
        *_traded(results, found) if several else (),
    )  # fmt: skip
    prices = paragraph(
        f"Amounts of money are in {causes.prices}. In current prices inflation and exchange rates "
        "show up as lower emissions per unit of money (intensity) and higher spending (demand "
        "level); the two should be read together.",
        class_="note",
    )
    return section(
        "change",
        f"Change from {then} to {now}",
        text,
        picture(
            "causes",
            "What the change is due to",
            _causes_text(causes, then),
            lambda: figures.waterfall(causes),
        ),
        _causes(causes, then),
        prices,
        _regions(results, found),
        _flows(results, found) if several else "",
        _chains(results, found),
    )


def _traded(results: Results, found: Change) -> list[str]:
    then, now = found.flows.traded_share, results.flows.traded_share
    if not (0 <= then <= 1 and 0 <= now <= 1):  # a total in which sinks and emissions cancel
        return []
    if percent(then) == percent(now):
        moved = [" stayed at "]
    else:
        moved = [" went from ", share("traded_share_before", then), " to "]
    return [
        " The share that is caused by final purchases in another region",
        *moved,
        share("traded_share_after", now),
        ".",
    ]


def _causes_text(causes: Decomposition, then: str) -> str:
    parts = [f"{name} {percent(share, sign=True)}" for name, share in causes.shares.items()]
    sinks = ", with sinks counted as emissions" if causes.has_sinks else ""
    return f"Effects as a share of industrial emissions in {then}{sinks}: {', '.join(parts)}."


def _causes(causes: Decomposition, then: str) -> Html:
    effects, shares = causes.to_frame()["effect"], causes.shares
    sinks = " and sinks" if causes.has_sinks else ""
    return table(
        "causes_table",
        "What the change is due to, if all causes act at once and little by little",
        [
            Column("factor", "Cause", [str(name) for name in effects.index], "text",
                   [str(name).capitalize() for name in effects.index]),
            Column("meaning", "What it says", [FACTORS.get(str(n), "") for n in effects.index],
                   "text", wide=True),
            Column("effect", "Effect", effects.tolist(), "change", total=causes.total),
            Column("share", f"Of emissions{sinks} in {then}", shares.tolist(), "growth",
                   total=float(shares.sum(min_count=1))),
        ],
        causes.unit,
        total="All",
    )  # fmt: skip


def _regions(results: Results, found: Change) -> Html:
    since = found.names[0]
    now, then = results.accounts, found.accounts
    order = (now["consumption"] - then["consumption"]).abs()
    order = order.sort_values(ascending=False, kind="stable").index
    columns = [results.places.column("region", "Region", order)]
    for key in ("production", "consumption"):
        before, after = then[key][order], now[key][order]
        positive = (before > 0) & (after >= 0)  # of what changes its sign there is no growth
        growth = after / before.where(positive) - 1
        columns += [
            Column(f"{key}_before", f"{key.capitalize()} in {since}", before.tolist(),
                   total=float(before.sum())),
            Column(f"{key}_change", "Change", (after - before).tolist(), "change",
                   total=float((after - before).sum())),
            Column(f"{key}_growth", "Growth", growth.tolist(), "growth",
                   total=None if (before < 0).any() or (after < 0).any() or not before.any()
                   else float(after.sum() / before.sum() - 1)),
        ]  # fmt: skip
    return table(
        "region_changes",
        "What each region emitted and consumed, and the change, largest in consumption first",
        columns, results.unit, total=results.places.total,
    )  # fmt: skip


def _flows(results: Results, found: Change) -> Html:
    frame = found.between[found.between["from"] != found.between["to"]].head(FLOWS)
    return table(
        "flow_changes",
        "The flows between two regions that changed most",
        [
            results.places.column("from", "Emitted in", frame["from"]),
            results.places.column("to", "Consumed in", frame["to"]),
            Column("before", headed(found.names[0]), frame["before"].tolist()),
            Column("after", headed(found.names[1]), frame["after"].tolist()),
            Column("change", "Change", frame["change"].tolist(), "change"),
        ],
        results.unit,
    )


def _chains(results: Results, found: Change) -> Html:
    frame = found.chains.to_frame()
    columns = [
        results.places.chains("Supply chain", found.chains, found.table.rows),
        Column("before", headed(found.names[0]), frame["before"].tolist()),
        Column("change", "Change", frame["change"].tolist(), "change"),
    ]
    columns += [
        Column(f"effect_{kind}", f"Due to {head}", frame[f"effect_{kind}"].tolist(), "change")
        for kind, head in KINDS.items()
    ]
    listed = table(
        "chain_changes", "The supply chains that changed most, final product first", columns,
        results.unit,
    )  # fmt: skip
    about = paragraph(
        "Trade is here the choice of a region at every step of a chain, that of the final buyer "
        "among them, which the causes above have apart, as demand origin.",
        class_="note",
    )
    return joined([listed, about])


# ---- a panel -------------------------------------------------------------------------------------


def years(results: Results) -> Section | None:
    """Show the accounts of all years of a panel."""
    frame = results.years
    if frame is None:
        return None
    sums: pd.DataFrame = frame.groupby(level="year").sum()
    industrial = sums["production"] - sums["households"]
    listed = table(
        "years",
        f"{headed(results.places.all)} in each year",
        [
            Column("year", "Year", [str(year) for year in sums.index], "text"),
            Column("production", "Emissions", sums["production"].tolist()),
            Column("exports", "Cross a border", sums["exports"].tolist()),
            Column("industrial", "Of industries", industrial.tolist()),
            Column("share", "Share of industrial emissions",
                   (sums["exports"] / industrial.where(industrial != 0)).tolist(), "share"),
        ],
        results.unit,
    )  # fmt: skip
    drawing = picture(
        "series",
        "Consumption over the years",
        "Emissions anywhere for what a region finally buys, and of its "
        "households; the largest regions.",
        lambda: figures.time_series(frame),
    )
    return section("years", "All years", drawing, listed)
