"""What is odd in a table: findings, never errors, because every published table has some.

The findings are those that published tables are known for: zero and negative outputs, negative
inventory changes, columns of A that add up to 1 or more, rows that do not balance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from carbonflows_fast._parts import FloatArray, row_sums
from carbonflows_fast.errors import (
    CarbonFlowsError,
    FormatError,
    InputError,
    NotProductiveError,
    StoreError,
    wrong,
)
from carbonflows_fast.leontief import system
from carbonflows_fast.table import Table

__all__ = ["CheckReport", "check"]

Severity = Literal["note", "warning", "error"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
COLUMNS = ("check", "severity", "region", "sector", "size", "message")

# A row that is further off than this, relative to its output, is reported. Published tables are
# rounded to 12 digits or fewer, and WIOD to integers.
BALANCE = 1e-6
# If the table as a whole is further off than this, its parts do not belong together.
BALANCE_TOTAL = 0.01

SHOWN = 3  # findings of one kind that the printed report lists


class Finding(NamedTuple):
    """One row of the report."""

    check: str
    severity: Severity
    region: str
    sector: str
    size: float
    message: str


@dataclass(frozen=True, eq=False)
class CheckReport:
    """What `check` found.

    Attributes
    ----------
    name : str
        The table, or its path.
    findings : DataFrame
        `check` (its name), `severity` ("error", "warning" or "note"), `region` and `sector` where
        it concerns one row ("" otherwise), `size` (a number whose meaning the message gives) and
        `message`; errors first.
    """

    name: str
    findings: Any

    @property
    def ok(self) -> bool:
        """Whether there is no error; notes and warnings are allowed."""
        return not bool((self.findings["severity"] == "error").any())

    def __str__(self) -> str:
        """Return the report as text: how many findings of each kind, and the first few."""
        counts = self.findings["severity"].value_counts()
        summary = ", ".join(_count(int(counts.get(word, 0)), word) for word in SEVERITIES)
        lines = [f"{self.name or 'table'}: {'ok' if self.ok else 'not ok'} ({summary})"]
        for (severity, name), group in self.findings.groupby(["severity", "check"], sort=False):
            lines.append(f"{severity}: {name} ({len(group)})")
            lines += [f"  {message}" for message in group["message"][:SHOWN]]
            if len(group) > SHOWN:
                lines.append(f"  … and {len(group) - SHOWN} more in .findings")
        return "\n".join(lines)

    __repr__ = __str__


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def check(table_or_path: Table | str | Path) -> CheckReport:
    """Report what is odd in a table.

    Rows whose output x is not Z·1 + Y·1; zero and negative outputs; sectors without output that
    buy or emit; columns of A that add up to 1 or more; a table that is not productive, from which
    nothing can be computed; negative entries of A, Y, F, F_Y; rows with one label twice. A saved
    table is read in full and compared with its checksums; a file that cannot be read, or a store
    that is damaged, is an error in the report.

    Parameters
    ----------
    table_or_path : Table, str or Path
        A table, or a saved store, or what `read` accepts.

    Returns
    -------
    CheckReport
        `.ok` is True without errors: oddities are notes and warnings.

    Raises
    ------
    InputError
        If it is neither a table nor an existing path.

    Examples
    --------
    >>> table = Table(Z=[[2.0, 0.0], [0.0, 0.0]], Y=[[8.0], [0.0]], F=[[5.0, 1.0]], x=[10.0, 0.0],
    ...               regions="DE", sectors=["goods", "none"], stressors=["CO2"],
    ...               stressor_units=["kt"], demand=[("DE", "all")], name="small")
    >>> print(check(table))
    small: ok (0 errors, 1 warning, 1 note)
    warning: emissions without output (1)
      DE none: 1 kt of CO2, but no output; no account by consumption holds it
    note: zero output (1)
      DE none: no output
    """
    if isinstance(table_or_path, Table):
        return _report(table_or_path.name, _findings(table_or_path))
    if not isinstance(table_or_path, str | Path):
        raise InputError(
            wrong(
                "table_or_path",
                expected="a Table or a path",
                got=type(table_or_path).__name__,
                remedy="give what cf.read or cf.open returned, or the path",
            )
        )
    path = Path(table_or_path)
    if not path.exists():
        raise InputError(
            wrong(
                "table_or_path",
                expected="a table, or the path of one",
                got=f"{path}, which does not exist",
                remedy="check the path",
            )
        )
    try:
        table = _load(path)
    except (FormatError, StoreError) as error:
        return _report(str(path), iter([Finding("reading", "error", "", "", 1.0, str(error))]))
    return _report(str(path), _findings(table))


def _load(path: Path) -> Table:
    from carbonflows_fast import readers

    if (path / readers.STORE_MARKER).is_file():
        from carbonflows_fast import store

        return store.open(path, verify=True)
    return readers.read(path)


def _report(name: str, findings: Iterator[Finding]) -> CheckReport:
    found = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    return CheckReport(name, pd.DataFrame(found, columns=list(COLUMNS)))


# --- the checks -----------------------------------------------------------------------------


def _findings(table: Table) -> Iterator[Finding]:
    """Yield the findings, check by check."""
    yield from _duplicate_rows(table)
    yield from _negative("A", table.A, table, table._parts.row_units)
    yield from _negative("Y", table._parts.Y, table, table._parts.row_units)
    yield from _negative_emissions(table)
    yield from _column_sums(table)
    try:
        system(table).require_productive()
    except NotProductiveError as error:
        yield Finding("not productive", "error", "", "", 1.0, str(error))
    try:
        x = table._x
    except CarbonFlowsError as error:  # x was not given, and the table cannot be solved
        yield Finding("output", "error", "", "", 1.0, f"x cannot be solved: {error}")
        return
    yield from _outputs(table, x)
    yield from _without_output(table, x)
    yield from _balance(table, x)


def _row(table: Table, at: int) -> tuple[str, str]:
    parts = table._parts
    return parts.regions[parts.region_codes[at]], parts.sectors[parts.sector_codes[at]]


def _unit(table: Table, at: int) -> str:
    parts = table._parts
    unit = parts.row_units[parts.row_unit_codes[at]]
    return f" {unit}" if unit else ""


def _duplicate_rows(table: Table) -> Iterator[Finding]:
    codes = np.stack([table._parts.region_codes, table._parts.sector_codes])
    _, first, counts = np.unique(codes, axis=1, return_index=True, return_counts=True)
    for at, count in sorted(zip(first[counts > 1], counts[counts > 1], strict=True)):
        region, sector = _row(table, int(at))
        message = f"{region} {sector}: {count} rows; table.aggregate() adds them up"
        yield Finding("duplicate row", "warning", region, sector, float(count), message)


def _negative(what: str, matrix: Any, table: Table, units: Sequence[str]) -> Iterator[Finding]:
    """Count negative entries of A or Y, and name the row of the largest."""
    if isinstance(matrix, np.ndarray):
        rows, columns = np.nonzero(matrix < 0)
        values = matrix[rows, columns]
    else:
        at = np.flatnonzero(matrix.data < 0)
        rows = np.searchsorted(matrix.indptr, at, side="right") - 1
        values = matrix.data[at]
    if not len(values):
        return
    worst = int(np.argmin(values))
    region, sector = _row(table, int(rows[worst]))
    unit = f" {units[0]}" if what == "Y" and len(units) == 1 and units[0] else ""
    message = (
        f"{what}: {len(values)} negative {'entry' if len(values) == 1 else 'entries'}, together "
        f"{values.sum():.6g}{unit}, the largest {values[worst]:.6g} in the row {region} {sector}"
    )
    severity: Severity = "note" if what == "Y" else "warning"
    yield Finding(f"negative {what}", severity, region, sector, float(len(values)), message)


def _negative_emissions(table: Table) -> Iterator[Finding]:
    parts = table._parts
    what = parts.emissions_kind
    for name, matrix in ((what, parts.emissions), ("F_Y", parts.F_Y)):
        if matrix is None:
            continue
        for k in np.flatnonzero((matrix < 0).any(axis=1)).tolist():
            values = matrix[k]
            count = int((values < 0).sum())
            worst = int(np.argmin(values))
            region, sector = _row(table, worst) if name != "F_Y" else table.demand[worst]
            message = (
                f"{name}: {count} negative in {parts.stressors[k]!r}, the largest "
                f"{values[worst]:.6g} in {region} {sector}"
            )
            yield Finding(f"negative {name}", "note", region, sector, float(count), message)


def _column_sums(table: Table) -> Iterator[Finding]:
    """Report columns of A that add up to 1 or more: inputs worth the output, or more."""
    if len(table._parts.row_units) > 1:
        return  # a sum of different units says nothing
    sums = np.asarray(table.A.sum(axis=0)).ravel()
    for at in np.flatnonzero(sums >= 1).tolist():
        region, sector = _row(table, at)
        message = f"{region} {sector}: inputs are {sums[at]:.6g} of its output"
        yield Finding("column sum", "warning", region, sector, float(sums[at]), message)


def _outputs(table: Table, x: FloatArray) -> Iterator[Finding]:
    for at in np.flatnonzero(x < 0).tolist():
        region, sector = _row(table, at)
        message = f"{region} {sector}: output is {x[at]:.6g}{_unit(table, at)}"
        yield Finding("negative output", "warning", region, sector, float(x[at]), message)
    for at in np.flatnonzero(x == 0).tolist():
        region, sector = _row(table, at)
        yield Finding("zero output", "note", region, sector, 0.0, f"{region} {sector}: no output")


def _without_output(table: Table, x: FloatArray) -> Iterator[Finding]:
    """Report sectors without output that buy or emit: no intensity can say so."""
    parts = table._parts
    zero = np.flatnonzero(x == 0)
    if not len(zero):
        return
    if parts.kind == "Z":
        bought = np.asarray(abs(table.Z).sum(axis=0)).ravel()
        for at in zero[bought[zero] > 0].tolist():
            region, sector = _row(table, at)
            message = f"{region} {sector}: buys {bought[at]:.6g}, but has no output"
            size = float(bought[at])
            yield Finding("purchases without output", "warning", region, sector, size, message)
    if parts.emissions_kind == "F":
        for k, position in np.argwhere(parts.emissions[:, zero] != 0).tolist():
            at = int(zero[position])
            region, sector = _row(table, at)
            value = float(parts.emissions[k, at])
            unit = f" {parts.stressor_units[k]}" if parts.stressor_units[k] else ""
            message = (
                f"{region} {sector}: {value:.6g}{unit} of {parts.stressors[k]}, but no output; "
                "no account by consumption holds it"
            )
            yield Finding("emissions without output", "warning", region, sector, value, message)


def _balance(table: Table, x: FloatArray) -> Iterator[Finding]:
    """Compare x with Z·1 + Y·1, row by row and in all."""
    delivered = row_sums(table.Z) + row_sums(table._parts.Y)
    difference = np.abs(x - delivered)
    scale = np.maximum(np.abs(x), np.abs(delivered))
    relative = np.divide(difference, scale, out=np.zeros_like(scale), where=scale > 0)
    for at in np.flatnonzero(relative > BALANCE).tolist():
        region, sector = _row(table, at)
        message = (
            f"{region} {sector}: output {x[at]:.10g}, but {delivered[at]:.10g}"
            f"{_unit(table, at)} delivered ({relative[at]:.2g} of it)"
        )
        yield Finding("balance", "warning", region, sector, float(relative[at]), message)
    total = float(difference.sum() / scale.sum()) if scale.any() else 0.0
    if total > BALANCE_TOTAL:
        message = (
            f"outputs and deliveries differ by {total:.2g} in all; do Z, Y and x belong to one "
            "table?"
        )
        yield Finding("balance of the table", "error", "", "", total, message)
