"""Bands between columns of regions (Sankey diagrams): flows of trade, and the steps of a sector.

Heights are numbers of the result: a node is as high as what passes through it, a band as what it
carries, so that what leaves one column arrives at the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.wording import percent, scale_for
from carbonflows_fast.figures._axes import (
    CATEGORIES,
    INK,
    OTHER,
    empty,
    finite,
    margins,
    note,
    points,
    require_result,
    top_of,
)
from carbonflows_fast.figures._frame import begin, display_names, drawing
from carbonflows_fast.figures._largest import largest, merge_others
from carbonflows_fast.figures._letters import (
    LEADING,
    SIZE,
    SMALLEST,
    as_is,
    fit,
    isolate,
    text_width,
)
from carbonflows_fast.sectors import SectorStudy
from carbonflows_fast.trade import Flows
from carbonflows_fast.trade._flow_matrix import require_consumers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["sankey", "sector_flow"]

NODE = 0.035  # width of a node, between two columns that are 1 apart
GAP = 2.0  # points between two nodes at least
LEAST = 0.25  # of the height is for the flows, however many names there are
NAME = 110.0  # points that the name of a region may take at most
ASIDE = (0.3, 0.22)  # of the width is for names on either side at most: of two columns, of more
BETWEEN = 0.2  # of the width is between two columns at least
UNITS = 0.14  # of the width may be a number with its unit, which is else below
VEIL = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5}  # behind names on bands


@drawing
def sankey(
    flows: Flows,
    *,
    top: int | None = 12,
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw emissions that cross borders as bands, from emitting to consuming regions.

    Parameters
    ----------
    flows : Flows
    top : int or None
        How many regions are named: those with the largest sum of exports and imports (None: all).
        The rest is "other (n)", one node on either side, and flows among them a band between these.
    names : mapping of str to str, optional
        What to call regions instead of their labels, e.g. {"CHN": "China"}.
    ax : Axes, optional
        Where to draw. The default is a new figure.

    Returns
    -------
    Axes
        A rectangle for each node, a path for each band, with labels ("CHN → USA"); heights are in
        the unit of the flows. Domestic flows are not drawn; their size is given below.

    Raises
    ------
    InputError
        If an argument is wrong, if the demand was an array, or matplotlib is missing.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> flows = cf.flows(cf.synthetic.world(regions=5, sectors=4))
    >>> ax = cf.figures.sankey(flows)
    >>> sum(" → " in patch.get_label() for patch in ax.patches)  # every pair of regions
    20
    """
    require_result("flows", flows, Flows, "cf.flows")
    require_consumers(flows, "a Sankey diagram")
    traded = finite("flows", flows.matrix).copy()
    np.fill_diagonal(traded, 0.0)
    columns = [
        display_names(list(part), names) for part in (flows.matrix.index, flows.matrix.columns)
    ]
    scale, total = scale_for([flows.total], flows.unit), float(traded.sum())
    share = f" ({percent(flows.traded_share)})" if flows.gross else ""
    about = (
        f"{flows.stressor}: {scale.text(total)} of {scale.text(flows.total)}{share} are consumed "
        f"in another region; domestic flows, {scale.text(flows.total - total)}, are not drawn."
    )
    return _draw(
        ax, ["emitted in", "consumed in"], columns, [traded], top_of(top), flows.unit, about
    )


