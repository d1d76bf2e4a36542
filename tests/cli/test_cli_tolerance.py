"""`--rtol` of the commands that solve."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from support.running.solving import iterated

import carbonflows_fast as cf
from carbonflows_fast.cli import main

COMMANDS = {
    "accounts": ["accounts", "TABLE"],
    "flows": ["flows", "TABLE"],
    "sector": ["sector", "TABLE", "Wheat"],
    "paths": ["paths", "TABLE", "--top", "20"],
}


@pytest.fixture(autouse=True)
def _iterated() -> Iterator[None]:
    with iterated():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    with iterated():  # a table is saved as it was cut
        cf.save(cf.synthetic.world(5, 12, year=2010), folder / "2010")
    return folder


def run(capsys: pytest.CaptureFixture[str], folder: Path, *words: str, status: int = 0) -> str:
    places = {"TABLE": str(folder / "2010"), "STORE": str(folder)}
    assert main([places.get(word, word) for word in words]) == status
    printed = capsys.readouterr()
    return printed.err if status else printed.out


def certified(printed: str) -> float:
    found = re.search(r"^certified: .* more than (\S+)", printed, re.MULTILINE)
    assert found, printed
    return float(found[1])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_looser_result_says_so(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = COMMANDS[command]
    exact = certified(run(capsys, folder, *words))
    loose = certified(run(capsys, folder, *words, "--rtol", "1e-2"))
    assert loose > 1e3 * exact
    default = "1e-12" if command == "paths" else "1e-10"
    assert certified(run(capsys, folder, *words, "--rtol", default)) == exact
    with pytest.raises(SystemExit):
        main([words[0], "--help"])
    assert f"fewer passes over the table; default {default}" in " ".join(
        capsys.readouterr().out.split()
    )


def test_it_writes_what_the_function_returns(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "flows.parquet"
    run(capsys, folder, "flows", "TABLE", "--rtol", "1e-3", "--out", str(out))
    expected = cf.flows(cf.open(folder / "2010"), rtol=1e-3)
    assert pd.read_parquet(out)["value"].tolist() == expected.to_frame()["value"].tolist()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("rtol", ["0", "1", "nan"])
def test_what_is_no_tolerance_is_refused_before_the_table_is_read(
    command: str, rtol: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(tmp_path / "nothing") if word == "TABLE" else word for word in COMMANDS[command]]
    assert main([*words, "--rtol", rtol]) == 2
    refused = r"--rtol: expected a number above 0 and below 1, got .*; 1e-10 suits published tables"
    assert re.search(refused, capsys.readouterr().err)


def test_what_rounding_forbids_is_refused_in_the_words_of_the_command(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = run(capsys, folder, "accounts", "TABLE", "--rtol", "1e-17", status=2)
    found = re.search(
        r"--rtol: expected a certified error bound of at most 1.0e-17, got (\S+) .* give a --rtol "
        r"above both to a command that takes one, or see with (carbonflows-fast check) what",
        said,
    )
    assert found
    run(capsys, folder, "accounts", "TABLE", "--rtol", str(2 * float(found[1])))
    run(capsys, folder, *found[2].split()[1:], "TABLE")


def test_a_panel_takes_it_for_questions_that_are_solved_for(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "accounts.csv"
    run(capsys, folder, "panel", "accounts", "STORE", "--rtol", "1e-2", "--out", str(out))
    expected = cf.Panel(folder).accounts(rtol=1e-2)
    assert pd.read_csv(out)["exports"].tolist() == expected["exports"].tolist()
    assert (expected["exports"] != cf.Panel(folder).accounts()["exports"]).any()
    cf.save(cf.synthetic.world(5, 12, year=2011), tmp_path / "2011")
    said = run(capsys, folder, "panel", "decompose", "STORE", "--rtol", "1e-2", status=2)
    assert re.search(r"--rtol: expected an option of decompose, got 0.01; leave it out, or", said)
