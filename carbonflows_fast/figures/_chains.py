"""Supply chains: their tree, and how many purchases lie between emitter and final user."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast.errors import InputError, wrong
from carbonflows_fast.figures._canvas import (
    CATEGORIES,
    INK,
    OTHER,
    PALE,
    RISE,
    SIZE,
    SMALLEST,
    axes_for,
    bare,
    caption,
    checked,
    fitted,
    lettering,
    margins,
    note,
    points,
    scale_for,
    scaled,
    text_width,
    top_of,
)
from carbonflows_fast.paths import Paths
from carbonflows_fast.sectors import SectorStudy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["path_tree", "stage_profile"]

WORDS = 0.6  # of the width is for the names of a tree, the rest for its bars
INDENT = 10.0  # points for each purchase


def path_tree(paths: Paths, *, top: int = 20, ax: Axes | None = None) -> Axes:
    """Draw supply chains as a tree: a line for each step, under the one that buys from it.

    Parameters
    ----------
    paths : Paths
        Of `cf.structural_paths`, or of `cf.SectorStudy.paths`.
    top : int
        The largest so many chains; all others, reported or not, are one grey bar.
    ax : Axes, optional
        Where to draw; in a new figure by default.

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
    checked("paths", paths, Paths, "cf.structural_paths")
    shown = _largest_paths(paths, top_of(top))
    tree, rest = shown.tree(), paths.total - float(shown.value.sum())
    order, before = _depth_first(tree["parent"].to_numpy())
    own, below = tree["value"].to_numpy()[order], tree["subtotal"].to_numpy()[order]
    stage = tree["stage"].to_numpy()[order]
    lines = len(order) + 1
    ax = axes_for(ax, max(1.6, 0.8 + 0.165 * lines))

    place, scale = np.arange(lines), scale_for([*below, rest], paths.unit)
    sizes = np.abs(below)
    ax.barh(place[:-1], sizes, height=0.7, linewidth=0, color=PALE,
            label="chains through this step")  # fmt: skip
    ax.barh(place[:-1], np.abs(own), height=0.7, linewidth=0,
            color=[CATEGORIES[0] if v >= 0 else RISE for v in own],
            label="the chain that ends here")  # fmt: skip
    ax.barh(place[-1:], [abs(rest)], height=0.7, color=OTHER, linewidth=0)
    longest = float(sizes.max(initial=0.0)) or abs(rest) or 1.0
    zero, edge = -longest * WORDS / (1 - WORDS) * 1.25, longest * 1.25

    bare(ax, ["bottom"])
    ax.set_xlim(zero, edge)
    ax.set_ylim(lines - 0.4, -0.6)
    ax.set_yticks([])
    size, width = lettering(points(ax)[1], lines), points(ax)[0]
    per_point = (edge - zero) / width
    _words(ax, tree, order, size, width * WORDS, zero, per_point)
    _elbows(ax, stage, before, zero, per_point)
    for y, value in enumerate(below):
        _beside(ax, abs(value), y, scale.number(value), size)
    share = f", {rest / paths.total:.0%} of all" if paths.total else ""
    ax.text(zero, lines - 1, "all other chains", va="center", size=size, color=INK, style="italic")
    if abs(rest) < edge * 0.6:
        _beside(ax, abs(rest), lines - 1, scale.number(rest) + share, size)
    else:
        beyond = " (cut)" if abs(rest) > edge else ""
        ax.text(edge * 0.02, lines - 1, scale.number(rest) + share + beyond, va="center", size=size,
                color="white")  # fmt: skip
    from matplotlib.ticker import MaxNLocator

    ticks = MaxNLocator(4).tick_values(0.0, edge)
    ax.set_xticks([tick for tick in ticks if 0 <= tick <= edge])
    scaled(ax.xaxis, scale)
    ax.spines["bottom"].set_bounds(0.0, edge)
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False, fontsize=SIZE,
              labelcolor=INK, borderaxespad=0.0, handlelength=1.0)  # fmt: skip
    caption(ax, "x", scale.label(paths.stressor), loc="right")
    return ax


def _largest_paths(paths: Paths, top: int) -> Paths:
    """Return the first so many paths as a result of their own; the others are in its remainder."""
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


