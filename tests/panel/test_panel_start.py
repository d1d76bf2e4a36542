"""Whether a panel starts a pool, and how long it waits for one."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.running.panel_cluster import saved_years

import carbonflows_fast as cf
from carbonflows_fast.errors import CarbonFlowsError, InputError, PanelError
from carbonflows_fast.panel import _here, _start
from carbonflows_fast.panel._here import seconds_of, worth_a_pool
from carbonflows_fast.panel._run import POOL_WAIT, Run
from carbonflows_fast.store import manifest_of

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # of Dask's event loop
    pytest.mark.skipif(os.name == "nt", reason="Dask's own pool starts there"),
]
SLOW = """
import os, sys, time
if any(os.environ["SLOW"] in part for part in sys.orig_argv):
    time.sleep(float(os.environ["SECONDS"]))
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_years(tmp_path_factory.mktemp("start"), [2010, 2011])


def slow(monkeypatch: pytest.MonkeyPatch, folder: Path, what: str, seconds: float) -> None:
    """Let Python start slowly in some processes of a pool."""
    (folder / "sitecustomize.py").write_text(SLOW)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("SLOW", what)
    monkeypatch.setenv("SECONDS", str(seconds))


def no_pool(*_: Any) -> Any:
    raise AssertionError("a pool was started")


def test_small_tables_need_no_pool(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pooled = cf.Panel(store, workers=1).accounts("CO2")
    monkeypatch.setattr(_start, "connected", no_pool)
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
    slow(monkeypatch, tmp_path, "distributed.Nanny", 1.5)
    monkeypatch.setattr(_start, "WAIT_SECONDS", 0.1)
    with caplog.at_level(logging.WARNING, "carbonflows_fast.panel"):
        found = cf.Panel(store, workers=1).accounts("CO2", wait=300)
    assert len(found) == 8
    assert "1 processes are being started; waiting for them, 300 s at most" in caplog.text
    assert "no workers at tcp://" in caplog.text


@pytest.mark.parametrize("what", ["distributed.Scheduler", "distributed.Nanny"])
def test_waiting_ends_when_the_user_said(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    slow(monkeypatch, tmp_path, what, 600)
    wait = 0.5 if what == "distributed.Scheduler" else 15
    with pytest.raises(CarbonFlowsError, match=r"wait: expected workers within [\d.]+ seconds"):
        cf.Panel(store, workers=1).accounts("CO2", wait=wait)
    assert not _start._ours()


def test_processes_that_end_before_they_work_are_not_waited_for(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow(monkeypatch, tmp_path, "distributed.Nanny", 0)
    (tmp_path / "sitecustomize.py").write_text(SLOW.replace("time.sleep", "os._exit").replace(
        "float", "int"))  # fmt: skip
    with pytest.raises(CarbonFlowsError, match="ended before they could work"):
        cf.Panel(store, workers=1).accounts("CO2", wait=300)
    assert not _start._ours()


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
