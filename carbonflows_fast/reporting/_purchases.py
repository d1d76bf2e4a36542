"""What purchases cause: by category, emitting region and tier, and the largest chains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from carbonflows_fast import figures
from carbonflows_fast._base.wording import count
from carbonflows_fast.figures._axes import one_sign
from carbonflows_fast.reporting._html import (
    Column,
    Html,
    Section,
    amount,
    joined,
    number,
    paragraph,
    section,
    table,
)
from carbonflows_fast.reporting._results import CHAINS, NO_CHAINS, Results, searchable
from carbonflows_fast.reporting._svg import picture
from carbonflows_fast.spending import Purchases

__all__ = ["purchases"]

LISTED: Final = 20  # categories, regions and reasons; the others are one line
LINES: Final = 3  # that a reason names


def purchases(results: Results) -> Section | None:
    """Show what a ledger of purchases causes."""
    found = results.purchases
    if found is None:
        return None
    drawing = picture(
        "purchases",
        "What was bought, and where its emissions occur",
        "Emissions of all supply chains behind each category, in colours of the emitting regions.",
        lambda: figures.purchases(found, names=results.places.names),
    )
    parts = [*_lead(found), drawing, _categories(found), _emitters(results, found)]
    parts += [_tiers(found), _chains(results, found), *_unmatched(found)]
    return section("purchases", "What purchases cause", *parts)


def _lead(found: Purchases) -> list[Html]:
    lost = len(found.unmatched)
    kept = len(found.lines) - lost
    said = [
        f"{count(kept, 'line')} of purchases for ",
        _spent("purchases_spent", found.spent, found.currency),
        " cause ",
        amount("purchases_total", found.total, found.unit),
        ". It counts what suppliers emit, theirs, and so on, but nothing that the buyer burns. ",
    ]
    if lost:
        said += [
            "Lines that match no product, and are in no number: ",
            number("purchases_unmatched", lost, f"{lost:,}"),
            ". ",
        ]
    bound = amount("purchases_bound", found.error_bound, found.unit)
    return [
        paragraph(*said, "No sum is wrong by more than ", bound, "."),
        *(paragraph(note, class_="note") for note in found.notes),
    ]


def _spent(figure: str, value: float, currency: str) -> Html:
    return number(figure, value, f"{value:,.0f} {currency}")


def _share(found: Purchases, values: Sequence[float]) -> list[float]:
    """Return shares of the total, which is one only if its parts do not cancel."""
    whole = found.total if one_sign(found.by_emitter.to_numpy()) else 0.0
    return [value / whole if whole else float("nan") for value in values]


def _with_rest(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the first rows, and the sum of the others as the last one."""
    if len(frame) <= LISTED + 1:
        return frame
    rest = frame.iloc[LISTED:].sum().to_frame(f"other ({len(frame) - LISTED})").T
    return pd.concat([frame.iloc[:LISTED], rest])


def _categories(found: Purchases) -> Html:
    frame = _with_rest(found.categories)
    return table(
        "purchases_categories",
        "Categories of purchases, the largest first",
        [
            Column("category", "Category", [str(one) for one in frame.index], "text"),
            Column("lines", "Lines", frame["lines"].tolist(), "count"),
            Column("spent", f"Spent, {found.currency}", frame["spent"].tolist(), "count"),
            Column("emissions", "Emissions", frame["emissions"].tolist(), total=found.total),
            Column("share", "Share", _share(found, frame["emissions"].tolist()), "share"),
            Column("direct", "Of makers", frame["direct"].tolist()),
            Column("tier_1", "Of their suppliers", frame["tier_1"].tolist()),
            Column("rest", "Further upstream", frame["rest"].tolist()),
        ],
        found.unit,
        total="All",
    )


def _emitters(results: Results, found: Purchases) -> Html:
    frame = _with_rest(found.emitters)
    return table(
        "purchases_emitters",
        "Where the emissions of purchases occur",
        [
            results.places.column("region", "Region", frame.index),
            Column("emissions", "Emissions", frame["emissions"].tolist(), total=found.total),
            Column("share", "Share", _share(found, frame["emissions"].tolist()), "share"),
        ],
        found.unit,
        total="All",
    )


def _tiers(found: Purchases) -> Html:
    frame = found.tiers
    return table(
        "purchases_tiers",
        "How far upstream: 0 is emitted by the makers of what was bought",
        [
            Column("tier", "Tier", [str(tier) for tier in frame.index], "text"),
            Column("emissions", "Emissions", frame["emissions"].tolist()),
            Column("remainder", "Still beyond", frame["remainder"].tolist()),
        ],
        found.unit,
    )


def _chains(results: Results, found: Purchases) -> Html:
    if not searchable(results.table):
        return paragraph(NO_CHAINS, class_="note")
    paths = found.paths(top=CHAINS)
    values = paths.to_frame()["value"].tolist()
    listed = table(
        "purchases_chains",
        "The largest supply chains of purchases, what was bought first",
        [
            results.places.chains("Supply chain", paths, results.table.rows),
            Column("value", "Emissions", values),
            Column("share", "Share", _share(found, values), "share"),
        ],
        found.unit,
        stacked=True,
    )
    left = amount("purchases_remainder", paths.remainder, found.unit)
    return joined([listed, paragraph("All other chains have ", left, ".", class_="note")])


def _unmatched(found: Purchases) -> list[Html]:
    """List why lines match nothing, the commonest reasons first."""
    lost = found.unmatched
    reasons = lost["finding"].value_counts()
    reasons = reasons[reasons > 0]
    if not len(reasons):
        return []
    first = reasons.iloc[:LISTED]
    where = [lost.loc[lost["finding"] == reason, "line"].to_numpy() for reason in first.index]
    texts = [str(reason) for reason in first.index]
    lines, named = first.tolist(), [_named(at) for at in where]
    if len(reasons) > LISTED:
        texts.append(f"other reasons ({len(reasons) - LISTED})")
        lines.append(int(reasons.iloc[LISTED:].sum()))
        named.append("")
    listed = table(
        "purchases_unmatched",
        "Lines that are in no number, and why",
        [
            Column("finding", "Why", texts, "text", wide=True),
            Column("lines", "Lines", lines, "count"),
            Column("where", "Which", named, "text"),
        ],
        stacked=True,
    )
    return [listed]


def _named(lines: np.ndarray) -> str:
    more = f" and {len(lines) - LINES:,} more" if len(lines) > LINES else ""
    return ", ".join(f"{line:,}" for line in lines[:LINES]) + more
