"""How errors read on the command line: its own names, and no advice in Python."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest
from support.files.plain_files import own, write_csv

import carbonflows_fast as cf
from carbonflows_fast.cli import _sentences, main


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
        ("paths saved/2019 --stressor CO2 --min-share 2", "--min-share: expected a share"),
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
        ("repair saved/2019 new --column-sums 2", "--column-sums: expected a number between"),
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


@pytest.mark.parametrize("advised", _sentences.ADVICE)
def test_what_is_replaced_is_said_somewhere(advised: str) -> None:
    package = Path(cf.__file__).parent
    sources = [f.read_text() for f in package.rglob("*.py") if f.name != "_sentences.py"]
    joined = [
        re.sub(r'"\s*f?"', "", text).replace("{{", "{").replace("}}", "}") for text in sources
    ]
    if "classes=(" in advised:
        advised = r"as classes=\{systems\[0\]!r\}"  # an f-string
    assert any(re.search(advised, text, re.MULTILINE) for text in joined)


def test_what_is_wanted_decides_between_formats(place: Path, tmp_path: Path) -> None:
    command = ["convert", str(place / "mixed"), str(tmp_path / "new"), "--only"]
    assert main([*command, "text"]) == 0
    assert main([*command, "own_"]) == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} >= {"2018", "2019"}


@pytest.mark.parametrize(
    ("advised", "instead"),
    [
        ("to select by the other label write (None, 'CO 2')", "write ':CO 2'"),
        ("to zero with table.with_changes(A=...)", "table.with_changes(A=...) in Python"),
        ("3 rows; table.aggregate() adds them up", "table.aggregate() in Python adds them up"),
        ("edit classification.load('gwp100')", "edit carbonflows_fast/classification/gwp100.csv"),
        ("choose one, or give a mapping stressor → weight", "or in Python give a mapping"),
    ],
)
def test_what_only_python_can_do_is_said_to_be_python(advised: str, instead: str) -> None:
    assert instead in _sentences.spoken(advised, Namespace(parser=ArgumentParser()))
