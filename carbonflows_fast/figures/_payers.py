"""Who pays a carbon price in the end, and where that is collected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base.wording import percent, scale_for
from carbonflows_fast.figures._axes import (
    INK,
    PALE,
    RISE,
    caption,
    empty,
    require_result,
    top_of,
    write_ticks,
)
from carbonflows_fast.figures._frame import begin, display_names, drawing
from carbonflows_fast.figures._largest import largest, merge_others
from carbonflows_fast.figures._rows import name_rows, sparse, write_beside
from carbonflows_fast.prices import PriceEffects

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["payers"]


@drawing
def payers(
    result: PriceEffects,
    *,
    top: int | None = 20,
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what the final users of each region pay of a carbon price, the largest at the top.

    Parameters
    ----------
    result : PriceEffects
        The result of `cf.carbon_price`.
    top : int or None
        How many regions are named, those that pay or get most (None: all). The rest is one bar,
        "other (n)".
    names : mapping of str to str, optional
        What to call regions instead of their labels, e.g. {"CHN": "China"}.
    ax : Axes, optional
        Where to draw. The default is a new figure.

    Returns
    -------
    Axes
        Two bars for each region: what it pays in all, and on top the part that another region
        collects. The texts are shares of all that is paid.

    Raises
    ------
    InputError
        If an argument is wrong, or matplotlib is missing.

    Examples
    --------
    >>> import numpy as np
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=5, sectors=4)
    >>> effects = cf.carbon_price(table, "CO2", 80, regions=["AT", "BE"])
    >>> ax = cf.figures.payers(effects)
    >>> paid = effects.flow.to_numpy().sum(axis=0)
    >>> bool(np.isclose(max(bar.get_width() for bar in ax.patches), paid.max()))
    True
    """
    require_result("result", result, PriceEffects, "cf.carbon_price")
    flow = result.flow
    paid = flow.to_numpy().sum(axis=0)
    at_home = np.array([flow[r].get(r, 0.0) for r in flow.columns])
    called = display_names(list(flow.columns), names)
    kept = largest(called, np.abs(paid), top_of(top))
    columns, sums = merge_others(
        [called, ["paid", "abroad"]], [np.column_stack([paid, paid - at_home])],
        [*kept, "paid", "abroad"],
    )  # fmt: skip
    shown, (whole, abroad) = columns[0], sums[0].T

    ax = begin(ax, max(1.8, 0.9 + 0.155 * len(shown)), spines=["bottom"])
    place = np.arange(len(shown))
    ax.barh(place, whole, height=0.72, color=PALE, linewidth=0)
    ax.barh(place, abroad, height=0.72, color=RISE, linewidth=0)
    size = name_rows(ax, shown)
    ax.axvline(0, color=INK, linewidth=0.6)
    total = float(np.abs(paid).sum())
    if not total:
        empty(ax, "nothing is paid")
        ax.set_xticks([])
    scale = scale_for(whole, result.unit)
    write_ticks(ax.xaxis, scale)
    about = f"paid for {result.stressor} at {result.price:g} per {result.per}"
    caption(ax, "x", scale.label(about) + "; red is collected by another region")
    texts = [percent(value / total) if total else "" for value in whole]
    write_beside(ax, whole, np.zeros(len(shown)), texts, size)
    sparse(ax, scale)
    return ax
