"""Stressors of several files or sheets become those of one table, and unwanted ones are not read.

Shared by the readers whose stressors are known before their numbers are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.readers._into_table._stressor_names import find_stressors, stressor_names

__all__ = ["PRIMARY_INPUTS", "StressorBlock", "read_stressors"]

PRIMARY_INPUTS = "primary inputs"  # the extension of taxes and value added, in all formats


class StressorBlock(NamedTuple):
    """Stressors whose numbers are read together.

    Attributes
    ----------
    names, extensions, units : sequence of str
        Of each stressor. Other blocks may have one of the same name in another extension.
    read : callable
        Takes positions in `names`, in order and at least one. Returns emissions of sectors, shape
        (k, n), and of final users, (k, m), or None if they emit nothing.
    """

    names: Sequence[str]
    extensions: Sequence[str]
    units: Sequence[str]
    read: Callable[[list[int]], tuple[FloatArray, FloatArray | None]]


def read_stressors(
    blocks: Sequence[StressorBlock],
    wanted: Sequence[str] | None,
    shape: tuple[int, int],
    kind: str = "F",
) -> dict[str, Any]:
    """Return the arguments of `Table` about stressors; blocks without a wanted one are not read.

    Parameters
    ----------
    blocks : sequence of StressorBlock
    wanted : sequence of str or None
        As in `find_stressors`; None: all.
    shape : (int, int)
        n sectors and m columns of final demand.
    kind : {"F", "S"}
        What sectors' numbers are.

    Raises
    ------
    LabelError
        If a wanted stressor does not exist.

    Examples
    --------
    >>> air = StressorBlock(["CO2", "NOx"], ["air"] * 2, ["t", "t"],
    ...                     lambda chosen: (np.array([[1.0], [2.0]])[chosen], None))
    >>> read_stressors([air], ["NOx"], (1, 1))["F"]
    array([[2.]])
    """
    bare = [name for block in blocks for name in block.names]
    extensions = [extension for block in blocks for extension in block.extensions]
    units = [unit for block in blocks for unit in block.units]
    names = stressor_names(bare, extensions)
    chosen = list(range(len(names))) if wanted is None else find_stressors(wanted, bare, names)
    of_sectors, of_users = [np.zeros((0, shape[0]))], [np.zeros((0, shape[1]))]
    start, emit = 0, False
    for block in blocks:
        own = [at - start for at in chosen if 0 <= at - start < len(block.names)]
        start += len(block.names)
        if own:
            values, direct = block.read(own)
            emit |= direct is not None
            of_sectors.append(values)
            of_users.append(np.zeros((len(own), shape[1])) if direct is None else direct)
    return {
        kind: np.concatenate(of_sectors),
        "F_Y": np.concatenate(of_users) if emit else None,
        "stressors": [names[at] for at in chosen],
        "extensions": [extensions[at] for at in chosen],
        "stressor_units": [units[at] for at in chosen],
    }
