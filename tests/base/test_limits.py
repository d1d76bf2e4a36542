"""What is done where the system gives few threads or little memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

import carbonflows_fast as cf
from carbonflows_fast._base import limits as _limits
from carbonflows_fast._base.threads import ThreadPool, refused
from carbonflows_fast.readers._sources._read_ahead import Inflated, ReadAhead

MODULE = [sys.executable, "-m", "carbonflows_fast"]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs limits as Linux has them")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> str:
    table = cf.synthetic.world(3, 6, year=2019)
    return str(cf.save(table, tmp_path_factory.mktemp("limits") / "2019"))


def no_thread_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system give so many threads and no more."""
    start, left = threading.Thread.start, [None] * count

    def started(thread: threading.Thread) -> None:
        if not left:
            raise RuntimeError("can't start new thread")
        left.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)


@pytest.mark.parametrize("threads", [0, 1, 2, 9])
def test_a_pool_does_all_of_its_work_on_the_threads_it_gets(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_thread_after(threads, monkeypatch)
    runs: list[int] = []
    with ThreadPool(4) as pool:
        assert list(pool.map(lambda i: (runs.append(i), i * i)[1], range(50))) == [
            i * i for i in range(50)
        ]
        with pytest.raises(ZeroDivisionError):
            pool.submit(lambda: 1 / 0).result()
    assert sorted(runs) == list(range(50)), "each exactly once"
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(int)


def test_what_is_cancelled_does_not_run() -> None:
    gate, runs = threading.Event(), []
    with ThreadPool(1) as pool:
        first = pool.submit(gate.wait)
        second = pool.submit(runs.append, 1)
        assert second.cancel()
        gate.set()
        assert first.result()
        with pytest.raises(CancelledError):
            second.result()
    assert not runs


def test_bytes_are_read_where_no_thread_reads_them_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(3_000_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", content)
    no_thread_after(0, monkeypatch)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        stream = ReadAhead(Inflated(archive, archive.getinfo("a")))
        assert stream.readall() == content
        stream.close()


def test_every_question_has_the_same_bits_without_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = cf.synthetic.world(3, 6)
    before = cf.accounts(table, "CO2"), cf.flows(table, "CO2")
    no_thread_after(0, monkeypatch)
    again = cf.synthetic.world(3, 6)
    after = cf.accounts(again, "CO2"), cf.flows(again, "CO2")
    assert (before[1].matrix.to_numpy() == after[1].matrix.to_numpy()).all()
    assert before[0].equals(after[0])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "not enough memory"),
        (MemoryError("Unable to allocate 3 GiB"), "not enough memory (Unable to allocate 3 GiB)"),
        (RuntimeError("can't start new thread"), "no more threads can be started; ask for fewer"),
        (OSError("libx.so: cannot allocate memory"), "not enough memory (a library cannot be"),
        (ImportError("x.so: failed to map segment from shared object"), "not enough memory"),
    ],
)
def test_memory_and_threads_are_named_where_they_are_the_cause(error: Exception, said: str) -> None:
    assert str(_limits.cause_of(error)).startswith(said)


def test_a_library_that_hides_the_cause_is_looked_into() -> None:
    hidden = OSError("Could not find/load shared object file 'libllvmlite.so'")
    assert _limits.cause_of(hidden) is None
    hidden.__context__ = OSError("failed to map segment from shared object")
    assert "not enough memory" in str(_limits.cause_of(hidden))
    assert refused(RuntimeError("can't start new thread"))
    assert not refused(RuntimeError("cannot schedule new futures after shutdown"))


def limited(saved: str, command: str, **limits: int) -> tuple[int, str]:
    """Run a command under limits, and return status and complaint."""
    import resource

    def lower() -> None:
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))

    made = subprocess.run(
        [*MODULE, command, saved], capture_output=True, text=True, timeout=300,
        preexec_fn=lower,
    )  # fmt: skip
    return made.returncode, made.stderr


@LINUX
@pytest.mark.parametrize("megabytes", [250, 450, 650, 800, 3000])
def test_a_small_address_space_is_enough_or_is_named_in_one_sentence(
    saved: str, megabytes: int
) -> None:
    status, said = limited(saved, "accounts", AS=megabytes << 20)
    if megabytes == 3000 and _limits._threads() <= 4:
        assert (status, said) == (0, "")
    elif status:
        lines = [line for line in said.splitlines() if "OpenBLAS" not in line]
        assert status == 2, said
        assert len(lines) == 1, said
        assert "memory" in lines[0] or "threads" in lines[0]


@LINUX
def test_room_is_asked_for_before_a_library_that_would_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(_limits, "limit", lambda: 1 << 30)
    monkeypatch.setattr(_limits, "_require", lambda size, what: asked.append((size, what)))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    _limits.load_blas("colorsys")
    assert asked == [(3 * (_limits.BUFFER + _limits._stack()) + _limits.LIBRARY, "colorsys")]
    monkeypatch.undo()
    with pytest.raises(MemoryError, match="scipy takes 1000000000"):
        _limits._require(10**18, "scipy")


def test_blas_has_one_thread_where_it_could_not_start_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It raises SIGINT there, which would look like Ctrl-C."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "5")
    monkeypatch.delitem(sys.modules, "numpy")
    monkeypatch.setattr(_limits, "limit", lambda: None)
    _limits.load_blas()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "5"
    no_thread_after(9, monkeypatch)
    _limits.load_blas()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
