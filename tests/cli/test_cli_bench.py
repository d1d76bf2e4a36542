"""`bench` times questions, and writes what pytest-benchmark compares."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import carbonflows_fast as cf
from carbonflows_fast.cli import main

record = pytest.importorskip("record")


def test_a_record_holds_times_and_counts_that_can_be_compared(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "before.json", tmp_path / "now.json"]
    for file in files:
        line = f"bench --cases solve open --rounds 2 --out {file}"
        assert main(line.split()) == 0
    out = capfd.readouterr().out
    assert f"written: {files[1]}" in out
    found = json.loads(files[0].read_text())
    assert [mark["name"] for mark in found["benchmarks"]] == ["solve", "open"]
    solve = found["benchmarks"][0]
    assert solve["extra_info"]["passes"] >= 1
    assert solve["stats"]["rounds"] == len(solve["stats"]["data"]) == 2
    assert solve["stats"]["min"] == min(solve["stats"]["data"]) > 0
    assert found["machine_info"]["carbonflows_fast"]["version"] == cf.__version__
    compared = pytest.importorskip("pytest_benchmark.cli")
    words = ["pytest-benchmark", "compare", *map(str, files), "--columns=min,median,rounds"]
    with mock.patch.object(sys, "argv", words):
        compared.main()
    said = capfd.readouterr().out
    assert "solve" in said
    assert "open" in said


def test_times_are_summed_up_as_pytest_benchmark_does() -> None:
    times = [0.3, 0.1, 0.2, 0.5, 0.4]
    stats_of = pytest.importorskip("pytest_benchmark.stats").Stats
    theirs = stats_of()
    for one in times:
        theirs.update(one)
    mine = record.stats(times)
    assert mine["median"] == statistics.median(times) == theirs.median
    for name in ("min", "max", "mean", "stddev", "total", "rounds", "ops"):
        assert mine[name] == pytest.approx(getattr(theirs, name))
    assert record.stats([0.5])["stddev"] == 0.0


def test_a_wrong_answer_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    case = record.CASES["solve"]
    world: Any = mock.Mock(table=cf.synthetic.world(2, 3))
    answer = case.run(world.table)
    record.require_right("solve", case, world, answer)
    wrong = mock.Mock(values=answer.values * 1.00001)
    with pytest.raises(
        SystemExit, match=r"solve: expected an answer within 1e-09 of what is known"
    ):
        record.require_right("solve", case, world, wrong)


def test_bad_input(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for line, said in (
        ("bench --cases sing --rounds 1", "--cases: expected some of prepare, solve"),
        (f"bench --out {tmp_path}/no/a.json", "--out"),
        ("bench --rounds 0", "--rounds"),
    ):
        try:
            status = main(line.split())
        except SystemExit as ended:
            status = int(str(ended.code))
        assert status == 2
        assert said in capfd.readouterr().err
