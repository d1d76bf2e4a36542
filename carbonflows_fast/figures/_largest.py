"""The largest regions by name, and all others in one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from carbonflows_fast._base.arrays import FloatArray

__all__ = ["largest", "merge_others"]


def largest(names: Sequence[str], sizes: FloatArray, top: int) -> list[str]:
    """Return the names of the largest, in order of size; all if only one would be left over.

    >>> largest(["a", "b", "c", "d"], np.array([1.0, 4.0, 2.0, 3.0]), 2)
    ['b', 'd']
    """
    order = np.argsort(-sizes, kind="stable")
    count = len(names) if len(names) - top <= 1 else top
    return [names[at] for at in order[:count]]


def merge_others(
    columns: Sequence[Sequence[str]],
    links: Sequence[FloatArray],
    kept: Sequence[str],
    *,
    in_order: bool = False,
) -> tuple[list[list[str]], list[FloatArray]]:
    """Sum what is not kept into "other (n)", which is last in each column.

    Parameters
    ----------
    columns : names of each column; links : what goes from a column to the next, a matrix each.
    in_order : keep the order of the columns instead of that of `kept`.

    >>> merge_others([["a", "b", "c"], ["x"]], [np.array([[1.0], [2.0], [4.0]])], ["c", "x"])
    ([['c', 'other (2)'], ['x']], [array([[4.],
           [3.]])])
    """
    names: list[list[str]] = []
    members: list[FloatArray] = []
    for column in columns:
        here = set(column)
        shown = [n for n in (column if in_order else kept) if n in (kept if in_order else here)]
        others = [name not in kept for name in column]
        groups = [np.array([name == one for name in column]) for one in shown]
        if any(others):
            groups.append(np.array(others))
            shown = [*shown, f"other ({sum(others)})"]
        names.append(shown)
        members.append(np.array(groups, dtype=np.float64))
    sums = [left @ link @ right.T for left, link, right in zip(members, links, members[1:])]
    return names, sums
