"""Regions: who imports and exports on balance, and the matrix of flows as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast.errors import InputError, wrong
from carbonflows_fast.figures._canvas import (
    FALL,
    INK,
    LEADING,
    OTHER,
    RISE,
    SIZE,
    Scale,
    axes_for,
    bare,
    caption,
    checked,
    fitted,
    lettering,
    margins,
    points,
    scale_for,
    scaled,
    text_width,
    top_of,
)
from carbonflows_fast.figures._merge import largest, merged
from carbonflows_fast.trade import Flows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["heat_map", "net_imports"]

NAME = 150.0  # points that the name of a region may take
DECADES = 6  # orders of magnitude that the colours of a heat map tell apart at most
PALEST = 0.05  # of the cells may share the palest colour


def net_imports(
    result: Flows | pd.DataFrame,
    *,
    top: int | None = None,
    share: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw net importers and net exporters as bars, the largest importer at the top.

    Parameters
    ----------
    result : Flows or DataFrame
        Of `cf.flows`, or of `cf.accounts`.
    top : int, optional
        Only so many regions, those with the largest net imports or exports; two grey bars hold the
        other importers and the other exporters. All regions by default.
    share : bool
        Draw net imports over production, in per cent, instead of in the stressor's unit.
    ax : Axes, optional
        Where to draw; in a new figure by default.

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
    checked("result", result, (Flows, pd.DataFrame), "cf.flows or cf.accounts")
    frame = _balances(result)
    shown = _chosen(frame, len(frame) if top is None else top_of(top), share)
    values = shown["share" if share else "net_imports"].to_numpy()
    ax = axes_for(ax, max(1.8, 0.9 + 0.155 * len(shown)))
    place = np.arange(len(shown))
    colour = [OTHER if other else RISE if v > 0 else FALL
              for v, other in zip(values, shown["other"])]  # fmt: skip
    ax.barh(place, values, height=0.72, color=colour, linewidth=0)

    bare(ax, ["bottom"])
    size = lettering(points(ax)[1], len(shown))
    scale = scale_for(values, frame.attrs["unit"])
    texts = [f"{v:+.1%}".replace("-", "−") if share else scale.number(v, sign=True) for v in values]
    for y, value, text in zip(place, values, texts):
        ax.annotate(
            text, (value, y), xytext=(3 if value > 0 else -3, 0), textcoords="offset points",
            ha="left" if value > 0 else "right", va="center", size=size, color=INK,
        )  # fmt: skip
    names = [fitted(name, NAME, size) for name in shown.index]
    ax.set_yticks(place, names, size=size, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(shown) - 0.4, -0.6)
    wide = max((text_width(text, size) for text in texts), default=0.0) + 6
    low, high = min(0.0, values.min(initial=0.0)), max(0.0, values.max(initial=0.0))
    margins(ax, "x", (low, high), (wide if low < 0 else 0, wide if high > 0 else 0))
    ax.axvline(0, color=INK, linewidth=0.6)
    what = frame.attrs["stressor"]
    if share:
        from matplotlib.ticker import PercentFormatter

        ax.xaxis.set_major_formatter(PercentFormatter(1.0))
        label = f"net imports of {what} over production"
    else:
        scaled(ax.xaxis, scale)
        label = f"net imports of {scale.label(what)}"
    caption(ax, "x", label)
    return ax


def _balances(result: Flows | pd.DataFrame) -> pd.DataFrame:
    """Return production and net_imports by region, attrs stressor and unit; no zeros."""
    if isinstance(result, Flows):
        frame = pd.concat([result.net_importers(), result.net_exporters()])
        about = {"stressor": result.stressor, "unit": result.unit}
    else:
        missing = {"production", "net_imports"} - set(result.columns)
        if missing or result.index.nlevels != 1:
            raise InputError(
                wrong("result", expected="the accounts of one table",
                      got=f"a frame without {', '.join(sorted(missing)) or 'one row a region'}",
                      remedy="give the result of cf.accounts or cf.flows")
            )  # fmt: skip
        frame = result[result["net_imports"] != 0]
        about = {name: str(result.attrs.get(name, "")) for name in ("stressor", "unit")}
    frame = frame[["production", "net_imports"]].copy()
    frame.attrs = about
    return frame


def _chosen(frame: pd.DataFrame, top: int, share: bool) -> pd.DataFrame:
    """Return what is drawn, in order: net_imports, share, and whether it is a sum of others."""
    size = -frame["net_imports"].abs().to_numpy()
    keep = np.zeros(len(frame), dtype=np.bool_)
    keep[np.argsort(size, kind="stable")[:top]] = True
    parts = [frame[keep].assign(other=False)]
    for what, side in (
        ("importers", frame["net_imports"] > 0),
        ("exporters", frame["net_imports"] < 0),
    ):
        rest = frame[~keep & side]
        if len(rest):
            name = f"{len(rest)} other net {what}"
            parts.append(rest.sum().to_frame(name).T.assign(other=True))
    shown = pd.concat(parts)
    produced = shown["production"].to_numpy()
    shown["share"] = shown["net_imports"] / np.where(produced != 0, produced, np.nan)
    if share:
        shown = shown[shown["share"].notna()]
    order = np.argsort(-shown["share" if share else "net_imports"].to_numpy(), kind="stable")
    return shown.iloc[order]


def heat_map(flows: Flows, *, top: int = 49, ax: Axes | None = None) -> Axes:
    """Draw the flows between regions as a matrix of colours, on a logarithmic scale.

    Parameters
    ----------
    flows : Flows
    top : int
        So many regions at most, in the order of the table, those with the largest sum of row and
        column; the last row and column hold all others together.
    ax : Axes, optional
        Where to draw; in a new figure by default. The colour bar takes a part of it.

    Returns
    -------
    Axes
        Rows emit, columns consume; the diagonal is domestic. The array of its image is the matrix,
        in the unit of the flows. Cells of zero or less are white, and counted below if negative.

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
    checked("flows", flows, Flows, "cf.flows")
    flows._need_consumers("a heat map")
    matrix = flows.matrix.to_numpy()
    names, (E,) = merged(
        [list(flows.matrix.index)] * 2, [matrix],
        largest(list(flows.matrix.index), matrix.sum(axis=0) + matrix.sum(axis=1), top_of(top)),
        in_order=True,
    )  # fmt: skip
    count = len(E)
    ax = axes_for(ax, min(7.4, 1.9 + 0.32 * count), min(7.2, 3.6 + 0.3 * count))
    scale = scale_for(E, flows.unit)
    image = _cells(ax, E)
    bare(ax)
    side = points(ax)
    size = min(lettering(side[1], count), lettering(side[0], count))
    short = [fitted(name, NAME, size) for name in names[0]]
    ax.set_yticks(range(count), short, size=size, parse_math=False)
    upright = max(text_width(name, size) for name in short) > side[0] / count - 3
    ax.set_xticks(range(count), short, size=size, parse_math=False, rotation=90 if upright else 0)
    ax.tick_params(length=0)
    caption(ax, "y", "emitted in")
    negative = int((E < 0).sum())
    below = f" ({negative} negative flow{'s' * (negative > 1)} left white)" if negative else ""
    caption(ax, "x", f"consumed in{below}")
    _write_cells(ax, E, image, scale, side)
    _colour_bar(ax, E, image, scale.label(flows.stressor), scale)
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


