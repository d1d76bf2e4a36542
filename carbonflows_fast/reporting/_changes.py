"""What changed since another table, and the accounts of all years of a panel."""

from __future__ import annotations

import pandas as pd

from carbonflows_fast import figures
from carbonflows_fast._base.wording import percent
from carbonflows_fast.decomposition import Decomposition
from carbonflows_fast.figures._axes import one_sign
from carbonflows_fast.reporting._html import (
    Column,
    Html,
    Section,
    amount,
    headed,
    joined,
    labels,
    paragraph,
    section,
    share,
    table,
    unbroken,
)
from carbonflows_fast.reporting._results import NO_CHAINS, Change, Results
from carbonflows_fast.reporting._signs import growth
from carbonflows_fast.reporting._svg import picture

__all__ = ["change", "years"]

# In chains, the origin of final purchases belongs to trade; the causes list it separately.
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
    shares = causes.shares * (float("nan") if found.mixed else 1.0)
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
    )
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
            _causes_text(causes, then, shares),
            lambda: figures.waterfall(causes),
        ),
        _causes(causes, then, shares),
        prices,
        _regions(results, found),
        _flows(results, found) if several else "",
        _chains(results, found),
    )


def _traded(results: Results, found: Change) -> list[str]:
    then, now = found.flows.traded_share, results.flows.traded_share
    if results.mixed or found.mixed:
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


def _causes_text(causes: Decomposition, then: str, shares: pd.Series) -> str:
    if shares.isna().all():
        return f"Effects in {causes.unit or 'the unit of the table'}."
    parts = [f"{name} {unbroken(percent(share, sign=True))}" for name, share in shares.items()]
    sinks = ", with sinks counted as emissions" if causes.has_sinks else ""
    return f"Effects as a share of industrial emissions in {then}{sinks}: {', '.join(parts)}."


def _causes(causes: Decomposition, then: str, shares: pd.Series) -> Html:
    effects = causes.to_frame()["effect"]
    meanings = [FACTORS.get(str(name), "") for name in effects.index]
    sinks = " and sinks" if causes.has_sinks else ""
    return table(
        "causes_table",
        "What the change is due to, if all causes act at once and little by little",
        [
            labels("factor", "Cause", effects.index),
            Column("meaning", "What it says", meanings, "text", wide=True),
            Column("effect", "Effect", effects.tolist(), "change", total=causes.total),
            Column(
                "share",
                f"Of emissions{sinks} in {then}",
                shares.tolist(),
                "growth",
                total=float(shares.sum(min_count=1)),
            ),
        ],
        causes.unit,
        total="All",
        stacked=True,
    )


def _regions(results: Results, found: Change) -> Html:
    since = found.names[0]
    now, then = results.accounts, found.accounts
    order = (now["consumption"] - then["consumption"]).abs()
    order = order.sort_values(ascending=False, kind="stable").index
    tables = []
    for key, does in (("consumption", "consumed"), ("production", "emitted")):
        before, after = then[key][order], now[key][order]
        whole = growth(before.groupby(lambda _: 0).sum(), after.groupby(lambda _: 0).sum())
        cancels = results.mixed or found.mixed
        tables.append(
            table(
                f"{key}_changes",
                f"What each region {does}, and the change, largest in consumption first",
                [
                    results.places.column("region", "Region", order),
                    Column("before", headed(since), before.tolist(), total=float(before.sum())),
                    Column(
                        "change",
                        "Change",
                        (after - before).tolist(),
                        "change",
                        total=float((after - before).sum()),
                    ),
                    Column(
                        "growth",
                        "Growth",
                        growth(before, after).tolist(),
                        "growth",
                        total=float("nan") if cancels else float(whole.iloc[0]),
                    ),
                ],
                results.unit,
                total=results.places.total,
            )
        )
    return joined(tables)


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
    if found.chains is None:
        return paragraph(NO_CHAINS, class_="note")
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
        "chain_changes",
        "The supply chains that changed most, final product first",
        columns,
        results.unit,
        stacked=True,
    )
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
    alike = frame["production"].groupby(level="year").agg(one_sign)
    traded = sums["exports"] / industrial.where(alike & (industrial > 0))
    listed = table(
        "years",
        f"{headed(results.places.all)} in each year",
        [
            Column("year", "Year", [str(year) for year in sums.index], "text"),
            Column("production", "Emissions", sums["production"].tolist()),
            Column("exports", "Cross a border", sums["exports"].tolist()),
            Column("industrial", "Of industries", industrial.tolist()),
            Column("share", "Share of industrial emissions", traded.tolist(), "share"),
        ],
        results.unit,
    )
    drawing = picture(
        "series",
        "Consumption over the years",
        "Emissions anywhere for what a region finally buys, and of its "
        "households; the largest regions.",
        lambda: figures.time_series(frame, names=results.places.names),
    )
    return section("years", "All years", drawing, listed)
