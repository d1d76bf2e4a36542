"""Panels on a real SLURM: `nox -s slurm` (needs Debian's slurm-wlm and munge).

The recipes of docs/panel.md are run as they stand; other jobs change one thing of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from cluster.daemons import Slurm, until
from dask_jobqueue import SLURMCluster
from distributed import Client

import carbonflows_fast as cf
from carbonflows_fast.panel._pool import Pool

RECIPES = Path(__file__).parents[2] / "docs/recipes"
YEARS = range(1995, 2023)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """28 years."""
    folder = tmp_path_factory.mktemp("store")
    for year in YEARS:
        cf.save(cf.synthetic.world(5, 20, year=year, stressors=2), folder / str(year))
    return folder


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    with Slurm(tmp_path_factory.mktemp("slurm")) as made:
        yield made


@pytest.fixture(scope="module")
def local(store: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What the pool of this machine writes."""
    out = tmp_path_factory.mktemp("local")
    return list(cf.Panel(store, workers=2).flows("CO2", out=out))


class Work:
    """A folder for a run on the cluster: its scripts, its results, and what its workers note."""

    def __init__(self, slurm: Slurm, folder: Path, seconds: float) -> None:
        self.slurm, self.folder, self.out = slurm, folder, folder / "results"
        self.notes = folder / "notes.txt"
        self.environment = slurm.environment | {"NOTES": str(self.notes), "SECONDS": f"{seconds}"}
        if seconds:
            preload = str(Path(__file__).with_name("slowly.py"))
            self.environment |= {"DASK_DISTRIBUTED__WORKER__PRELOAD": preload}

    def script(self, name: str, *changes: tuple[str, str]) -> Path:
        """Copy a recipe, with changes."""
        text = (RECIPES / name).read_text()
        for old, new in changes:
            assert text.count(old) == 1
            text = text.replace(old, new)
        (self.folder / name).write_text(text)
        return self.folder / name

    @contextmanager
    def cluster(self, *changes: tuple[str, str]) -> Iterator[str]:
        """Start the recipe's workers; the address of their scheduler."""
        recipe = subprocess.Popen(
            [sys.executable, self.script("cluster.py", *changes)], cwd=self.folder,
            env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert recipe.stdout
        try:
            yield recipe.stdout.readline().strip()
            recipe.communicate("\n", timeout=60)
            assert recipe.returncode == 0
        finally:
            recipe.kill()
            recipe.wait()
        until(lambda: not self.slurm.jobs("PENDING,RUNNING,COMPLETING"), "an end of all jobs")

    def study(self, store: Path, address: str, *changes: tuple[str, str]) -> subprocess.Popen[str]:
        """Start the recipe's script."""
        return subprocess.Popen(
            [sys.executable, self.script("study.py", *changes), store, self.out],
            env=self.environment | {"SCHEDULER": address}, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def files(self) -> dict[Path, int]:
        """Return the results, and when each was written."""
        return {file: file.stat().st_mtime_ns for file in self.out.rglob("*.parquet")}

    def noted(self, what: str) -> Counter[str]:
        """Count how often each task did something."""
        lines = [line.split("\t") for line in self.notes.read_text().splitlines()]
        return Counter(task for did, task, _ in lines if did == what)

    def require_each_once(self) -> None:
        """Every year is written once, and no answer was thrown away."""
        assert self.noted("written") == dict.fromkeys(map(str, YEARS), 1)


@pytest.fixture
def work(slurm: Slurm, tmp_path: Path, request: pytest.FixtureRequest) -> Work:
    return Work(slurm, tmp_path, getattr(request, "param", 0))


def ended(study: subprocess.Popen[str]) -> None:
    _, errors = study.communicate(timeout=400)
    assert study.returncode == 0, errors


def equal(work: Work, local: list[Path]) -> bool:
    """Whether the results have the bytes of those of the local pool."""
    root = local[0].parents[2]
    return {f.relative_to(work.out): f.read_bytes() for f in work.files()} == {
        f.relative_to(root): f.read_bytes() for f in local
    }


def test_28_years_have_the_bits_of_the_local_pool(
    work: Work, store: Path, local: list[Path]
) -> None:
    with work.cluster() as address:
        ended(work.study(store, address))
        assert len(work.slurm.jobs()) == 2
        panel = cf.Panel(store)
        found = panel.structural_decomposition("CO2", client=address)
    assert equal(work, local)
    here = cf.Panel(store, workers=2).structural_decomposition("CO2")
    pd.testing.assert_frame_equal(found, here, check_exact=True)
    kept = Path("/tmp", f"numba-{os.getuid()}")  # as the recipe says, and SLURM sets TMPDIR
    assert kept.stat().st_uid == os.getuid()
    assert list(kept.rglob("*.nbi"))


@pytest.mark.parametrize("work", [3], indirect=True)
def test_a_cancelled_job_is_replaced(work: Work, store: Path, local: list[Path]) -> None:
    with work.cluster() as address:
        study = work.study(store, address)
        until(work.files, "a result")
        first, other = work.slurm.jobs()
        work.slurm.run("scancel", first)
        until(lambda: len(work.slurm.jobs()) == 2 and first not in work.slurm.jobs(), "a new job")
        ended(study)
        assert other in work.slurm.jobs()
    say("begun", work.noted("begun"))
    assert work.slurm.ended()[first] == "CANCELLED"
    assert equal(work, local)
    work.require_each_once()


@pytest.mark.parametrize("work", [3], indirect=True)
def test_a_killed_run_is_resumed(work: Work, store: Path, local: list[Path]) -> None:
    with work.cluster() as address:
        study = work.study(store, address)
        until(work.files, "a result")
        study.kill()
        study.communicate()
        time.sleep(4)  # what was under way is written
        before = work.files()
        assert 0 < len(before) < len(YEARS)
        ended(work.study(store, address))
        assert before.items() <= work.files().items()
    assert equal(work, local)
    work.require_each_once()


ADAPT = "cluster.adapt(minimum_jobs=2, maximum_jobs=2)"


@pytest.mark.parametrize("work", [1.5], indirect=True)
def test_a_panel_without_workers_gives_up_and_is_resumed(
    work: Work, store: Path, local: list[Path]
) -> None:
    with work.cluster((ADAPT, "cluster.scale(jobs=1)")) as address:
        study = work.study(store, address, ("wait=3600", "wait=30"))
        until(work.files, "a result")
        work.slurm.run("scancel", *work.slurm.jobs())
        _, errors = study.communicate(timeout=200)
        assert not work.slurm.jobs("PENDING,RUNNING")  # scale submits no other
    said = errors.splitlines()[-1]
    say(said)
    assert study.returncode == 1
    assert "no worker was left, and none came within 30 seconds" in said
    before = work.files()
    assert f"flows: {len(YEARS) - len(before)} of {len(YEARS)} failed, the others are done" in said
    with work.cluster() as address:
        ended(work.study(store, address))
    assert before.items() <= work.files().items()
    assert equal(work, local)
    work.require_each_once()


@pytest.mark.filterwarnings("ignore")  # of Dask's event loop
def test_a_cluster_object_whose_workers_have_several_threads(
    work: Work, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", work.environment["SLURM_CONF"])
    job = {"walltime": "00:10:00", "log_directory": str(work.folder)}
    with SLURMCluster(cores=32, memory="160GB", **job) as wide:
        command = wide.job_script().splitlines()[-1]
        say(command)
        assert " --nthreads 4 " in command
        assert " --nworkers 8 " in command
    with SLURMCluster(cores=8, memory="16GB", **job) as cluster:
        cluster.scale(jobs=1)
        found = cf.Panel(store).flows("CO2", client=cluster)
        with Client(cluster) as client:
            threads = client.nthreads().values()
            assert sum(Pool(client, 10**9)._fit.values()) == sum(threads) == 8
            assert max(threads) > 1
            assert sum(Pool(client, 25 * 10**8)._fit.values()) == 4  # one in 4 GB
    here = cf.Panel(store, workers=2).flows("CO2")
    pd.testing.assert_frame_equal(found, here, check_exact=True)


THREADS = """
import numpy, threadpoolctl, carbonflows_fast as cf
print(cf.build_info()["threads"], *{one["num_threads"] for one in threadpoolctl.threadpool_info()})
"""


@pytest.mark.parametrize("cpus", [1, 2])
def test_the_processors_of_a_job_are_its_threads(slurm: Slurm, tmp_path: Path, cpus: int) -> None:
    (tmp_path / "threads.py").write_text(THREADS)
    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CARBONFLOWS_NUM_THREADS")
    unset = " ".join(f"-u {name}" for name in variables)
    slurm.run("sbatch", "--wait", f"--cpus-per-task={cpus}", f"--output={tmp_path / 'out'}",
              f"--wrap=env {unset} {sys.executable} {tmp_path / 'threads.py'}")  # fmt: skip
    assert (tmp_path / "out").read_text().split() == [str(cpus), str(cpus)]


def say(*words: object) -> None:
    """Put into the log what was seen."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")


ONE_MINUTE = ('walltime="02:00:00"', 'walltime="00:01:00"')
LIFETIME = '    worker_extra_args=["--lifetime", "110m", "--lifetime-stagger", "5m"],\n'


@pytest.mark.parametrize("work", [20], indirect=True)
def test_jobs_that_reach_their_wall_time_are_replaced(
    work: Work, store: Path, local: list[Path]
) -> None:
    with work.cluster(ONE_MINUTE, (LIFETIME, "")) as address:
        ended(work.study(store, address))
    say("begun", work.noted("begun"), "jobs", work.slurm.ended())
    assert equal(work, local)
    work.require_each_once()


@pytest.mark.parametrize("work", [20], indirect=True)
def test_a_lifetime_ends_workers_before_the_wall_time(
    work: Work, store: Path, local: list[Path]
) -> None:
    shorter = (LIFETIME, LIFETIME.replace("110m", "35s").replace("5m", "5s"))
    with work.cluster(ONE_MINUTE, shorter) as address:
        ended(work.study(store, address))
    say("begun", work.noted("begun"), "jobs", work.slurm.ended())
    assert equal(work, local)
    work.require_each_once()
