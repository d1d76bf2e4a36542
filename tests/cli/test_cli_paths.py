"""The command `paths`: what it prints, writes and refuses."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

import carbonflows_fast as cf
from carbonflows_fast.cli import main


@pytest.fixture(scope="module")
def table() -> cf.Table:
    return cf.synthetic.world(4, 6, density=0.7)


@pytest.fixture(scope="module")
def saved(table: cf.Table, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(cf.save(table, tmp_path_factory.mktemp("saved") / "world"))


def shell(capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 0) -> str:
    """Run the command and return what it prints, or complains where the status is not 0."""
    assert main(["paths", *map(str, arguments)]) == status
    printed = capsys.readouterr()
    return printed.err if status else printed.out


def test_it_shows_stages_and_a_tree(
    table: cf.Table, saved: str, capsys: pytest.CaptureFixture[str]
) -> None:
    region = table.regions[0]
    out = shell(capsys, saved, "--demand", region, "--top", 200, "--lines", 12)
    paths = cf.structural_paths(table, demand=region, top=200)
    assert f"200 paths carry {100 * paths.coverage:.1f} %" in out
    tree = out.split("final product ← its suppliers")[1].splitlines()[1:13]
    roots = [line for line in tree if not line.startswith(" ")]
    first = paths.tree().iloc[0]
    assert roots[0].startswith(f"{first.region}: {first.sector}  ")
    assert f"12 of {len(paths.tree()):,} lines" in out
    for above, line in pairwise(tree):  # a supplier stands one step further in at most
        depth = [len(text) - len(text.lstrip()) for text in (above, line)]
        assert depth[1] <= depth[0] + 2
    assert "certified" in out


@pytest.mark.parametrize("extension", [".csv", ".parquet", ".json"])
def test_it_writes_all_paths(
    table: cf.Table, saved: str, tmp_path: Path, extension: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"paths{extension}"
    region, sector = table.rows[3]
    shell(
        capsys, saved, "--min-share", 1e-4, "--start", f"{region}:", "--through", sector,
        "--end", f"{region}: {sector}", "--max-stage", 3, "--out", out,
    )  # fmt: skip
    expected = cf.structural_paths(
        table, min_share=1e-4, start=(region, None), through=sector, end=(region, sector),
        max_stage=3,
    )  # fmt: skip
    assert len(expected) > 0
    if extension == ".parquet":
        found = pd.read_parquet(out)
        assert [list(path) for path in found.path] == expected.to_arrow()["path"].to_pylist()
    else:
        found = pd.read_csv(out) if extension == ".csv" else pd.read_json(out)
        assert found.path.tolist() == expected.to_frame().path.tolist()
    assert found.value.to_numpy() == pytest.approx(expected.value, rel=1e-14)


def test_bad_input_is_one_sentence(saved: str, capsys: pytest.CaptureFixture[str]) -> None:
    complaint = shell(capsys, saved, "--through", "Nothing of the kind", status=2)
    assert complaint.startswith("carbonflows-fast: --through: expected a sector of the table")
    assert complaint.count("\n") == 1
    assert "--coverage: expected" in shell(capsys, saved, "--coverage", 2, status=2)
    assert "--max-stage: expected" in shell(capsys, saved, "--max-stage", -1, status=2)
    for arguments in (
        ["paths", saved, "--coverage", "0.5"],
        ["panel", "paths", saved, "--threshold", "1"],
    ):
        with pytest.raises(SystemExit) as exit:
            main([*arguments, "--top", "3"])
        assert exit.value.code == 2
        assert "not allowed with" in capsys.readouterr().err


def test_advice_names_options_of_the_command(
    saved: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cf.save(cf.open(saved), tmp_path / "2019")
    for command in (["paths", saved], ["panel", "paths", str(tmp_path)]):
        assert main([*command, "--min-share", "1e-14"]) in (1, 2)
        error = capsys.readouterr().err
        assert error.endswith("; ask for less, or for the largest with --top\n")


def test_nothing_bought_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = cf.Table(
        Z=[[1.0, 0.0], [0.0, 1.0]], Y=[[1.0, 0.0], [1.0, 0.0]], F=[0.0, 0.0],
        regions=["DE", "NA"], sectors=["all", "all"], stressors="CO2",
    )  # fmt: skip
    out = shell(capsys, cf.save(table, tmp_path / "table"))
    assert "0 paths carry n/a of 0" in out
