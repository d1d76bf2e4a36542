"""Time two builds of the package in turns, each in a process of its own that stays alive.

Whatever else the machine does meets both builds alike, and the least of several times is hardly
touched by it. By default the clock is the processor time of one thread, which other processes do
not stretch; the wall clock, on a machine with nothing else to do, also sees threads that wait. The
same cases, of this file's commit, run on both builds.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POOLS = ("CARBONFLOWS", "OPENBLAS", "OMP", "MKL")
CLOCKS = {"processor": time.process_time, "wall": time.perf_counter}

FACTOR = 1.3
"""A case has become slow if its least time is more than so many times that of the baseline."""


class Build:
    """A running process that imports the package from `folder` and times cases one by one."""

    def __init__(
        self, folder: Path, size: tuple[int, int], *, threads: int = 1, clock: str = "processor"
    ) -> None:
        # Without `site`, an editable install of another build cannot get in the way.
        places = [str(folder), *site.getsitepackages(), site.getusersitepackages()]
        pinned = {f"{pool}_NUM_THREADS": str(threads) for pool in POOLS}
        self._process = subprocess.Popen(
            [sys.executable, "-S", __file__, str(folder), *map(str, size), clock],
            env=os.environ | pinned | {"PYTHONPATH": os.pathsep.join(places)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Build:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # the end of its input is the end of it

    def ask(self, what: str) -> Any:
        """Return the seconds of a case, or what tells one world from another ("world")."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # then there is no answer either
            self._process.stdin.write(f"{what}\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{what}: the process that was to time it ended; see its message")
        answer = json.loads(line)
        if isinstance(answer, str):
            raise RuntimeError(f"{what}: {answer}")
        return answer


@dataclass
class Times:
    """Seconds of one case on both builds."""

    base: list[float] = field(default_factory=list)
    head: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        return min(self.head) / min(self.base)


def slower(
    base: Build, head: Build, names: Sequence[str], *, rounds: int = 7, factor: float = FACTOR
) -> tuple[dict[str, Times], list[str]]:
    """Return all times, and the cases that are slower by more than the factor.

    A case that looks slow is measured again, as often, before it is said to be. A case that the
    baseline cannot run yet has no times.
    """
    if base.ask("world") != head.ask("world"):
        raise SystemExit(
            "synthetic.world: expected the same numbers from both commits, got other ones; "
            "compare with a later commit"
        )
    times = {}
    for name in names:
        head.ask(name)  # the first run loads code
        try:
            base.ask(name)
        except RuntimeError:
            continue
        times[name] = Times()
        for _ in range(2):
            measure(times[name], base, head, name, rounds)
            if times[name].ratio <= factor:
                break
    return times, [name for name, both in times.items() if both.ratio > factor]


def measure(times: Times, base: Build, head: Build, name: str, rounds: int) -> None:
    """Run both in turns, each first as often as the other."""
    for turn in range(rounds):
        pair = [(times.base, base), (times.head, head)]
        for seconds, build in pair if turn % 2 else reversed(pair):
            seconds.append(build.ask(name))


# ---- building a commit --------------------------------------------------------------------------


@contextmanager
def installed(commit: str | None, root: Path) -> Iterator[Path]:
    """Build a commit, or the working tree as it is, and yield the folder to import it from."""
    with tempfile.TemporaryDirectory() as name:
        source, folder = root, Path(name)
        if commit is not None:
            source = folder / "source"
            git(root, "archive", "--output", f"{source}.tar", commit)
            shutil.unpack_archive(f"{source}.tar", source, filter="data")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        pip += [f"--config-settings=build-dir={folder / 'build'}", "--target"]
        subprocess.run([*pip, str(folder / "installed"), str(source)], check=True)
        yield folder / "installed"


def git(root: Path, *arguments: str) -> str:
    """Run git; what it says of an error is the error."""
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


# ---- in the child -------------------------------------------------------------------------------


def serve(package: Path, regions: int, sectors: int, clock: Callable[[], float]) -> None:
    """Answer each line of the input by one line of JSON: seconds, or a text if it failed."""
    import carbonflows_fast as cf

    if not Path(cf.__file__).is_relative_to(package):
        raise SystemExit(f"expected carbonflows_fast from {package}, got {cf.__file__}")
    from cases import CASES, World

    with tempfile.TemporaryDirectory() as folder:
        world = World(regions, sectors, Path(folder))
        for line in sys.stdin:
            answer: Any
            try:
                if line.strip() == "world":
                    answer = [world.table.n, float(world.table.x.sum()).hex()]
                else:
                    answer = seconds_of(CASES[line.strip()], world, clock)
            except Exception as failure:
                answer = f"{type(failure).__name__}: {failure}"
                print(f"{package}: {answer}", file=sys.stderr)  # noqa: T201
            print(json.dumps(answer), flush=True)  # noqa: T201


def seconds_of(case: Any, world: Any, clock: Callable[[], float]) -> float:
    """Seconds of one run from a fresh start."""
    state = case.prepare(world)
    gc.collect()
    gc.disable()
    begun = clock()
    answer = case.run(state)
    taken = clock() - begun
    gc.enable()
    del answer
    return taken


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), CLOCKS[sys.argv[4]])
