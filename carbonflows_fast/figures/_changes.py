"""Change: what it is due to, as a waterfall, and accounts over the years as lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from carbonflows_fast._base.wording import scale_for, shares_for
from carbonflows_fast.classification import regions_in
from carbonflows_fast.decomposition import Decomposition
from carbonflows_fast.errors import InputError, LabelError, shorten
from carbonflows_fast.figures._axes import (
    CATEGORIES,
    FALL,
    INK,
    OTHER,
    RISE,
    caption,
    finite,
    margins,
    note,
    over_bars,
    points,
    require_result,
    spread,
    top_of,
    write_ticks,
)
from carbonflows_fast.figures._frame import begin, display_names, drawing
from carbonflows_fast.figures._letters import LEADING, SIZE, SMALLEST, as_is, fit, text_width
from carbonflows_fast.table._stressors import require_one_measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["time_series", "waterfall"]

MARKERS = "osD^vPX"
NAME = 110.0  # points that the name of a region may take at most
ASIDE = 0.3  # of the width is for names at most
RATES = ("net_share",)  # columns of accounts whose sum means nothing


@drawing
def waterfall(
    decomposition: Decomposition, *, change_only: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw a decomposition as bars that lead from the emissions before to those after.

    Parameters
    ----------
    decomposition : Decomposition
        The result of `cf.structural_decomposition`; effects by region or product are summed by
        factor. All factors are shown.
    change_only : bool
        Leave out the level: start at zero and end at the total change. Use it for changes that are
        small relative to the emissions.
    ax : Axes, optional
        Where to draw. The default is a new figure.

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
    require_result("decomposition", decomposition, Decomposition, "cf.structural_decomposition")
    found = decomposition.to_frame()
    if "factor" not in found.index.names:
        raise InputError.about(
            "decomposition",
            expected="effects of factors",
            got="effects of coefficients",
            remedy="ask for by=None, 'region' or 'product'",
        )
    finite("decomposition", found["effect"])
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

    ax = begin(ax, 3.4, spines=["left"])
    place = np.arange(len(names))
    # An edge makes very small bars visible, and connects the bars.
    ax.bar(
        place, heights, bottom=bottoms, width=0.68, color=colours, edgecolor=colours, linewidth=0.6
    )
    tops = np.array(bottoms) + np.array(heights)
    reached = tops.copy()
    reached[-1] = level[-1]
    ax.hlines(reached[:-1], place[:-1] + 0.34, place[1:] - 0.34, color=OTHER, linewidth=0.6)
    scale = scale_for([*tops, *bottoms], decomposition.unit)
    write_ticks(ax.yaxis, scale)
    signed = [change_only or len(ends) <= at < len(names) - 1 for at in range(len(names))]
    texts = [scale.number(height, sign=sign) for height, sign in zip(heights, signed)]
    about = (
        f"{decomposition.label}: {scale.text(decomposition.total, sign=True)}, in "
        f"{decomposition.prices}, method {decomposition.method}"
    )
    over_bars(ax, names, texts, bottoms, list(tops), scale.label(decomposition.stressor), about)
    return ax


@drawing
def time_series(
    accounts: pd.DataFrame,
    column: str = "consumption",
    *,
    regions: Sequence[str] | None = None,
    top: int | None = 6,
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a column of the accounts of several years as lines, one per region.

    Parameters
    ----------
    accounts : DataFrame
        The result of `cf.Panel.accounts`: index (year, region).
    column : str
        "consumption", "production", "net_imports", "net_share" or another one of its columns.
    regions : list of str, optional
        Regions, countries or groups (a line for each of their regions), instead of the largest;
        `top` is then ignored.
    top : int or None
        How many regions are named: those with the largest sizes over all years (None: all). The
        rest is "other (n)".
    names : mapping of str to str, optional
        What to call regions instead of their labels, e.g. {"CHN": "China"}.
    ax : Axes, optional
        Where to draw. The default is a new figure.

    Returns
    -------
    Axes
        A line for each region, named at its end, and a dashed grey one for the sum of all others;
        "net_share" has no such line, because it has no sum. With more than seven regions, the
        further lines are grey. Missing numbers are listed below.

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
    ['AT', 'other (2)']
    """
    known = _by_year(accounts, column)
    _of_one_measure(accounts, column)
    wide, others = _picked(known.dropna(axis="columns", how="all"), regions, top_of(top), column)
    lacks = _lacks(known, wide, others)
    wide = wide.set_axis(display_names(list(wide.columns), names), axis="columns")
    shown = wide if others is None else wide.assign(**{others.name: others})
    tall = max(3.6, 1.2 + len(shown.columns) * SIZE * LEADING / 72 / 0.72)
    ax = begin(ax, tall, spines=["left", "bottom"])
    attrs = accounts.attrs
    rate = column in RATES
    unit = str(attrs.get("unit", ""))
    scale = shares_for(shown.to_numpy()) if rate else scale_for(shown.to_numpy(), unit)
    lonely = shown.isna().any() | (len(shown) == 1)  # points that no line leads to
    colours = []
    for at, name in enumerate(shown.columns):
        rest = others is not None and at == len(shown.columns) - 1
        own = not rest and at < len(CATEGORIES)
        colours.append(CATEGORIES[at] if own else OTHER)
        ax.plot(
            shown.index,
            shown[name],
            color=colours[-1],
            linewidth=1.4,
            linestyle="--" if rest else "-",
            markersize=3.5,
            marker=MARKERS[at] if own else "." if lonely[name] else None,
            label=name,
            clip_on=False,
        )
    if not rate:  # levels compare from zero
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0] if np.nanmin(shown) < 0 else 0.0))
    ax.grid(axis="y", color=OTHER, alpha=0.25, linewidth=0.6)
    what = "net imports over production" if rate else column.replace("_", " ")
    write_ticks(ax.yaxis, scale)
    caption(ax, "y", scale.label(f"{what}, {attrs.get('stressor', '')}".rstrip(", ")))
    if lacks:
        note(ax, lacks)
    _named(ax, shown, colours)
    _dated(ax, shown.index)
    return ax


