"""What the command line does where a stream takes few letters, or nothing at all."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys

import pytest

import carbonflows_fast as cf
from carbonflows_fast.cli import main
from carbonflows_fast.cli._text import columns

RUN = "import sys; from carbonflows_fast.cli import main; sys.exit(main())"
SECTORS = ["Bücher", "鋼鉄"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A table with labels that few encodings can write."""
    table = cf.Table(Z=[[2.0, 1.0], [3.0, 1.0]], Y=[[5.0], [7.0]], F=[[4.0, 1.0]], regions="Côte",
                     sectors=SECTORS, stressors=["CO₂"], stressor_units=["kt"],
                     demand=[("Côte", "…")], year=2019)  # fmt: skip
    return str(cf.save(table, tmp_path_factory.mktemp("streams") / "2019"))


def run(encoding: str, *arguments: str) -> tuple[int, str, str]:
    """Return status, output and complaint where streams are as strict as Python makes them."""
    kept = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(one, encoding, write_through=True) for one in kept)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
    return status, kept[0].getvalue().decode(encoding), kept[1].getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize(
    "command", ["info", "check", "accounts", "flows", "paths", "decompose", "sector"]
)
def test_every_letter_can_be_written(saved: str, command: str, encoding: str) -> None:
    more = {"decompose": [saved], "sector": SECTORS[1:]}.get(command, [])
    status, text, _ = run(encoding, command, saved, *more)
    assert status == 0
    assert "\\u2190" not in text
    if encoding == "ascii" and command != "check":  # it finds nothing
        assert "CO2" in text
    if command == "paths":
        assert ("← Côte" if encoding == "utf-8" else "<- C") in text
        tree = text[text.index("final product ") :].splitlines()
        ends = {sum(2 if letter in SECTORS[1] else 1 for letter in line) for line in tree[1:9]}
        assert len(ends) == 1, "columns are not aligned"


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("ascii", "nowhere -> e"), ("cp1252", "nowhere -> é"), ("utf-8", "nowhere → é")],
)
def test_so_can_every_complaint(encoding: str, name: str) -> None:
    status, _, err = run(encoding, "info", "nowhere → é")
    assert status == 2
    assert err.startswith(f"carbonflows-fast: {name}: expected")


def test_wide_letters_take_two_columns() -> None:
    text = columns(["sector", "kt"], [["鋼鉄", "1"], ["cafe\u0301", "2"], ["steel", "12"]])
    assert text.splitlines() == ["sector  kt", "鋼鉄     1", "cafe\u0301     2", "steel   12"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(
    ("command", "way", "said"),
    [
        ("accounts", ">&-", "standard output: expected a place to write to, got a closed one"),
        ("accounts", "> /dev/full", "standard output: expected a place that can be written"),
        ("accounts --stressor CO3", "2> /dev/full", ""),
        ("accounts --stressor CO3", "2>&-", ""),
    ],
)
def test_streams_that_take_nothing(
    saved: str, command: str, way: str, said: str, buffered: bool
) -> None:
    if subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -c "import scipy.sparse" {way}']
    ).returncode:
        pytest.skip("SciPy 1.13 itself needs a standard error")
    shell = f'"{sys.executable}" -c "{RUN}" {command} "{saved}" {way}'
    environment = {**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"}
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == bool(said)
    assert said in done.stderr


def test_the_command_of_a_certain_python() -> None:
    command = [sys.executable, "-m", "carbonflows_fast", "--version"]
    said = subprocess.check_output(command, text=True)
    assert said == f"carbonflows-fast {cf.__version__}\n"
