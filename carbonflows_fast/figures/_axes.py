"""What all figures share: axes, colours, readable units, and labels that keep their distance."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import whole
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.wording import Scale
from carbonflows_fast.errors import InputError, shorten
from carbonflows_fast.figures._letters import SIZE, as_is, size_and_rotation, text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "CATEGORIES",
    "FALL",
    "INK",
    "OTHER",
    "PALE",
    "RISE",
    "alone",
    "bare",
    "caption",
    "empty",
    "finite",
    "margins",
    "note",
    "one_sign",
    "over_bars",
    "points",
    "require_result",
    "spread",
    "top_of",
    "write_ticks",
]

# Okabe & Ito (2008), distinct with any kind of colour vision; yellow, faint on white, comes last.
CATEGORIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
RISE, FALL = "#D55E00", "#0072B2"
INK, OTHER, PALE = "#262626", "#8C8C8C", "#D4D4D4"

TAKEN = 0.5  # of the room of axes that texts of other axes may take


def require_result(argument: str, value: Any, kinds: type | tuple[type, ...], source: str) -> None:
    """Complain unless `value` is a result of the functions that `source` names."""
    if not isinstance(value, kinds):
        raise InputError.about(
            argument,
            expected=f"a result of {source}",
            got=type(value).__name__,
            remedy="ask for it first",
        )


def top_of(top: Any) -> int:
    """Return how many things are to be shown by name: all for None."""
    remedy = "leave it out for what can be read, or give None for all"
    return sys.maxsize if top is None else whole("top", top, remedy=remedy)


def finite(argument: str, found: pd.Series | pd.DataFrame, *, gaps: bool = False) -> FloatArray:
    """Return numbers that can be drawn: none infinite, nor missing unless `gaps` may be."""
    try:
        values: FloatArray = found.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        kinds = found.dtypes if isinstance(found, pd.DataFrame) else [found.dtype]
        got, remedy = shorten(sorted({str(kind) for kind in kinds})), "convert them"
    else:
        bad = ~np.isfinite(values) & ~(np.isnan(values) & gaps)
        if not bad.any():
            return values
        at = found.index[bad.reshape(len(values), -1).any(axis=1)]
        got, remedy = f"{values[bad][0]} for {shorten(at)}", "leave these rows out"
    raise InputError.about(argument, expected="finite numbers", got=got, remedy=remedy)


# ---- numbers and units ---------------------------------------------------------------------------


def one_sign(values: Any, most: float = 0.05) -> bool:
    """Tell whether values have a total of which their parts can be shares.

    Where parts cancel, a share of what is left over says nothing: it may be 558 %, or the ratio of
    two rounding errors. So no more than `most` of Σ|values| may have the other sign.

    >>> one_sign([5, 3, 0]), one_sign([-2, -1]), one_sign([5, -4.9]), one_sign([])
    (True, True, False, False)
    """
    found = np.asarray(values, dtype=np.float64)
    size = float(np.abs(found).sum())
    return size > 0 and abs(float(found.sum())) >= (1 - 2 * most) * size


def write_ticks(axis: Any, scale: Scale) -> None:
    """Write the ticks of an axis on a scale."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(scale.tick))


# ---- room ----------------------------------------------------------------------------------------


def points(ax: Axes) -> tuple[float, float]:
    """Return width and height of axes in points, when their figure has made room for all texts.

    Axes of the same layout that are still empty will take room for theirs: the more of them, the
    less is counted on.
    """
    _lay_out(ax)
    per_point = ax.figure.dpi / 72.0
    if ax.figure.get_layout_engine() is not None:
        every = ax.figure.axes
        waiting = sum(other is not ax and not other.has_data() for other in every)
        per_point /= 1.0 - TAKEN * waiting / len(every)
    box = ax.get_window_extent()
    return box.width / per_point, box.height / per_point


def alone(ax: Axes) -> bool:
    """Tell whether axes, with colour bars, are all of a figure that nothing lays out nor placed."""
    from matplotlib.gridspec import SubplotParams

    figure = ax.figure
    return (
        figure is figure.figure
        and figure.get_layout_engine() is None
        and ax.get_subplotspec() is not None
        and vars(figure.subplotpars) == vars(SubplotParams())
        and all(other is ax or other.get_label() == "<colorbar>" for other in figure.axes)
    )


