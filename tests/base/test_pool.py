"""Processes that work side by side: answers, losses, and what is waited for."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import subprocess
import sys

import pytest
from support.running.jobs import sleep_badly

from carbonflows_fast._base import pool
from carbonflows_fast._base.pool import Lost, answers
from carbonflows_fast.errors import CarbonFlowsError


def test_every_job_has_its_answer() -> None:
    jobs = {str(number): number * number for number in range(7)}
    began: list[int] = []
    found = dict(answers(math.sqrt, jobs, 2, ready=lambda: began.append(1)))
    assert found == {str(number): float(number) for number in range(7)}
    assert began == [1]
    assert not multiprocessing.active_children()


def test_processes_that_are_stopped_say_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    found = answers(sleep_badly, {"a": 0.0, "b": 600.0}, 2)
    assert next(found) == ("a", 0.0)
    found.close()
    assert not multiprocessing.active_children()
    assert not capfd.readouterr().err


def test_a_main_module_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "__main__")
    assert list(answers(math.sqrt, {"a": 4}, 1)) == [("a", 2.0)]
    assert "__main__" not in sys.modules


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="has no masks of signals")
def test_no_process_hears_interrupts() -> None:
    code = (
        "from support.running.jobs import hears_interrupts as hears\n"
        "from carbonflows_fast._base.pool import answers\n"
        "print(list(answers(hears, dict.fromkeys('ab'), 1)))"
    )
    path = os.pathsep.join(sys.path)
    out = subprocess.check_output(
        [sys.executable, "-c", code], text=True, env=os.environ | {"PYTHONPATH": path}
    )
    assert out.strip() == "[('a', False), ('b', False)]"


@pytest.mark.parametrize("tries", [1, 3])
def test_a_job_that_ends_its_process_is_lost_alone(
    tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    start = pool._start
    monkeypatch.setattr(
        pool, "_start", lambda work, name: (started.append(name), start(work, name))[1]
    )
    assert list(answers(os._exit, {"a": 3}, 2, tries=tries)) == [("a", Lost(3))]
    assert started == ["a"] * tries


def test_a_machine_that_starts_fewer_processes_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    start = pool._start

    def few(work: object, name: str) -> object:
        if started:
            raise BlockingIOError("Resource temporarily unavailable")
        started.append(name)
        return start(math.sqrt, name)

    monkeypatch.setattr(pool, "_start", few)
    assert dict(answers(math.sqrt, {"a": 4, "b": 9}, 2)) == {"a": 2.0, "b": 3.0}
    with pytest.raises(CarbonFlowsError, match=r"workers: expected processes .* unavailable"):
        dict(answers(math.sqrt, {"a": 4}, 2))
