"""Which workers of a cluster get tasks while they come and go."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import distributed
import pytest
from distributed import Client, KilledWorker, LocalCluster, get_worker
from support.running.panel_cluster import Cluster

import carbonflows_fast as cf
from carbonflows_fast._base.progress import progress_bar
from carbonflows_fast.errors import CarbonFlowsError, InputError, MemoryLimitError
from carbonflows_fast.panel import _here, _pool, _tasks
from carbonflows_fast.panel._pool import Pool
from carbonflows_fast.panel._tasks import Done, Task, memory_of, require_room
from carbonflows_fast.store import manifest_of

pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask's event loop
FACTS = _pool._facts(type("Worker", (), {
    "memory_manager": type("Manager", (), {"memory_limit": 4e9}),
    "state": type("State", (), {"nthreads": 1}),
}))  # fmt: skip


def answer(task: Task) -> Done:
    """Take a moment, and say where."""
    time.sleep(0.1)
    return Done(None, str(get_worker().name), 0.1)


def facts_by_name(**differing: dict[str, Any]) -> Any:
    """Workers are as this machine, but for what is said of each name."""

    def facts(dask_worker: Any) -> dict[str, Any]:
        modest = {"instruction_set": "baseline", "instruction_sets": ["baseline"]}
        return FACTS | modest | differing.get(f"w{dask_worker.name}", {})

    return facts


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCluster]:
    monkeypatch.setattr(_pool, "run_task", answer)
    monkeypatch.setattr(_pool, "LOOK_SECONDS", 0.05)
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False,
                      dashboard_address=None) as made:  # fmt: skip
        yield made


def ask(pool: Pool, count: int, during: Any = lambda: None) -> list[str]:
    """Run tasks and return the names of the workers that answered."""
    where: list[str] = []

    def keep(task: Task, done: Done) -> None:
        if not where:
            during()
        where.append(str(done.file))

    tasks = [Task("flows", (), (("year", year),), {}, 1, "", None) for year in range(count)]
    assert pool.run(tasks, progress_bar("", count, False), keep) == {}
    return where


def joined(cluster: LocalCluster, count: int) -> None:
    cluster.scale(count)
    cluster.wait_for_workers(count)


def test_a_worker_that_joins_gets_tasks(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pool, "_facts", facts_by_name())
    with Client(cluster) as client:
        where = ask(Pool(client, 1), 20, during=lambda: joined(cluster, 2))
    assert set(where) == {"0", "1"}


@pytest.mark.parametrize(
    "lesser",
    [{"instruction_set": "baseline", "instruction_sets": ["baseline"]}, {"memory": 10.0}],
    ids=["an older processor", "little memory"],
)
def test_a_worker_that_joins_with_too_little_gets_none(
    cluster: LocalCluster, lesser: dict[str, Any], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    better = {"instruction_set": "avx2", "instruction_sets": ["baseline", "avx2"]}
    monkeypatch.setattr(_pool, "_facts", facts_by_name(w0=better, w1=better | lesser))
    with Client(cluster) as client, caplog.at_level(logging.WARNING, "carbonflows_fast.panel"):
        pool = Pool(client, 1000)
        assert pool.kernels == "avx2"
        where = ask(pool, 12, during=lambda: joined(cluster, 2))
    assert set(where) == {"0"}
    assert "gets no tasks: it needs 0.0 GB for each and avx2" in caplog.text


def test_all_use_what_each_has_that_is_there_from_the_start(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    better = {"instruction_set": "avx512", "instruction_sets": ["baseline", "avx2", "avx512"]}
    modest = {"instruction_set": "avx2", "instruction_sets": ["baseline", "avx2"]}
    monkeypatch.setattr(_pool, "_facts", facts_by_name(w0=better, w1=modest))
    joined(cluster, 2)
    with Client(cluster) as client:
        pool = Pool(client, 1)
        assert pool.kernels == "avx2"
        assert set(ask(pool, 12)) == {"0", "1"}


def test_tasks_move_on_when_all_workers_are_replaced(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pool, "_facts", facts_by_name(w0={"places": 3}))
    handed_out: list[int] = []

    def replaced() -> None:
        handed_out.append(len(cluster.scheduler.tasks))
        cluster.scale(0)
        while cluster.scheduler.workers:
            time.sleep(0.01)
        joined(cluster, 1)

    with Client(cluster) as client:
        assert len(ask(Pool(client, 1), 6, during=replaced)) == 6
    assert handed_out[0] > 1  # some were meant for the worker that is gone


def test_pools_that_cannot_be(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pool, "_facts", facts_by_name(w0={"version": "0.0.1"}))
    with Client(cluster) as client:
        with pytest.raises(CarbonFlowsError, match=r"expected workers with .* got 0\.0\.1"):
            Pool(client, 1)
        monkeypatch.setattr(_pool, "_facts", facts_by_name(w0={"memory": 1e9}))
        with pytest.raises(MemoryLimitError, match="the largest worker has"):
            Pool(client, 2_000_000_000)


def test_a_task_that_cannot_fit_is_refused(tmp_path: Path) -> None:
    path = cf.save(cf.synthetic.world(4, 15, year=2010, stressors=2), tmp_path / "y2010")
    least = memory_of("accounts", manifest_of(path))
    assert least < memory_of("structural_decomposition", manifest_of(path))
    with pytest.raises(MemoryLimitError, match=r"expected 3.0 GB for each task.*got 2.0 GB"):
        require_room(3 * 10**9, 2e9, "the largest worker has")
    with Cluster(workers=1, memory="200MB") as small, pytest.raises(MemoryLimitError):
        cf.Panel(tmp_path).accounts("CO2", client=small.address)


def test_a_pinned_thread_does_not_see_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from carbonflows_fast._base.machine import instruction_set, pinned, thread_count

    monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", "7")
    with pinned(3, "baseline"):
        assert (thread_count(), instruction_set()) == (3, "baseline")
        assert thread_count(2) == 2
        with pinned(1, ""):
            assert thread_count() == 1
        assert thread_count() == 3
    assert thread_count() == 7
    assert os.environ["CARBONFLOWS_NUM_THREADS"] == "7"


def test_workers_that_cannot_import_the_package_are_named(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(dask_worker: Any) -> None:
        raise ModuleNotFoundError("No module named 'carbonflows_fast'")

    monkeypatch.setattr(_pool, "_facts", broken)
    with (
        Client(cluster) as client,
        pytest.raises(CarbonFlowsError, match=r"got none among 1 .*No module named"),
    ):
        Pool(client, 1)


def test_a_worker_that_is_lost_while_it_is_asked_is_asked_again(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"  # what the function holds is copied on its way to the worker

    def facts(dask_worker: Any) -> dict[str, Any]:
        if not asked.exists():
            asked.touch()
            raise OSError("the connection is gone")
        return FACTS

    monkeypatch.setattr(_pool, "_facts", facts)
    with Client(cluster) as client:
        assert len(ask(Pool(client, 1), 2)) == 2
    assert asked.exists()


def test_workers_of_a_host_share_its_memory(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Under MPI each rank that is bound to a core has the whole node's memory as its limit."""
    node = {"memory": 10e9, "shared": 10_000_000_000, "places": 3, "host": ("node1", "")}
    monkeypatch.setattr(_pool, "_facts", facts_by_name(
        w0=node, w1=node, w2=node | {"host": ("node1", "job 7")}, w3=node | {"places": 1}
    ))  # fmt: skip
    joined(cluster, 4)
    with Client(cluster) as client, caplog.at_level(logging.WARNING, "carbonflows_fast.panel"):
        names = {address: w["name"] for address, w in cluster.scheduler_info["workers"].items()}

        def fit(memory: float) -> dict[int, int]:
            return {names[a]: n for a, n in Pool(client, int(memory))._fit.items()}

        assert fit(1e9) == {0: 3, 1: 3, 2: 3, 3: 1}
        assert fit(2e9) == {0: 2, 1: 2, 2: 3, 3: 1}
        assert fit(3e9) == {0: 1, 1: 1, 2: 3, 3: 1}
        assert "gets no tasks" not in caplog.text
        shared = fit(6e9)
        assert shared[2] == 1
        assert len(shared) == 2
    assert "gets no tasks: 10.0 GB are all that the workers of node1 share" in caplog.text


