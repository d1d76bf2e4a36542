"""What all figures share: axes, colours, readable units, and labels that keep their distance."""

from __future__ import annotations

import math
import re
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast.errors import InputError, shorten, wrong
from carbonflows_fast.figures._letters import SIZE, as_is, text_width, turned, wrapped
from carbonflows_fast.table._content import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "CATEGORIES", "FALL", "INK", "OTHER", "PALE", "RISE", "Scale", "alone", "bare",
    "caption", "checked", "empty", "margins", "note", "numbers", "one_sign", "over_bars", "percent",
    "points", "scale_for", "scaled", "shares_for", "spread", "top_of",
]  # fmt: skip

# Okabe & Ito (2008), distinct with any kind of colour vision; yellow, faint on white, comes last.
CATEGORIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
RISE, FALL = "#D55E00", "#0072B2"
INK, OTHER, PALE = "#262626", "#8C8C8C", "#D4D4D4"

TAKEN = 0.5  # of the room of axes may be taken by texts of others in their figure

MASSES = ("g", "kg", "t", "kt", "Mt", "Gt")
SAME_MASSES = {"Mg": "t", "Gg": "kt", "Tg": "Mt", "Pg": "Gt"}
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def checked(argument: str, value: Any, kinds: type | tuple[type, ...], source: str) -> None:
    """Complain unless `value` is a result of the functions that `source` names."""
    if not isinstance(value, kinds):
        raise InputError(
            wrong(argument, expected=f"a result of {source}", got=type(value).__name__,
                  remedy="ask for it first")
        )  # fmt: skip


def top_of(top: Any) -> int:
    """Return how many things are to be shown by name: all for None."""
    if top is None:
        return sys.maxsize
    if isinstance(top, bool) or not isinstance(top, int | np.integer) or top < 1:
        raise InputError(
            wrong("top", expected="a whole number of at least 1, or None for all", got=repr(top),
                  remedy="leave it out for what can be read")
        )  # fmt: skip
    return int(top)


def numbers(argument: str, found: pd.Series | pd.DataFrame, *, gaps: bool = False) -> FloatArray:
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
    raise InputError(wrong(argument, expected="finite numbers", got=got, remedy=remedy))


# ---- numbers and units ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scale:
    """How numbers are written: over `factor`, in `unit`.

    >>> scale_for([31_500_000.0, 250_000.0], "kt").text(31_500_000.0)
    '31.5 Gt'
    """

    factor: float
    unit: str

    def number(self, value: float, *, sign: bool = False) -> str:
        """Write a value with three digits, without its unit."""
        shown = abs(value) / self.factor
        if 0 < shown < 0.0005:
            return ">−0.001" if value < 0 else "<0.001"
        digits = 0 if shown == 0 else min(3, max(0, 2 - math.floor(math.log10(shown))))
        text = f"{shown:,.{digits}f}"
        return ("−" if value < 0 else "+" if sign and value > 0 else "") + text

    def text(self, value: float, *, sign: bool = False) -> str:
        """Write a value with its unit."""
        times = "× " if re.match("10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]", self.unit) else ""
        return f"{self.number(value, sign=sign)} {times}{self.unit}".rstrip()

    def tick(self, value: float, _: object = None) -> str:
        """Write a value of an axis."""
        return f"{value / self.factor:,.12g}".replace("-", "−")

    def label(self, stressor: str) -> str:
        """Say what an axis shows."""
        return f"{stressor}, {self.unit}" if self.unit else stressor


def scale_for(values: Any, unit: str) -> Scale:
    """Return the scale on which the largest of some values is between 10 and 10,000.

    Values of one and more keep their unit where that would need a smaller one. Masses go from g to
    Gt, with what follows the unit kept ("kg CO2-eq"); what is beyond, and any other unit, gets a
    power of ten, negative ones only where three decimals would not do.
    """
    sizes = np.abs(np.asarray(values, dtype=np.float64))
    largest = float(np.max(sizes[np.isfinite(sizes)], initial=0.0))
    size = math.log10(largest) if largest > 0 else 0.0
    size = max(size, -300.0)  # the factor is a number of float64
    steps = math.floor(size / 3) if size < 0 else max(0, math.floor((size - 1) / 3 + 1e-12))
    unit, moved = unit.strip(), 0
    mass, _, rest = unit.partition(" ")
    mass = SAME_MASSES.get(mass, mass)
    if mass in MASSES:
        at = MASSES.index(mass)
        moved = min(max(at + steps, 0), len(MASSES) - 1) - at
        unit = f"{MASSES[at + moved]} {rest}".rstrip()
    powers = 3 * (steps - moved)
    if powers == 0 or (powers < 0 and largest >= 0.01 * 1000.0**moved):
        return Scale(1000.0**moved, unit)
    raised = str(powers).translate(RAISED)
    return Scale(1000.0**steps, f"10{raised} {unit}".rstrip())


