"""The project's tasks: `nox -l` lists them, `nox -s test` runs one."""

import os
import tempfile

import nox

nox.options.sessions = ["lint", "test", "cpp"]
nox.options.default_venv_backend = "venv"

SANITIZERS = ["", "address,undefined", "thread"]


def build_and_run_cpp(session: nox.Session, sanitizer: str) -> None:
    """Configure, build and run the C++ tests, failing if none ran."""
    with tempfile.TemporaryDirectory() as build:
        session.run(
            "cmake", "-S", ".", "-B", build, "-DCARBONFLOWS_PYTHON=OFF", "-DCARBONFLOWS_TESTS=ON",
            "-DCMAKE_BUILD_TYPE=RelWithDebInfo", f"-DCARBONFLOWS_SANITIZE={sanitizer}",
            external=True,
        )  # fmt: skip
        session.run("cmake", "--build", build, "--parallel", str(os.cpu_count()), external=True)
        session.run(
            "ctest", "--test-dir", build, "--no-tests=error", "--output-on-failure", external=True
        )


@nox.session
def lint(session: nox.Session) -> None:
    """ruff and mypy --strict."""
    session.install("-e", ".[test]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


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
    build_and_run_cpp(session, sanitizer)


@nox.session
def bench(session: nox.Session) -> None:
    """Full-size benchmarks beside SciPy, LAPACK and pymrio; takes minutes."""
    session.install("-e", ".[test,bench]")
    session.run(
        "pytest", "benches", "-q", "-s", *session.posargs,
        env={"CARBONFLOWS_BENCH": "full", "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
    )  # fmt: skip


@nox.session
def fuzz(session: nox.Session) -> None:
    """Damaged tables in every layout: 100,000 cases by chance, then as many led by coverage."""
    session.install("-e", ".[test]", "atheris>=3")
    cases = session.posargs[0] if session.posargs else "100000"
    session.run("python", "tests/fuzzing.py", "--cases", cases)
    session.run("python", "tests/fuzz_guided.py", f"-runs={cases}", "-print_final_stats=1")


@nox.session
def browser(session: nox.Session) -> None:
    """The report in Chromium (apt install chromium): mouse, keyboard, two widths, no network."""
    session.install("-e", ".[test]", "playwright")
    session.run("pytest", "tests/browser_report.py", *session.posargs)
