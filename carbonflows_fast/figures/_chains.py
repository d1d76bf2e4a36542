"""Supply chains: their tree, and how many purchases lie between emitter and final user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.wording import percent, scale_for
from carbonflows_fast.errors import InputError
from carbonflows_fast.figures._axes import (
    CATEGORIES,
    INK,
    OTHER,
    PALE,
    RISE,
    caption,
    finite,
    over_bars,
    points,
    require_result,
    top_of,
    write_ticks,
)
from carbonflows_fast.figures._frame import begin, display_names, drawing
from carbonflows_fast.figures._letters import (
    SIZE,
    SMALLEST,
    as_is,
    fit,
    isolate,
    lettering,
    text_width,
)
from carbonflows_fast.paths import Paths
from carbonflows_fast.sectors import SectorStudy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["path_tree", "stage_profile"]

WORDS = 0.6  # of the width is for the names of a tree at most, the rest for its bars
INDENT = 10.0  # points for each purchase, at most
REST = "all other chains"  # without end, and so without a number


@drawing
def path_tree(
    paths: Paths,
    *,
    top: int | None = 20,
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw supply chains as a tree: a line for each step, under the one that buys from it.

    Parameters
    ----------
    paths : Paths
        The result of `cf.structural_paths` or of `cf.SectorStudy.paths`.
    top : int or None
        The number of largest chains to show (None: all that were found). All others, found or not,
        are one grey bar, without their number: most tables have chains without end.
    names : mapping of str to str, optional
        What to call regions instead of their labels, e.g. {"CHN": "China"}.
    ax : Axes, optional
        Where to draw. The default is a new figure.

    Returns
    -------
    Axes
        Two bars for each node of the tree, in the unit of the paths, as long as |subtotal| (pale:
        the chains shown that end here or further up the chain) and |value| (the chain that ends
        here); orange where negative. The last bar is the rest of the total, cut at the edge.

    Raises
    ------
    InputError
        If an argument is wrong, or matplotlib is missing.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> paths = cf.structural_paths(cf.synthetic.world(regions=2, sectors=3), top=5)
    >>> ax = cf.figures.path_tree(paths)
    >>> ax.texts[0].get_text()
    'AT: Cereal grains nec'
    """
    require_result("paths", paths, Paths, "cf.structural_paths")
    shown = _largest_paths(paths, top_of(top))
    tree, rest = shown.tree(), paths.total - float(shown.value.sum())
    order, before = _depth_first(tree["parent"].to_numpy())
    own, below = tree["value"].to_numpy()[order], tree["subtotal"].to_numpy()[order]
    stage = tree["stage"].to_numpy()[order]
    lines = len(order) + 1
    ax = begin(ax, max(1.6, 0.8 + 0.165 * lines), spines=["bottom"])
    place, scale = np.arange(lines), scale_for([*below, rest], paths.unit)
    sizes = np.abs(below)
    ax.barh(place[:-1], sizes, height=0.7, linewidth=0, color=PALE)
    ax.barh(
        place[:-1],
        np.abs(own),
        height=0.7,
        linewidth=0,
        color=[CATEGORIES[0] if v >= 0 else RISE for v in own],
    )
    ax.barh(place[-1:], [abs(rest)], height=0.7, color=OTHER, linewidth=0)

    _key(ax)
    caption(ax, "x", scale.label(paths.stressor), loc="right")
    width, height = points(ax)
    size = lettering(height, lines)
    known = list(dict.fromkeys(tree["region"]))
    said = dict(zip(known, display_names(known, names)))
    steps = [f"{isolate(said[a])}: {isolate(b)}" for a, b in zip(tree["region"], tree["sector"])]
    indent = min(INDENT, 0.5 * WORDS * width / max(stage.max(initial=0), 1))
    lefts = indent * stage
    steps = [fit(steps[node], WORDS * width - left - 8, size) for node, left in zip(order, lefts)]
    wide = (
        max(text_width(text, size) + left for text, left in zip([*steps, REST], [*lefts, 0.0])) + 8
    ) / width
    longest = float(sizes.max(initial=0.0)) or abs(rest) or 1.0
    beside = max((text_width(scale.number(value), size) for value in below), default=0.0) + 6
    edge = longest / max(0.3, 1 - beside / width / (1 - wide))
    zero = -edge * wide / (1 - wide)
    per_point = (edge - zero) / width
    ax.set_xlim(zero, edge)
    ax.set_ylim(lines - 0.4, -0.6)

    for y, (text, left) in enumerate(zip(steps, lefts)):
        ax.text(zero + left * per_point, y, text, va="center", size=size, color=INK, **as_is(text))
    _elbows(ax, lefts, before, zero, per_point, indent)
    for y, value in enumerate(below):
        _beside(ax, abs(value), y, scale.number(value), size)
    ax.text(zero, lines - 1, REST, va="center", size=size, color=INK, style="italic")
    share = f", {percent(rest / paths.gross)} of all" if paths.gross else ""
    cut, room = " (cut)" if abs(rest) > edge else "", edge / per_point - 6
    text = scale.number(rest) + share + cut
    if text_width(text, size) > room:
        text = scale.number(rest) + cut
    past = abs(rest) + (text_width(text, size) + 6) * per_point <= edge
    size *= min(1.0, max(SMALLEST / size, room / text_width(text, size)))
    _beside(ax, abs(rest) if past else 0.0, lines - 1, text, size)
    from matplotlib.ticker import MaxNLocator

    ticks = MaxNLocator(4).tick_values(0.0, edge)
    ax.set_xticks([tick for tick in ticks if 0 <= tick <= edge])
    write_ticks(ax.xaxis, scale)
    ax.spines["bottom"].set_bounds(0.0, edge)
    return ax