def _lay_out(ax: Axes) -> None:
    """Make room for all texts in the figure of axes."""
    engine, figure = ax.figure.get_layout_engine(), ax.figure.figure  # of which others are parts
    if engine is not None:
        engine.execute(figure)
    elif alone(ax):
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        with warnings.catch_warnings():  # the figure is too small; no layout was asked for
            warnings.simplefilter("ignore", UserWarning)
            ConstrainedLayoutEngine().execute(figure)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return places as near to the wanted ones (ascending) as a least distance allows.

    The least squares are found by pooling neighbours that press on each other; where the room is
    too small for all, the distance shrinks to what there is.

    >>> spread([1.0, 1.2, 8.0], 1.0, 0.0, 10.0)
    [0.6, 1.6, 8.0]
    """
    count = len(wanted)
    if count > 1:
        gap = min(gap, (high - low) / (count - 1))
    pools: list[tuple[float, int]] = []  # mean of wanted places less their distances, how many
    for at, place in enumerate(wanted):
        mean, size = place - at * gap, 1
        while pools and pools[-1][0] >= mean:
            before, members = pools.pop()
            mean, size = (before * members + mean * size) / (members + size), members + size
        pools.append((mean, size))
    means = [mean for mean, size in pools for _ in range(size)]
    last = high - max(count - 1, 0) * gap
    return [min(max(mean, low), last) + at * gap for at, mean in enumerate(means)]


def margins(ax: Axes, side: str, ends: tuple[float, float], room: tuple[float, float]) -> None:
    """Set the limits of "x" or "y" to `ends`, with points of room for texts beyond each."""
    length = points(ax)["xy".index(side)]
    low, high = ends
    high = high if high > low else low + 1.0  # an empty axis needs limits too
    per_point = (high - low) / max(length - sum(room), 0.2 * length)
    ax.set(**{f"{side}lim": (low - room[0] * per_point, high + room[1] * per_point)})


# ---- axes ----------------------------------------------------------------------------------------


def bare(ax: Axes, keep: Sequence[str] = ()) -> None:
    """Leave only these spines, thin, and small ticks beside them."""
    for side, spine in ax.spines.items():
        spine.set_visible(side in keep)
        spine.set_linewidth(0.6)
        spine.set_color(OTHER)
    ax.set_facecolor("none")
    ax.grid(False)
    ax.tick_params(labelsize=SIZE, labelcolor=INK, color=OTHER, width=0.6, length=3)
    if "left" not in keep:
        ax.set_yticks([])
    if not keep:
        ax.set_xticks([])


def caption(ax: Axes, side: str, text: str, *, loc: str | None = None) -> None:
    """Write a text along an axis, "x" or "y", in lines that are not longer than it."""
    room = 10 * SIZE
    if text_width(text) > room:  # else a layout, which takes a while, would change nothing
        room = max(room, 0.96 * points(ax)["xy".index(side)])  # screens have whole pixels
    lines = wrap(text, room)
    getattr(ax, f"set_{side}label")(lines, size=SIZE, color=INK, loc=loc, **as_is(text))


def note(ax: Axes, text: str) -> None:
    """Write below the figure what it shows."""
    caption(ax, "x", text, loc="left")


def empty(ax: Axes, text: str) -> None:
    """Say in the middle of axes why they are empty."""
    ax.text(
        0.5,
        0.5,
        text,
        transform=ax.transAxes,
        ha="center",
        va="center",
        size=SIZE,
        color=INK,
        style="italic",
    )


def over_bars(
    ax: Axes,
    names: Sequence[str],
    texts: Sequence[str],
    low: Sequence[float],
    high: Sequence[float],
    label: str,
    about: str,
) -> None:
    """Write names below upright bars at 0, 1, … and texts above, turned where bars are narrow.

    `low` and `high` are the ends of the bars; zero is shown, too. `label` says what they are, and
    `about` is written below.
    """
    caption(ax, "y", label)
    note(ax, about)
    ax.tick_params(axis="x", length=0)
    ax.axhline(0, color=OTHER, linewidth=0.6)
    ax.set_xlim(-0.5, len(names) - 0.5)
    room = points(ax)[0] / len(names) - 2
    lines = [name.replace(" ", "\n", 1) for name in names]
    style = size_and_rotation(lines, room)
    lines = list(names) if style["rotation"] else lines
    ax.set_xticks(range(len(names)), lines, **style, **as_is(*names))
    style = size_and_rotation(texts, room)
    widest = max((text_width(text, style["size"]) for text in texts), default=0.0)
    ends = min(0.0, *low, *high), max(0.0, *low, *high)
    tall = widest if style["rotation"] else style["size"]
    margins(ax, "y", ends, (4.0 if ends[0] < 0 else 0.0, tall + 6))
    for x, text in enumerate(texts):
        ax.annotate(
            text,
            (x, max(low[x], high[x])),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=INK,
            **style,
        )
    caption(ax, "y", label)  # again, with lines that fit: turned names and lines compete for room
    note(ax, about)
