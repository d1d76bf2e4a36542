"""Regions: who imports and exports on balance, and the matrix of flows as a heat map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.wording import Scale, count, scale_for, shares_for
from carbonflows_fast.errors import InputError, shorten
from carbonflows_fast.figures._axes import (
    FALL,
    INK,
    OTHER,
    RISE,
    alone,
    caption,
    empty,
    finite,
    points,
    require_result,
    top_of,
    write_ticks,
)
from carbonflows_fast.figures._frame import begin, display_names, drawing, most_width
from carbonflows_fast.figures._largest import largest, merge_others
from carbonflows_fast.figures._letters import LEADING, SIZE, as_is, fit, lettering, text_width
from carbonflows_fast.figures._rows import (
    ASIDE,
    NAME,
    intervals_of,
    name_rows,
    sparse,
    write_beside,
)
from carbonflows_fast.trade import Flows
from carbonflows_fast.trade._flow_matrix import require_consumers
from carbonflows_fast.uncertainties import Uncertainty

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["heat_map", "net_imports"]

NOTHING = 1e-9  # of the largest production counts as zero: the rest of a difference
DECADES = 6  # orders of magnitude that the colours of a heat map can show at most
LEVEL = 0.9  # of intervals
PALEST = 0.05  # of the cells may share the palest colour


@drawing
def net_imports(
    result: Flows | pd.DataFrame | Uncertainty,
    *,
    top: int | None = None,
    share: bool = False,
    level: float = LEVEL,
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw net importers and net exporters as bars, the largest importer at the top.

    Parameters
    ----------
    result : Flows, DataFrame or Uncertainty
        The result of `cf.flows` or of `cf.accounts`; or of `cf.uncertainty`, to draw intervals too.
    top : int or None
        How many regions are named: those with the largest net imports or exports, or shares (None:
        all). The rest is two grey bars, "other net importers (n)" and "other net exporters (n)".
    share : bool
        Draw net imports over production, in per cent, instead of in the stressor's unit; not for
        an `Uncertainty`.
    level : float
        Probability of the intervals of an `Uncertainty`, which are lines over the bars; only for
        such a result.
    names : mapping of str to str, optional
        What to call regions instead of their labels, e.g. {"CHN": "China"}.
    ax : Axes, optional
        Where to draw. The default is a new figure.

    Returns
    -------
    Axes
        A bar for each region: its width is net_imports in the unit of the result (or net_share).

    Raises
    ------
    InputError
        If an argument is wrong, or matplotlib is missing.

    Examples
    --------
    >>> import numpy as np
    >>> import carbonflows_fast as cf
    >>> flows = cf.flows(cf.synthetic.world(regions=5, sectors=4))
    >>> ax = cf.figures.net_imports(flows)
    >>> bool(np.isclose(max(bar.get_width() for bar in ax.patches),
    ...                 flows.net_importers().net_imports.max()))
    True
    """
    kinds = (Flows, pd.DataFrame, Uncertainty)
    require_result("result", result, kinds, "cf.flows, cf.accounts or cf.uncertainty")
    sure = result if isinstance(result, Uncertainty) else None
    if sure is not None and share:
        raise InputError.about(
            "share",
            expected="False for an Uncertainty",
            got="True",
            remedy="leave it out, or give accounts without intervals",
        )
    if sure is None and level != LEVEL:
        raise InputError.about(
            "level",
            expected="an Uncertainty, whose intervals it is of",
            got="a result without intervals",
            remedy="leave it out, or give one of cf.uncertainty",
        )
    frame = _balances(result.value if isinstance(result, Uncertainty) else result)
    labels = list(frame.index)
    frame.index = pd.Index(display_names(labels, names), dtype=object)
    shown, left = _chosen(frame, top_of(top), share)
    reach = np.zeros(len(shown))
    if sure is not None:
        reach = _reach(sure, frame.assign(label=labels), shown, level)
        left += intervals_of(level)
    values = shown["share" if share else "net_imports"].to_numpy()
    ax = begin(ax, max(1.8, 0.9 + 0.155 * len(shown)), spines=["bottom"])
    place = np.arange(len(shown))
    colour = [
        OTHER if other else RISE if v > 0 else FALL for v, other in zip(values, shown["other"])
    ]
    ax.barh(place, values, height=0.72, color=colour, linewidth=0)

    size = name_rows(ax, list(map(str, shown.index)))
    ax.axvline(0, color=INK, linewidth=0.6)
    if not len(shown):
        empty(ax, "no region imports or exports on balance")
        ax.set_xticks([])
    scale = shares_for(values) if share else scale_for(values, frame.attrs["unit"])
    write_ticks(ax.xaxis, scale)
    what = f"net imports of {frame.attrs['stressor']}{' over production' * share}"
    caption(ax, "x", scale.label(what) + left)

    texts = [scale.number(value, sign=True) for value in values]
    write_beside(ax, values, reach, texts, size)
    sparse(ax, scale)
    return ax


