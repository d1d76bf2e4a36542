"""Whether a panel starts a pool, and how long it waits for one."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from support.running.panel_cluster import saved_years

import carbonflows_fast as cf
from carbonflows_fast.errors import CarbonFlowsError, InputError, PanelError
from carbonflows_fast.panel import _here
from carbonflows_fast.panel._here import seconds_of, worth_a_pool
from carbonflows_fast.panel._run import POOL_WAIT, Run
from carbonflows_fast.store import manifest_of

SLOW = """
import os, sys, time
if "--multiprocessing-fork" in sys.orig_argv:
    time.sleep(float(os.environ["SECONDS"]))
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_years(tmp_path_factory.mktemp("start"), [2010, 2011])


def slow(monkeypatch: pytest.MonkeyPatch, folder: Path, seconds: float) -> None:
    """Let Python start slowly in the processes of a pool."""
    (folder / "sitecustomize.py").write_text(SLOW)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("SECONDS", str(seconds))


def no_pool(*_: Any, **__: Any) -> Any:
    raise AssertionError("a pool was started")


def test_small_tables_need_no_pool(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pooled = cf.Panel(store, workers=1).accounts("CO2")
    monkeypatch.setattr(_here, "answers", no_pool)
    alone = cf.Panel(store).accounts("CO2")
    pd.testing.assert_frame_equal(alone, pooled, check_exact=True)
    assert alone.attrs == pooled.attrs
    files = cf.Panel(store).accounts("CO2", out=tmp_path)
    before = [file.stat().st_mtime_ns for file in files]
    assert cf.Panel(store).accounts("CO2", out=tmp_path) == files
    assert [file.stat().st_mtime_ns for file in files] == before
    with pytest.raises(AssertionError, match="a pool was started"):
        cf.Panel(store, workers=1).accounts("CO2")  # as it was asked for


def test_a_year_that_fails_here_is_named_as_by_a_pool(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(task: Any) -> Any:
        if "2010" in task.name:
            raise ZeroDivisionError("no")
        return run(task)

    run = _here.run_task
    monkeypatch.setattr(_here, "run_task", broken)
    with pytest.raises(PanelError, match="2010: ZeroDivisionError: no") as caught:
        cf.Panel(store).accounts("CO2")
    assert set(caught.value.results.index.get_level_values("year")) == {2011}


def test_the_estimate_grows_with_the_table_and_the_question(store: Path, tmp_path: Path) -> None:
    small = manifest_of(store / "y2010")
    larger = manifest_of(cf.save(cf.synthetic.world(12, 30, year=2010), tmp_path / "larger"))
    for what in _here.SECONDS:
        assert 0 < seconds_of(what, small) < seconds_of(what, larger)
    assert seconds_of("accounts", small) < seconds_of("structural_decomposition", small)
    assert not worth_a_pool([60.0], 8)  # one task cannot be shared
    assert not worth_a_pool([1.0] * 5, 8)
    assert worth_a_pool([5.0] * 5, 8)
    assert not worth_a_pool([5.0] * 5, 1)


def test_a_pool_that_starts_slowly_is_waited_for(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slow(monkeypatch, tmp_path, 1.5)
    monkeypatch.setattr(_here, "WAIT_SECONDS", 0.1)
    with caplog.at_level(logging.WARNING, "carbonflows_fast.panel"):
        found = cf.Panel(store, workers=1).accounts("CO2", wait=300)
    assert len(found) == 8
    assert "1 processes are being started; waiting for them, 300 s at most" in caplog.text


def test_waiting_ends_when_the_user_said(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow(monkeypatch, tmp_path, 600)
    with pytest.raises(CarbonFlowsError, match=r"wait: expected workers within 0.5 seconds"):
        cf.Panel(store, workers=2).accounts("CO2", wait=0.5)
    assert not multiprocessing.active_children()


def test_processes_that_end_before_they_work_are_not_waited_for(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow(monkeypatch, tmp_path, 0)
    (tmp_path / "sitecustomize.py").write_text(SLOW.replace("time.sleep", "os._exit").replace(
        "float", "int"))  # fmt: skip
    with pytest.raises(CarbonFlowsError, match="ended before they could work"):
        cf.Panel(store, workers=1).accounts("CO2", wait=300)
    assert not multiprocessing.active_children()


def test_how_long_to_wait_is_an_argument_or_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARBONFLOWS_WAIT", raising=False)
    assert Run().wait == POOL_WAIT
    assert Run(client="tcp://node1:8786").wait == float("inf")
    assert Run(client="tcp://node1:8786", wait=5).wait == 5.0
    monkeypatch.setenv("CARBONFLOWS_WAIT", "90")
    assert (Run().wait, Run(wait=7.5).wait) == (90.0, 7.5)
    for bad in (0, -1, True, "soon", float("nan")):
        with pytest.raises(InputError, match="wait: expected a positive number of seconds"):
            Run(wait=bad)
    monkeypatch.setenv("CARBONFLOWS_WAIT", "long")
    with pytest.raises(InputError, match="CARBONFLOWS_WAIT: expected a positive number"):
        Run()


# --- a pool that is at work -------------------------------------------------------------------

SCRIPT = """
import sys
import carbonflows_fast as cf
print("begun")
print(len(cf.Panel(sys.argv[1], workers=2).structural_decomposition(pairs="all", out=sys.argv[2])))
"""


@pytest.fixture(scope="module")
def long_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("long")
    for year in range(2001, 2006):
        cf.save(cf.synthetic.world(10, 60, year=year), made / str(year))
    return made


def at_work(store: Path, folder: Path) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """Run a script that has no guard, and return its workers when there is a result."""
    (folder / "script.py").write_text(SCRIPT)
    run = subprocess.Popen(
        [sys.executable, folder / "script.py", store, folder / "out"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not list((folder / "out").rglob("part-0.parquet")):
        assert run.poll() is None, run.communicate()
        time.sleep(0.02)
    children = psutil.Process(run.pid).children(recursive=True)
    return run, [child for child in children if "--multiprocessing-fork" in child.cmdline()]


def complaints(errors: str) -> list[str]:
    """Lines of standard error, but for the one that a busy machine makes of a slow start."""
    return [line for line in errors.splitlines() if "are being started; waiting" not in line]


def test_a_process_that_is_killed_costs_its_task_another_try(
    long_store: Path, tmp_path: Path
) -> None:
    run, workers = at_work(long_store, tmp_path)
    workers[0].kill()
    out, errors = run.communicate(timeout=300)
    assert (run.returncode, out) == (0, "begun\n10\n")
    assert not complaints(errors)
    assert not psutil.wait_procs(workers, timeout=10)[1]


@pytest.mark.skipif(os.name == "nt", reason="there it is the same as a kill")
@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_processes_end_when_the_one_is_gone_that_started_them(
    long_store: Path, tmp_path: Path, how: str
) -> None:
    run, workers = at_work(long_store, tmp_path)
    assert len(workers) == 2
    run.send_signal(getattr(signal, how))
    _, errors = run.communicate(timeout=60)  # until all of them have closed their ends
    assert not psutil.wait_procs(workers, timeout=10)[1]
    assert not complaints(errors)
    assert not [path for path in (tmp_path / "out").rglob(".*") if path.is_file()]
