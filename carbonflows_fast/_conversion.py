"""Saves all tables at a path: each in a process of its own, and not again what is there.

A process that is lost costs its own table alone. Saved tables note what they were made from, so
that a later run makes only those that are missing or whose source has changed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

from carbonflows_fast import _core
from carbonflows_fast._machine import memory_limit, thread_count
from carbonflows_fast._progress import progress_bar
from carbonflows_fast.errors import CarbonFlowsError, InputError, MemoryLimitError, wrong
from carbonflows_fast.readers import FORMATS, detected
from carbonflows_fast.readers._choice import Candidate
from carbonflows_fast.readers._files import Files, open_files
from carbonflows_fast.store import is_store, manifest_of, save_from
from carbonflows_fast.store import open as open_store

__all__ = ["Job", "Outcome", "convert_all", "jobs_of"]

logger = logging.getLogger(__name__)

PROCESS_BYTES = 320_000_000  # of a process with everything imported
# Of the memory that a table takes at most for each byte of its files, which may be packed.
TEXT, PACKED = 1.0, 8.0
PACKED_FILES = (".parquet", ".xlsx", ".xlsb", ".xls")
STOP_SECONDS = 10.0  # for a process to leave nothing half-written behind


class Job(NamedTuple):
    """A table to be saved."""

    source: Path
    format: str
    table: Candidate
    stressors: Sequence[str] | None
    target: Path
    origin: str
    memory: int


class Outcome(NamedTuple):
    """What became of it: "saved", "there" (from before) or "failed" for a reason."""

    year: int | None
    table: str
    state: str
    regions: int = 0
    rows: int = 0
    stressors: int = 0
    megabytes: float = 0.0
    seconds: float = 0.0
    reason: str = ""


# --- what there is to do --------------------------------------------------------------------------


def jobs_of(
    source: Path, destination: Path, *, format: str | None, stressors: Sequence[str] | None,
    wanted: Callable[[Candidate], bool],
) -> list[Job]:  # fmt: skip
    """List the tables at a path that are wanted, to be saved by year: ``destination/1995``.

    Raises
    ------
    FormatError
        If there is none in a known layout.
    InputError
        If two of them would take the same place.
    """
    with open_files(source) as files:
        name, candidates = detected(files, format)
        found = sorted((one for one in candidates if wanted(one)), key=lambda one: one.year or 0)
        jobs = [
            Job(source, name, one, stressors, destination / _folder(one, files),
                *_origin(files, name, one, candidates, stressors))
            for one in found
        ]  # fmt: skip
    places: dict[Path, Job] = {}
    for job in jobs:
        other = places.setdefault(job.target, job)
        if other is not job:
            raise InputError(
                wrong("TABLE", expected="one table for each year",
                      got=f"{other.table.name} and {job.table.name} in {source}",
                      remedy="choose by a part of their names: --only pxp, for example")
            )  # fmt: skip
    return jobs


def _folder(table: Candidate, files: Files) -> str:
    if table.year is not None:
        return str(table.year)
    return Path(table.name.rstrip("/") or files.path.name).stem


def _origin(
    files: Files, format: str, table: Candidate, candidates: Sequence[Candidate],
    stressors: Sequence[str] | None,
) -> tuple[str, int]:  # fmt: skip
    """Return a digest of all that the saved table depends on, and the memory that making it takes.

    Files that belong to no table may be the emissions of every one.
    """
    others = tuple(one.name for one in candidates if one is not table and one.name)
    names = [name for name in files.sizes if not name.startswith(others)] if others else files.sizes
    memory = sum(
        files.sizes[name] * (PACKED if name.lower().endswith(PACKED_FILES) else TEXT)
        for name in names
    )
    disk = sorted({str(files.on_disk(name)) for name in names})
    stamps = [(name, (stat := os.stat(name)).st_size, stat.st_mtime_ns) for name in disk]
    facts = [_core.version, format, table.name, list(stressors) if stressors else None, stamps]
    digest = hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()
    return digest, int(PROCESS_BYTES + memory)


# --- doing it -------------------------------------------------------------------------------------


def convert_all(
    jobs: Sequence[Job], *, workers: int | None = None, resume: bool = True,
    progress: bool | None = None,
) -> list[Outcome]:  # fmt: skip
    """Save the tables, as many side by side as processors and memory allow.

    Raises
    ------
    MemoryLimitError
        If one of them needs more memory than there is.
    """
    done: dict[Path, Outcome] = {}
    if resume:
        done = {job.target: there for job in jobs if (there := _there(job)) is not None}
    left = [job for job in jobs if job.target not in done]
    if left:
        count = _workers(workers, left)
        logger.info("%d tables to save, %d at a time", len(left), count)
        with progress_bar("Converting (tables)", len(left), progress) as bar:
            for job, outcome in _outcomes(left, count):
                done[job.target] = outcome
                bar.advance()
    return [done[job.target] for job in jobs]


def _workers(wanted: int | None, jobs: Sequence[Job]) -> int:
    need, limit = max(job.memory for job in jobs), memory_limit()
    if need > limit:
        raise MemoryLimitError(
            wrong("source", expected=f"tables that fit into {limit / 1e9:.1f} GB, which there is",
                  got=f"one that may need {need / 1e9:.1f} GB",
                  remedy="keep fewer stressors, or use a machine with more memory")
        )  # fmt: skip
    return max(1, min(wanted or thread_count(), len(jobs), limit // need))


def _there(job: Job) -> Outcome | None:
    try:
        if not is_store(job.target) or manifest_of(job.target).get("origin") != job.origin:
            return None
        return _saved(job, "there")
    except CarbonFlowsError:
        return None  # damaged: made anew


def _saved(job: Job, state: str) -> Outcome:
    table = open_store(job.target)
    size = sum(record["bytes"] for record in manifest_of(job.target)["files"].values())
    return Outcome(
        table.year, table.name or job.table.name, state, len(table.regions), len(table.x),
        len(table.stressors), size / 1e6,
    )  # fmt: skip


def _outcomes(jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Outcome]]:
    """Yield each job when it is done, in processes that are stopped if nobody asks any more."""
    context = get_context("spawn")  # forking a process that has threads is not safe
    waiting, running = deque(jobs), dict[Any, tuple[Job, Any, float]]()
    threads = max(1, thread_count() // workers)
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                job = waiting.popleft()
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(
                    target=_work, args=(job, theirs, threads), name=job.target.name, daemon=True
                )
                process.start()
                theirs.close()
                running[ours] = job, process, time.monotonic()
            for answer in wait(list(running)):
                job, process, started = running.pop(answer)
                yield (
                    job,
                    _settled(job, answer, process)._replace(seconds=time.monotonic() - started),
                )
    finally:
        for _, process, _ in running.values():
            process.terminate()
        for _, process, _ in running.values():
            process.join(STOP_SECONDS)
            process.kill()


def _settled(job: Job, answer: Any, process: Any) -> Outcome:
    try:
        reason = answer.recv()
    except EOFError:
        process.join()
        reason = f"its process ended with status {process.exitcode}, perhaps for want of memory"
    process.join()
    if reason is None:
        return _saved(job, "saved")
    return Outcome(job.table.year, job.table.name or job.source.name, "failed", reason=reason)


def _work(job: Job, answer: Connection, threads: int) -> None:
    """Save one table and answer None, or why it could not be."""
    with _apart(threads):
        reason = None
        try:
            with open_files(job.source) as files:
                table = FORMATS[job.format].read(
                    files, job.table, stressors=job.stressors, progress=False
                )
            save_from(table, job.target, job.origin)
        except (CarbonFlowsError, OSError, MemoryError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
        answer.send(reason)


@contextmanager
def _apart(threads: int) -> Iterator[None]:
    """Leave Ctrl-C to the process that asked, and clean up when that one says to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ["CARBONFLOWS_NUM_THREADS"] = str(threads)
    yield
