"""Saves all tables at a path, in processes side by side, and skips those already saved.

A lost process costs only its own table. A saved table records the files it was made from, so that a
later run makes only tables that are missing or whose files have changed.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from carbonflows_fast import _core
from carbonflows_fast._base.files import digest_of
from carbonflows_fast._base.limits import load_blas
from carbonflows_fast._base.machine import memory_limit, thread_count
from carbonflows_fast._base.pool import PROCESS_BYTES, Lost, answers
from carbonflows_fast._base.progress import progress_bar
from carbonflows_fast.errors import CarbonFlowsError, FormatError, InputError, Phrase, StoreError
from carbonflows_fast.readers._formats import detect_format, format_of, refuse_broken
from carbonflows_fast.readers._sources._candidates import Candidate, year_in
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._opening import open_files
from carbonflows_fast.store._generations import is_store
from carbonflows_fast.store._saved import manifest_of, save_from
from carbonflows_fast.store._saved import open as open_store

__all__ = ["Job", "Outcome", "convert_all", "jobs_of", "saved"]

logger = logging.getLogger(__name__)

# Of the memory that a table takes at most for each byte of its files, which may be packed.
FACTORS = {
    **dict.fromkeys((".txt", ".csv", ".json"), 1.0),
    **dict.fromkeys((".parquet", ".parq", ".par", ".xlsx", ".xlsb", ".xls"), 8.0),
    ".har": 40.0,  # the table between regions is made of much smaller accounts
}

Stamps = dict[str, list[int]]  # of files by their way from the source: size, time of change


class Job(NamedTuple):
    """A table to be saved, or why it cannot be.

    Attributes
    ----------
    source : Path
    format : str
    table : Candidate
    stressors : sequence of str or None
    target : Path
    blanks : str
        What empty cells are, as in `read`.
    key : str
        Digest of the source's name and options.
    shared : Stamps
        Of files that may be part of every table.
    memory : int
        Bytes that it may take.
    reason : str
    """

    source: Path
    format: str
    table: Candidate
    stressors: Sequence[str] | None
    target: Path
    blanks: str = "error"
    key: str = ""
    shared: Stamps = {}  # noqa: RUF012 - never written to
    memory: int = PROCESS_BYTES
    reason: str = ""


class Outcome(NamedTuple):
    """What became of it: "saved", "there" (from before), "kept" or "failed" for a reason."""

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
    source: Path,
    destination: Path,
    *,
    format: str | None,
    stressors: Sequence[str] | None,
    blanks: str = "error",
    wanted: Callable[[list[Candidate]], list[Candidate]] = list,
) -> list[Job]:
    """List the tables at a path that are wanted, to be saved by year: ``destination/1995``.

    Zips that cannot be opened count as tables that cannot be saved.

    Raises
    ------
    FormatError
        If there is none in a known layout.
    InputError
        If two of them would take the same place.
    """
    with open_files(source) as files:
        lost = [Candidate(name, year_in(name)) for name in files.broken]
        try:
            name, candidates = detect_format(files, format, wanted)
        except FormatError:
            refuse_broken(files, None)
            raise
        chosen = wanted(candidates + lost)
        shared = _shared(files, candidates, destination) if format_of(name).beside else {}
        key = digest_of([_core.version, name, list(stressors) if stressors else None, blanks])
        jobs = [
            Job(
                source,
                name,
                one,
                stressors,
                destination / _folder(one, files),
                blanks,
                digest_of([key, one.name]),
                shared,
                _memory(files, one, candidates),
            )
            for one in candidates
            if one in chosen
        ]
        jobs += [
            Job(
                source,
                name,
                one,
                None,
                destination / one.name,
                reason=Phrase.of(files.broken[one.name]),
            )
            for one in lost
            if one in chosen
        ]
    _refuse_same_places(jobs)
    return sorted(jobs, key=lambda job: job.table.year or 0)


def _refuse_same_places(jobs: Sequence[Job]) -> None:
    places: dict[Path, Job] = {}
    for job in jobs:
        other = places.setdefault(job.target, job)
        if other is not job:
            raise InputError.about(
                "TABLE",
                expected=f"one table for {job.target.name}",
                got=f"{other.table.name} and {job.table.name}",
                remedy="choose with --only: a part of the one's name, or all of it",
            )


def _folder(table: Candidate, files: Files) -> str:
    if table.year is not None:
        return str(table.year)
    return PurePosixPath(table.name).name or files.title


def _shared(files: Files, candidates: Sequence[Candidate], destination: Path) -> Stamps:
    """Return the stamps of files that belong to no table, nor were saved by us."""
    tables, made = tuple(one.name for one in candidates), destination.absolute()
    names = [name for name in files.sizes if not name.startswith(tables)]
    disk = {files.on_disk(name) for name in names}
    return _stamps(files, {one for one in disk if made not in one.absolute().parents})


def _stamps(files: Files, disk: Iterable[Path]) -> Stamps:
    base = _base(files.path)
    return {str(one.relative_to(base)): _stamp(one) for one in sorted(disk)}


def _base(source: Path) -> Path:
    """Return the folder that stamps are relative to; the way to a table may go on inside a zip."""
    there = next(path for path in (source, *source.parents) if path.exists())
    return there if there.is_dir() else there.parent


def _stamp(file: Path) -> list[int]:
    try:
        stat = file.stat()
    except OSError:
        return []
    return [stat.st_size, stat.st_mtime_ns]


def _memory(files: Files, table: Candidate, candidates: Sequence[Candidate]) -> int:
    """Return bytes enough to read a table: of its files, by all that is known of their names."""
    others = tuple(one.name for one in candidates if one is not table and one.name)
    years = {str(one.year) for one in candidates if one.year not in (None, table.year)}
    size = sum(
        size * FACTORS.get(PurePosixPath(name).suffix.lower(), 0.0)
        for name, size in files.sizes.items()
        if not (others and name.startswith(others)) and not any(year in name for year in years)
    )
    return int(PROCESS_BYTES + size)


# --- doing it -------------------------------------------------------------------------------------


def convert_all(
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    resume: bool = True,
    progress: bool | None = None,
) -> list[Outcome]:
    """Save the tables, as many side by side as processors and memory allow."""
    done: dict[Path, Outcome] = {}
    for job in jobs:
        known = _failed(job, job.reason) if job.reason else _there(job) if resume else None
        if known is not None:
            done[job.target] = known
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
        logger.warning("a table may need %.1f GB, and there are %.1f", need / 1e9, limit / 1e9)
    return max(1, min(wanted or thread_count(), len(jobs), limit // need))


def _there(job: Job) -> Outcome | None:
    """Return an earlier result, unless it must be made again."""
    if not is_store(job.target):
        return None
    try:
        origin = manifest_of(job.target).get("origin")
        if origin is None:
            return saved(job, "kept")._replace(reason="it was saved by other means than convert")
        base = _base(job.source)
        if (
            origin["key"] != job.key
            or origin["shared"] != job.shared
            or any(_stamp(base / name) != stamp for name, stamp in origin["files"].items())
        ):
            return None
        return saved(job, "there")
    except StoreError:
        return None  # damaged


def _failed(job: Job, reason: str) -> Outcome:
    name = job.table.name.rstrip("/") or job.source.name
    return Outcome(job.table.year, name, "failed", reason=reason)


def saved(job: Job, state: str) -> Outcome:
    """Return what is saved for a job; read in full where it is from before."""
    table = open_store(job.target, verify=state == "there")
    size = sum(record["bytes"] for record in manifest_of(job.target)["files"].values())
    return Outcome(
        table.year,
        table.name or job.table.name,
        state,
        len(table.regions),
        len(table.x),
        len(table.stressors),
        size / 1e6,
    )


def _outcomes(jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Outcome]]:
    """Yield each job when it is done."""
    named = {job.target.name: job for job in jobs}
    work = partial(_save, threads=max(1, thread_count() // workers))
    with closing(answers(work, named, workers)) as found:
        for name, answer in found:
            job = named[name]
            if isinstance(answer, Lost):
                ended = f"its process ended with status {answer.status}"
                yield job, _failed(job, f"{ended}, perhaps for want of memory")
            else:
                reason, seconds = answer
                outcome = _failed(job, reason) if reason else saved(job, "saved")
                yield job, outcome._replace(seconds=seconds)


def _save(job: Job, threads: int) -> tuple[str, float]:
    """Save one table; return why it could not be, or nothing, and how long that took."""
    os.environ["CARBONFLOWS_NUM_THREADS"] = str(threads)
    started, reason = time.monotonic(), ""
    try:
        load_blas("numpy", "scipy.linalg")
        with open_files(job.source) as files:
            files = files.with_blanks(job.blanks)
            refuse_broken(files, job.table.year)
            table = format_of(job.format).read(
                files, job.table, stressors=job.stressors, progress=False
            )
            read = _stamps(files, {files.on_disk_whole(name) for name in files.opened})
        save_from(table, job.target, {"key": job.key, "shared": job.shared, "files": read})
    except (CarbonFlowsError, OSError, MemoryError) as error:
        reason = Phrase.of(error) or type(error).__name__
    return reason, time.monotonic() - started