@drawing
def sector_flow(
    study: SectorStudy,
    *,
    top: int | None = 7,
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a sector study as bands: where it is emitted, made and consumed.

    Parameters
    ----------
    study : SectorStudy
    top : int or None
        How many regions are named: those with the largest sum over the three columns (None: all).
        The rest is "other (n)", one node in each column.
    names : mapping of str to str, optional
        What to call regions instead of their labels, e.g. {"CHN": "China"}.
    ax : Axes, optional
        Where to draw. The default is a new figure.

    Returns
    -------
    Axes
        A rectangle for each node, a path for each band, with labels ("CHN → USA"); heights are in
        the unit of the study. Domestic steps are drawn too: the heights of each column add up to
        the total.

    Raises
    ------
    InputError
        If an argument is wrong, or matplotlib is missing.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> study = cf.sector_study(cf.synthetic.world(regions=3, sectors=4), sectors="Wheat")
    >>> [text.get_text() for text in cf.figures.sector_flow(study).get_xticklabels()]
    ['emitted in', 'made in', 'consumed in']
    """
    require_result("study", study, SectorStudy, "cf.sector_study")
    steps = [
        study.by("emitted", "made").unstack(sort=False),
        study.by("made", "consumed").unstack(sort=False),
    ]
    parts = (steps[0].index, steps[1].index, steps[1].columns)
    columns = [display_names(list(part), names) for part in parts]
    scale = scale_for([study.total], study.unit)
    about = (
        f"{study.stressor} of all supply chains through {study.name}: {scale.text(study.total)}, "
        f"{scale.text(study.direct)} of it emitted by these sectors and "
        f"{scale.text(study.upstream)} by their suppliers."
    )
    heads = ["emitted in", "made in", "consumed in"]
    links = [step.to_numpy() for step in steps]
    return _draw(ax, heads, columns, links, top_of(top), study.unit, about)


def _draw(
    ax: Axes | None,
    heads: Sequence[str],
    names: Sequence[Sequence[str]],
    links: Sequence[FloatArray],
    top: int,
    unit: str,
    about: str,
) -> Axes:
    sizes: dict[str, float] = {}
    for column, values in zip(names, _heights(links)):
        for name, value in zip(column, values):
            sizes[name] = sizes.get(name, 0.0) + float(value)
    kept = largest(list(sizes), np.array(list(sizes.values())), top)
    shown, links = merge_others(names, links, kept)
    negative = sum(float(link[link < 0].sum()) for link in links)
    links = [np.maximum(link, 0.0) for link in links]
    if negative:  # a band cannot have a negative width
        about += f" Negative flows of {scale_for([negative], unit).text(negative)} are not drawn."
    colour = dict(zip(kept, CATEGORIES))

    count = max(len(column) for column in shown)
    ax = begin(ax, max(3.6, 0.8 + count * SIZE * LEADING / 72 / (1 - LEAST) / 0.77))
    ax.set_xlim(-0.5, len(heads) - 0.5)
    ax.set_xticks(range(len(heads)), heads, size=SIZE + 0.5, color=INK, weight="bold")
    ax.tick_params(axis="x", length=0, bottom=False, labelbottom=False, labeltop=True)
    scale = scale_for(np.concatenate(_heights(links)), unit)
    long = text_width(scale.text(0.999 * scale.factor)) > UNITS * points(ax)[0]
    about += f" Numbers are in {scale.unit}." if long else ""
    note(ax, about)
    numbered = scale.number if long else scale.text
    size = min(SIZE, max(SMALLEST, (1 - LEAST) * points(ax)[1] / count / LEADING))
    size, texts, beside = _heads(ax, heads, shown, _heights(links), numbered, size)
    height = points(ax)[1]
    columns, bottom = _columns(shown, links, height, size * LEADING)
    ax.set_ylim(bottom, 0.0)
    for at, link in enumerate(links):
        _bands(ax, at, columns[at], columns[at + 1], link, colour)
    _nodes(ax, columns, colour)
    _labels(ax, columns, texts, beside, size)
    if not any(link.any() for link in links):
        empty(ax, "no flows to draw")
    note(ax, about)  # again: the heads may take some of the width
    return ax


def _heights(links: Sequence[FloatArray]) -> list[FloatArray]:
    """Return what passes through the nodes of each column.

    What enters is what leaves, unless negative flows were left out: then the larger of both.
    """
    into = [links[0].sum(axis=1), *(link.sum(axis=0) for link in links)]
    out = [*(link.sum(axis=1) for link in links), links[-1].sum(axis=0)]
    return [np.maximum(a, b) for a, b in zip(into, out)]


@dataclass(frozen=True, slots=True)
class _Column:
    """Names of nodes, their heights and upper ends."""

    names: Sequence[str]
    heights: FloatArray
    tops: FloatArray


def _columns(
    names: Sequence[Sequence[str]], links: Sequence[FloatArray], room: float, line: float
) -> tuple[list[_Column], float]:
    """Stack the nodes so that each has a line of text to itself; return where all ends, too.

    `room` is the height of the axes and `line` that of a line, in points. The scale, points a
    unit, is the largest with which the fullest column still fits.
    """
    heights = _heights(links)
    line = min(line, (1 - LEAST) * room / max(len(h) for h in heights))
    gap = min(GAP, line / 2)

    def slots(h: FloatArray, scale: float) -> FloatArray:
        """What each node takes, in points."""
        return np.where(h > 0, np.maximum(h * scale + gap, line), 0.0)

    low, high = 0.0, room / (max(float(h.sum()) for h in heights) or 1.0)
    for _ in range(60):
        middle = (low + high) / 2
        fits = max(float(slots(h, middle).sum()) for h in heights) <= room
        low, high = (middle, high) if fits else (low, middle)
    columns = []
    for column, h in zip(names, heights):
        taken = slots(h, low) / low
        ends = np.cumsum(taken) + (room / low - taken.sum()) / 2
        columns.append(_Column(column, h, ends - taken / 2 - h / 2))
    return columns, room / low


def _bands(
    ax: Axes, x: float, left: _Column, right: _Column, link: FloatArray, colour: dict[str, str]
) -> None:
    """Draw the bands from the column at x to the next, in the colour of where they come from."""
    from matplotlib.patches import PathPatch

    leave = left.tops[:, None] + np.cumsum(link, axis=1) - link
    arrive = right.tops[None, :] + np.cumsum(link, axis=0) - link
    for i, j in zip(*np.nonzero(link)):
        outline = _outline(x + NODE / 2, x + 1 - NODE / 2, leave[i, j], arrive[i, j], link[i, j])
        name = left.names[i]
        band = PathPatch(
            outline,
            facecolor=colour.get(name, OTHER),
            alpha=0.45,
            linewidth=0,
            label=f"{name} → {right.names[j]}",
        )
        band.set_in_layout(False)  # it lies between nodes, and there may be thousands
        ax.add_artist(band)


def _outline(x0: float, x1: float, y0: float, y1: float, height: float) -> Any:
    """Return a band of constant height, level at both ends."""
    from matplotlib.path import Path

    half = (x0 + x1) / 2
    corners = [
        (x0, y0),
        (half, y0),
        (half, y1),
        (x1, y1),
        (x1, y1 + height),
        (half, y1 + height),
        (half, y0 + height),
        (x0, y0 + height),
        (x0, y0),
    ]
    curve = [Path.CURVE4] * 3
    return Path(corners, [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY])


def _nodes(ax: Axes, columns: Sequence[_Column], colour: dict[str, str]) -> None:
    from matplotlib.patches import Rectangle

    for x, column in enumerate(columns):
        for name, height, y in zip(column.names, column.heights, column.tops):
            if height:
                box = Rectangle(
                    (x - NODE / 2, y),
                    NODE,
                    height,
                    facecolor=colour.get(name, OTHER),
                    linewidth=0.4,
                    edgecolor=colour.get(name, OTHER),
                    label=name,
                )
                ax.add_artist(box)


def _heads(
    ax: Axes,
    heads: Sequence[str],
    names: Sequence[Sequence[str]],
    heights: Sequence[FloatArray],
    written: Callable[[float], str],
    size: float,
) -> tuple[float, list[list[str]], list[float]]:
    """Write the heads of the columns, in narrow axes in two lines and all letters smaller.

    Return the size of letters that leaves room between the columns, the labels of the nodes (none
    where nothing passes), and the points that the outer columns take for them.
    """
    width, last, lines, head = points(ax)[0], len(heads) - 1, list(heads), SIZE + 0.5
    aside = ASIDE[last > 1]
    while True:
        texts = [
            [
                _label(name, written(float(height)), min(NAME, aside * width), size)
                if height
                else ""
                for name, height in zip(column, passing)
            ]
            for column, passing in zip(names, heights)
        ]
        bold = [1.2 * text_width(line, head) for line in lines]
        beside = [
            max(bold[at], 5 + max((text_width(text, size) for text in texts[at]), default=0.0))
            for at in (0, last)
        ]
        between = (width - sum(beside)) / last
        if between > max([BETWEEN * width, *(b / 2 + 3 for b in bold[1:-1])]) or head <= SMALLEST:
            break
        if lines == heads:
            lines = [line.replace(" ", "\n") for line in heads]
        else:
            head, size = max(SMALLEST, 0.95 * head), max(SMALLEST, 0.95 * size)
    ax.set_xticks(range(len(heads)), lines, size=head, color=INK, weight="bold")
    ax.get_xticklabels()[0].set_horizontalalignment("right")
    ax.get_xticklabels()[last].set_horizontalalignment("left")
    return size, texts, beside


def _labels(
    ax: Axes,
    columns: Sequence[_Column],
    texts: Sequence[Sequence[str]],
    beside: Sequence[float],
    size: float,
) -> None:
    """Write names and sizes beside the nodes.

    Between two columns that are near to each other there is room for names only, in smaller letters
    or for parts of them; a name without room is in the outer columns, in the same colour.
    """
    last = len(columns) - 1
    margins(ax, "x", (-NODE / 2, last + NODE / 2), (beside[0], beside[1]))
    between = (points(ax)[0] - sum(beside)) / (last + NODE) * (1 - NODE) - 8
    for x, column in enumerate(columns):
        first, outer = x == 0, x in (0, last)
        side = -1 if first else 1
        for name, height, top, text in zip(column.names, column.heights, column.tops, texts[x]):
            letters = size
            if not outer and text_width(text, size) > between:
                letters = min(size, max(SMALLEST, size * between / text_width(name, size)))
                text = _label(name, "", between, letters)
                text = "" if text_width(text, letters) > between or len(text) < 3 else text
            if text:
                ax.annotate(
                    text,
                    (x + side * NODE / 2, top + height / 2),
                    xytext=(side * 3, 0),
                    textcoords="offset points",
                    ha="right" if first else "left",
                    va="center",
                    size=letters,
                    color=INK,
                    bbox=None if outer else VEIL,
                    **as_is(text),
                )


def _label(name: str, number: str, room: float, size: float) -> str:
    return f"{isolate(fit(name, room, size))}  {number}".rstrip()