def test_four_threads_of_a_worker_take_as_many_tasks_as_fit(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What dask-jobqueue makes of 32 cores and 160 GB: 8 workers of 4 threads."""
    node = {"memory": 20e9, "shared": 160_000_000_000, "places": 4}
    monkeypatch.setattr(_pool, "_facts", facts_by_name(**{f"w{n}": node for n in range(8)}))
    joined(cluster, 8)
    with Client(cluster) as client:
        for memory, together in (1e9, 32), (4.9e9, 32), (6e9, 24), (11e9, 8):
            assert sum(Pool(client, int(memory))._fit.values()) == together


def test_a_run_without_workers_ends_when_the_user_said(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pool, "_facts", facts_by_name())
    tasks = [Task("flows", (), (("year", year),), {}, 1, "", None) for year in range(5)]
    found: list[str] = []

    def keep(task: Task, done: Done) -> None:
        found.append(task.name)
        cluster.scale(0)

    with Client(cluster) as client:
        failed = Pool(client, 1, 0.2).run(tasks, progress_bar("", 5, False), keep)
    assert found
    assert sorted([*failed, *found]) == ["0", "1", "2", "3", "4"]
    assert set(failed.values()) == {
        "no worker was left, and none came within 0.2 seconds; let the cluster replace jobs that "
        "end, or wait longer, and run again"
    }


def test_a_task_whose_workers_end_one_after_the_other_is_tried_again(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def killed(task: Task) -> Done:
        with (tmp_path / task.name).open("a") as file:
            file.write("x")
        if task.name == "0" or (tmp_path / task.name).stat().st_size < _pool.LOSSES:
            raise KilledWorker(task.name, SimpleNamespace(address="tcp://node1"), 3)
        return answer(task)

    monkeypatch.setattr(_pool, "_facts", facts_by_name())
    monkeypatch.setattr(_pool, "run_task", killed)
    tasks = [Task("flows", (), (("year", year),), {}, 1, "", None) for year in range(2)]
    found: list[str] = []
    with Client(cluster) as client:
        pool = Pool(client, 1)
        failed = pool.run(tasks, progress_bar("", 2, False), lambda t, _: found.append(t.name))
    assert found == ["1"], failed
    assert "lost again and again" in failed["0"]
    assert [len((tmp_path / name).read_text()) for name in "01"] == [_pool.LOSSES] * 2


def test_a_task_of_a_worker_that_is_asked_to_end_is_done_once(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As `--lifetime` asks it, in the middle of a task, which it finishes."""

    def slowly(task: Task) -> Done:
        worker = get_worker()
        if worker.name == 0:
            worker.loop.add_callback(worker.close_gracefully)
        time.sleep(0.5)
        with Path(str(task.out)).open("a") as file:
            file.write("x")
        return Done(None, task.out, 0.5)

    monkeypatch.setattr(_pool, "_facts", facts_by_name())
    monkeypatch.setattr(_pool, "run_task", slowly)
    monkeypatch.setattr(_pool, "is_done", lambda path, _: path.exists())
    joined(cluster, 2)
    files = [tmp_path / str(year) for year in range(4)]
    tasks = [Task("flows", (), (("year", int(file.name)),), {}, 1, "", str(file)) for file in files]
    found: list[str] = []
    with Client(cluster) as client:
        pool = Pool(client, 1)
        failed = pool.run(tasks, progress_bar("", 4, False), lambda t, _: found.append(t.name))
    assert failed == {}
    assert sorted(found) == ["0", "1", "2", "3"]
    assert [file.read_text() for file in files] == ["x"] * 4


def test_an_answer_that_is_lost_with_its_worker_is_made_again(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pool, "_facts", facts_by_name())
    monkeypatch.setattr(_pool, "ANSWER_SECONDS", 0.2)
    wait, ended = distributed.wait, list[int]()

    def then_lost(futures: Any, *how: Any) -> Any:
        """Let workers end when they have an answer and before it is fetched."""
        found = wait(futures, *how)
        if found.done and not ended:
            ended.append(len(found.done))
            cluster.scale(0)
            while cluster.scheduler.workers:
                time.sleep(0.01)
            joined(cluster, 1)
        return found

    monkeypatch.setattr(distributed, "wait", then_lost)
    with Client(cluster) as client:
        assert len(ask(Pool(client, 1), 3)) == 3
    assert ended


def test_a_cluster_is_taken_by_its_address(cluster: LocalCluster) -> None:
    with _pool.connected(cluster, 1, progress_bar("", 1, False), 60) as pool:
        assert pool.client.scheduler.address == cluster.scheduler_address
        client = pool.client
    assert client.status == "closed"
    assert cluster.status.name == "running"
    closed = mock.Mock(scheduler_address="<Not Connected>", security=None)
    with (
        pytest.raises(InputError, match="expected the address of a Dask scheduler that answers"),
        _pool.connected(closed, 1, progress_bar("", 1, False), 60),
    ):
        pass


def test_it_is_said_that_there_are_no_workers_yet(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_here, "WAIT_SECONDS", 0.05)
    with Client(cluster) as client, caplog.at_level(logging.WARNING, "carbonflows_fast.panel"):
        cluster.scale(0)
        while cluster.scheduler.workers:
            time.sleep(0.01)
        with ThreadPoolExecutor(1) as later:
            later.submit(lambda: (time.sleep(0.3), cluster.scale(1)))
            with _pool.connected(client, 1, progress_bar("", 1, False), 60) as pool:
                assert pool.kernels
    assert "no workers at " in caplog.text
    with (
        pytest.raises(InputError, match=r"expected an open distributed.Client .* closed Client"),
        _pool.connected(client, 1, progress_bar("", 1, False), 60),
    ):
        pass


def test_tasks_that_share_a_process_leave_blas_as_it_was() -> None:
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads() -> list[int]:
        return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]

    with threadpool_limits(2, user_api="blas"):
        before = threads()
        first, second = _tasks._blas_threads(1), _tasks._blas_threads(1)
        with first:
            second.__enter__()
        assert set(threads()) == {1}
        second.__exit__(None, None, None)
        assert threads() == before


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="needs the place of semaphores in Linux")
def test_a_pool_leaves_no_semaphores(tmp_path: Path) -> None:
    cf.save(cf.synthetic.world(2, 2, year=2019), tmp_path / "2019")
    before = set(os.listdir("/dev/shm"))
    cf.Panel(tmp_path, workers=1).accounts(progress=False)
    until = time.monotonic() + 20  # they are cleared up behind it
    while (left := set(os.listdir("/dev/shm")) - before) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left
