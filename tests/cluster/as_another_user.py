"""An installation that root owns, asked by users who can write next to nothing: `nox -s shared`.

Runs as root, and starts every command as another user whose home folder does not exist.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import carbonflows_fast as cf
from carbonflows_fast.cli._main import _parser

COMMAND = Path(sys.prefix, "bin", "carbonflows-fast")
NOBODY, DAEMON = 65534, 1  # Debian's
LEDGER = "category,amount,currency,year\nfood,1200.50,EUR,2019\n"
FILES = {
    "ledger.csv": LEDGER,
    "categories.csv": "category,product\nfood,Wheat\n",
    "changes.csv": "part,sector,factor\nS,Wheat,0.5\n",
    "errors.toml": "Z = 0.1\nF = 0.1\n",
}
WORDS = "compiled loops cannot be kept|mkdir -p failed for path|Matplotlib created a temporary"
"""Of what may be said on standard error: that there is no place for what is kept."""
COMMANDS = [
    "demo --regions 3 --sectors 5",
    "bench --cases open solve --rounds 1 --out OUT/times.json",
    "info",
    "info store/2019",
    "check store/2019",
    "repair store/2019 OUT/repaired --negatives 1e-3 --ledger OUT/repairs.csv",
    "convert store/2019 OUT/converted",
    "accounts store/2019 --errors errors.toml",
    "flows store/2019 --out OUT/flows.parquet",
    "sector store/2019 steel",
    "paths store/2019 --top 10",
    "factors store/2019 --out OUT/factors.xlsx",
    "purchases store/2019 ledger.csv --categories categories.csv --figure OUT/chart.svg",
    "prices store/2019 --per-tonne 80 --price AT --border total --out OUT/prices.xlsx",
    "responsibility store/2019 --figure OUT/four.png",
    "extraction store/2019 AT:Wheat --out OUT/lost.csv",
    "scenario store/2019 changes.csv OUT/changed --ledger OUT/ledger.csv",
    "decompose store/2018 store/2019 --chains OUT/changes.csv",
    "panel flows store --out OUT/results",
    "panel decompose store --workers 2",
    "panel difference store --errors errors.toml --draws 3 --workers 1",
    "report store/2019 --since store/2018 --out OUT/report.html",
]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that all may read and root alone may write, with two years."""
    folder = Path(tempfile.mkdtemp())
    for year in (2018, 2019):
        cf.save(cf.synthetic.world(4, 200, year=year), folder / "store" / str(year))
    for name, text in FILES.items():
        (folder / name).write_text(text)
    subprocess.run(["chmod", "-R", "a+rX,go-w", str(folder)], check=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def out() -> Iterator[Path]:
    """A folder that all may write."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def start(
    command: str, place: Path, out: Path, user: int = NOBODY, **environment: str
) -> subprocess.Popen[str]:
    arguments = shlex.split(command.replace("OUT", str(out)))
    return subprocess.Popen(
        [COMMAND, *arguments], cwd=place, user=user, group=user, extra_groups=[], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"]} | environment,
    )  # fmt: skip


def kept(folder: Path) -> dict[str, tuple[int, int]]:
    """Return all files, their sizes and when they were written."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(f): (f.stat().st_size, f.stat().st_mtime_ns) for f in files}


def test_each_command_is_among_those_asked() -> None:
    listed = next(a for a in _parser()._actions if a.dest == "command").choices
    assert listed is not None
    assert {command.split()[0] for command in COMMANDS} == set(listed)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_answers(command: str, place: Path, out: Path) -> None:
    installed = kept(Path(cf.__file__).parent)
    started = start(command, place, out, HOME="/nonexistent")
    answer, errors = started.communicate(timeout=300)
    sys.stdout.write(f"\n{command}: {started.returncode}\n{errors}")
    assert started.returncode == 0, errors
    assert answer
    assert all(re.match(f".*({WORDS})", line) for line in errors.splitlines())
    assert len(errors.splitlines()) <= 3  # one for each process
    assert kept(Path(cf.__file__).parent) == installed


@pytest.mark.parametrize("home", ["/root", ""])
def test_a_home_that_cannot_be_written_or_is_not_named(home: str, place: Path, out: Path) -> None:
    named = {"HOME": home} if home else {}
    started = start("decompose store/2018 store/2019", place, out, **named)
    assert (started.communicate(timeout=300)[1] or "").count("compiled loops cannot be kept") == 1
    assert started.returncode == 0
    cached = start(
        "decompose store/2018 store/2019", place, out, NUMBA_CACHE_DIR=str(out / "numba")
    )
    assert cached.communicate(timeout=300)[1] == ""
    assert list(out.rglob("*.nbi"))


def test_several_users_read_one_store(place: Path, out: Path) -> None:
    before = kept(place)
    results = {}
    for user in (NOBODY, DAEMON):
        folder = out / str(user)
        folder.mkdir()
        os.chown(folder, user, user)
        results[user] = start("panel flows store --workers 2 --out OUT", place, folder, user)
    for user, started in results.items():
        assert started.wait(300) == 0, (started.communicate(), user)
        started.communicate()
    nobody, daemon = (
        {
            f.relative_to(out / str(user)): f.read_bytes()
            for f in (out / str(user)).rglob("*.parquet")
        }
        for user in (NOBODY, DAEMON)
    )
    assert len(nobody) == 2
    assert nobody == daemon
    assert kept(place) == before