def _reach(sure: Uncertainty, frame: pd.DataFrame, shown: pd.DataFrame, level: float) -> FloatArray:
    """Return half of the interval of each bar; sums of others have their covariances."""
    found = []
    for name, value, other in zip(shown.index, shown["net_imports"], shown["other"]):
        within = frame.index == name
        if other:
            within = (frame["net_imports"] * value > 0) & ~frame.index.isin(shown.index)
        low, high = sure.total("net_imports", frame["label"][within].tolist()).interval(level)
        found.append((high - low) / 2.0)
    return np.array(found)


def _balances(result: Flows | pd.DataFrame) -> pd.DataFrame:
    """Return production and net_imports by region, attrs stressor and unit; no zeros."""
    if isinstance(result, Flows):
        frame = pd.concat([result.net_importers(), result.net_exporters()])
        about = {"stressor": result.stressor, "unit": result.unit}
    else:
        missing = {"production", "net_imports"} - set(result.columns)
        if missing or result.index.nlevels != 1:
            raise InputError.about(
                "result",
                expected="the accounts of one table",
                got=f"a frame without {', '.join(sorted(missing)) or 'one row a region'}",
                remedy="give the result of cf.accounts or cf.flows, or cf.uncertainty of accounts",
            )
        finite("result", result[["production", "net_imports"]])
        frame = result[result["net_imports"] != 0]
        about = {name: str(result.attrs.get(name, "")) for name in ("stressor", "unit")}
    produced = frame["production"]
    if "net_share" in frame:  # which has sources and sinks by size below the line
        by_size = frame["net_imports"] / frame["net_share"]
        produced = produced.where(np.isclose(by_size, produced, rtol=1e-9, atol=0.0), by_size)
    frame = frame[["net_imports"]].assign(production=produced)
    frame.attrs = about
    return frame


def _chosen(frame: pd.DataFrame, top: int, share: bool) -> tuple[pd.DataFrame, str]:
    """Return what is drawn, in order, and words for what is not.

    Columns: net_imports, share, and whether it is a sum of others. One that would be left over
    alone is drawn by its name.
    """
    by = _share(frame) if share else frame["net_imports"]
    size = -by.abs().to_numpy()  # those without a share are the last
    keep = np.zeros(len(frame), dtype=np.bool_)
    keep[np.argsort(size, kind="stable")[:top]] = True
    sums = []
    for what, side in (
        ("importers", frame["net_imports"].to_numpy() > 0),
        ("exporters", frame["net_imports"].to_numpy() < 0),
    ):
        rest = ~keep & side
        if (count := int(rest.sum())) > 1:
            one = frame[rest].sum().to_frame(f"other net {what} ({count})").T
            sums.append(one.assign(other=True))
        else:
            keep |= rest
    shown = pd.concat([frame[keep].assign(other=False), *sums])
    shown["share"] = _share(shown)
    left = ""
    if share:
        none = shown.index[shown["share"].isna()]
        left = f" (not drawn, without production: {shorten(none)})" if len(none) else ""
        shown = shown[shown["share"].notna()]
    order = np.argsort(-shown["share" if share else "net_imports"].to_numpy(), kind="stable")
    return shown.iloc[order], left


def _share(frame: pd.DataFrame) -> pd.Series:
    """Return net imports over production, missing where there is none, or less than nothing."""
    produced = frame["production"]
    return frame["net_imports"] / produced.where(produced > NOTHING * produced.abs().max())


