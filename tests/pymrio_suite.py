"""Runs pymrio's own tests with its accounts made by `cf.calc_all`.

    python tests/pymrio_suite.py            # or nox -s pymrio_suite; more arguments go to pytest

The tests come from the sdist of the installed version, which pip fetches, and are not kept. They
run with `IOSystem.calc_all` replaced, and those of single functions with functions that make a
system of their arguments, calculate it and hand out the account. What asserts on L or G is left
out, and printed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymrio
import pytest

import carbonflows_fast as cf

# All that calculate accounts, but the parsers' tests: the sdist lacks the tables that they parse.
MODULES = ("math", "math_alignment", "integration", "core", "aggregation", "ts_func", "outputs")
# Assertions that L or G is there are dropped; where L is but an argument, pymrio makes it from A.
DROPPED = re.compile(r'^ +assert (?:"[LG]" in |\w+\.L is not None|isinstance\(\w+\.L,).*\n', re.M)
ARGUMENT = re.compile(r"\bnew\.L\b")
LEFT_OUT = {
    "test_math.py::test_calc_accounts_matches_dense_product": "a random matrix in place of L: "
    "I − L⁻¹ is no table that can be produced",
}

calls: Counter[str] = Counter()


# --- pymrio's functions, made of calc_all -----------------------------------------------------


def counted(io: Any, include_ghosh: bool = False) -> Any:
    """Calculate, and count it: a suite that never calls this has tested nothing."""
    calls["calc_all"] += 1
    return cf.calc_all(io, include_ghosh)


def calculated(S: Any, A: Any, Y: Any = None, x: Any = None, **options: Any) -> Any:
    """Return the extension with these intensities in a system of A and Y."""
    if Y is None:
        Y = pd.DataFrame(np.eye(len(A)), A.index, A.index)
    demand = pd.MultiIndex.from_product([Y.columns.get_level_values(0), ["all"]])
    io = pymrio.IOSystem(A=A, x=x, Y=Y.set_axis(demand.set_names(["region", "category"]), axis=1))
    io.extension = pymrio.Extension("extension", S=S)
    return counted(io, **options).extension


def before_inversion(inverse: Any) -> Any:
    """Return A of L, or B of G."""
    return pd.DataFrame(np.eye(len(inverse)) - np.linalg.inv(inverse), inverse.index, inverse.index)


def calc_S(F: Any, x: Any) -> Any:
    """S of a system where nobody buys from anybody."""
    A = pd.DataFrame(0.0, F.columns, F.columns)
    io = pymrio.IOSystem(A=A, x=x, Y=pd.DataFrame(np.eye(len(A)), A.index, A.index))
    io.extension = pymrio.Extension("extension", F=F)
    return counted(io).extension.S


def calc_M(S: Any, L: Any) -> Any:
    """M of the system that has this L."""
    return calculated(S, before_inversion(L)).M


def calc_M_down(S: Any, G: Any) -> Any:
    """M_down of a system that has this G: with equal outputs, A is B."""
    x = pd.DataFrame(1.0, G.index, ["indout"])
    return calculated(S, before_inversion(G), x=x, include_ghosh=True).M_down


def calc_accounts(S: Any, L: Any, Y: Any) -> tuple[Any, Any, Any, Any]:
    """Return the D accounts of the system that has this L and Y."""
    made = calculated(S, before_inversion(L), Y)
    return made.D_cba, made.D_pba, made.D_imp, made.D_exp


@pytest.fixture(autouse=True)
def through_the_bridge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace what a test of pymrio's calls."""
    monkeypatch.setattr(pymrio.IOSystem, "calc_all", counted)
    if request.node.name.endswith("_MRIO"):  # other tests of functions are about bare arrays
        for function in (calc_S, calc_M, calc_M_down, calc_accounts):
            monkeypatch.setattr(request.module, function.__name__, function)
    elif request.module.__name__.endswith("test_math_alignment"):
        monkeypatch.setattr(pymrio, "calc_accounts", calc_accounts)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what cannot hold, with its reason."""
    for item in items:
        for name, reason in LEFT_OUT.items():
            if item.nodeid.endswith(name):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how often the accounts were made."""
    terminalreporter.write_line(f"carbonflows_fast.calc_all ran {calls['calc_all']} times")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail if nothing went through it."""
    if not calls["calc_all"]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


# --- fetching and running -----------------------------------------------------------------------


def fetch_tests(folder: Path) -> Path:
    """Unpack the tests of the installed version, without their assertions on L and G."""
    wanted = f"pymrio=={version('pymrio')}"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "pymrio"]
    subprocess.run([*pip, "--dest", str(folder), wanted], check=True)
    (archive,) = folder.glob("pymrio-*.tar.gz")
    with tarfile.open(archive) as sdist:
        sdist.extractall(folder, filter="data")
    (tests,) = folder.glob("pymrio-*/tests")
    dropped = []
    for path in sorted(tests.glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        dropped += [f"{path.name}: {line.strip()}" for line in DROPPED.findall(text)]
        text = ARGUMENT.sub("pymrio.calc_L(new.A)", DROPPED.sub("", text))
        path.write_text(text, encoding="utf-8")
    print(wanted, "without", *dropped, sep="\n  ")  # noqa: T201
    return tests


def main() -> int:
    """Fetch the tests and run them in a process of their own, with this module as a plug-in."""
    with tempfile.TemporaryDirectory() as folder:
        tests = fetch_tests(Path(folder))
        paths = [str(tests / f"test_{name}.py") for name in MODULES]
        options = ["-c", os.devnull, "--rootdir", folder, "-p", "no:cacheprovider", "-q", "-rs"]
        here = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "pytest", "-p", Path(__file__).stem, *options]
        done = subprocess.run(
            [*command, *paths, *sys.argv[1:]], env={**os.environ, "PYTHONPATH": here}, check=False
        )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
