"""The commands `check` and `repair`: what they print, write and refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from odd_table import odd_table

import carbonflows_fast as cf
from carbonflows_fast.cli import main


@pytest.fixture(scope="module")
def table() -> cf.Table:
    odd = {"balance", "emissions_without_output", "negatives"}
    return odd_table(np.random.default_rng(0), odd, regions=2, size=0.01)


@pytest.fixture(scope="module")
def saved(table: cf.Table, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(cf.save(table, tmp_path_factory.mktemp("saved") / "odd"))


def shell(capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 0) -> str:
    """Run a command and return what it prints, or complains where the status is not 0."""
    assert main(list(map(str, arguments))) == status
    printed = capsys.readouterr()
    return printed.err if status else printed.out


def test_check_shows_effects(
    table: cf.Table, saved: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shell(capsys, "check", saved, "--stressor", "CH4", "--out", tmp_path / "found.csv")
    expected = cf.check(table, stressor="CH4")
    assert str(expected).partition("\n")[2] in out
    assert "[…]: the footprint of CH4 that mending it" in out
    written = pd.read_csv(tmp_path / "found.csv", keep_default_na=False)
    assert written["message"].tolist() == expected.findings["message"].tolist()
    assert written["effect_region"].tolist() == expected.findings["effect_region"].tolist()


def test_check_compares_tables(saved: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "jump" not in shell(capsys, "check", saved, "--other", saved)
    assert "does not exist" in shell(capsys, "check", saved, "--other", "none", status=2)
    assert "nearest are" in shell(capsys, "check", saved, "--stressor", "CO", status=2)


def test_repair_saves_the_table_and_the_ledger(
    table: cf.Table, saved: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--balance", "--emissions-without-output", "food", "--negatives", "1e-8")
    made, file = tmp_path / "mended", tmp_path / "ledger.csv"
    out = shell(capsys, "repair", saved, made, "--ledger", file, *options)
    repaired, ledger = cf.repair(
        table, balance=True, emissions_without_output="food", negatives=1e-8
    )
    assert cf.open(made, verify=True).equals(repaired)
    pd.testing.assert_frame_equal(
        pd.read_csv(file, keep_default_na=False), ledger, check_dtype=False, rtol=0, atol=0
    )
    assert "balance                   x           1\n" in out
    assert "emissions_without_output  F           4\n" in out
    assert f"written: {file}" in out
    assert f"saved: {made} (" in out
    assert "nothing to repair" in shell(
        capsys, "repair", made, tmp_path / "again", "--balance", "--duplicates"
    )
    assert cf.open(tmp_path / "again").equals(repaired)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "expected the name of at least one repair, got none; choose from duplicates"),
        (("--column-sums", "2"), "column_sums: expected a number between 0 and 1, got 2.0"),
        (("--balance", "--ledger", "none/ledger.csv"), "--ledger: expected a file in a folder"),
        (("--balance", "--ledger", "ledger.txt"), "--ledger: expected a file name that ends in"),
    ],
)
def test_what_repair_refuses(
    options: tuple[str, ...], message: str, saved: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert message in shell(capsys, "repair", saved, tmp_path / "made", *options, status=2)
    assert not list(tmp_path.iterdir())
