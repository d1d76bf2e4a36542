"""The tables of limits in docs/check_and_repair.md, held against the code."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from support.worlds.damage import NOTICED

import carbonflows_fast as cf
from carbonflows_fast.checks import (
    _differences,
    _findings,
    _intensity_findings,
    _measures,
    _outliers,
    _pattern_findings,
    _sales_jumps,
    _two_years,
)

PACKAGE = Path(cf.__file__).parent
PAGE = (PACKAGE.parent / "docs" / "check_and_repair.md").read_text(encoding="utf-8")
LIMITS = PAGE.partition("## What each check compares")[2]

# The parts of names that are made of several.
FILLED = {
    "{what}": ["stressors", "regions", "categories"],
    "{kind}": ["final demand", "intermediate sales", "exports"],
}


def rows(head: str) -> dict[str, list[str]]:
    """Return the rows of a table of the page by their first cell."""
    lines = LIMITS.partition(f"| {head} |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in cells}


def checks_of_the_docs() -> dict[str, str]:
    """Return where each check begins, by its name."""
    alone = rows("check")
    rest = LIMITS.partition("Two tables:")[2].partition("| check |")[2].partition("\n\n")[0]
    beside = {}
    for line in rest.splitlines()[2:]:
        first, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        beside[first] = cells
    return {name.strip(): cells[1] for first, cells in [*alone.items(), *beside.items()]
            for name in first.split(",")}  # fmt: skip


def name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.JoinedStr), ast.dump(node)
    return ast.unparse(node)[2:-1]


def checks_of_the_code() -> set[str]:
    """Return the first argument of every Finding that is made."""
    names = set()
    for path in (PACKAGE / "checks").glob("*.py"):
        if path.stem == "_negative_findings":  # names of matrices
            names |= {f"negative {matrix}" for matrix in ("A", "Y", "F", "S", "F_Y")}
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                names.add(name_of(node.args[0]))
    filled = set()
    for name in names:
        (slot,) = [slot for slot in FILLED if slot in name] or [""]
        filled |= {name.replace(slot, part) for part in FILLED[slot]} if slot else {name}
    return filled


def test_every_check_has_its_limits_in_the_docs() -> None:
    assert set(checks_of_the_docs()) == checks_of_the_code()


def percent(part: float) -> str:
    return f"{100 * part:g} %"


CONSTANTS: list[tuple[str, str]] = [
    ("balance", f"{_measures.BALANCE:g} of the larger"),
    ("balance of the table", percent(_findings.BALANCE_TOTAL)),
    ("column balance", percent(_findings.COLUMN_BALANCE)),
    ("implausible intensity", f"{_outliers.TIMES:,g} times the median"),
    ("implausible intensity", f"{_outliers.FEWEST} regions or more"),
    ("implausible intensity", f"{percent(_outliers.MATERIAL)} of the region's"),
    ("implausible intensity", f"{_outliers.NOTED:,.0f} times the median"),
    ("implausible intensity", f"{_outliers.NEAR:g} times the region's largest"),
    ("no household emissions", f"{percent(_intensity_findings.SILENT)} of the regions"),
    ("total among sectors", f"from {_pattern_findings.PARTS} others on"),
    ("copied row", f"with {_pattern_findings.COPIED} different"),
    ("copied emissions", f"with {_pattern_findings.COPIED} different"),
    ("level of a region", f"{10**_pattern_findings.POWER:g} times"),
    ("level of a region", f"{_pattern_findings.COMPARED} sectors"),
    ("shifted emissions", f"{_pattern_findings.BETTER:g} better, and {_pattern_findings.GOOD:g}"),
    ("bought abroad", f"{_pattern_findings.ABROAD:g} times"),
    ("negative demand", f"-{percent(_pattern_findings.NEGATIVE)}"),
    ("population", f"{_pattern_findings.PER_HEAD:g} times"),
    ("unit of a stressor", f"from {10**_two_years.POWER} on"),
    ("population jump", f"{_differences.TENFOLD:g} times"),
    ("region of a stressor", f"{10**_two_years.POWER} times, and {percent(_two_years.MATERIAL)}"),
    ("region of a stressor", f"nothing {percent(_two_years.GONE)}"),
    ("stressor jump", f"{_sales_jumps.COLLAPSE:g} times"),
    ("stressor jump", f"fewer than {_two_years.FEWEST} rows"),
    ("output jump", f"{10**_two_years.JUMP:,g} times, and {percent(_two_years.MATERIAL)}"),
    ("exports jump", f"{_sales_jumps.COLLAPSE:g} times, and {percent(_sales_jumps.PART)}"),
    ("exports jump", f"{_sales_jumps.TOGETHER} regions"),
    ("category jump", f"{_sales_jumps.COLLAPSE:g} times, and {percent(_sales_jumps.SHARE)}"),
    ("category jump", f"another sign at {percent(_sales_jumps.REVERSED)}"),
    ("level of final demand", f"{_sales_jumps.LEVEL:g} times"),
    ("households jump", f"{_sales_jumps.COLLAPSE:g} times, and {percent(_sales_jumps.SHARE)}"),
    ("level of households", f"{_sales_jumps.HOUSEHOLDS:g} times"),
    ("emissions jump", f"{_sales_jumps.COLLAPSE:g} times, and {percent(_sales_jumps.SHARE)}"),
    ("copied from the other table", f"{_differences.COPIED} different numbers"),
]


@pytest.mark.parametrize(("check", "text"), CONSTANTS)
def test_limits_are_those_of_the_code(check: str, text: str) -> None:
    assert text in checks_of_the_docs()[check]


def test_what_is_noticed_of_damage_is_in_the_docs() -> None:
    """Every check that a damage is noticed by stands in the table of damages, and says no else."""
    table: Any = rows("damage")
    assert len(NOTICED) >= 30
    cells = [" ".join(row) for row in table.values()]
    for alone, beside in NOTICED.values():
        for name in {alone, beside} - {"", "other table", "negative A"}:
            assert any(name in cell for cell in cells), name
    assert sum(row[0].startswith("no") and row[1].startswith("no") for row in table.values()) == 4
