"""Unusual numbers in a table: findings, not errors, because every published table has some.

A finding says where it is, how large, and how its repair would change national footprints.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from carbonflows_fast._base.files import given_path
from carbonflows_fast.checks._findings import findings_of
from carbonflows_fast.checks._footprint_effects import effects_of
from carbonflows_fast.checks._report import CheckReport, Finding, report_of
from carbonflows_fast.checks._two_years import jumps
from carbonflows_fast.errors import FormatError, InputError, Phrase, StoreError
from carbonflows_fast.table import Table
from carbonflows_fast.table._table_argument import required_table

__all__ = ["CheckReport", "check"]


def check(
    table_or_path: Table | str | Path,
    other: Table | str | Path | None = None,
    *,
    stressor: Any = None,
    blanks: str = "error",
) -> CheckReport:
    """Report unusual numbers in a table, and how much they matter.

    - Rows whose output x is not Z·1 + Y·1, and, if the table has primary inputs, sectors whose
      output differs from their payments.
    - Zero and negative outputs; sectors without output that buy or emit; sectors that sell and buy
      nothing; columns of A that add up to 1 or more.
    - A table that is not productive, from which nothing can be computed.
    - Negative entries of A, Y, F, F_Y.
    - Intensities far from those of comparable sectors; regions, or their households, that emit
      nothing, regions without final demand or without rows, stressors that are zero everywhere.
    - Rows or columns of final demand with the same label; labels that differ only by blanks,
      letter case or look-alike characters.
    - Totals among sectors, regions or categories; rows or emissions copied from others; regions
      whose emissions are shifted by a sector or in another unit; final demand of a region met by
      another region; categories with a negative total; populations in another unit.
    - Numbers so large or small that no account can be computed.
    - With another table, such as another year: stressors, regions and categories that only one has;
      stressors, rows and populations in different units, by name or by size; regions, sectors and
      households whose emissions jump, and jumps of outputs, sales and categories of final demand;
      numbers copied from the other year.

    docs/check_and_repair.md has the limits of every check: what it compares, its threshold, and
    where it finds nothing.

    A saved table is read in full and compared with its checksums. A file that cannot be read, a
    damaged store, and empty cells (with their place) are errors in the report. Warnings of a reader
    (empty cells, if `blanks` is "zero") are notes. Missing numbers (NaN) are never in a table,
    because tables and readers refuse them and name the cell.

    Parameters
    ----------
    table_or_path : Table, str or Path
        A table, or a saved store, or what `read` accepts.
    other : Table, str or Path, optional
        A table to compare it with.
    stressor : str or mapping, optional
        The stressor of the effects. The default is the table's carbon dioxide, without biogenic; if
        it has none, its only stressor. Otherwise there are no effects, and the report says why.
    blanks : {"error", "zero"}
        Whether empty cells of files are an error or count as zero, as in `read`.

    Returns
    -------
    CheckReport
        `.ok` is True if there are no errors; most findings are notes and warnings. `.findings` has
        one row for each, with its effect on the footprint that it changes most. Effects are
        first-order estimates, from two solves for all findings.

    Raises
    ------
    InputError
        If it is neither a table nor an existing path.
    LabelError
        If the stressor is unknown.

    Notes
    -----
    The effect on consumer q's footprint, in the stressor's unit, is ΔC_q = Σ Δs_i x_i^(q) +
    Σ m_i Δa_ij x_j^(q) + Σ m_i Δy_i^(q), over the footprint. Source: Miller & Blair (2009),
    Input-Output Analysis, ch. 6.

    Examples
    --------
    >>> table = Table(Z=[[2.0, 0.0], [0.0, 0.0]], Y=[[8.0], [0.0]], F=[[5.0, 1.0]], x=[10.0, 0.0],
    ...               regions="DE", sectors=["goods", "none"], stressors=["CO2"],
    ...               stressor_units=["kt"], demand=[("DE", "all")], name="small")
    >>> print(check(table))
    small: ok (0 errors, 1 warning, 1 note)
    warning: emissions without output (1)
      DE none: 1 kt of CO2, but no output; no account by consumption holds it [DE +20 %]
    note: zero output (1)
      DE none: no output
    […]: the footprint of CO2 that its repair would change most, an estimate
    """
    loaded = _loaded("table_or_path", table_or_path, blanks)
    if isinstance(loaded, Finding):
        return report_of(str(table_or_path), [loaded])
    table, said = loaded
    name = table.name if isinstance(table_or_path, Table) else str(table_or_path)
    effects = effects_of(table, stressor)
    findings = chain(said, findings_of(table, effects))
    if other is not None:
        second = _loaded("other", other, blanks)
        if isinstance(second, Finding):
            findings = chain(findings, [second])
        else:
            # A comparison that overflows float64 is no jump that can be measured.
            with np.errstate(over="ignore", invalid="ignore"):
                compared = list(jumps(table, second[0], effects))
            findings = chain(findings, compared)
    return report_of(name, findings, effects)


def table_of(argument: str, given: Table | str | Path, blanks: str = "error") -> Table:
    """Return a table that is given itself or by its path, read in full.

    Raises
    ------
    InputError
        If it is neither a table nor an existing path; `argument` is its name.
    FormatError, StoreError
        If it cannot be read as a table.
    """
    if isinstance(given, Table):
        return given
    if not isinstance(given, str | Path):
        return required_table(argument, given, "a Table or a path")
    path = given_path(argument, given)
    if not os.path.exists(path):
        raise InputError.about(
            argument,
            expected="a table, or the path of one",
            got=f"{path}, which does not exist",
            remedy="check the path",
        )
    return _load(path, blanks)


def _loaded(
    argument: str, given: Table | str | Path, blanks: str
) -> tuple[Table, list[Finding]] | Finding:
    """Return a table and what its reader said, or the finding that it cannot be read."""
    said: list[str] = []
    try:
        with _overheard(said):
            table = table_of(argument, given, blanks)
    except (FormatError, StoreError) as error:
        return Finding("reading", "error", "", "", 1.0, Phrase.of(error))
    return table, [Finding("reading", "note", "", "", 1.0, text) for text in said]


def _load(path: Path, blanks: str) -> Table:
    from carbonflows_fast import readers, store

    if store.is_store(path):
        return store.open(path, verify=True)
    return readers.read(path, blanks=blanks)


@contextmanager
def _overheard(said: list[str]) -> Iterator[None]:
    """Collect what this thread's readers warn of."""
    listener = logging.Handler(logging.WARNING)
    this = threading.get_ident()

    def emit(record: logging.LogRecord) -> None:
        if record.thread == this:
            said.append(record.getMessage())

    listener.emit = emit  # type: ignore[method-assign]
    logger = logging.getLogger("carbonflows_fast.readers")
    logger.addHandler(listener)
    try:
        yield
    finally:
        logger.removeHandler(listener)
