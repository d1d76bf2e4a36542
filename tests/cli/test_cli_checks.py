"""The commands `check` and `repair`: what they print, write and refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.worlds.odd_table import odd_table

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
    assert "[…]: the footprint of CH4 that its repair" in out
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
    # Numbers by Python: pandas itself rounds them in some versions.
    read = pd.read_csv(file, keep_default_na=False, dtype=str).astype(ledger.dtypes)
    pd.testing.assert_frame_equal(read, ledger, check_dtype=False, rtol=0, atol=0)
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
        ((), "repair: expected at least one repair, got none; choose from --duplicates, --b"),
        (("--column-sums", "2"), "--column-sums: expected a number above 0 and below 1, got 2.0;"),
        (("--emissions-without-output", "fod"), "--emissions-without-output: expected a sector of"),
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


def test_the_ledger_stands_outside_the_destination(
    table: cf.Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, place = cf.save(table, tmp_path / "source"), cf.save(table, tmp_path / "store")
    for ledger in (place / "ledger.csv", tmp_path / "other" / ".." / "store" / "ledger.csv"):
        (tmp_path / "other").mkdir(exist_ok=True)
        said = shell(capsys, "repair", source, place, "--balance", "--ledger", ledger, status=2)
        assert "--ledger: expected a file outside DESTINATION" in said
    assert cf.open(place, verify=True).equals(table)
    shell(capsys, "repair", source, place, "--balance", "--ledger", tmp_path / "ledger.csv")
    assert cf.open(place).equals(cf.repair(table, balance=True)[0])


def test_a_destination_is_refused_before_the_table_is_read(
    saved: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken, ledger = tmp_path / "taken", tmp_path / "ledger.csv"
    taken.mkdir()
    (taken / "letter.txt").write_text("not a table")
    for source in (saved, "no such table"):
        said = shell(capsys, "repair", source, taken, "--balance", "--ledger", ledger, status=2)
        assert "DESTINATION: expected a new folder or a saved table to replace, got" in said
    assert not ledger.exists()


@pytest.mark.parametrize("way", ["as it is", "relative", "link", "convert", "ledger"])
def test_what_is_read_is_not_replaced(
    table: cf.Table, tmp_path: Path, way: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    source = tmp_path / "own"
    cf.save(table, source)
    (tmp_path / "link").symlink_to(source)
    monkeypatch.chdir(tmp_path)
    before = (source / "carbonflows.json").read_bytes()
    other = {"relative": Path("own/../own"), "link": tmp_path / "link"}.get(way, source)
    asked = ["repair", source, other, "--balance", "--emissions-without-output", "spread"]
    if way == "convert":
        asked = ["convert", source, other]
    if way == "ledger":
        (tmp_path / "icio.csv").write_text("a table in one file")
        asked = ["check", "icio.csv", "--out", tmp_path / "icio.csv"]
    err = shell(capsys, *asked, status=2)
    assert "expected another place than that of a table that is read" in err
    assert (source / "carbonflows.json").read_bytes() == before
    if way == "ledger":
        assert (tmp_path / "icio.csv").read_text() == "a table in one file"


def test_no_ledger_without_its_table(
    saved: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    made, ledger = tmp_path / "file" / "made", tmp_path / "ledger.csv"
    said = shell(capsys, "repair", saved, made, "--balance", "--ledger", ledger, status=2)
    assert "DESTINATION: expected a folder that can be written, got" in said
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