def _lacks(known: pd.DataFrame, wide: pd.DataFrame, others: pd.Series | None) -> str:
    """Say which numbers are missing."""
    none = known.columns[known.isna().all()]
    said = [f"no number in any year, not drawn: {shorten(none)}"] if len(none) else []
    if others is not None:
        gaps = known.drop(columns=[*none, *wide.columns]).isna()
        if count := int(gaps.any().sum()):
            years = shorten(known.index[gaps.any(axis=1)])
            said.append(f"{others.name}: the sum without {count} of them in {years}")
    return "; ".join(said)


def _dated(ax: Axes, years: pd.Index) -> None:
    """Write years that there are: all, or where they are too near round ones, or some."""
    low, high = ax.get_xlim()
    per_year = points(ax)[0] / (high - low)
    apart = (text_width("2000") + 6) / per_year
    ticks = [int(year) for year in years]
    if min(np.diff(ticks), default=np.inf) < apart:
        from matplotlib.ticker import MaxNLocator

        most = max(1, min(8, int((ticks[-1] - ticks[0]) / (apart + 6 / per_year))))
        round_ones = MaxNLocator(most, integer=True).tick_values(ticks[0], ticks[-1])
        within = [int(tick) for tick in round_ones if ticks[0] <= tick <= ticks[-1]]
        ticks = within if set(within) <= set(ticks) else _some(ticks, apart)
    ax.set_xticks(ticks, map(str, ticks))


def _some(years: list[int], apart: float) -> list[int]:
    """Return the last year and, back from it, those that keep apart.

    >>> _some([2000, 2005, 2006, 2009], 3.0)
    [2000, 2006, 2009]
    """
    chosen = years[-1:]
    for year in years[-2::-1]:
        if chosen[0] - year >= apart:
            chosen.insert(0, year)
    return chosen


