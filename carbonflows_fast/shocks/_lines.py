"""The lines of a list of changes: what each is about, and which cells that means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast.errors import InputError, LabelError, nearest_are
from carbonflows_fast.spending._given import Given
from carbonflows_fast.table._selection import select_demand, select_rows

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["COLUMNS", "Line", "lines_of", "places_of"]

PARTS = ("A", "Z", "Y", "S", "F", "F_Y")
PLACES = ("region", "sector", "stressor", "buyer_region", "buyer")
COLUMNS = (*PLACES, "factor", "value")
TAKES = {
    "A": ("region", "sector", "buyer_region", "buyer"),
    "Z": ("region", "sector", "buyer_region", "buyer"),
    "Y": ("region", "sector", "buyer_region", "buyer"),
    "S": ("stressor", "region", "sector"),
    "F": ("stressor", "region", "sector"),
    "F_Y": ("stressor", "buyer_region", "buyer"),
}
"""Which cells of a line say where it is; an empty one means all."""


@dataclass(frozen=True, slots=True)
class Line:
    """One change: where (texts, "" for all), the numbers (NaN where there is none), its name."""

    part: str
    where: dict[str, str]
    factor: float
    value: float
    called: str


def lines_of(given: Given) -> list[Line]:
    """Read the list.

    Raises
    ------
    InputError
        Naming the line.
    """
    places = {name: given.texts(name) for name in PLACES}
    numbers = {name: _numbers(given, name) for name in ("factor", "value")}
    lines = []
    for at, part in enumerate(given.texts("part")):
        called = f"{given.argument}, {given.called} {given.lines[at]}"
        where = {name: texts[at] for name, texts in places.items()}
        factor, value = (float(numbers[name][at]) for name in ("factor", "value"))
        if part not in PARTS:
            raise InputError.about(
                called,
                expected=f"a part: {', '.join(PARTS)}",
                got=repr(part),
                remedy="write one of them",
            )
        extra = [name for name, text in where.items() if text and name not in TAKES[part]]
        if extra:
            raise InputError.about(
                called,
                expected=f"places of {part}: {', '.join(TAKES[part])}",
                got=f"{extra[0]} {where[extra[0]]!r}",
                remedy="leave it empty, or change another part",
            )
        if np.isnan(factor) == np.isnan(value):
            raise InputError.about(
                called,
                expected="a factor or a value",
                got="neither" if np.isnan(factor) else "both",
                remedy="give one of the two",
            )
        lines.append(Line(part, where, factor, value, called))
    return lines


def _numbers(given: Given, name: str) -> FloatArray:
    """Return a column of numbers, NaN where it is empty."""
    found = np.full(len(given.frame), np.nan)
    texts = given.texts(name)
    there = np.array([bool(text) for text in texts], dtype=np.bool_)
    if there.any():
        part = Given(
            given.argument,
            given.frame[there],
            given.lines[there],
            given.columns,
            given.called,
        )
        found[there] = part.numbers(name, "numbers, or empty cells")
    return found


def places_of(table: Table, line: Line) -> tuple[BoolArray, BoolArray]:
    """Return which rows and columns of its part a line is about."""
    where = line.where
    seller = _rows(table, where["region"], where["sector"], "sector")
    if line.part in ("A", "Z"):
        return seller, _rows(table, where["buyer_region"], where["buyer"], "buyer")
    if line.part in ("S", "F"):
        return _stressors(table, where["stressor"]), seller
    consumer = (where["buyer_region"] or None, where["buyer"] or None)
    bought = np.ones(len(table.content.demand_codes), dtype=np.bool_)
    if any(consumer):
        found = select_demand(table, consumer).columns
        bought = bought if found is None else found
    return (seller if line.part == "Y" else _stressors(table, where["stressor"])), bought


def _rows(table: Table, region: str, sector: str, argument: str) -> BoolArray:
    if not region and not sector:
        return np.ones(table.n, dtype=np.bool_)
    return select_rows(table, (region or None, sector or None), argument)


def _stressors(table: Table, name: str) -> BoolArray:
    if name and name not in table.stressors:
        raise LabelError.about(
            "stressor",
            expected="a stressor of the table",
            got=repr(name),
            remedy=nearest_are(name, table.stressors),
        )
    return np.array([not name or one == name for one in table.stressors], dtype=np.bool_)
