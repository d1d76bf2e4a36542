"""A real scheduler and real workers, each a process of its own, over TCP on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import carbonflows_fast as cf


def saved_years(folder: Path, years: Iterable[int]) -> Path:
    """Save a small world for each year, with two stressors."""
    for year in years:
        cf.save(cf.synthetic.world(4, 15, year=year, stressors=2), folder / f"y{year}")
    return folder


class Cluster:
    """`dask scheduler` and `dask worker` as a shell would start them.

    Workers have no nanny: one that is killed is gone.
    """

    def __init__(self, workers: int, memory: str = "4GB") -> None:
        self.count, self.memory = workers, memory

    def __enter__(self) -> Cluster:
        self._folder = tempfile.TemporaryDirectory()
        file = Path(self._folder.name) / "scheduler.json"
        self.scheduler = self._start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
            "--scheduler-file", str(file),
        )  # fmt: skip
        self.workers = [
            self._start(
                "dask_worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny",
                "--no-dashboard", "--memory-limit", self.memory, "--local-directory",
                self._folder.name, "--death-timeout", "30",
            )
            for _ in range(self.count)
        ]  # fmt: skip
        ends = time.monotonic() + 60
        while True:
            try:
                self.address = str(json.loads(file.read_text())["address"])
                return self
            except (OSError, ValueError):
                if time.monotonic() > ends:
                    raise
                time.sleep(0.05)

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{name}", *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def __exit__(self, *_: Any) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        self._folder.cleanup()