def shares_for(values: Any) -> Scale:
    """Return the scale for shares, in per cent."""
    scale = scale_for(100.0 * np.asarray(values, dtype=np.float64), "%")
    return Scale(scale.factor / 100.0, scale.unit)


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


def percent(part: float, total: float, digits: int = 1) -> str:
    """Write a part as a share of a total.

    >>> percent(-1, 3), percent(1, 1e6), percent(1, 1e-6)
    ('−33.3%', '<0.1%', '>1,000%')
    """
    share, least = part / total, 10.0 ** -(digits + 2)
    if abs(share) > 10:  # of a total in which parts cancel
        return "<−1,000%" if share < 0 else ">1,000%"
    if 0 < abs(share) < least / 2:
        return f"{'>−' if share < 0 else '<'}{least:.{digits}%}"
    return f"{share:.{digits}%}".replace("-", "−")


def scaled(axis: Any, scale: Scale) -> None:
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

        with warnings.catch_warnings():  # of too small a figure: nobody asked for a layout
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
    high = high if high > low else low + 1.0  # nothing to show needs limits too
    per_point = (high - low) / max(length - sum(room), 0.2 * length)
    ax.set(**{f"{side}lim": (low - room[0] * per_point, high + room[1] * per_point)})


# ---- axes ----------------------------------------------------------------------------------------


def bare(ax: Axes, keep: Sequence[str] = ()) -> None:
    """Leave only these spines, thin, and small ticks."""
    for side, spine in ax.spines.items():
        spine.set_visible(side in keep)
        spine.set_linewidth(0.6)
        spine.set_color(OTHER)
    ax.set_facecolor("none")
    ax.grid(False)
    ax.tick_params(labelsize=SIZE, labelcolor=INK, color=OTHER, width=0.6, length=3)


def caption(ax: Axes, side: str, text: str, *, loc: str | None = None) -> None:
    """Write a text along an axis, "x" or "y", in lines that are not longer than it."""
    room = 10 * SIZE
    if text_width(text) > room:  # else a layout, which takes a while, would change nothing
        room = max(room, 0.96 * points(ax)["xy".index(side)])  # screens have whole pixels
    lines = wrapped(text, room)
    getattr(ax, f"set_{side}label")(lines, size=SIZE, color=INK, loc=loc, **as_is(text))


def note(ax: Axes, text: str) -> None:
    """Write below the figure what it shows."""
    caption(ax, "x", text, loc="left")


def empty(ax: Axes, text: str) -> None:
    """Say in the middle of axes why they are empty."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", size=SIZE, color=INK,
            style="italic")  # fmt: skip


def over_bars(
    ax: Axes, names: Sequence[str], texts: Sequence[str], low: Sequence[float],
    high: Sequence[float], label: str, about: str,
) -> None:  # fmt: skip
    """Write names below upright bars at 0, 1, … and texts above, turned where bars are narrow.

    `low` and `high` are the ends of the bars; zero is shown, too. `label` says what they are, and
    `about` stands below.
    """
    caption(ax, "y", label)
    note(ax, about)
    ax.tick_params(axis="x", length=0)
    ax.axhline(0, color=OTHER, linewidth=0.6)
    ax.set_xlim(-0.5, len(names) - 0.5)
    room = points(ax)[0] / len(names) - 2
    lines = [name.replace(" ", "\n", 1) for name in names]
    style = turned(lines, room)
    lines = list(names) if style["rotation"] else lines
    ax.set_xticks(range(len(names)), lines, **style, **as_is(*names))
    style = turned(texts, room)
    widest = max((text_width(text, style["size"]) for text in texts), default=0.0)
    ends = min(0.0, *low, *high), max(0.0, *low, *high)
    tall = widest if style["rotation"] else style["size"]
    margins(ax, "y", ends, (4.0 if ends[0] < 0 else 0.0, tall + 6))
    for x, text in enumerate(texts):
        ax.annotate(text, (x, max(low[x], high[x])), xytext=(0, 2), textcoords="offset points",
                    ha="center", va="bottom", color=INK, **style)  # fmt: skip
    caption(ax, "y", label)  # again, in lines that fit: turned names and these take from each other
    note(ax, about)
