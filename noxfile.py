"""The project's tasks: `nox -l` lists them, `nox -s test` runs one."""

import os
import re
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import nox

nox.options.sessions = ["lint", "test", "cpp"]
nox.options.default_venv_backend = "venv"

SANITIZERS = ["", "address,undefined", "thread"]
CLANG_FORMAT = "clang-format==23.1.5"  # other versions may lay out otherwise
CPP_SOURCES = ["*.cpp", "*.hpp", "*.inl"]
PROJECT = nox.project.load_toml("pyproject.toml")
OLDEST_PYTHON = PROJECT["project"]["requires-python"].removeprefix(">=")
# What the tests need beside the installed package; wheels are tested with the same by cibuildwheel.
TEST_SOURCES = PROJECT["tool"]["cibuildwheel"]["test-sources"]


def build_cpp(session: nox.Session, build: str, *settings: str) -> None:
    """Configure and build the C++ tests."""
    session.run(
        "cmake", "-S", ".", "-B", build, "-DCARBONFLOWS_PYTHON=OFF", "-DCARBONFLOWS_TESTS=ON",
        *settings, external=True,
    )  # fmt: skip
    session.run("cmake", "--build", build, "--parallel", str(os.cpu_count()), external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """ruff, mypy --strict and clang-format."""
    session.install("-e", ".[test]", CLANG_FORMAT)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    sources = str(session.run("git", "ls-files", *CPP_SOURCES, external=True, silent=True)).split()
    session.run("clang-format", "--dry-run", "--Werror", *sources)


@nox.session
def test(session: nox.Session) -> None:
    """All Python tests; CARBONFLOWS_REAL_DATA names the folder of real tables."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def thorough(session: nox.Session) -> None:
    """The Python tests with many more random cases."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs, env={"CARBONFLOWS_HYPOTHESIS": "thorough"})


@nox.session(venv_backend="none")
@nox.parametrize("sanitizer", SANITIZERS)
def cpp(session: nox.Session, sanitizer: str) -> None:
    """C++ tests, plain and under each sanitizer (needs cmake and doctest)."""
    with tempfile.TemporaryDirectory() as build:
        build_cpp(
            session, build, "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
            f"-DCARBONFLOWS_SANITIZE={sanitizer}",
        )  # fmt: skip
        session.run(
            "ctest", "--test-dir", build, "--no-tests=error", "--output-on-failure", external=True
        )


@nox.session(venv_backend="none")
def aarch64(session: nox.Session) -> None:
    """C++ tests for 64-bit ARM, compiled across and run by QEMU.

    Needs `g++-aarch64-linux-gnu qemu-user cmake doctest-dev` of Debian.
    """
    with tempfile.TemporaryDirectory() as build:
        # Apart from the other headers there, which are the building machine's.
        shutil.copytree("/usr/include/doctest", Path(build, "include/doctest"))
        build_cpp(
            session, build, "-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
            "-DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++", f"-DDOCTEST_INCLUDE={build}/include",
        )  # fmt: skip
        # QEMU 7.2 itself fails when a program with threads forks.
        session.run(
            "qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", f"{build}/tests/cpp/core_tests",
            "--test-case-exclude=a forked child*", external=True,
        )  # fmt: skip


@nox.session
def pymrio_suite(session: nox.Session) -> None:
    """pymrio's own tests, fetched from PyPI, with its accounts made by `calc_all`."""
    session.install("-e", ".[test]")
    session.run("python", "tests/pymrio_suite.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Full-size benchmarks beside SciPy, LAPACK and pymrio; takes minutes.

    Counts and ratios are recorded in .benchmarks/bench.json.
    """
    session.install("-e", ".[test,bench]")
    record = Path(".benchmarks", "bench.json")
    record.parent.mkdir(exist_ok=True)
    session.run(
        "pytest", "benches", "-q", "-s", f"--benchmark-json={record}", *session.posargs,
        env={"CARBONFLOWS_BENCH": "full", "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
    )  # fmt: skip


@nox.session
def regression(session: nox.Session) -> None:
    """Counts beside the stored ones, then seconds beside the commit that stored them.

    `nox -s regression -- COMMIT` names another commit.
    """
    session.install("-e", ".[test,bench]")
    suite = ("python", "benches/regression.py")
    for size in ("small", "full"):
        session.run(*suite, "--check", "--size", size)
    for size, rounds in (("small", "7"), ("full", "3")):
        session.run(*suite, "--size", size, "--rounds", rounds, "--against", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build docs/ without a warning; `nox -s docs -- FOLDER` keeps it. Its examples are tests."""
    session.install("-e", ".[docs]")
    with tempfile.TemporaryDirectory() as folder:
        made = session.posargs[0] if session.posargs else os.path.join(folder, "html")
        session.run(
            "sphinx-build", "-W", "--keep-going", "-n", "-q", "-b", "html",
            "-d", os.path.join(folder, "doctrees"), "docs", made,
        )  # fmt: skip


@nox.session
def fuzz(session: nox.Session) -> None:
    """Damaged tables in every layout: 100,000 cases by chance, then as many led by coverage."""
    session.install("-e", ".[test]", "atheris>=3")
    cases = session.posargs[0] if session.posargs else "100000"
    session.run("python", "tests/fuzzing.py", "--cases", cases)
    session.run("python", "tests/fuzz_guided.py", f"-runs={cases}", "-print_final_stats=1")


@nox.session
def exact(session: nox.Session) -> None:
    """Every question of 100,000 random small tables beside exact arithmetic; `-- --cases 1000`.

    `--seed S` begins elsewhere, to go on where a run was stopped or to run one case again.
    """
    session.install("-e", ".[test]", "python-flint>=0.7")
    session.run("python", "tests/exact_run.py", *(session.posargs or ["--cases", "100000"]))


@nox.session
def browser(session: nox.Session) -> None:
    """The report in Chromium (apt install chromium): mouse, keyboard, two widths, no network."""
    session.install("-e", ".[test]", "playwright")
    session.run("pytest", "tests/browser_report.py", *session.posargs)


@nox.session
def notebook(session: nox.Session) -> None:
    """Figures in a Jupyter notebook: each shown once, and none for a report."""
    session.install("-e", ".[test]", "ipykernel", "nbclient")
    session.run("pytest", "-W", "default", "tests/notebook_figures.py", *session.posargs)


@nox.session
def exchange(session: nox.Session) -> None:
    """Tables and results through Brightway, MARIO and Zarr themselves.

    mariopy wants one version of NumPy and of pandas. Its units look for a package `uncertainties`,
    for which tests/uncertainties would be taken.
    """
    session.install(
        "-e", ".[test,brightway]", "bw2calc>=3.1", "mariopy==1.3.2", "uncertainties", "zarr>=3",
    )  # fmt: skip
    session.run("pytest", "tests/exchange", *session.posargs)


@nox.session
def slurm(session: nox.Session) -> None:
    """Panels on a real SLURM (apt install slurm-wlm munge): lost jobs, wall times, resuming."""
    session.install("-e", ".[test]", "dask-jobqueue>=0.9")
    session.run("pytest", "-v", "-s", "tests/cluster/on_slurm.py", *session.posargs)


@nox.session
def mpi(session: nox.Session) -> None:
    """A panel in one MPI job of 4 ranks (apt install openmpi-bin)."""
    session.install("-e", ".[test]", "dask-mpi>=2026.3", "mpi4py>=4")
    session.run("pytest", "-v", "-s", "tests/cluster/on_mpi.py", *session.posargs)


@nox.session(venv_backend="none")
def shared(session: nox.Session) -> None:
    """An installation of root's, asked by users without a home (as root; apt install python3-venv).

    With Debian's Python, because others may not enter the folder of root's own.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        session.run("/usr/bin/python3", "-m", "venv", f"{folder}/venv", external=True)
        session.run(f"{folder}/venv/bin/pip", "install", "--quiet", ".[test]", external=True)
        session.run(
            f"{folder}/venv/bin/pytest", "-v", "-s", "tests/cluster/as_another_user.py",
            *session.posargs, external=True,
        )  # fmt: skip


# --- releases -------------------------------------------------------------------------------


def lower_bounds(requirements: Iterable[str]) -> list[str]:
    """Turn each 'name[extra]>=version' into the constraint 'name==version'."""
    pins = []
    for text in requirements:
        found = re.fullmatch(r"([\w.-]+)(\[[\w,]+\])?>=([\w.]+)", text)
        if found is None:
            raise ValueError(f"pyproject.toml: expected 'name>=version', got {text!r}")
        pins.append(f"{found[1]}=={found[3]}")
    return pins


def run_tests_apart(session: nox.Session, source: Path) -> None:
    """Run the tests of a source tree on the installed package, where no other can be found."""
    session.run("pip", "check")
    with tempfile.TemporaryDirectory() as folder:
        for name in TEST_SOURCES:
            copy = shutil.copytree if (source / name).is_dir() else shutil.copy
            copy(source / name, Path(folder, name))
        with session.chdir(folder):
            session.run("carbonflows-fast", "demo", "--regions", "3", "--sectors", "5")
            session.run("python", "-m", "pytest", *session.posargs)


def require_all(session: nox.Session, wanted: str, there: Iterable[str]) -> None:
    """Fail if files that git knows are missing in an archive; folders with a dot do not count."""
    known = str(session.run("git", "ls-files", wanted, external=True, silent=True)).split()
    missing = {name for name in known if not name.startswith(".")} - set(there)
    if not known or missing:
        session.error(f"missing in the archive: {sorted(missing) or 'everything'}")


@nox.session(python=OLDEST_PYTHON)
def minimum(session: nox.Session) -> None:
    """All Python tests with the oldest versions that pyproject.toml allows, of Python too."""
    project, build = PROJECT["project"], PROJECT["build-system"]["requires"]
    pins = lower_bounds(
        [*build, *project["dependencies"], *project["optional-dependencies"]["test"]]
    )
    constraints = Path(session.create_tmp(), "constraints.txt")
    # pyparsing 3.3 warns of what matplotlib 3.9 calls, and warnings are errors in the tests.
    constraints.write_text("\n".join([*pins, "pyparsing<3.3"]) + "\n", encoding="utf-8")
    session.install("--constraint", str(constraints), "cmake", "ninja", *build)
    session.install("--no-build-isolation", "--constraint", str(constraints), ".[test]")
    run_tests_apart(session, Path.cwd())


@nox.session
def newest(session: nox.Session) -> None:
    """All Python tests with the newest versions there are; `-P 3.13` names another Python."""
    session.install("--upgrade", "--upgrade-strategy", "eager", ".[test]")
    run_tests_apart(session, Path.cwd())


@nox.session
def wheel(session: nox.Session) -> None:
    """Build a wheel for this machine, and test it outside the tree."""
    session.install("build")
    with tempfile.TemporaryDirectory() as folder:
        session.run("python", "-m", "build", "--wheel", "--outdir", folder, ".")
        (made,) = Path(folder).glob("*.whl")
        require_all(session, "carbonflows_fast", zipfile.ZipFile(made).namelist())
        session.install(f"{made}[test]")
    run_tests_apart(session, Path.cwd())


@nox.session
def sdist(session: nox.Session) -> None:
    """Build a source archive, a wheel from it alone, and run the tests that it holds."""
    session.install("build")
    with tempfile.TemporaryDirectory() as folder:
        session.run("python", "-m", "build", "--sdist", "--outdir", folder, ".")
        (made,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(made) as archive:
            names = (name.partition("/")[2] for name in archive.getnames())
            require_all(session, ".", names)
            archive.extractall(folder, filter="data")
        source = Path(folder, made.name.removesuffix(".tar.gz"))
        session.run("python", "-m", "build", "--wheel", "--outdir", folder, str(source))
        (wheel,) = Path(folder).glob("*.whl")
        session.install(f"{wheel}[test]")
        run_tests_apart(session, source)
