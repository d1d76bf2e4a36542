"""Tables changed by a list: cells, rows and blocks, by factors or to values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast._base.wording import count
from carbonflows_fast.errors import CarbonFlowsError, InputError, LabelError, nearest_are
from carbonflows_fast.spending._given import Given, frame_of
from carbonflows_fast.table._selection import select_demand, select_rows
from carbonflows_fast.table._table import with_notes
from carbonflows_fast.table._table_argument import required_table

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["scenario"]

PARTS = ("A", "Z", "Y", "S", "F", "F_Y")
PLACES = ("region", "sector", "stressor", "buyer_region", "buyer")
TAKES = {
    "A": ("region", "sector", "buyer_region", "buyer"),
    "Z": ("region", "sector", "buyer_region", "buyer"),
    "Y": ("region", "sector", "buyer_region", "buyer"),
    "S": ("stressor", "region", "sector"),
    "F": ("stressor", "region", "sector"),
    "F_Y": ("stressor", "buyer_region", "buyer"),
}
"""Which cells of a line say where it is; an empty one means all."""
LARGEST_BLOCK = 20_000_000
"""Cells of A that one line may set to a value; a matrix of EXIOBASE's size has 96 million."""


def scenario(table: Table, changes: Any, *, rebalance: bool = True) -> tuple[Table, pd.DataFrame]:
    """Return a table changed by a list, and what each line of the list changed.

    Parameters
    ----------
    table : Table
    changes : DataFrame or path of a CSV file
        A line for each change, applied one after the other. Columns:

        - part: "A", "Z", "Y", "S", "F" or "F_Y";
        - region, sector: the seller, or who emits; empty: all;
        - stressor: of S, F and F_Y; empty: all;
        - buyer_region, buyer: the sector that buys (A, Z) or the category (Y, F_Y); empty: all;
        - factor or value, one of them: what cells are multiplied by, or set to, in their own unit.

        Other columns stay in the ledger. A region may be a country's name or a group.
    rebalance : bool, optional
        True: coefficients (A, S) that no line changes stay, and output follows demand. False: flows
        (Z, F) that no line changes stay, and output is what is sold, x = Z·1 + Y·1.

    Returns
    -------
    table : Table
        `notes` says that it is a scenario.
    ledger : DataFrame
        The list with: cells, how many numbers a line is about; before and after, their sums.

    Raises
    ------
    LabelError
        If a region, sector, stressor or category is unknown; it names the line.
    InputError
        If a column is missing, a part is unknown, a line has no number or two, or a place that its
        part does not have; it names the line.
    NotProductiveError
        When the table is solved, if the changed one cannot be.

    Notes
    -----
    "Z" and "F" are A x̂ and S x̂ with the outputs of the table that is given.

    Examples
    --------
    Electricity emits half, and nobody buys coal:

    >>> import pandas as pd
    >>> import carbonflows_fast as cf
    >>> table = cf.Table(
    ...     Z=[[0.0, 30.0], [5.0, 10.0]], Y=[10.0, 85.0], F=[20.0, 200.0], regions="DE",
    ...     sectors=["coal", "power"], stressors="CO2",
    ... )
    >>> changed, ledger = cf.scenario(table, pd.DataFrame([
    ...     {"part": "S", "sector": "power", "factor": 0.5},
    ...     {"part": "A", "sector": "coal", "value": 0.0},
    ... ]))
    >>> ledger[["part", "cells", "before", "after"]].round(3)
      part  cells  before  after
    0    S      1     2.0    1.0
    1    A      2     0.3    0.0
    >>> float(cf.accounts(changed).loc["DE", "production"].round(3))
    100.833
    """
    required_table("table", table)
    one_of("rebalance", rebalance, (True, False), remedy="leave it out, or give False")
    given = frame_of("changes", changes, ["part"], [*PLACES, "factor", "value"])
    state = _State.of(table)
    told = [_apply(table, state, line) for line in _lines(given)]
    ledger = given.frame.copy()
    for name, at in (("cells", 0), ("before", 1), ("after", 2)):
        ledger[name] = [one[at] for one in told]
    made = state.table(table, rebalance)
    kept = "coefficients" if rebalance else "flows"
    note = f"A scenario with {count(len(told), 'change')}; other {kept} are as they were."
    return with_notes(made, note), ledger