def _words(
    ax: Axes, tree: pd.DataFrame, order: list[int], size: float, room: float, zero: float,
    per_point: float,
) -> None:  # fmt: skip
    """Write the steps, each further to the right than the one that buys from it."""
    for y, node in enumerate(order):
        step = tree.loc[node]
        left = INDENT * int(step["stage"])
        text = fitted(f"{step['region']}: {step['sector']}", room - left - 4, size)
        ax.text(zero + left * per_point, y, text, va="center", size=size, color=INK,
                parse_math=False)  # fmt: skip


def _elbows(ax: Axes, stage: Any, before: list[int], zero: float, per_point: float) -> None:
    """Draw a line from each step down and across to those it buys from."""
    from matplotlib.collections import LineCollection

    lines = []
    for y, above in enumerate(before):
        if above >= 0:
            x = zero + (INDENT * int(stage[above]) + 3) * per_point
            lines.append([(x, above + 0.45), (x, y), (x + (INDENT - 5) * per_point, y)])
    ax.add_collection(LineCollection(lines, colors=OTHER, linewidths=0.6))


def _beside(ax: Axes, x: float, y: float, text: str, size: float) -> None:
    ax.annotate(text, (x, y), xytext=(3, 0), textcoords="offset points", va="center", size=size,
                color=INK)  # fmt: skip


def stage_profile(result: pd.DataFrame | SectorStudy | Paths, *, ax: Axes | None = None) -> Axes:
    """Draw emissions by the number of purchases between emitter and final user, as bars.

    Parameters
    ----------
    result : DataFrame, SectorStudy or Paths
        Layers of `cf.production_layers`; the tiers of a study, counted from its sectors; or the
        stages of paths, of which the reported part is drawn darker.
    ax : Axes, optional
        Where to draw; in a new figure by default.

    Returns
    -------
    Axes
        A bar for each layer, in the unit of the result, and a grey one for all beyond: together
        they are the total. Above each bar stands its share.

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
    checked("result", result, kinds, source)
    values, reported, rest, total, what, about = _profile(result)
    ax = axes_for(ax, 3.2)
    place, scale = np.arange(len(values) + 1), scale_for([*values, rest], about["unit"])
    colour = CATEGORIES[4] if reported is not None else CATEGORIES[0]
    ax.bar(place[:-1], values, width=0.72, color=colour, linewidth=0, label=f"all of the {what}")
    ax.bar(place[-1:], [rest], width=0.72, color=OTHER, linewidth=0)
    if reported is not None:
        ax.bar(place[:-1], reported, width=0.72, color=CATEGORIES[0], linewidth=0,
               label="in paths reported")  # fmt: skip
        ax.legend(frameon=False, fontsize=SIZE, labelcolor=INK)
    bare(ax, ["left"])
    room = points(ax)[0] / len(place)
    size = max(SMALLEST, min(SIZE, room / text_width("100.0 %", 1.0)))
    for x, value in zip(place, [*values, rest]):
        if total:
            ax.annotate(f"{value / total:.1%}".replace("-", "−"), (x, max(value, 0.0)),
                        xytext=(0, 2), textcoords="offset points", ha="center", size=size,
                        color=INK)  # fmt: skip
    ax.set_xticks(place, [*map(str, place[:-1]), "beyond"], size=min(SIZE, size * 1.3))
    ax.tick_params(axis="x", length=0)
    ax.axhline(0, color=OTHER, linewidth=0.6)
    scaled(ax.yaxis, scale)
    low, high = min(0.0, *values, rest), max(0.0, *values, rest)
    margins(ax, "y", (low, high), (4.0 if low < 0 else 0.0, 14.0))
    ax.margins(x=0.02)
    caption(ax, "y", scale.label(about["stressor"]))
    origin = f"{result.name}" if isinstance(result, SectorStudy) else "the final product"
    note(ax, f"{what}: purchases between the emitter and {origin}; {scale.text(total)} in all")
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
        raise InputError(
            wrong("result", expected="layers, with columns emissions and remainder",
                  got=f"columns {', '.join(map(str, frame.columns))}",
                  remedy="give the result of cf.production_layers")
        )  # fmt: skip
    about = {name: str(frame.attrs.get(name, "")) for name in ("stressor", "unit")}
    values, rest = frame["emissions"].to_numpy(), float(frame["remainder"].iloc[-1])
    total = float(values.sum()) + rest
    return values, None, rest, total, str(frame.index.name or "layer"), about
