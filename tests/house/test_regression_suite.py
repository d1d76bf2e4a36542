"""The regression suite catches what it is there for, and nothing else."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import carbonflows_fast as cf
from carbonflows_fast import _core
from carbonflows_fast.leontief import _methods

BENCHES = Path(__file__).parents[2] / "benches"
sys.path.append(str(BENCHES))

import regression  # noqa: E402
from cases import CASES, World  # noqa: E402
from counting import counts_of  # noqa: E402
from turns import Build, slower  # noqa: E402

TINY = 6, 30
SMALL = 8, 40

SLOWED = """

def _slowly(run):
    def run_often(self, Y, X, *arguments, **options):
        for _ in range(20):
            run(self, Y, X.copy(), *arguments, **options)
        return run(self, Y, X, *arguments, **options)
    return run_often


Sweeps.run = _slowly(Sweeps.run)
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(*TINY, tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def stored(world: World) -> dict[str, Any]:
    names = ["solve", "solve_adjoint", "paths"]
    return regression.measured(names, world, peaks=False)


def worse(world: World, stored: dict[str, Any]) -> list[str]:
    found = regression.measured([*stored], world, peaks=False)
    return regression.compared(found, stored)[0]


# ---- counts -------------------------------------------------------------------------------------


def test_the_same_code_costs_the_same(world: World, stored: dict[str, Any]) -> None:
    found = regression.measured([*stored], world, peaks=False)
    assert regression.compared(found, stored) == ([], [])
    assert all(counts["passes"] > 0 for counts in stored.values())
    assert stored["paths"]["nodes"] > 100


def test_counts_are_those_of_the_report(world: World) -> None:
    """A solve makes its certificate's guard, by 4 sweeps and a check, and reports the rest."""
    table = world.table.with_changes()
    counts = counts_of(CASES["solve"], world)
    report = cf.system(table).solve(table.Y.sum(axis=1)).report
    assert counts["passes"] == report.passes + 5
    assert counts["bytes_read"] == counts["passes"] * report.matrix_bytes


def test_more_passes_are_caught(
    world: World, stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    prove = _methods.Problem.prove

    def proved_twice(problem: Any, X: Any) -> Any:
        prove(problem, X)
        return prove(problem, X)

    monkeypatch.setattr(_methods.Problem, "prove", proved_twice)
    then, now = (stored["solve"]["passes"] + more for more in (0, 1))
    assert f"solve: passes {then} → {now}" in worse(world, stored)


def test_more_iterations_are_caught(
    world: World, stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = _methods.Stopping

    def stricter(most: int, guard: Any, weight: Any, goal: float) -> Any:
        return stopping(most, guard, weight, 1e-3 * goal)

    monkeypatch.setattr(_methods, "Stopping", stricter)
    assert any(line.startswith("solve_adjoint: passes ") for line in worse(world, stored))


def test_more_nodes_are_caught(
    world: World, stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    search = cf.structural_paths
    monkeypatch.setattr(
        cf, "structural_paths", lambda table, min_share: search(table, min_share=min_share / 10)
    )
    assert any(line.startswith("paths: nodes ") for line in worse(world, stored))


def test_peak_memory_may_be_a_tenth_more() -> None:
    mega = 1 << 20
    stored = {"solve": {"passes": 9, "peak_bytes": 100 * mega}}
    for now, lines in ((110, 0), (112, 1)):
        found = {"solve": {"passes": 9, "peak_bytes": now * mega}}
        assert len(regression.compared(found, stored)[0]) == lines
    assert regression.compared({"solve": {"passes": 9}}, stored) == ([], [])


def test_kernels_may_differ_as_stored() -> None:
    stored: dict[str, Any] = {"flows": {"passes": 18}}
    regression.join(stored["flows"], "passes", 17, "full flows with baseline")
    assert stored == {"flows": {"passes": [17, 18]}}
    for now, lines in (
        (16, ([], ["flows: passes 17 → 16"])),
        (17, ([], [])),
        (18, ([], [])),
        (19, (["flows: passes 18 → 19"], [])),
    ):
        assert regression.compared({"flows": {"passes": now}}, stored) == lines


def test_better_counts_are_named_but_no_failure(stored: dict[str, Any]) -> None:
    fewer = {"solve": stored["solve"] | {"passes": 3}}
    worse, better = regression.compared(fewer, stored)
    assert worse == []
    assert better == [f"solve: passes {stored['solve']['passes']} → 3"]


def test_a_case_without_stored_counts_fails(stored: dict[str, Any]) -> None:
    lines, _ = regression.compared(stored, {})
    assert lines[0] == "solve: expected stored counts, got none; store them by --record"


def test_every_case_has_stored_counts() -> None:
    kept = json.loads(regression.BASELINE.read_text())
    assert kept.keys() == regression.SIZES.keys()
    for counts in kept.values():
        assert counts.keys() == CASES.keys()


def test_check_fails_on_one_byte_more(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The command as continuous integration runs it, on the case that takes least."""
    kept = json.loads(regression.BASELINE.read_text())
    kept["small"]["prepare"]["tile_bytes"] -= 1
    file = tmp_path / "baseline.json"
    file.write_text(json.dumps(kept))
    assert regression.main(["--check", "--cases", "prepare", "--baseline", str(file)]) == 1
    said = capfd.readouterr().out
    assert "prepare: tile_bytes " in said
    assert said.endswith("1 cases of size small: 1 counts worse, 0 better\n")


def test_what_is_missing_is_said_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = tmp_path / "lost.json"
    with pytest.raises(SystemExit, match=r"lost\.json: expected the stored counts, got no file"):
        regression.main(["--check", "--baseline", str(lost)])
    lost.write_text('{"small": {}}')
    with pytest.raises(SystemExit, match="expected counts of size 'full', got small"):
        regression.main(["--check", "--size", "full", "--baseline", str(lost)])
    with pytest.raises(SystemExit):
        regression.main(["--check", "--cases", "solv"])
    assert "--cases: expected some of prepare, solve, " in capsys.readouterr().err
    with pytest.raises(SystemExit, match="git rev-parse: "):
        regression.main(["--against", "no-such-commit"])


# ---- seconds ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Build]]:
    """The package twice as it is, and once with kernels that are slow on purpose."""
    folders = {}
    for name in ("package", "slowed"):
        folders[name] = tmp_path_factory.mktemp(name)
        package = folders[name] / "carbonflows_fast"
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(cf.__file__).parent, package, ignore=skip)
        shutil.copy(_core.__file__, package)
    with (folders["slowed"] / "carbonflows_fast" / "leontief" / "_sweeps.py").open("a") as file:
        file.write(SLOWED)
    folders["again"] = folders["package"]
    running = {name: Build(folder, SMALL) for name, folder in folders.items()}
    yield running
    for build in running.values():
        build.__exit__()


def test_a_slowed_kernel_is_caught(builds: dict[str, Build]) -> None:
    times, slow = slower(builds["package"], builds["slowed"], ["solve"], rounds=5)
    assert slow == ["solve"], times
    assert len(times["solve"].base) == 10  # measured again before it is said


def test_the_same_code_is_run_and_timed(builds: dict[str, Build]) -> None:
    """Both are run and timed; how long they take is not for a test to say."""
    times, _ = slower(builds["package"], builds["again"], ["solve"], rounds=2)
    assert min(len(times["solve"].base), len(times["solve"].head)) >= 2
    assert times["solve"].ratio > 0.0


@pytest.mark.parametrize(("seconds", "said"), [(1.0, []), (1.2, []), (1.4, ["solve"])])
def test_what_takes_a_third_longer_is_slow(seconds: float, said: list[str]) -> None:
    class Steady:
        def __init__(self, seconds: float) -> None:
            self.seconds = seconds

        def ask(self, what: str) -> Any:
            return [1, "0x0"] if what == "world" else self.seconds

    base, head = Steady(1.0), Steady(seconds)
    times, slow = slower(base, head, ["solve"], rounds=3)  # type: ignore[arg-type]
    assert slow == said
    assert len(times["solve"].head) == (6 if said else 3)  # what looks slow is measured again


def test_a_case_that_the_baseline_cannot_run_is_left_out(builds: dict[str, Build]) -> None:
    class Older:
        def ask(self, what: str) -> Any:
            if what == "solve":
                raise RuntimeError("AttributeError: no such function")
            return builds["package"].ask(what)

    older: Any = Older()
    times, slow = slower(older, builds["again"], ["solve", "prepare"], rounds=1, factor=1e6)
    assert [*times] == ["prepare"]
    assert slow == []


def test_other_worlds_are_not_compared(builds: dict[str, Build]) -> None:
    class Other:
        def ask(self, what: str) -> Any:
            return [1, "0x0"]

    other: Any = Other()
    with pytest.raises(SystemExit, match=r"synthetic\.world: expected the same numbers"):
        slower(other, builds["again"], ["solve"])


# ---- the record of the benchmarks ---------------------------------------------------------------


def test_the_record_holds_counts_and_ratios() -> None:
    spec = importlib.util.spec_from_file_location("benches_conftest", BENCHES / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conftest)

    def mark(name: str, group: str, seconds: float, **info: Any) -> dict[str, Any]:
        return {"name": name, "group": group, "stats": {"min": seconds}, "extra_info": info}

    written: dict[str, Any] = {
        "benchmarks": [
            mark("test_carbonflows[forward]", "forward", 0.5, passes=9, error_bound=1e-11),
            mark("test_scipy_gmres[forward]", "forward", 2.0),
            mark("test_lapack_lu[forward]", "forward", 8.0),
            mark("test_search[top]", "paths", 2.0, nodes=7),
        ]
    }
    conftest.pytest_benchmark_update_json(None, None, written)
    assert written["ratios"] == {
        "test_scipy_gmres[forward] / test_carbonflows[forward]": 4.0,
        "test_lapack_lu[forward] / test_carbonflows[forward]": 16.0,
        "test_lapack_lu[forward] / test_search[top]": 4.0,
    }
    assert written["counts"] == {
        "test_carbonflows[forward]": {"passes": 9},
        "test_search[top]": {"nodes": 7},
    }
