"""What purchases cause: a bar for each category, its parts by the region that emits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.wording import scale_for
from carbonflows_fast.figures._axes import (
    CATEGORIES,
    INK,
    OTHER,
    caption,
    empty,
    require_result,
    top_of,
    write_ticks,
)
from carbonflows_fast.figures._frame import begin, display_names, drawing
from carbonflows_fast.figures._largest import largest, merge_others
from carbonflows_fast.figures._rows import key_above, name_rows, sparse, write_beside
from carbonflows_fast.spending import Purchases

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["purchases"]

EMITTERS = 6  # that have a colour


@drawing
def purchases(
    result: Purchases,
    *,
    top: int | None = 15,
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the emissions of categories of purchases as bars, in colours of the emitting regions.

    Parameters
    ----------
    result : Purchases
        The result of `cf.purchases`.
    top : int or None
        How many categories, the largest first (None: all). The rest is one bar, "other (n)".
    names : mapping of str to str, optional
        What to call regions instead of their labels, e.g. {"CHN": "China"}.
    ax : Axes, optional
        Where to draw. The default is a new figure.

    Returns
    -------
    Axes
        A row for each category, in the result's unit. The six regions that emit the most have a
        colour, all others are grey. Parts below zero, of refunds, go to the left.

    Raises
    ------
    InputError
        If an argument is wrong, or matplotlib is missing.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import carbonflows_fast as cf
    >>> bought = pd.DataFrame({"product": ["Wheat", "Paddy rice"], "amount": [1000.0, 500.0]})
    >>> found = cf.purchases(cf.synthetic.world(regions=3, sectors=4), bought)
    >>> ax = cf.figures.purchases(found)
    >>> bool(np.isclose(sum(bar.get_width() for bar in ax.patches), found.total))
    True
    """
    from matplotlib.patches import Patch

    require_result("result", result, Purchases, "cf.purchases")
    frame = result.by_emitter
    regions = display_names(list(frame.columns), names)
    E = frame.to_numpy()
    emitters = largest(regions, np.abs(E).sum(axis=0), EMITTERS)
    categories = largest(list(frame.index), np.abs(E.sum(axis=1)), top_of(top))
    # Rows and columns apart, since a category may be called like a region.
    names_of = [f"\0{at}" for at in range(len(regions))]
    columns = [names_of[regions.index(name)] for name in emitters]
    (rows, _), (E,) = merge_others([list(frame.index), names_of], [E], [*categories, *columns])

    ax = begin(ax, max(2.0, 1.25 + 0.17 * len(rows)), spines=["bottom"])
    ends = _bars(ax, E)
    name_rows(ax, rows)
    left_over = len(regions) - len(emitters)
    named = [*emitters, f"other ({left_over})"] if left_over else emitters
    colours = [*CATEGORIES[:EMITTERS], OTHER]
    key_above(ax, [Patch(color=c, linewidth=0, label=name) for c, name in zip(colours, named)],
              title="emitted in")  # fmt: skip
    size = name_rows(ax, rows)  # again: the key leaves less height to them
    ax.axvline(0, color=INK, linewidth=0.6)
    totals = E.sum(axis=1)
    scale = scale_for(totals, result.unit)
    write_ticks(ax.xaxis, scale)
    what = scale.label(f"{result.stressor} of purchases")
    caption(ax, "x", f"{what}; {scale.text(result.total)} in all")
    if not E.any():
        empty(ax, "nothing is emitted")
        ax.set_xticks([])
        return ax
    below, above = ends
    shown = np.where(above > 0.0, above, below)
    write_beside(ax, shown, np.zeros(len(rows)), [scale.number(t) for t in totals], size)
    left, right = ax.get_xlim()
    if below.min(initial=0.0) < left:
        ax.set_xlim(1.02 * below.min(), right)
    sparse(ax, scale)
    return ax


def _bars(ax: Axes, E: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Draw the parts of each row one after another; return where rows end on either side."""
    place, below, above = np.arange(len(E)), np.zeros(len(E)), np.zeros(len(E))
    for at, part in enumerate(E.T):
        colour = CATEGORIES[at] if at < EMITTERS else OTHER
        start = np.where(part < 0.0, below, above)
        ax.barh(place, part, left=start, height=0.72, color=colour, linewidth=0)
        below, above = below + np.minimum(part, 0.0), above + np.maximum(part, 0.0)
    return below, above
