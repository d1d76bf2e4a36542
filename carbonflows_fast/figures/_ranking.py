"""Rankings with intervals: which regions, or flows, can be told apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast._base.wording import Scale, count, scale_for
from carbonflows_fast.errors import InputError
from carbonflows_fast.figures._axes import (
    FALL,
    PALE,
    caption,
    empty,
    require_result,
    top_of,
    write_ticks,
)
from carbonflows_fast.figures._frame import begin, display_names, drawing
from carbonflows_fast.figures._rows import intervals_of, name_rows, sparse, write_beside
from carbonflows_fast.uncertainties import Uncertainty

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ranking"]


@drawing
def ranking(
    result: Uncertainty,
    account: str | None = None,
    *,
    top: int | None = 20,
    level: float = 0.9,
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the largest accounts, or flows between regions, as points with their intervals.

    Parameters
    ----------
    result : Uncertainty
        The result of `cf.uncertainty`, of accounts or of flows.
    account : str, optional
        Which account; consumption by default. Not for flows.
    top : int or None
        How many rows, the largest first (None: all). What is left out is stated below.
    level : float
        Probability of the intervals.
    names : mapping of str to str, optional
        What to call regions instead of their labels, e.g. {"CHN": "China"}.
    ax : Axes, optional
        Where to draw. The default is a new figure.

    Returns
    -------
    Axes
        A row for each region, or flow: the line of points has the values, in the result's unit.

    Raises
    ------
    InputError
        If an argument is wrong, or matplotlib is missing.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=5, sectors=4)
    >>> found = cf.uncertainty(table, errors=cf.Errors(Z=0.2, Y=0.2, F=0.1))
    >>> ax = cf.figures.ranking(found)
    >>> [label.get_text() for label in ax.get_yticklabels()][:2]
    ['CZ', 'AT']
    """
    require_result("result", result, Uncertainty, "cf.uncertainty")
    if result.of in ("traded_share", "footprints"):
        raise InputError.about(
            "result",
            expected="accounts or flows",
            got=result.of,
            remedy='ask cf.uncertainty(…, of="accounts")',
        )
    low, high = (_one_column(result, side, account) for side in result.interval(level))
    rows = _one_column(result, result.value, account)
    rows.index = pd.Index(_called(rows.index, names), dtype=object)
    most = top_of(top)
    most = len(rows) if len(rows) - most <= 1 else most  # one alone is drawn, not left out
    order = np.argsort(-rows.to_numpy(), kind="stable")[:most]
    shown = rows.iloc[order]
    values, reach = shown.to_numpy(), (high - low).to_numpy()[order] / 2.0
    what = "flows" if result.of == "flows" else (account or "consumption").replace("_", " ")

    ax = begin(ax, max(1.8, 0.9 + 0.155 * len(shown)), spines=["bottom"])
    size = name_rows(ax, list(shown.index))
    place = np.arange(len(shown))
    ax.hlines(place, np.minimum(values, 0.0), np.maximum(values, 0.0), color=PALE, linewidth=0.6)
    dot = 0.6 * size  # above the lines: an interval that is shorter is not seen
    ax.plot(values, place, "o", color=FALL, markersize=dot, markeredgewidth=0, zorder=3)
    if not len(shown):
        empty(ax, "there are no flows between regions")
        ax.set_xticks([])
    scale = scale_for(values, result.unit)
    write_ticks(ax.xaxis, scale)
    caption(ax, "x", scale.label(f"{what} of {result.stressor}") + _left(rows, order, scale, level))
    sds = _one_column(result, result.sd, account).to_numpy()[order]
    texts = [f"{scale.number(v)} ± {scale.number(sd)}" for v, sd in zip(values, sds)]
    write_beside(ax, values, reach, texts, size, gap=dot / 2.0 + 2.0)
    sparse(ax, scale)
    return ax


def _one_column(result: Uncertainty, frame: pd.DataFrame, account: str | None) -> pd.Series:
    """Return an account by region, or the flows between two regions by both."""
    if result.of == "accounts":
        asked = "consumption" if account is None else account
        return frame[one_of("account", asked, tuple(frame.columns), remedy="leave it out")]
    if account is not None:
        raise InputError.about(
            "account", expected="None for flows", got=repr(account)[:60], remedy="leave it out"
        )
    column = frame.stack()
    between = column.index.get_level_values(0) != column.index.get_level_values(1)
    return column[between]


def _called(index: pd.Index, names: Mapping[str, str] | None) -> list[str]:
    """Return the names of regions, or of pairs of them."""
    if index.nlevels == 1:
        return display_names(list(index), names)
    regions = list(dict.fromkeys([*index.get_level_values(0), *index.get_level_values(1)]))
    called = dict(zip(regions, display_names(regions, names), strict=True))
    return [f"{called[one]} → {called[other]}" for one, other in index]


def _left(rows: pd.Series, order: npt.NDArray[np.intp], scale: Scale, level: float) -> str:
    """Say what the lines are, and what is left out."""
    rest = rows.drop(rows.index[order])
    left = f"; {count(len(rest), 'smaller one')} not drawn: {scale.text(rest.sum())}"
    return intervals_of(level) + (left if len(rest) else "")
