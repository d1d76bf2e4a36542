"""Responsibility told four ways: a mark for each way, a row for each region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from carbonflows_fast._base.wording import scale_for
from carbonflows_fast.errors import InputError
from carbonflows_fast.figures._axes import (
    CATEGORIES,
    INK,
    PALE,
    caption,
    finite,
    require_result,
    top_of,
    write_ticks,
)
from carbonflows_fast.figures._frame import begin, display_names, drawing
from carbonflows_fast.figures._largest import largest, merge_others
from carbonflows_fast.figures._rows import key_above, name_rows, sparse

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["responsibility"]

WAYS = ("production", "consumption", "income", "technology_adjusted")
MARKS = "osD^"


@drawing
def responsibility(
    told: pd.DataFrame,
    *,
    top: int | None = 20,
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the four accounts of each region as marks in a row, the largest region at the top.

    Parameters
    ----------
    told : DataFrame
        The result of `cf.responsibility`.
    top : int or None
        How many regions are named, those with the largest account of any kind (None: all). The
        sum of the rest is in the row "other (n)"; of accounts per head, which have no sum, the rest
        is left out, and counted below.
    names : mapping of str to str, optional
        What to call regions instead of their labels, e.g. {"CHN": "China"}.
    ax : Axes, optional
        Where to draw. The default is a new figure.

    Returns
    -------
    Axes
        A line of marks for each way, in the result's unit. Regions without a number, as those per
        head without heads, are left out.

    Raises
    ------
    InputError
        If an argument is wrong, or matplotlib is missing.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> told = cf.responsibility(cf.synthetic.world(regions=3, sectors=4))
    >>> ax = cf.figures.responsibility(told)
    >>> [line.get_label() for line in ax.lines][:2]
    ['production', 'consumption']
    """
    from matplotlib.lines import Line2D

    require_result("told", told, pd.DataFrame, "cf.responsibility")
    if lacking := [way for way in WAYS if way not in told.columns]:
        raise InputError.about(
            "told",
            expected="the four accounts of cf.responsibility",
            got=f"no column {lacking[0]!r}",
            remedy="give its result",
        )
    known = told[list(WAYS)].dropna()
    values = finite("told", known)
    unit = str(told.attrs.get("unit", ""))
    called = display_names(list(known.index), names)
    kept = largest(called, np.abs(values).max(axis=1, initial=0.0), top_of(top))
    (rows, _), (values,) = merge_others([called, list(WAYS)], [values], [*kept, *WAYS])
    left = 0
    if unit.endswith("per head") and len(rows) > len(kept):
        left, rows, values = len(called) - len(kept), rows[:-1], values[:-1]

    ax = begin(ax, max(2.2, 1.25 + 0.17 * len(rows)), spines=["bottom"])
    name_rows(ax, rows)
    marks = [
        Line2D([], [], color=colour, marker=mark, linestyle="", markersize=4.0, label=_words(way))
        for way, mark, colour in zip(WAYS, MARKS, CATEGORIES)
    ]
    key_above(ax, marks)
    name_rows(ax, rows)  # again: the key leaves less height to them
    place = np.arange(len(rows))
    if len(rows):
        ax.hlines(place, values.min(axis=1), values.max(axis=1), color=PALE, linewidth=1.2)
    for at, mark in enumerate(marks):
        ax.plot(
            values[:, at],
            place,
            color=mark.get_color(),
            marker=mark.get_marker(),
            linestyle="",
            markersize=4.0,
            label=mark.get_label(),
            clip_on=False,
        )
    ax.axvline(0, color=INK, linewidth=0.6)
    scale = scale_for(values, unit)
    write_ticks(ax.xaxis, scale)
    about = scale.label(str(told.attrs.get("stressor", "")))
    caption(ax, "x", about + (f"; {left} more regions are not drawn" if left else ""))
    sparse(ax, scale)
    return ax


def _words(way: str) -> str:
    return way.replace("_", "-")