def _key(ax: Axes) -> None:
    """Say what the colours are, above the axes."""
    from matplotlib.patches import Patch

    said = {"chains through this step": PALE, "the chain that ends here": CATEGORIES[0]}
    beside = sum(text_width(text) + 3.5 * SIZE for text in said) < points(ax)[0]
    ax.legend(
        handles=[Patch(color=colour, linewidth=0, label=text) for text, colour in said.items()],
        ncols=1 + beside,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        fontsize=SIZE,
        labelcolor=INK,
        borderaxespad=0.0,
        handlelength=1.0,
    )


def _largest_paths(paths: Paths, top: int) -> Paths:
    """Return the first `top` paths as a result of their own; the others are in its remainder."""
    count = min(top, len(paths))
    return replace(
        paths,
        value=paths.value[:count],
        starts=paths.starts[: count + 1],
        rows=paths.rows[: paths.starts[count]],
        remainder=paths.remainder + float(paths.value[count:].sum()),
    )


def _depth_first(parent: Any) -> tuple[list[int], list[int]]:
    """Return the nodes, each before what is below it, and the place of each one's parent (−1)."""
    below: dict[int, list[int]] = {}
    for node, above in enumerate(parent.tolist()):
        below.setdefault(above, []).append(node)
    order: list[int] = []
    waiting = below.get(-1, [])[::-1]
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting += below.get(node, [])[::-1]
    place = {node: at for at, node in enumerate(order)} | {-1: -1}
    return order, [place[int(parent[node])] for node in order]


def _elbows(
    ax: Axes, lefts: Any, before: list[int], zero: float, per_point: float, indent: float
) -> None:
    """Draw a line from each step down and across to those it buys from."""
    from matplotlib.collections import LineCollection

    lines = []
    for y, above in enumerate(before):
        if above >= 0:
            x = zero + (lefts[above] + 0.3 * indent) * per_point
            lines.append([(x, above + 0.45), (x, y), (x + 0.5 * indent * per_point, y)])
    ax.add_collection(LineCollection(lines, colors=OTHER, linewidths=0.6))


