"""Change: what it is due to, as a waterfall, and accounts over the years as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from carbonflows_fast.decomposition import Decomposition
from carbonflows_fast.errors import InputError, LabelError, nearest, shorten, wrong
from carbonflows_fast.figures._canvas import (
    CATEGORIES,
    FALL,
    INK,
    LEADING,
    OTHER,
    RISE,
    SIZE,
    SMALLEST,
    axes_for,
    bare,
    caption,
    checked,
    fitted,
    margins,
    note,
    points,
    scale_for,
    scaled,
    spread,
    text_width,
    top_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["time_series", "waterfall"]

MARKERS = "osD^vPX"
NAME = 110.0  # points that the name of a region may take
RATES = ("net_share",)  # columns of accounts whose sum means nothing


def waterfall(
    decomposition: Decomposition, *, change_only: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw a decomposition as bars that lead from the emissions before to those after.

    Parameters
    ----------
    decomposition : Decomposition
        Of `cf.structural_decomposition`; effects by region or product are summed by factor.
    change_only : bool
        Leave out the level: start at zero and end at the total change. For changes that are small
        beside the emissions.
    ax : Axes, optional
        Where to draw; in a new figure by default.

    Returns
    -------
    Axes
        Bars in the unit of the decomposition: before, an effect each (orange up, blue down; each
        begins where the last one ends), after.

    Raises
    ------
    InputError
        If an argument is wrong, if the effects are by coefficient, or matplotlib is missing.

    Examples
    --------
    >>> import numpy as np
    >>> import carbonflows_fast as cf
    >>> before = cf.synthetic.world(2, 3)
    >>> after = before.with_changes(S=before.S * 0.8)
    >>> ax = cf.figures.waterfall(cf.structural_decomposition(before, after))
    >>> bars = [bar.get_height() for bar in ax.patches]
    >>> bool(np.isclose(bars[0] + sum(bars[1:-1]), bars[-1]))
    True
    """
    checked("decomposition", decomposition, Decomposition, "cf.structural_decomposition")
    found = decomposition.to_frame()
    if "factor" not in found.index.names:
        raise InputError(
            wrong("decomposition", expected="effects of factors", got="effects of coefficients",
                  remedy="ask for by=None, 'region' or 'product'")
        )  # fmt: skip
    effects = found["effect"].groupby(level="factor", sort=False).sum()
    first, _, last = decomposition.label.partition(" → ")
    start = 0.0 if change_only else decomposition.before
    level = start + np.concatenate([[0.0], np.cumsum(effects.to_numpy())])
    end = decomposition.total if change_only else decomposition.after
    names, bottoms, heights = list(effects.index), list(level[:-1]), list(effects)
    colours = [RISE if v > 0 else FALL for v in heights]
    ends = [] if change_only else [(first or "before", start)]
    names = [*(n for n, _ in ends), *names, "change" if change_only else last or "after"]
    bottoms = [*(0.0 for _ in ends), *bottoms, 0.0]
    heights = [*(v for _, v in ends), *heights, end]
    colours = [*(OTHER for _ in ends), *colours, OTHER]

    ax = axes_for(ax, 3.4)
    place = np.arange(len(names))
    ax.bar(place, heights, bottom=bottoms, width=0.68, color=colours, linewidth=0)
    tops = np.array(bottoms) + np.array(heights)
    reached = tops.copy()
    reached[-1] = level[-1]
    ax.hlines(reached[:-1], place[:-1] + 0.34, place[1:] - 0.34, color=OTHER, linewidth=0.6)
    bare(ax, ["left"])
    scale = scale_for([*tops, *bottoms], decomposition.unit)
    effect = {x for x in place if len(ends) <= x < len(names) - 1}
    for x, bottom, height in zip(place, bottoms, heights):
        signed = bool(x in effect) or change_only
        ax.annotate(
            scale.number(height, sign=signed), (x, max(bottom, bottom + height)), xytext=(0, 2),
            textcoords="offset points", ha="center", size=SIZE, color=INK,
        )  # fmt: skip
    lines = [name.replace(" ", "\n", 1) for name in names]
    room = points(ax)[0] / len(names) - 2
    widest = max(text_width(line, 1.0) for line in lines)
    ax.set_xticks(place, lines, size=max(SMALLEST, min(SIZE, room / widest)), parse_math=False)
    ax.tick_params(axis="x", length=0)
    ax.axhline(0, color=OTHER, linewidth=0.6)
    scaled(ax.yaxis, scale)
    low, high = min(0.0, *tops, *bottoms), max(0.0, *tops, *bottoms)
    margins(ax, "y", (low, high), (4.0 if low < 0 else 0.0, 14.0))
    ax.margins(x=0.02)
    caption(ax, "y", scale.label(decomposition.stressor))
    note(ax, f"{decomposition.label}: {scale.text(decomposition.total, sign=True)}, in "
             f"{decomposition.prices}, method {decomposition.method}")  # fmt: skip
    return ax