def _colour_bar(ax: Axes, E: Any, image: Any, label: str, scale: Scale) -> None:
    paler = bool(((E > 0) & (image.norm.vmin > E)).any())
    bar = ax.figure.colorbar(
        image, ax=ax, extend="min" if paler else "neither", fraction=0.05, pad=0.02, aspect=30
    )
    bar.outline.set_visible(False)
    scaled(bar.ax.yaxis, scale)
    bar.ax.tick_params(which="both", labelsize=SIZE, labelcolor=INK, color=OTHER, width=0.6)
    bar.ax.minorticks_off()
    caption(bar.ax, "y", label)


def _write_cells(ax: Axes, E: Any, image: Any, scale: Scale, side: tuple[float, float]) -> None:
    """Write the numbers into the cells where there is room for them."""
    room, size = side[0] / len(E) - 4, SIZE - 1
    if size * LEADING > min(side) / len(E):
        return
    texts = [[scale.number(value) for value in row] for row in E]
    if max(text_width(text, size) for row in texts for text in row) > room:
        return
    for (i, j), value in np.ndenumerate(E):
        red, green, blue, _ = image.cmap(image.norm(value)) if value > 0 else (1, 1, 1, 1)
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        ax.text(j, i, texts[i][j], ha="center", va="center", size=size,
                color="white" if dark else INK)  # fmt: skip
