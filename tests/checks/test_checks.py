"""What `check` finds, in tables made for it and in real ones."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from support.worlds.strategies import tables

from carbonflows_fast.accounting import accounts
from carbonflows_fast.checks import CheckReport, check
from carbonflows_fast.errors import InputError
from carbonflows_fast.readers import read, write_exiobase
from carbonflows_fast.table import Table


def good(**changes: Any) -> Table:
    """Return a table with nothing to report."""
    arguments: dict[str, Any] = {
        "Z": [[1.0, 2.0, 0.0], [0.0, 1.0, 1.0], [2.0, 0.0, 1.0]],
        "Y": [[7.0, 2.0], [4.0, 1.0], [2.0, 8.0]],
        "F": [[1.0, 2.0, 3.0]],
        "regions": ["AT", "AT", "DE"],
        "sectors": ["food", "steel", "food"],
        "demand": [("AT", "hh"), ("DE", "hh")],
        "stressors": ["CO2"],
        "stressor_units": ["kt"],
        "row_units": "M.EUR",
        "name": "made up",
    }
    return Table(**(arguments | changes))


def found(report: CheckReport) -> list[tuple[str, str, str, str]]:
    return list(report.findings[["check", "severity", "region", "sector"]].itertuples(index=False))


def test_a_good_table_has_no_findings() -> None:
    report = check(good())
    assert report.ok
    assert report.findings.empty
    assert list(report.findings.columns) == [
        "check",
        "severity",
        "region",
        "sector",
        "size",
        "message",
        "effect",
        "effect_region",
    ]
    assert str(report) == "made up: ok (0 errors, 0 warnings, 0 notes)" == repr(report)


CASES: dict[str, tuple[dict[str, Any], tuple[str, str, str, str], float, str]] = {
    "balance": (
        {"x": [12.0, 7.01, 13.0]},
        ("balance", "warning", "AT", "steel"),
        0.01 / 7.01,
        "output 7.01, but 7 M.EUR delivered",
    ),
    "negative A": (
        {"Z": [[1.0, 2.0, 0.0], [0.0, 1.0, -0.5], [2.0, -0.5, 1.0]]},
        ("negative A", "warning", "DE", "food"),
        2,
        "A: 2 negative entries, together -0.130909",
    ),
    "negative Y": (
        {"Y": [[7.0, 2.0], [4.0, -1.0], [2.0, 8.0]]},
        ("negative Y", "note", "AT", "steel"),
        1,
        "Y: 1 negative entry, together -1 M.EUR",
    ),
    "negative F": (
        {"F": [[1.0, -2.0, 3.0]]},
        ("negative F", "note", "AT", "steel"),
        1,
        "F: 1 negative in 'CO2', the largest -2",
    ),
    "negative S": (
        {"F": None, "S": [[1.0, -2.0, 3.0]]},
        ("negative S", "note", "AT", "steel"),
        1,
        "S",
    ),
    "negative F_Y": (
        {"F_Y": [[0.0, -3.0]]},
        ("negative F_Y", "note", "DE", "hh"),
        1,
        "the largest -3 in DE hh",
    ),
    "zero output": (
        {"Z": np.zeros((3, 3)), "Y": [[7.0, 2.0], [4.0, 1.0], [0.0, 0.0]], "F": [[1.0, 1.0, 0.0]]},
        ("zero output", "note", "DE", "food"),
        0,
        "DE food: no output",
    ),
    "negative output": (
        {"Z": np.zeros((3, 3)), "Y": [[7.0, 2.0], [4.0, 1.0], [-1.0, 0.0]]},
        ("negative output", "warning", "DE", "food"),
        -1,
        "DE food: output is -1 M.EUR",
    ),
    "purchases without output": (
        {
            "Z": [[1.0, 2.0, 3.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]],
            "Y": [[7.0, 2.0], [4.0, 1.0], [0.0, 0.0]],
        },
        ("purchases without output", "warning", "DE", "food"),
        4,
        "DE food: buys 4, but has no output",
    ),
    "emissions without output": (
        {"Z": np.zeros((3, 3)), "Y": [[7.0, 2.0], [4.0, 1.0], [0.0, 0.0]]},
        ("emissions without output", "warning", "DE", "food"),
        3,
        "DE food: 3 kt of CO2, but no output",
    ),
    "no inputs": (
        {"Z": [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [2.0, 0.0, 1.0]]},
        ("no inputs", "note", "AT", "steel"),
        6,
        "AT steel: others buy from it, but it buys nothing",
    ),
    "no final demand": (
        {"Y": [[7.0, 0.0], [4.0, 0.0], [2.0, 0.0]]},
        ("no final demand", "note", "DE", ""),
        0,
        "DE: no final demand",
    ),
    "zero stressor": (
        {"F": [[0.0, 0.0, 0.0]]},
        ("zero stressor", "note", "", ""),
        0,
        "CO2: zero everywhere",
    ),
    "no emissions": (
        {"F": [[1.0, 2.0, 0.0]]},
        ("no emissions", "warning", "DE", ""),
        13,
        "DE: its sectors have output, but none emits CO2",
    ),
    "column balance": (
        {
            "F": [[1.0, 2.0, 3.0], [9.0, 3.0, 11.0]],
            "stressors": ["CO2", "value added"],
            "stressor_units": ["kt", "M.EUR"],
            "extensions": ["air", "primary inputs"],
        },
        ("column balance", "warning", "AT", "steel"),
        1 / 7,
        "AT steel: output 7, but inputs and primary inputs of 6 M.EUR",
    ),
    "duplicate demand column": (
        {"demand": [("DE", "hh"), ("DE", "hh")]},
        ("duplicate demand column", "note", "DE", ""),
        2,
        "DE hh: 2 columns of final demand",
    ),
    "duplicate row": (
        {"sectors": ["food", "food", "food"]},
        ("duplicate row", "warning", "AT", "food"),
        2,
        "AT food: 2 rows",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_oddity_is_found_and_is_no_error(case: str) -> None:
    changes, finding, size, message = CASES[case]
    report = check(good(**changes))
    assert finding in found(report)
    row = report.findings[report.findings["check"] == finding[0]].iloc[0]
    assert row["size"] == pytest.approx(size)
    assert message in row["message"]
    assert message in str(report)
    assert report.ok


def test_columns_of_A_that_add_up_to_one_or_more() -> None:
    A = [[0.5, 0.1, 0.0], [0.25, 0.2, 0.2], [0.25, 0.3, 0.3]]
    x = np.linalg.solve(np.eye(3) - np.array(A), [9.0, 5.0, 10.0])
    arguments: dict[str, Any] = {"Z": None, "A": A, "x": x}
    report = check(good(**arguments))
    assert found(report) == [("column sum", "warning", "AT", "food")]
    assert "AT food: inputs are worth its whole output" in str(report)
    # a sum over different units says nothing
    assert check(good(**(arguments | {"row_units": ["t", "m", "t"]}))).findings.empty


def test_parts_of_two_tables_are_an_error() -> None:
    report = check(good(x=[24.0, 14.0, 26.0]))
    assert not report.ok
    assert found(report)[0] == ("balance of the table", "error", "", "")
    assert str(report).startswith("made up: not ok (1 error, 3 warnings, 0 notes)\nerror:")


def test_x_that_cannot_be_solved_is_an_error() -> None:
    import carbonflows_fast.leontief  # noqa: F401 - the solver

    table = good().with_changes(A=np.full((3, 3), 0.5))
    report = check(table)
    assert not report.ok
    assert "x cannot be solved" in str(report)


def test_a_long_list_is_cut_in_print_alone() -> None:
    zeros = good(
        Z=np.zeros((9, 9)),
        Y=np.zeros((9, 1)),
        F=np.zeros((1, 9)),
        regions="DE",
        sectors=list("abcdefghi"),
        demand=[("DE", "hh")],
    )
    report = check(zeros)
    assert (report.findings["check"] == "zero output").sum() == 9
    assert "… and 6 more in .findings" in str(report)


@given(tables())
def test_any_table_can_be_checked(table: Table) -> None:
    report = check(table, table, stressor=table.stressors[0])
    effects = report.findings["effect"]
    assert not np.isinf(effects).any()
    named = report.findings["effect_region"] != ""
    assert set(report.findings["effect_region"][named]) <= set(table.regions)
    assert (named == (effects.fillna(0.0) != 0.0)).all()


# --- paths ----------------------------------------------------------------------------------


def test_a_text_table_is_read(tmp_path: Path) -> None:
    write_exiobase(good(), tmp_path / "good.zip")
    report = check(str(tmp_path / "good.zip"))
    assert report.ok
    assert report.name == str(tmp_path / "good.zip")
    content = (tmp_path / "good.zip").read_bytes()
    (tmp_path / "good.zip").write_bytes(content[:-30])
    report = check(tmp_path / "good.zip")
    assert not report.ok
    assert "good.zip: expected a complete" in str(report)


def test_what_a_reader_warns_of_is_a_note(tmp_path: Path) -> None:
    write_exiobase(good(), tmp_path / "good")
    file = tmp_path / "good" / "Y.txt"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[-1] = lines[-1].rpartition("\t")[0] + "\t"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert not check(tmp_path / "good").ok
    assert "an empty cell" in str(check(tmp_path / "good"))
    findings = check(tmp_path / "good", blanks="zero").findings
    said = findings[findings["check"] == "reading"]
    assert said["severity"].tolist() == ["note"]
    assert "Y.txt: 1 empty cell counts as zero" in said["message"].iloc[0]
    assert not logging.getLogger("carbonflows_fast.readers").handlers


def test_outputs_too_small_to_divide_by_are_an_error() -> None:
    report = check(good(x=[10.0, 1e-320, 13.0]))
    assert not report.ok
    assert "which makes a quotient infinite" in str(report)


def test_a_store_is_read_in_full(tmp_path: Path) -> None:
    from carbonflows_fast.store import _saved as store

    store.save(good(), tmp_path / "store")
    report = check(tmp_path / "store")
    assert report.ok
    assert report.findings.empty
    largest = max((tmp_path / "store").rglob("*.npy"), key=lambda file: file.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[-1] ^= 1
    largest.chmod(0o600)
    largest.write_bytes(content)
    report = check(tmp_path / "store")
    assert not report.ok
    assert list(report.findings["check"]) == ["reading"]


def test_what_is_neither_a_table_nor_a_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="table_or_path: expected a Table or a path, got an int"):
        check(3)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="which does not exist"):
        check(tmp_path / "absent")


# --- real tables ----------------------------------------------------------------------------


@pytest.mark.real_data
def test_wiod_2009_has_findings_and_no_errors(real_data: Path) -> None:
    report = check(read(real_data / "wiod2013_2009.zip"))
    assert report.ok
    findings = report.findings
    negative = findings[findings["check"] == "negative output"]
    assert list(negative["region"]) == ["LUX", "LUX"]
    assert list(negative["size"]) == [-1.0, -1.0]
    assert findings[findings["check"] == "negative Y"]["size"].tolist() == [824.0]
    assert 18 <= (findings["check"] == "zero output").sum() <= 22
    assert not (findings["check"] == "balance").any()
    assert not (findings["check"] == "emissions without output").any()


@pytest.mark.real_data
@pytest.mark.parametrize(("year", "columns"), [(2000, 4), (2005, 2)])
def test_wiod_column_sums(real_data: Path, year: int, columns: int) -> None:
    report = check(real_data / f"wiod2013_{year}.zip")
    assert report.ok
    sums = report.findings[report.findings["check"] == "column sum"]["size"]
    assert (sums > 1).sum() == columns


def test_a_table_that_is_not_productive_is_an_error() -> None:
    table = Table(
        Z=[[0.0, 5.0], [5.0, 0.0]], Y=[[0.0, 0.0], [0.0, 0.0]], F=[1.0, 1.0],
        regions=["a", "b"], sectors=["s", "s"], stressors="CO2",
    )  # fmt: skip
    report = check(table)
    assert not report.ok
    assert "not productive" in set(report.findings["check"])


def test_numbers_that_no_account_can_be_solved_for() -> None:
    scale = 1e-300
    table = good()
    wild = good(Z=table.Z.toarray() * scale, Y=table.Y.to_numpy() * scale)
    with pytest.raises(InputError, match="Y: expected largest numbers between") as refused:
        accounts(wild)
    report = check(wild)
    assert not report.ok
    assert ("magnitude", "error", "", "") in found(report)
    assert str(refused.value) in set(report.findings["message"])


def test_reports_read_well() -> None:
    frame = check(good()).findings
    row = {"check": "x", "severity": "note", "region": "", "sector": "", "size": 1.0}
    effects = {"+100,000 %": 1e3, "-100 %": -1.0, "+0.012 %": 1.2e-4, "+99 %": 0.99}
    for text, effect in effects.items():
        one = frame.from_records([row | {"message": "", "effect": effect, "effect_region": "FR"}])
        assert f"[FR {text}]" in str(CheckReport("made up", one, "CO2"))