@dataclass(frozen=True, slots=True)
class _Line:
    """One change: where (texts, "" for all), the numbers (NaN where there is none), its name."""

    part: str
    where: dict[str, str]
    factor: float
    value: float
    called: str


def _lines(given: Given) -> list[_Line]:
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
        lines.append(_Line(part, where, factor, value, called))
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


@dataclass(slots=True)
class _State:
    """The numbers of a table while it is changed: A sparse, the others dense."""

    A: Any
    Y: FloatArray
    S: FloatArray
    F_Y: FloatArray
    x: FloatArray

    @classmethod
    def of(cls, table: Table) -> _State:
        arrays = table.arrays
        return cls(
            table.A.copy(),
            table.content.Y.copy(),
            arrays.S.copy(),
            arrays.F_Y.copy(),
            table.x.to_numpy(),
        )

    def table(self, before: Table, rebalance: bool) -> Table:
        """Return the table with these numbers."""
        A = sp.csr_array(self.A)
        A.eliminate_zeros()
        if rebalance:
            return before.with_changes(A=A, Y=self.Y, S=self.S, F_Y=self.F_Y)
        Z = sp.csr_array(A @ sp.diags_array(self.x))
        x = np.asarray(Z.sum(axis=1)).ravel() + self.Y.sum(axis=1)
        with np.errstate(divide="ignore"):
            per_unit = np.where(x == 0.0, 0.0, 1.0 / x)
        A = sp.csr_array(Z @ sp.diags_array(per_unit))
        return before.with_changes(A=A, Y=self.Y, F=self.S * self.x, F_Y=self.F_Y)


def _apply(table: Table, state: _State, line: _Line) -> tuple[int, float, float]:
    """Change the numbers; return how many, and their sums before and after."""
    try:
        rows, columns = _places(table, line)
    except CarbonFlowsError as error:
        kind = LabelError if isinstance(error, LabelError) else InputError
        raise kind.about(
            f"{line.called}, {error.argument}",
            expected=error.expected,
            got=error.got,
            remedy=str(error.remedy),
        ) from error
    cells = int(rows.sum()) * int(columns.sum())
    if line.part in ("A", "Z"):
        return cells, *_in_matrix(state, line, rows, columns)
    target = {"Y": state.Y, "S": state.S, "F": state.S, "F_Y": state.F_Y}[line.part]
    block = np.ix_(rows, columns)
    scale: Any = state.x[columns] if line.part == "F" else 1.0
    before = float((target[block] * scale).sum())
    if np.isnan(line.value):
        target[block] *= line.factor
    else:
        target[block] = _over(line.value, scale, line)
    return cells, before, float((target[block] * scale).sum())


def _over(value: float, scale: Any, line: _Line) -> Any:
    """Return a value per unit of output."""
    if value and np.any(scale == 0.0):
        raise InputError.about(
            line.called,
            expected="sectors with output, for a value other than 0",
            got="one without",
            remedy="leave such sectors out",
        )
    return value / np.where(scale == 0.0, 1.0, scale)


def _in_matrix(
    state: _State, line: _Line, rows: BoolArray, columns: BoolArray
) -> tuple[float, float]:
    """Change a block of A; of Z, the sums are flows."""
    A = state.A
    within = np.repeat(rows, np.diff(A.indptr)) & columns[A.indices]
    unit = state.x if line.part == "Z" else np.ones(len(state.x))
    sizes = unit[A.indices[within]]
    before = float(A.data[within] @ sizes)
    if np.isnan(line.value):
        A.data[within] *= line.factor
        return before, float(A.data[within] @ sizes)
    A.data[within] = 0.0
    if line.value == 0.0:
        return before, 0.0
    count_ = int(rows.sum()) * int(columns.sum())
    if count_ > LARGEST_BLOCK:
        raise InputError.about(
            line.called,
            expected=f"at most {LARGEST_BLOCK:,} cells to set to a value",
            got=f"{count_:,}",
            remedy="name the cells more closely, or give a factor",
        )
    block = np.zeros(count_).reshape(int(rows.sum()), -1)
    block += _over(line.value, unit[columns], line)
    r, c = np.flatnonzero(rows), np.flatnonzero(columns)
    places = (np.repeat(r, len(c)), np.tile(c, len(r)))
    state.A = sp.csr_array(A + sp.coo_array((block.ravel(), places), shape=A.shape))
    return before, float((block * unit[columns]).sum())


def _places(table: Table, line: _Line) -> tuple[BoolArray, BoolArray]:
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
