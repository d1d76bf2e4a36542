"""Whose membership a group of countries is, said once by each command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import carbonflows_fast as cf
from carbonflows_fast.cli import main


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Years in which the European Union had 15, 25 and 27 members."""
    folder = tmp_path_factory.mktemp("store")
    for year in (2000, 2005, 2009):
        table = cf.Table(
            Z=np.eye(3), Y=np.ones((3, 3)), F=np.ones((1, 3)), regions=["DEU", "HUN", "ROU"],
            sectors=["all"] * 3, stressors="CO2", year=year,
        )  # fmt: skip
        cf.save(table, folder / str(year))
    return folder


@pytest.mark.parametrize(
    ("asked", "note"),
    [
        ("--demand EU", "EU: the members at the end of each year: 15 from 2000, 25 from 2005"),
        ("--demand EU --years 2005", "EU: the 25 members at the end of 2005"),
        ("--demand EU27", "EU27: the 27 members since 2020 in every year; the 15 of 2000"),
        ("--demand EU27:", "EU27: the 27 members since 2020 in every year"),
        ("--demand OECD", "OECD: the 38 members of today in every year; the 34 of 2010"),
    ],
)  # fmt: skip
def test_a_panel_says_whose_membership_it_took(
    store: Path, asked: str, note: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["panel", "accounts", str(store), *asked.split()]) == 0
    out = capsys.readouterr().out
    assert [line.startswith(note) for line in out.splitlines()].count(True) == 1
    assert out.count("members") == 1


def test_a_group_that_is_known_in_another_year_names_it(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["accounts", str(store / "2009"), "--demand", "OECD"]) == 0
    out = capsys.readouterr().out
    assert "OECD: the 38 members of today; the 34 of 2010 are 'OECD 2010'" in out


def test_a_saved_table_takes_its_own_year(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(store / "2009"), "--year", "2009"]) == 0
    assert main(["info", str(store / "2009"), "--year", "2005"]) == 2
    err = capsys.readouterr().err
    assert "which is the table of 2009; leave --year out, or name the folder that holds all" in err


def test_two_tables_of_a_year_are_told_apart_as_advised(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = cf.open(store / "2009")
    cf.save(table, tmp_path / "one")
    cf.save(table, tmp_path / "two")
    with pytest.raises(
        cf.InputError, match=r"cf\.save\(table\.with_changes\(year=\.\.\.\), \.\.\.\)"
    ):
        cf.Panel(tmp_path)
    assert main(["panel", "accounts", str(tmp_path)]) == 2
    said = "in Python set its year: cf.save(table.with_changes(year=...), ...)"
    assert said in capsys.readouterr().err
    cf.save(table.with_changes(year=2010), tmp_path / "two")
    assert cf.Panel(tmp_path).years == (2009, 2010)
