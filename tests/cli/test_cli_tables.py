"""How the command line names one of several tables, and says so where that is needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.files.plain_files import own, write_csv

import carbonflows_fast as cf
from carbonflows_fast.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tables, of which the later one has half the emissions."""
    write_csv(own(), tmp_path / "own_2018")
    frames = own()
    frames["F"] /= 2
    frames["F_Y"] /= 2
    write_csv(frames, tmp_path / "own_2019")
    return tmp_path


@pytest.mark.parametrize("command", ["info", "accounts", "flows", "paths", "check"])
def test_the_year_is_said_as_the_error_advises(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    asked = [command, str(folder)]
    asked += ["--stressor", "CO2 | air"] if command in ("accounts", "flows", "paths") else []
    assert main(asked) == (1 if command == "check" else 2)  # a table that cannot be read
    out, err = capsys.readouterr()
    assert "2 tables (2018, 2019); say which: --year …, or the path of its file" in out + err
    assert "year=" not in out + err
    assert main([*asked, "--year", "2019"]) == 0
    out = capsys.readouterr().out
    assert "2019" in out
    assert "2018" not in out


def test_check_takes_a_format(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(folder / "own_2018")
    assert main(["check", path, "--format", "plain"]) == 0
    assert main(["check", path, "--format", "oecd"]) == 2
    assert "oecd" in capsys.readouterr().err.lower()


def test_two_years_of_one_folder_are_decomposed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["decompose", str(folder), str(folder), "--stressor", "CO2 | air"]
    assert main([*asked, "--year", "2018", "--after-year", "2019"]) == 0
    before, after = (cf.read(folder / f"own_{year}") for year in (2018, 2019))
    whole = cf.structural_decomposition(before, after, "CO2 | air")
    assert whole.total < 0
    assert main(["decompose", str(folder / "own_2018"), str(folder)]) == 2
    assert "say which: --after-year …, or the path of its file" in capsys.readouterr().err
    assert main([*asked, "--year", "2018", "--after-year", "2019"]) == 0
    assert whole.label in capsys.readouterr().out


def test_two_formats_in_one_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cf.write_exiobase(cf.synthetic.world(2, 2), folder / "world_2020")
    assert main(["info", str(folder)]) == 2
    err = capsys.readouterr().err
    assert "got exiobase3 and plain; say which: --format …, or the path of the table" in err
    assert main(["info", str(folder), "--format", "exiobase3"]) == 0


def test_a_saved_table_has_one_year(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = cf.save(cf.read(folder, year=2018), tmp_path / "saved")
    for command in ("info", "check"):
        assert main([command, str(saved), "--year", "2018"]) == 0
        assert main([command, str(saved), "--year", "2019"]) == 2
        assert "which is the table of 2018; leave --year out" in capsys.readouterr().err


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two saved tables in one folder, of which the later one has other numbers."""
    for year in (2005, 2009):
        world = cf.synthetic.world(3, 4, year=year, seed=year)
        cf.save(world, tmp_path / "store" / f"world_{year}")
    return tmp_path / "store"


COMMANDS = ["info", "check", "accounts", "flows", "paths"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_year_picks_a_table_in_a_folder_of_saved_ones(
    store: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([command, str(store)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"carbonflows-fast: {store}: expected one table, got saved tables ")
    assert "(2005, 2009); say which: --year …, or the path of one; or" in err
    assert main([command, str(store), "--year", "2009"]) == 0
    by_year = capsys.readouterr().out
    assert main([command, str(store / "world_2009")]) == 0
    by_path = capsys.readouterr().out
    if command != "check":  # whose report names what it was given
        assert by_year == by_path
    assert main([command, str(store), "--year", "2010"]) == 2
    err = capsys.readouterr().err
    assert f"--year: expected a year of {str(store)!r}, 2005, 2009, got 2010; ask for a" in err
    assert main([command, str(store), "--year", "2009", "--format", "oecd"]) == 2
    assert "--format: expected a table in text files" in capsys.readouterr().err


def test_two_years_of_a_folder_of_saved_tables(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["decompose", str(store), str(store), "--year", "2005"]
    assert main([*asked, "--after-year", "2009"]) == 0
    by_year = capsys.readouterr().out
    assert main(["decompose", *(str(store / f"world_{year}") for year in (2005, 2009))]) == 0
    assert capsys.readouterr().out == by_year
    assert main(asked) == 2
    assert "say which: --after-year …, or the path of one; or" in capsys.readouterr().err
    assert main([*asked, "--after-year", "2010"]) == 2
    assert "--after-year: expected a year of" in capsys.readouterr().err


def test_the_table_of_a_year_is_not_written_over(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["repair", str(store), str(store / "world_2009"), "--balance", "--year"]
    assert main([*asked, "2009"]) == 2
    assert "expected another place than that of a table that is read" in capsys.readouterr().err
    assert cf.open(store / "world_2009").equals(cf.synthetic.world(3, 4, year=2009, seed=2009))
    assert (
        main(["repair", str(store), str(store.parent / "new"), "--balance", "--year", "2009"]) == 0
    )
    assert cf.open(store.parent / "new").year == 2009
