"""Rows of names with numbers beside them, and the intervals that the numbers lie in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.wording import Scale
from carbonflows_fast.figures._axes import INK, margins, points
from carbonflows_fast.figures._letters import SIZE, as_is, fit, lettering, text_width

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["ASIDE", "NAME", "intervals_of", "key_above", "name_rows", "sparse", "write_beside"]

NAME = 150.0  # points that the name of a region may take at most
ASIDE = 0.4  # of the width is for names at most
SWATCH = 3.5 * SIZE  # of a key, beside a name


def intervals_of(level: float) -> str:
    """Say at the end of a caption what the lines are.

    >>> intervals_of(0.9)
    '; lines are 90 % intervals'
    """
    return f"; lines are {100.0 * level:.4g} % intervals"


def name_rows(ax: Axes, names: list[str]) -> float:
    """Name the rows of axes from top to bottom, and return the size of letters."""
    width, height = points(ax)
    size = lettering(height, len(names))
    said = [fit(name, min(NAME, ASIDE * width), size) for name in names]
    ax.set_yticks(range(len(names)), said, size=size, **as_is(*said))
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names) - 0.4, -0.6)
    return size


def write_beside(
    ax: Axes,
    values: FloatArray,
    reach: FloatArray,
    texts: list[str],
    size: float,
    *,
    gap: float = 3.0,
) -> None:
    """Draw intervals over the rows where there are any, and write texts beyond them."""
    place = np.arange(len(values))
    if reach.any():
        ax.errorbar(
            values,
            place,
            xerr=reach,
            fmt="none",
            ecolor=INK,
            elinewidth=0.9,
            capsize=0.22 * size,
            zorder=2,
        )
    for y, value, beyond, text in zip(place, values, reach, texts):
        ax.annotate(
            text,
            (value + beyond if value >= 0 else value - beyond, y),
            xytext=(gap if value >= 0 else -gap, 0),
            textcoords="offset points",
            ha="left" if value >= 0 else "right",
            va="center",
            size=size,
            color=INK,
        )
    wide = max((text_width(text, size) for text in texts), default=0.0) + 2.0 * gap
    low, high = (values - reach).min(initial=0.0), (values + reach).max(initial=0.0)
    below, above = (values < 0).any(), (values >= 0).any()
    margins(ax, "x", (low, high), (wide if below else 0, wide if above else 0))


def sparse(ax: Axes, scale: Scale) -> None:
    """Have as many ticks as keep their texts apart."""
    from matplotlib.ticker import MaxNLocator

    widest = max((text_width(scale.tick(tick)) for tick in ax.get_xticks()), default=0.0)
    most = max(1, min(8, int(points(ax)[0] / (widest + 12))))
    if len(ax.get_xticks()):
        ax.xaxis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))


def key_above(ax: Axes, handles: Sequence[Artist], title: str | None = None) -> None:
    """Say above the axes what colours or marks are, in as many columns as there is room for."""
    room = points(ax)[0]
    said = [fit(str(handle.get_label()), room / 2 - SWATCH) for handle in handles]
    widest = max(text_width(name) for name in said) + SWATCH
    key = ax.legend(
        handles=list(handles),
        labels=said,
        ncols=max(1, min(len(said), int(room / widest))),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        frameon=False,
        fontsize=SIZE,
        labelcolor=INK,
        borderaxespad=0.0,
        handlelength=1.0,
        columnspacing=1.0,
        title=title,
        title_fontsize=SIZE,
        alignment="left",
    )
    for text, name in zip(key.get_texts(), said, strict=True):
        text.set(**as_is(name))