def time_series(
    accounts: pd.DataFrame,
    column: str = "consumption",
    *,
    regions: Sequence[str] | None = None,
    top: int = 6,
    ax: Axes | None = None,
) -> Axes:
    """Draw a column of the accounts of several years as lines, one a region.

    Parameters
    ----------
    accounts : DataFrame
        Of `cf.Panel.accounts`: index (year, region).
    column : str
        "consumption", "production", "net_imports", "net_share" or another one of its columns.
    regions : list of str, optional
        Which regions, instead of the largest.
    top : int
        So many regions, those with the largest sizes over all years.
    ax : Axes, optional
        Where to draw; in a new figure by default.

    Returns
    -------
    Axes
        A line for each region, named at its end, and a dashed grey one for the sum of all others;
        none of these for "net_share", which has no sum. Beyond seven regions lines are grey.

    Raises
    ------
    InputError, LabelError
        If an argument is wrong, or matplotlib is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> import carbonflows_fast as cf
    >>> years = {y: cf.accounts(cf.synthetic.world(3, 4, year=y)) for y in (2018, 2019)}
    >>> ax = cf.figures.time_series(pd.concat(years, names=["year"]), top=1)
    >>> [line.get_label() for line in ax.lines]
    ['AT', '2 others']
    """
    wide = _by_year(accounts, column)
    wide, others = _picked(wide, regions, top_of(top), column)
    shown = wide if others is None else wide.assign(**{others.name: others})
    ax = axes_for(ax, max(3.6, 1.2 + len(shown.columns) * SIZE * LEADING / 72 / 0.72))
    attrs = accounts.attrs
    rate = column in RATES
    scale = scale_for(shown.to_numpy(), "" if rate else str(attrs.get("unit", "")))
    colours = []
    for at, name in enumerate(shown.columns):
        rest = others is not None and at == len(shown.columns) - 1
        own = not rest and at < len(CATEGORIES)
        colours.append(CATEGORIES[at] if own else OTHER)
        ax.plot(
            shown.index, shown[name], color=colours[-1], linewidth=1.4,
            linestyle="--" if rest else "-", marker=MARKERS[at] if own else None, markersize=3.5,
            label=name, clip_on=False,
        )  # fmt: skip
    if not rate:  # levels compare from zero
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0] if np.nanmin(shown) < 0 else 0.0))
    bare(ax, ["left", "bottom"])
    ax.grid(axis="y", color=OTHER, alpha=0.25, linewidth=0.6)
    _named(ax, shown, colours)
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    first, last = int(shown.index[0]), int(shown.index[-1])
    ticks = MaxNLocator(8, integer=True).tick_values(first, last)
    ax.set_xticks([tick for tick in ticks if first <= tick <= last])
    what = "net imports over production" if rate else column.replace("_", " ")
    what = f"{what}, {attrs.get('stressor', '')}".rstrip(", ")
    if rate:
        ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    else:
        scaled(ax.yaxis, scale)
        what = scale.label(what)
    caption(ax, "y", what)
    return ax


def _by_year(accounts: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return years × regions, in the order of the frame."""
    checked("accounts", accounts, pd.DataFrame, "Panel.accounts")
    if list(accounts.index.names) != ["year", "region"]:
        raise InputError(
            wrong("accounts", expected="an index of year and region",
                  got=f"{list(accounts.index.names)}", remedy="give the result of Panel.accounts")
        )  # fmt: skip
    if column not in accounts.columns:
        raise LabelError(
            wrong("column", expected="a column of the accounts", got=repr(column),
                  remedy=f"choose one of {shorten(accounts.columns, 9)}")
        )  # fmt: skip
    wide = accounts[column].unstack("region", sort=False).sort_index()
    return wide.dropna(axis="columns", how="all")  # shares of regions without production


def _picked(
    wide: pd.DataFrame, regions: Sequence[str] | None, top: int, column: str
) -> tuple[pd.DataFrame, pd.Series | None]:
    """Return the regions to draw, the largest first, and the sum of all others."""
    known = list(wide.columns)
    if regions is None:
        order = np.argsort(-wide.abs().sum().to_numpy(), kind="stable")
        left = len(known) - top <= 1
        chosen = [known[at] for at in (order if left else order[:top])]
    else:
        chosen = list(regions) if not isinstance(regions, str) else [regions]
        for name in chosen:
            if name not in known:
                raise LabelError(
                    wrong("regions", expected="regions of the accounts", got=repr(name),
                          remedy=f"nearest are {shorten(nearest(str(name), known))}")
                )  # fmt: skip
    rest = [name for name in known if name not in chosen]
    if not rest or column in RATES:
        return wide[chosen], None
    return wide[chosen], wide[rest].sum(axis=1).rename(f"{len(rest)} others")


def _named(ax: Axes, shown: pd.DataFrame, colours: Sequence[str]) -> None:
    """Write the names at the ends of the lines, apart from each other."""
    low, high = ax.get_ylim()
    height = points(ax)[1]
    size = min(SIZE, max(SMALLEST, height / len(shown.columns) / LEADING))
    gap = size * LEADING / height * (high - low)
    last = shown.ffill().iloc[-1].to_numpy()
    order = np.argsort(last, kind="stable")
    places = spread(last[order].tolist(), gap, low + gap / 2, high - gap / 2)
    names = [fitted(str(shown.columns[at]), NAME, size) for at in order]
    for at, name, place in zip(order, names, places):
        ax.annotate(
            name, (shown.index[-1], last[at]), xytext=(14, place),
            textcoords=("offset points", "data"), va="center", size=size, color=INK,
            annotation_clip=False, parse_math=False,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": colours[at], "shrinkA": 1,
                        "shrinkB": 3, "relpos": (0.0, 0.5)},
        )  # fmt: skip
    first, end = float(shown.index[0]), float(shown.index[-1])
    wide = max(text_width(name, size) for name in names)
    margins(ax, "x", (first, end), (4.0, wide + 18))
    ax.set_ylim(low, high)
