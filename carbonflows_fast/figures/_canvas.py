"""What all figures share: axes, colours, readable units, and labels that keep their distance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from carbonflows_fast.errors import InputError, wrong

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "CATEGORIES", "FALL", "INK", "LEADING", "OTHER", "PALE", "RISE", "SIZE", "SMALLEST", "Scale",
    "axes_for", "bare", "caption", "checked", "fitted", "lettering", "margins", "note", "points",
    "scale_for", "scaled", "spread", "text_width", "top_of",
]  # fmt: skip

# Okabe & Ito (2008), distinct with any kind of colour vision; yellow, faint on white, comes last.
CATEGORIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
RISE, FALL = "#D55E00", "#0072B2"
INK, OTHER, PALE = "#262626", "#8C8C8C", "#D4D4D4"

WIDTH = 7.2  # inches: a text block, or 700 pixels on a screen
SIZE = 8.0  # of letters, in points
SMALLEST = 4.0  # below that nothing can be read: take larger axes, or a smaller `top`
LEADING = 1.25  # a line of text over the size of its letters

MASSES = ("g", "kg", "t", "kt", "Mt", "Gt")
SAME_MASSES = {"Mg": "t", "Gg": "kt", "Tg": "Mt", "Pg": "Gt"}
POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹"


def axes_for(ax: Axes | None, height: float, width: float = WIDTH) -> Axes:
    """Return `ax`, or the axes of a new figure of this size in inches, which pyplot does not know.

    Raises
    ------
    InputError
        If matplotlib is not installed, or `ax` is something else.
    """
    try:
        from matplotlib.axes import Axes
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError(
            wrong("matplotlib", expected="an installed package", got=str(error),
                  remedy="install it with `pip install 'carbonflows_fast[figures]'`")
        ) from error  # fmt: skip
    if ax is None:
        return Figure(figsize=(width, height), layout="constrained").add_subplot()
    if not isinstance(ax, Axes):
        raise InputError(
            wrong("ax", expected="matplotlib Axes", got=type(ax).__name__,
                  remedy="leave it out for a figure of its own")
        )  # fmt: skip
    return ax


def checked(argument: str, value: Any, kinds: type | tuple[type, ...], source: str) -> None:
    """Complain unless `value` is a result of the functions that `source` names."""
    if not isinstance(value, kinds):
        raise InputError(
            wrong(argument, expected=f"a result of {source}", got=type(value).__name__,
                  remedy="ask for it first")
        )  # fmt: skip


def top_of(top: Any) -> int:
    """Return how many things are to be shown."""
    if isinstance(top, bool) or not isinstance(top, int | np.integer) or top < 1:
        raise InputError(
            wrong("top", expected="a whole number of at least 1", got=repr(top),
                  remedy="leave it out for what can be read")
        )  # fmt: skip
    return int(top)


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
            text = "<0.001"
        else:
            digits = 0 if shown == 0 else min(3, max(0, 2 - math.floor(math.log10(shown))))
            text = f"{shown:,.{digits}f}"
        return ("−" if value < 0 else "+" if sign and value > 0 else "") + text

    def text(self, value: float, *, sign: bool = False) -> str:
        """Write a value with its unit."""
        return f"{self.number(value, sign=sign)} {self.unit}".rstrip()

    def tick(self, value: float, _: object = None) -> str:
        """Write a value of an axis."""
        return f"{value / self.factor:,.12g}".replace("-", "−")

    def label(self, stressor: str) -> str:
        """Say what an axis shows."""
        return f"{stressor}, {self.unit}" if self.unit else stressor


def scale_for(values: Any, unit: str) -> Scale:
    """Return the scale on which the largest of some values is between 10 and 10,000.

    Values of one and more keep their unit where that would need a smaller one. Masses go from g to
    Gt, with what follows the unit kept ("kg CO2-eq"); any other unit gets a power of ten.
    """
    sizes = np.abs(np.asarray(values, dtype=np.float64))
    largest = float(np.max(sizes[np.isfinite(sizes)], initial=0.0))
    size = math.log10(largest) if largest > 0 else 0.0
    steps = math.floor(size / 3) if size < 0 else max(0, math.floor((size - 1) / 3 + 1e-12))
    mass, _, rest = unit.strip().partition(" ")
    mass = SAME_MASSES.get(mass, mass)
    if mass in MASSES:
        at = MASSES.index(mass)
        to = min(max(at + steps, 0), len(MASSES) - 1)
        return Scale(1000.0 ** (to - at), f"{MASSES[to]} {rest}".rstrip())
    if steps <= 0:
        return Scale(1.0, unit.strip())
    power = "".join(POWERS[int(digit)] for digit in str(3 * steps))
    return Scale(1000.0**steps, f"10{power} {unit.strip()}".rstrip())


def scaled(axis: Any, scale: Scale) -> None:
    """Write the ticks of an axis on a scale."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(scale.tick))


# ---- letters -------------------------------------------------------------------------------------


def text_width(text: str, size: float = SIZE) -> float:
    """Return the width of a text in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size)
    lines = text.split("\n")
    return max(text_to_path.get_text_width_height_descent(t, font, False)[0] for t in lines)


def fitted(text: str, room: float, size: float = SIZE) -> str:
    """Return a text, its end cut off where it is wider than `room` points."""
    if text_width(text, size) <= room:
        return text
    low, high = 0, len(text) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "…", size) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def points(ax: Axes) -> tuple[float, float]:
    """Return width and height of axes in points."""
    box = ax.get_window_extent()
    per_point = ax.figure.dpi / 72.0
    return box.width / per_point, box.height / per_point


def lettering(room: float, lines: int) -> float:
    """Return the size of letters with which so many lines fit into `room` points."""
    return max(SMALLEST, min(SIZE, room / max(lines, 1) / LEADING))


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
    """Set the limits of "x" or "y" to `ends`, with so many points of room for texts beyond each."""
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
    import textwrap

    room = points(ax)["xy".index(side)]
    letters = max(12, int(len(text) * room / max(text_width(text), 1.0)))
    lines = "\n".join(textwrap.wrap(text, letters))
    getattr(ax, f"set_{side}label")(lines, size=SIZE, color=INK, parse_math=False, loc=loc)


def note(ax: Axes, text: str) -> None:
    """Write below the figure what it shows."""
    caption(ax, "x", text, loc="left")
