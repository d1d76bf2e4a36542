"""What ``carbonflows-fast paths`` takes and shows: rows as text, and supply chains as a tree."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from carbonflows_fast.cli._streams import say
from carbonflows_fast.cli._tables import given, pairs, rtol_of
from carbonflows_fast.cli._text import numbers, percent, say_columns, with_unit

if TYPE_CHECKING:
    import pandas as pd

    from carbonflows_fast.paths import Paths
    from carbonflows_fast.table import Table

__all__ = ["add_arguments", "find", "show"]

INDENT = "  "
MODES = ("top", "threshold", "min_share", "coverage")


def add_arguments(parser: argparse.ArgumentParser, positive: Any) -> None:
    """Add the number of paths, and the filters."""
    many = parser.add_mutually_exclusive_group()
    many.add_argument("--top", type=positive, help="number of largest paths (default 1000)")
    many.add_argument("--threshold", type=float, help="all of at least this, in the unit")
    many.add_argument("--min-share", type=float, help="all of at least this share of the total")
    many.add_argument("--coverage", type=float, help="the fewest paths that add up to this share")
    parser.add_argument("--max-paths", type=positive, help="at most this number, the largest")
    parser.add_argument("--max-stage", type=int, help="longest path, in purchases")
    for name, what in (
        ("start", "bought finally"),
        ("through", "met anywhere on the way"),
        ("end", "where it is emitted"),
    ):
        parser.add_argument(
            f"--{name}",
            metavar="[REGION:]SECTOR",
            action="append",
            help=f"{what}; may be repeated; 'REGION:' for all its sectors",
        )
    parser.add_argument(
        "--lines", type=positive, default=30, help="lines of the tree to show (default 30)"
    )


def find(table: Table, stressor: Any, demand: Any, arguments: argparse.Namespace) -> Paths:
    """Search for the paths of the arguments."""
    import carbonflows_fast as cf

    sectors = table.content.sectors
    rows = {n: pairs(getattr(arguments, n), sectors) for n in ("start", "through", "end")}
    limits = given(arguments, *MODES, "max_paths", "max_stage")
    return cf.structural_paths(
        table, stressor, demand=demand, **limits, **rows, **rtol_of(arguments)
    )


def show(paths: Paths, lines: int) -> None:
    """Print the sum of the paths by stage, and the largest paths as a tree."""
    unit = paths.unit
    net, gross = with_unit(paths.total, unit), with_unit(paths.gross, unit)
    found = "1 path carries" if len(paths) == 1 else f"{len(paths):,} paths carry"
    say(f"{found} {percent(paths.coverage)} of {gross}")
    if net != gross:
        say(f"this adds up all sizes; with sinks as negative numbers, the total is {net}")
    say(f"all other paths: {with_unit(paths.remainder, unit)}")
    if len(paths) == 0:
        return
    stages = paths.by_stage()
    met = stages[stages.paths > 0]
    say()
    say_columns(
        ["purchases", "paths", unit or "value", "of all such"],
        met.index,
        (f"{count:,}" for count in met.paths),
        numbers(met.value),
        map(percent, met.value / (met.value.abs() + met.remainder.abs())),
        left=0,
    )
    say()
    _show_tree(paths.tree(), paths, lines)
    say(f"certified: total and remainder are not wrong by more than {paths.error_bound:.1e} {unit}")


def _show_tree(tree: pd.DataFrame, paths: Paths, lines: int) -> None:
    """Print the nodes with the largest reported values, each under its buyer."""
    # A node is shown only under its parents; where signs differ a child may be the larger one.
    largest = tree.subtotal.abs().sort_values(ascending=False, kind="stable").index[:lines]
    shown: set[int] = set()
    parent = tree.parent.to_numpy()
    for node in largest:
        line = []
        while node >= 0 and node not in shown:
            line.append(int(node))
            node = parent[node]
        if len(shown) + len(line) <= lines:
            shown.update(line)
    children: dict[int, list[int]] = {}
    for node in sorted(shown):  # siblings are in order
        children.setdefault(int(parent[node]), []).append(node)
    names, carried = [], []
    pending = children.get(-1, [])[::-1]
    while pending:
        node = pending.pop()
        row = tree.loc[node]
        arrow = "← " if row.stage else ""
        names.append(f"{INDENT * int(row.stage)}{arrow}{row.region}: {row.sector}")
        carried.append(float(row.subtotal))
        pending.extend(children.get(node, [])[::-1])
    gross = paths.gross or float("nan")
    heads = ["final product ← its suppliers", paths.unit or "value", "share"]
    say_columns(heads, names, numbers(carried), [percent(value / gross) for value in carried])
    if len(shown) < len(tree):
        say(f"{len(shown):,} of {len(tree):,} lines; what a line carries includes those below it")