def _by_year(accounts: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return years × regions, in the order of the frame."""
    require_result("accounts", accounts, pd.DataFrame, "Panel.accounts")
    if list(accounts.index.names) != ["year", "region"]:
        raise InputError.about(
            "accounts",
            expected="an index of year and region",
            got=f"{list(accounts.index.names)}",
            remedy="give the result of Panel.accounts",
        )
    if not isinstance(column, str) or column not in accounts.columns:
        raise LabelError.about(
            "column",
            expected="a column of the accounts",
            got=repr(column),
            remedy=f"choose one of {shorten(accounts.columns, 9)}",
        )
    if accounts.index.has_duplicates or not len(accounts):
        again = shorten(accounts.index[accounts.index.duplicated()], 1)
        got = f"more than one for {again}" if len(accounts) else "no row"
        raise InputError.about(
            "accounts",
            expected="one row for each year and region",
            got=got,
            remedy="give the result of Panel.accounts",
        )
    wide = accounts[column].unstack("region", sort=False)
    if not pd.api.types.is_integer_dtype(wide.index):
        raise InputError.about(
            "accounts",
            expected="years that are whole numbers",
            got=shorten(map(repr, wide.index)),
            remedy="rename them",
        )
    wide = wide.sort_index()
    found = pd.DataFrame(finite("accounts", wide, gaps=True), wide.index, wide.columns)
    if found.isna().all(axis=None):
        raise InputError.about(
            "column",
            expected="a column with numbers",
            got=repr(column),
            remedy="all of it is missing: choose another one",
        )
    return found


def _of_one_measure(accounts: pd.DataFrame, column: str) -> None:
    """Refuse years of several stressors or units, which `Panel.accounts` has as columns."""
    shared = {name: str(accounts.attrs.get(name, "")) for name in ("stressor", "unit")}
    told = accounts.reset_index().assign(**{n: t for n, t in shared.items() if n not in accounts})
    if column in RATES:
        told["unit"] = ""
    first = told.groupby("year")[list(shared)].first().astype(str)
    require_one_measure("accounts", dict(zip(first.index, first.itertuples(index=False))))


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
        asked = [regions] if isinstance(regions, str) else regions
        if not isinstance(asked, Iterable) or not (asked := list(asked)):
            raise InputError.about(
                "regions",
                expected="names of regions",
                got=repr(regions),
                remedy="leave it out for the largest",
            )
        found = [
            region
            for name in asked
            for region, here in zip(known, regions_in(known, name, "regions"), strict=True)
            if here
        ]
        chosen = list(dict.fromkeys(found))
    rest = [name for name in known if name not in chosen]
    if not rest or column in RATES:
        return wide[chosen], None
    return wide[chosen], wide[rest].sum(axis=1).rename(f"other ({len(rest)})")


def _named(ax: Axes, shown: pd.DataFrame, colours: Sequence[str]) -> None:
    """Write the names at the ends of the lines, apart from each other."""
    low, high = ax.get_ylim()
    width, height = points(ax)
    size = min(SIZE, max(SMALLEST, height / len(shown.columns) / LEADING))
    gap = size * LEADING / height * (high - low)
    last = shown.ffill().iloc[-1].to_numpy()
    order = np.argsort(last, kind="stable")
    places = spread(last[order].tolist(), gap, low + gap / 2, high - gap / 2)
    room = min(NAME, ASIDE * width)
    names = [fit(str(shown.columns[at]), room, size) for at in order]
    for at, name, place in zip(order, names, places):
        ax.annotate(
            name,
            (shown.index[-1], last[at]),
            xytext=(14, place),
            textcoords=("offset points", "data"),
            va="center",
            size=size,
            color=INK,
            annotation_clip=False,
            **as_is(name),
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.5,
                "color": colours[at],
                "shrinkA": 1,
                "shrinkB": 3,
                "relpos": (0.0, 0.5),
            },
        )
    first, end = float(shown.index[0]), float(shown.index[-1])
    wide = max(text_width(name, size) for name in names)
    margins(ax, "x", (first, end), (4.0, wide + 18))
    ax.set_ylim(low, high)
