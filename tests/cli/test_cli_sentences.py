"""How errors read on the command line: its own names, and no advice in Python."""

from __future__ import annotations

import pickle
import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest
from support.files.plain_files import own, write_csv

import carbonflows_fast as cf
from carbonflows_fast.cli import main
from carbonflows_fast.cli._sentences import in_cli_words
from carbonflows_fast.errors import Phrase


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Saved tables with two stressors, a text table without a year, and what is none."""
    folder = tmp_path_factory.mktemp("sentences")
    table = cf.synthetic.world(3, 4, stressors=2)
    cf.write_exiobase(table, folder / "text.zip")
    cf.save(table, folder / "saved" / "2019")
    for year in (2018, 2019):
        write_csv(own(), folder / "several" / f"own_{year}")
        write_csv(own(), folder / "mixed" / f"own_{year}")
    cf.write_exiobase(table, folder / "mixed" / "text.zip")
    (folder / "empty").mkdir()
    (folder / "odd.csv").write_text("a,b\n1,2\n")
    return folder


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("accounts saved/2019", "--stressor: expected the name of one, since the table has 2"),
        ("accounts text.zip --stressor CO3", "--stressor: expected names of stressors"),
        ("flows saved/2019 --stressor CO2 --demand XX", "--demand: expected a region of the table"),
        ("paths saved/2019 --stressor CO2 --start XX:", "--start: expected a region of the table"),
        ("paths saved/2019 --stressor CO2 --start AT", "the other label write AT:"),
        ("paths saved/2019 --stressor CO2 --min-share 2", "--min-share: expected a number above 0"),
        ("sector saved/2019 nope --stressor CO2", "STUDY: expected a study"),
        ("flows saved/2019 --stressor CO2 --classes odd.csv", "got 'odd.csv' (with the columns a"),
        ("check nowhere", "PATH: expected a table"),
        ("check saved/2019 --stressor CO3", "--stressor: expected a stressor"),
        ("check several", "say which: --year …, or the path"),
        ("info saved", "the path of one; or ask all with carbonflows-fast panel"),
        ("info text.zip --year 2018", "expected one table of 2018, got 1 table (text); leave "
         "--year … out"),
        ("convert text.zip odd.csv", "DESTINATION: expected a new folder"),
        ("convert text.zip odd.csv/below", "DESTINATION: expected a folder that can be written"),
        ("check saved", ": expected one table, got saved tables (2019)"),
        ("convert mixed new", "mixed: expected tables of one format, got exiobase3 and plain"),
        ("convert mixed new --only nope", "--only: expected tables that are in mixed, got none"),
        ("convert several new --only onw_2018", "got none that fits; nearest are 'own_2018'"),
        ("convert several new --years 1990", "got none of 1990; there are tables of 2018, 2019"),
        ("repair saved/2019 new --column-sums 2", "--column-sums: expected a number above"),
        ("panel accounts empty", "which has none; make them with carbonflows-fast convert"),
        ("panel accounts nowhere", "STORE: expected a folder of saved tables"),
        ("demo --seed -1", "--seed: expected a whole number"),
    ],
)  # fmt: skip
def test_errors_suit_the_command_line(
    place: Path, command: str, sentence: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(place)
    assert main(command.split()) in (1, 2)
    said = "".join(capsys.readouterr())
    assert sentence in said
    assert not re.search(r"\bcf\.|\w=…|None|table_or_path|write \(", said)
    assert "carbonflows-fast: " not in said or len(said.splitlines()) == 1


def test_what_is_wanted_decides_between_formats(place: Path, tmp_path: Path) -> None:
    command = ["convert", str(place / "mixed"), str(tmp_path / "new"), "--only"]
    assert main([*command, "text"]) == 0
    assert main([*command, "own_"]) == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} >= {"2018", "2019"}


def test_a_second_table_has_a_year_of_its_own(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = f"decompose {place / 'saved' / '2019'} {{}} --stressor CO2"
    page = f"report {place / 'saved' / '2019'} --stressor CO2 --out {tmp_path / 'page.html'}"
    for command, option in [
        (two.format(place / "several"), "--after-year"),
        (two.format(place / "saved"), "--after-year"),
        (f"{page} --since {place / 'several'}", "--since-year"),
    ]:
        assert main(command.split()) == 2
        assert f"say which: {option} …, or the path of" in capsys.readouterr().err


def test_labels_are_never_taken_for_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "year: expected it, got cf.open; leave format=… out"
    cf.save(cf.synthetic.world(2, 3, stressors=2), "year")
    assert main(["accounts", "year", "--stressor", name]) == 2
    assert f"--stressor: expected a stressor of the table, got {name!r}; nearest" in (
        capsys.readouterr().err
    )
    (tmp_path / "stressor").mkdir()  # a file with an argument's name
    assert main(["info", "stressor"]) == 2
    assert capsys.readouterr().err.startswith("carbonflows-fast: stressor: expected a table in")


def test_the_label_of_a_pair_is_quoted_for_a_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = cf.synthetic.world(2, 3)
    renamed = table.aggregate(categories=dict.fromkeys(table.categories, "all of it"))
    path = str(cf.save(renamed, tmp_path / "table"))
    assert main(["accounts", path, "--demand", "all of it"]) == 2
    assert "to select by the other label write ':all of it'" in capsys.readouterr().err


def test_errors_within_results_read_as_typed(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["panel", "accounts", str(place / "saved"), "--stressor", "CO3"]) == 1
    assert "; 2019: --stressor: expected a stressor of the table, got" in capsys.readouterr().err
    world = cf.synthetic.world(2, 3)
    named = dict(zip(dict.fromkeys(world.sectors), "abc", strict=True))
    other = world.aggregate(sectors=named)
    cf.save(other, tmp_path / "other")
    assert main(["flows", str(tmp_path / "other")]) == 0
    said = capsys.readouterr().out
    assert "by class of product: not known (--classes: expected a class for every sector" in said
    assert "; give --classes FILE, each one of" in said


def words(said: str | cf.CarbonFlowsError, **names: str) -> str:
    parser = ArgumentParser()
    parser.add_argument("table", metavar="TABLE")
    parser.add_argument("--year")
    return in_cli_words(said, Namespace(parser=parser, names=names))


def test_parts_of_a_phrase_get_their_names() -> None:
    leave = Phrase("leave year=… out", ("leave ", "year", " … out"))
    error = cf.InputError.about("year", expected="one", got="two", remedy=leave)
    assert str(error) == "year: expected one, got two; leave year=… out"
    assert words(error) == "--year: expected one, got two; leave --year … out"
    assert words(error, year="--other") == "--other: expected one, got two; leave --other … out"
    reason = Phrase.of("2009: ", error)
    failed = pickle.loads(pickle.dumps(cf.PanelError(Phrase.of("1 failed; ", reason))))
    assert str(failed) == f"1 failed; 2009: {error}"
    assert words(failed) == f"1 failed; 2009: {words(error)}"
    assert words(cf.StoreError.about("path", expected="a", got="b", remedy="c")).startswith("TABLE")
    assert words("not ours\n") == "not ours"
