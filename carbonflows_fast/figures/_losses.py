"""What would not be emitted without some sectors: where, or by which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast._base.wording import percent, scale_for
from carbonflows_fast.errors import InputError
from carbonflows_fast.figures._axes import (
    FALL,
    INK,
    caption,
    empty,
    finite,
    require_result,
    top_of,
    write_ticks,
)
from carbonflows_fast.figures._frame import begin, display_names, drawing
from carbonflows_fast.figures._largest import largest, merge_others
from carbonflows_fast.figures._rows import name_rows, sparse, write_beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["extraction"]


@drawing
def extraction(
    found: pd.DataFrame,
    *,
    by: str = "region",
    top: int | None = 20,
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the emissions that would be lost without some sectors as bars, the largest at the top.

    Parameters
    ----------
    found : DataFrame
        The result of `cf.extraction`.
    by : {"region", "sector"}
        Where they would be lost, or by which sectors of any region.
    top : int or None
        How many are named (None: all). The rest is one bar, "other (n)".
    names : mapping of str to str, optional
        What to call them instead of their labels, e.g. {"CHN": "China"}.
    ax : Axes, optional
        Where to draw. The default is a new figure.

    Returns
    -------
    Axes
        A bar for each, in the result's unit. The texts are shares of what is lost in all.

    Raises
    ------
    InputError
        If an argument is wrong, or matplotlib is missing.

    Examples
    --------
    >>> import numpy as np
    >>> import carbonflows_fast as cf
    >>> found = cf.extraction(cf.synthetic.world(regions=3, sectors=4), "Wheat")
    >>> ax = cf.figures.extraction(found)
    >>> lost = found.emissions_lost.sum()
    >>> bool(np.isclose(sum(bar.get_width() for bar in ax.patches), lost))
    True
    """
    require_result("found", found, pd.DataFrame, "cf.extraction")
    if "emissions_lost" not in found or list(found.index.names) != ["region", "sector"]:
        raise InputError.about(
            "found",
            expected="what cf.extraction returns",
            got="another frame",
            remedy="give its result",
        )
    one_of("by", by, ("region", "sector"))
    lost = found["emissions_lost"].groupby(level=by, sort=False).sum()
    values = finite("found", lost)
    called = display_names(list(lost.index), names)
    kept = largest(called, np.abs(values), top_of(top))
    # A label may be "lost" as well: columns have a name that none can have.
    (rows, _), (sums,) = merge_others([called, ["\0"]], [values[:, None]], [*kept, "\0"])
    shown = sums[:, 0]

    ax = begin(ax, max(1.8, 0.9 + 0.155 * len(rows)), spines=["bottom"])
    size = name_rows(ax, rows)
    ax.barh(np.arange(len(rows)), shown, height=0.72, color=FALL, linewidth=0)
    ax.axvline(0, color=INK, linewidth=0.6)
    whole = float(np.abs(values).sum())
    if not whole:
        empty(ax, "nothing would be lost")
        ax.set_xticks([])
    unit = str(found.attrs.get("unit", ""))
    scale = scale_for(shown, unit)
    write_ticks(ax.xaxis, scale)
    about = scale.label(f"{found.attrs.get('stressor', '')} that would be lost".strip())
    caption(ax, "x", f"{about}; {scale.text(float(values.sum()))} in all")
    texts = [percent(value / whole) if whole else "" for value in shown]
    write_beside(ax, shown, np.zeros(len(rows)), texts, size)
    sparse(ax, scale)
    return ax
