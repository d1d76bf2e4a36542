"""Tables changed by a list: cells, rows and blocks, by factors or to values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast._base.arrays import BoolArray, FloatArray, locked
from carbonflows_fast._base.wording import count
from carbonflows_fast.errors import CarbonFlowsError, InputError, LabelError, shorten
from carbonflows_fast.shocks._lines import COLUMNS, Line, lines_of, places_of
from carbonflows_fast.spending._given import frame_of
from carbonflows_fast.table._replacements import checked_changes
from carbonflows_fast.table._table import table_from, with_notes
from carbonflows_fast.table._table_argument import required_table

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["scenario"]

FLOWS = ("Z", "F")
BALANCED = 1e-6
"""Share of all output that may be missing without a word."""
LARGEST_BLOCK = 20_000_000
"""Cells of A that one line may set to a value; a matrix of EXIOBASE's size has 96 million."""


def scenario(table: Table, changes: Any, *, rebalance: bool = True) -> tuple[Table, pd.DataFrame]:
    """Return a table changed by a list, and what each line of the list changed.

    Parameters
    ----------
    table : Table
    changes : DataFrame or path of a CSV file or workbook
        A line for each change, applied one after the other. Columns:

        - part: "A", "Z", "Y", "S", "F" or "F_Y";
        - region, sector: the seller, or who emits; empty: all;
        - stressor: of S, F and F_Y; empty: all;
        - buyer_region, buyer: the sector that buys (A, Z) or the category (Y, F_Y); empty: all;
        - factor or value, one of them: what cells are multiplied by, or set to, in their own unit.

        Other columns stay in the ledger. A region may be a country's name or a group.
    rebalance : bool, optional
        True: coefficients (A, S) that no line changes stay, and output follows demand. False: flows
        (Z, F) that no line changes stay, and output is what is sold, x = Z·1 + Y·1. If no line is
        about A, Z or Y, output stays as it is.

    Returns
    -------
    table : Table
        `notes` says that it is a scenario, and what it leaves out: of a table that was not
        balanced, and what sectors without output emit, where coefficients stay.
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
    given = frame_of("changes", changes, ["part"], COLUMNS)
    lines = lines_of(given)
    parts = {line.part for line in lines}
    anew = bool(parts & {"A", "Z", "Y"})  # else outputs stay, and with them all flows
    flows = not rebalance or not anew
    state = _State.of(table, flows)
    told = [_apply(table, state, line) for line in lines]
    ledger = given.frame.copy()
    for name, at in (("cells", 0), ("before", 1), ("after", 2)):
        ledger[name] = [one[at] for one in told]
    made = state.table(table, parts)
    kept = "coefficients" if rebalance else "flows"
    note = f"A scenario with {count(len(told), 'change')}; other {kept} are as they were."
    return with_notes(made, note, *(_left_out(table, flows) if anew else ())), ledger


@dataclass(slots=True)
class _State:
    """The numbers of a table while it is changed, of one kind, so that what sectors without output
    buy and emit is not lost on the way.

    Attributes
    ----------
    flows : bool
        Whether `matrix` is Z and `emissions` F, or else A and S.
    """

    flows: bool
    matrix: Any
    Y: FloatArray
    emissions: FloatArray
    F_Y: FloatArray
    x: FloatArray

    @classmethod
    def of(cls, table: Table, flows: bool) -> _State:
        arrays = table.arrays
        return cls(
            flows,
            (table.Z if flows else table.A).copy(),
            table.content.Y.copy(),
            (arrays.F if flows else arrays.S).copy(),
            arrays.F_Y.copy(),
            table.x.to_numpy(),
        )

    def per(self, part: str) -> tuple[FloatArray, FloatArray]:
        """Return the numbers of a part per number that is kept, and the inverse (NaN: none)."""
        ones = np.ones(len(self.x))
        if (part in FLOWS) == self.flows:
            return ones, ones
        with np.errstate(divide="ignore"):
            inverse = 1.0 / self.x
        idle = self.x == 0.0
        if self.flows:
            return np.where(idle, 0.0, inverse), self.x
        return self.x, np.where(idle, np.nan, inverse)

    def table(self, before: Table, parts: set[str]) -> Table:
        """Return the table with what was changed: these parts, and what follows."""
        emissions = self.emissions if parts & {"S", "F"} else None
        F_Y = self.F_Y if "F_Y" in parts else None
        if not parts & {"A", "Z", "Y"}:
            return before.with_changes(F=emissions, F_Y=F_Y)
        matrix = sp.csr_array(self.matrix)
        matrix.eliminate_zeros()
        if not self.flows:
            A = matrix if parts & {"A", "Z"} else None
            return before.with_changes(A=A, Y=self.Y, S=emissions, F_Y=F_Y)
        made = before.with_changes(Y=self.Y, F=self.emissions, F_Y=F_Y)
        Z = checked_changes(before.content, A=matrix, S=None, F=None, Y=None, F_Y=None).A
        x = locked(_sold(matrix, self.Y))
        return table_from(replace(made.content, matrix=Z, kind="Z", x=x))


def _sold(Z: Any, Y: FloatArray) -> FloatArray:
    sold: FloatArray = np.asarray(Z.sum(axis=1)).ravel() + Y.sum(axis=1)
    return sold


def _left_out(table: Table, flows: bool) -> list[str]:
    """Say what a new output does not have of the given one."""
    x, notes = table.x.to_numpy(), []
    sold = _sold(table.Z, table.content.Y) if flows else table.A @ x + table.content.Y.sum(axis=1)
    gap, whole = float(np.abs(x - sold).sum()), float(np.abs(x).sum())
    if gap > BALANCED * whole:
        notes.append(
            f"Outputs of the table before this scenario differ from what it sells by "
            f"{gap / whole:.2g} of their sum; the scenario's do not."
        )
    lost = np.abs(table.arrays.F[:, x == 0.0]).sum(axis=1)
    if lost.any() and not flows:
        told = zip(table.stressors, lost.tolist(), strict=True)
        notes.append(
            "Sectors without output have no emissions per unit: a scenario leaves out "
            + shorten([f"{name} {value:.6g}" for name, value in told if value])
            + "."
        )
    return notes


def _apply(table: Table, state: _State, line: Line) -> tuple[int, float, float]:
    """Change the numbers; return how many, and their sums before and after."""
    try:
        rows, columns = places_of(table, line)
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
    target = {"Y": state.Y, "F_Y": state.F_Y}.get(line.part, state.emissions)
    block = np.ix_(rows, columns)
    unit = inverse = np.ones(target.shape[1])
    if target is state.emissions:
        unit, inverse = state.per(line.part)
    before = float((target[block] * unit[columns]).sum())
    if np.isnan(line.value):
        target[block] *= line.factor
    else:
        target[block] = _kept(line, inverse[columns])
    return cells, before, float((target[block] * unit[columns]).sum())


def _kept(line: Line, inverse: FloatArray) -> FloatArray:
    """Return the value of a line as the number that is kept."""
    if line.value == 0.0:
        return np.zeros(len(inverse))
    if np.isnan(inverse).any():
        raise InputError.about(
            line.called,
            expected="sectors with output, for a value other than 0",
            got="one without",
            remedy="leave such sectors out, or give rebalance=False",
        )
    return line.value * inverse


def _in_matrix(
    state: _State, line: Line, rows: BoolArray, columns: BoolArray
) -> tuple[float, float]:
    """Change a block of the matrix."""
    matrix = state.matrix
    unit, inverse = state.per(line.part)
    within = np.repeat(rows, np.diff(matrix.indptr)) & columns[matrix.indices]
    sizes = unit[matrix.indices[within]]
    before = float(matrix.data[within] @ sizes)
    if np.isnan(line.value):
        matrix.data[within] *= line.factor
        return before, float(matrix.data[within] @ sizes)
    matrix.data[within] = 0.0
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
    block = np.tile(_kept(line, inverse[columns]), (int(rows.sum()), 1))
    r, c = np.flatnonzero(rows), np.flatnonzero(columns)
    places = (np.repeat(r, len(c)), np.tile(c, len(r)))
    state.matrix = sp.csr_array(matrix + sp.coo_array((block.ravel(), places), shape=matrix.shape))
    return before, float((block * unit[columns]).sum())
