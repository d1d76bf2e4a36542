"""The stressors of one question as one block of coefficients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import InputError, shorten
from carbonflows_fast.table._selection import select_stressor
from carbonflows_fast.table._small import require_normal
from carbonflows_fast.table._table_argument import required_table

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = [
    "StressorBlock",
    "Stressors",
    "stressor_block",
    "stressor_frame",
]

# What `multipliers` and `footprints` take: all, some, or one stressor (made by a mapping, perhaps).
Stressors: TypeAlias = str | Mapping[str, float] | Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StressorBlock:
    """Several stressors at once: S and F_Y with one row each."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    S: FloatArray  # (k, n)
    F_Y: FloatArray  # (k, m)


def stressor_block(table: Table, stressors: Stressors) -> StressorBlock:
    """Return S and F_Y of all, some or one stressor, C-contiguous, one row each."""
    required_table("table", table)
    if stressors is None:
        require_normal(table, range(len(table.stressors)))
        S = np.ascontiguousarray(table.S.to_numpy())
        F_Y = np.ascontiguousarray(table.F_Y.to_numpy())
        units = tuple(str(unit) for unit in table.stressor_units)
        return StressorBlock(names=table.stressors, units=units, S=S, F_Y=F_Y)
    several = not isinstance(stressors, (str, Mapping))
    if several and (not isinstance(stressors, Iterable) or getattr(stressors, "ndim", 1) == 0):
        raise InputError.about(
            "stressors",
            expected="None, a stressor, or a list of different stressors",
            got=repr(stressors),
            remedy="name stressors of the table",
        )
    asked: list[Any] = list(stressors) if several else [stressors]
    texts = [one for one in asked if isinstance(one, str)]
    if not asked or (several and len(set(texts)) < len(texts)):
        raise InputError.about(
            "stressors",
            expected="None, a stressor, or a list of different stressors",
            got=f"[{shorten(asked)}]",
            remedy="name each stressor once, or leave the argument out for all",
        )
    chosen = [select_stressor(table, one) for one in asked]
    return StressorBlock(
        names=tuple(one.name for one in chosen),
        units=tuple(one.unit for one in chosen),
        S=np.stack([one.s for one in chosen]),
        F_Y=np.stack([one.F_Y for one in chosen]),
    )


def stressor_frame(values: FloatArray, stressors: Sequence[str], columns: pd.Index) -> pd.DataFrame:
    values.flags.writeable = False
    index = pd.Index(stressors, name="stressor")
    return pd.DataFrame(values, index=index, columns=columns, copy=False)