@drawing
def heat_map(
    flows: Flows,
    *,
    top: int | None = 49,
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the flows between regions as a matrix of colours, on a logarithmic scale.

    Parameters
    ----------
    flows : Flows
    top : int or None
        How many regions are named: in the order of the table, those with the largest sum of row and
        column (None: all); the rest is "other (n)", the last row and column.
    names : mapping of str to str, optional
        What to call regions instead of their labels, e.g. {"CHN": "China"}.
    ax : Axes, optional
        Where to draw. The default is a new figure. The colour bar takes a part of it.

    Returns
    -------
    Axes
        Rows emit, columns consume; the diagonal is domestic. The array of its image is the matrix,
        in the unit of the flows. Cells of zero or less are white; negative ones are counted below.

    Raises
    ------
    InputError
        If an argument is wrong, if the demand was an array, or matplotlib is missing.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> flows = cf.flows(cf.synthetic.world(regions=5, sectors=4))
    >>> ax = cf.figures.heat_map(flows)
    >>> bool((ax.images[0].get_array() == flows.matrix.to_numpy()).all())
    True
    """
    require_result("flows", flows, Flows, "cf.flows")
    require_consumers(flows, "a heat map")
    matrix = finite("flows", flows.matrix)
    regions = display_names(list(flows.matrix.index), names)
    kept = largest(regions, matrix.sum(axis=0) + matrix.sum(axis=1), top_of(top))
    (labels, _), (E,) = merge_others([regions] * 2, [matrix], kept, in_order=True)
    n = len(E)
    beside = min(NAME, max(text_width(name) for name in labels))
    wide = min(max(3.5, 1.7 + beside / 72 + 0.32 * n), 7.4)
    tall = min(7.2, 1.4 + beside / 72 + 0.3 * n, 1.3 * most_width())
    ax = begin(ax, tall, wide)
    scale = scale_for(E, flows.unit)
    image = _cells(ax, E)
    label = scale.label(flows.stressor)
    bar = _colour_bar(ax, E, image, label, scale) if (E > 0).any() else None
    caption(ax, "y", "emitted in")
    negative = int((E < 0).sum())
    below = f" ({count(negative, 'negative flow')} left white)" if negative else ""
    below = below if E.any() else f" ({label}: no flows)"
    caption(ax, "x", f"consumed in{below}")
    width, height = points(ax)
    beside = min(beside, ASIDE / 2 * (width + height))
    size = lettering(min(width, height) - beside, n)
    short = [fit(name, beside, size) for name in labels]
    ax.set_yticks(range(n), short, size=size, **as_is(*short))
    upright = max(text_width(name, size) for name in short) > points(ax)[0] / n - 3
    ax.set_xticks(range(n), short, size=size, rotation=90 if upright else 0, **as_is(*short))
    ax.tick_params(length=0)
    if bar is not None:
        caption(bar, "y", label)  # again: names that are turned leave less height to it
    _write_cells(ax, E, image, scale)
    return ax


def _cells(ax: Axes, E: Any) -> Any:
    """Draw the matrix; cells of zero or less have no logarithm and stay white."""
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm

    positive = E[E > 0] if (E > 0).any() else np.ones(1)
    high = float(positive.max())
    low = min(float(np.quantile(positive, PALEST)), high / 10)
    norm = LogNorm(max(low, high / 10**DECADES), high)
    colours = colormaps["magma_r"].with_extremes(bad="white")
    return ax.imshow(E, cmap=colours, norm=norm, aspect="auto", interpolation="none")


def _colour_bar(ax: Axes, E: Any, image: Any, label: str, scale: Scale) -> Axes:
    paler = bool(((E > 0) & (image.norm.vmin > E)).any())
    bar = ax.figure.colorbar(
        image,
        ax=ax,
        extend="min" if paler else "neither",
        fraction=0.05,
        pad=0.02,
        aspect=30,
        use_gridspec=not alone(ax),
    )
    bar.outline.set_visible(False)
    if image.norm.vmax < 100 * image.norm.vmin:  # powers of ten alone would be too few
        from matplotlib.ticker import LogLocator

        bar.locator = LogLocator(subs=(1, 2, 5))
    write_ticks(bar.ax.yaxis, scale)
    bar.ax.tick_params(which="both", labelsize=SIZE, labelcolor=INK, color=OTHER, width=0.6)
    bar.ax.minorticks_off()
    caption(bar.ax, "y", label)
    return bar.ax


def _write_cells(ax: Axes, E: Any, image: Any, scale: Scale) -> None:
    """Write the numbers into the cells where there is room for them."""
    side = points(ax)
    room, size = side[0] / len(E) - 4, SIZE - 1
    if size * LEADING > min(side) / len(E):
        return
    texts = [[scale.number(value) for value in row] for row in E]
    if any(text_width(text, size) > room for row in texts for text in row):
        return
    for (i, j), value in np.ndenumerate(E):
        red, green, blue, _ = image.cmap(image.norm(value)) if value > 0 else (1, 1, 1, 1)
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        ax.text(
            j, i, texts[i][j], ha="center", va="center", size=size, color="white" if dark else INK
        )