def _beside(ax: Axes, x: float, y: float, text: str, size: float) -> None:
    ax.annotate(
        text, (x, y), xytext=(3, 0), textcoords="offset points", va="center", size=size, color=INK
    )


@drawing
def stage_profile(result: pd.DataFrame | SectorStudy | Paths, *, ax: Axes | None = None) -> Axes:
    """Draw emissions by the number of purchases between emitter and final user, as bars.

    Parameters
    ----------
    result : DataFrame, SectorStudy or Paths
        Layers of `cf.production_layers`; the tiers of a study, counted from its sectors; or the
        stages of paths, of which the reported part is drawn darker.
    ax : Axes, optional
        Where to draw. The default is a new figure.

    Returns
    -------
    Axes
        A bar for each layer, in the unit of the result, and a grey one for all beyond: together
        they are the total. Above each bar is its share.

    Raises
    ------
    InputError
        If an argument is wrong, or matplotlib is missing.

    Examples
    --------
    >>> import numpy as np
    >>> import carbonflows_fast as cf
    >>> layers = cf.production_layers(cf.synthetic.world(regions=2, sectors=3), layers=4)
    >>> ax = cf.figures.stage_profile(layers)
    >>> heights = [bar.get_height() for bar in ax.patches]
    >>> len(heights), bool(np.isclose(sum(heights), layers.attrs["total"]))
    (6, True)
    """
    kinds = (pd.DataFrame, SectorStudy, Paths)
    source = "cf.production_layers, cf.sector_study or cf.structural_paths"
    require_result("result", result, kinds, source)
    values, reported, rest, total, what, attrs = _profile(result)
    ax = begin(ax, 3.2, spines=["left"])
    place, scale = np.arange(len(values) + 1), scale_for([*values, rest], attrs["unit"])
    colour = CATEGORIES[4] if reported is not None else CATEGORIES[0]
    ax.bar(place[:-1], values, width=0.72, color=colour, linewidth=0, label=f"all of the {what}")
    ax.bar(place[-1:], [rest], width=0.72, color=OTHER, linewidth=0)
    if reported is not None:
        ax.bar(
            place[:-1],
            reported,
            width=0.72,
            color=CATEGORIES[0],
            linewidth=0,
            label="in paths reported",
        )
        ax.legend(frameon=False, fontsize=SIZE, labelcolor=INK)
    write_ticks(ax.yaxis, scale)
    origin = result.name if isinstance(result, SectorStudy) else "the final product"
    about = f"{what}: purchases between the emitter and {origin}; {scale.text(total)} in all"
    ends = [*values, rest]
    gross = float(np.abs(ends).sum())  # the total where all have one sign
    shares = [percent(value / gross) for value in ends] if gross else []
    names, label = [*map(str, place[:-1]), "beyond"], scale.label(attrs["stressor"])
    over_bars(ax, names, shares, [0.0] * len(ends), ends, label, about)
    return ax


def _profile(result: Any) -> tuple[Any, Any, float, float, str, dict[str, str]]:
    """Return emissions by layer, the part reported in paths, what is beyond, and the total."""
    if isinstance(result, Paths):
        frame = result.by_stage()
        about = {"stressor": result.stressor, "unit": result.unit}
        values = frame["total"].to_numpy()
        rest = result.total - float(values.sum())
        return values, frame["value"].to_numpy(), rest, result.total, "stage", about
    frame = result.tiers if isinstance(result, SectorStudy) else result
    if not {"emissions", "remainder"} <= set(frame.columns) or not len(frame):
        raise InputError.about(
            "result",
            expected="layers, with columns emissions and remainder",
            got=f"columns {', '.join(map(str, frame.columns))}",
            remedy="give the result of cf.production_layers",
        )
    about = {name: str(frame.attrs.get(name, "")) for name in ("stressor", "unit")}
    values = finite("result", frame["emissions"])
    rest = float(finite("result", frame["remainder"])[-1])
    total = float(values.sum()) + rest
    return values, None, rest, total, str(frame.index.name or "layer"), about
