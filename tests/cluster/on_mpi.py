"""A panel in one MPI job of 4 ranks: `nox -s mpi` (needs Debian's openmpi-bin)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import carbonflows_fast as cf
from carbonflows_fast._base.machine import memory_limit

RECIPES = Path(__file__).parents[2] / "docs/recipes"
YEARS = range(1995, 2023)
ANYWHERE = {  # as root, and on a machine of fewer processors than ranks
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}
BOUND = {"OMPI_MCA_hwloc_base_binding_policy": "core:overload-allowed"}
LIMITS = """
    from carbonflows_fast.panel._pool import Pool, _facts
    for facts in client.run(_facts).values():
        print("limit", facts["memory"], "threads", facts["threads"])
    print("together", sum(Pool(client, int(sys.argv[3]))._fit.values()))
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    for year in YEARS:
        cf.save(cf.synthetic.world(5, 20, year=year, stressors=2), folder / str(year))
    return folder


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A folder with the recipe's two files."""
    for name in ("mpi_study.py", "mpi_study.sh"):
        shutil.copy(RECIPES / name, tmp_path)
    return tmp_path


def run(job: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the job, with nothing in the environment that says how many threads there are."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CARBONFLOWS_NUM_THREADS")
    given = {name: value for name, value in os.environ.items() if name not in threads}
    return subprocess.run(
        ["sh", "mpi_study.sh", *map(str, arguments)], cwd=job, capture_output=True, text=True,
        env=given | ANYWHERE | {"PATH": path} | environment, timeout=300,
    )  # fmt: skip


def test_28_years_have_the_bits_of_the_local_pool(job: Path, store: Path) -> None:
    done = run(job, store, job / "out")
    assert done.returncode == 0, done.stderr
    # A worker whose heartbeat meets the end of the scheduler says so, as docs/panel.md tells.
    assert "Traceback" not in done.stderr or "during heartbeat" in done.stderr
    assert "carbonflows_fast/" not in done.stderr
    local = cf.Panel(store, workers=2).flows("CO2", out=job / "local")
    files = [path.read_bytes() for path in sorted((job / "out").rglob("*.parquet"))]
    assert len(files) == len(YEARS)
    assert files == [path.read_bytes() for path in local]


def test_a_job_whose_script_fails_ends(job: Path) -> None:
    done = run(job, job / "nowhere", job / "out")
    assert done.returncode != 0
    assert "StoreError" in done.stderr


@pytest.mark.parametrize("binding", [{}, BOUND], ids=["free", "bound to cores"])
def test_ranks_share_the_memory_of_their_node(
    job: Path, store: Path, binding: dict[str, str]
) -> None:
    """A rank that is bound to a core has the memory of the whole node as its limit."""
    script = job / "mpi_study.py"
    script.write_text(script.read_text().rstrip("\n") + "\n" + LIMITS)
    memory = memory_limit()
    done = run(job, store, job / "out", int(0.4 * memory), **binding)
    assert done.returncode == 0, done.stderr
    sys.stdout.write(done.stdout)
    facts = [line.split() for line in done.stdout.splitlines() if line.startswith("limit")]
    assert len(facts) == 2
    if binding:
        assert [int(fact[3]) for fact in facts] == [1, 1]
        assert all(int(fact[1]) > 0.9 * memory for fact in facts)
    assert "together 2" in done.stdout
    script.write_text(script.read_text().replace("int(sys.argv[3])", "2 * int(sys.argv[3])"))
    if binding:
        assert "together 1" in run(job, store, job / "out", int(0.4 * memory), **binding).stdout
