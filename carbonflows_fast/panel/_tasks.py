"""One question about one or two tables of a panel: what a worker gets, does and writes.

A task names tables by their path and the digest of their content, so that nothing large travels
and a table that changes in the meantime is noticed. Its key is made of everything that its result
depends on; a file with that key in its metadata need not be computed again.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from carbonflows_fast import _core
from carbonflows_fast._base.files import abandoned, digest_of, replacing
from carbonflows_fast._base.limits import load_blas, load_compiler
from carbonflows_fast._base.machine import pinned
from carbonflows_fast._base.pool import PROCESS_BYTES
from carbonflows_fast.errors import (
    CarbonFlowsError,
    InputError,
    MemoryLimitError,
    Phrase,
    StoreError,
)
from carbonflows_fast.panel._copies import local_copy
from carbonflows_fast.panel._described import described
from carbonflows_fast.panel._questions import COMPILED, QUESTIONS
from carbonflows_fast.store import open
from carbonflows_fast.store._saved import checksum, stamp
from carbonflows_fast.uncertainties._some_draws import with_draws

__all__ = [
    "MEASURE",
    "NEEDS",
    "QUESTIONS",
    "Done",
    "Source",
    "Task",
    "described",
    "is_done",
    "is_whole",
    "memory_of",
    "require_room",
    "run_task",
    "written",
]

METADATA = b"carbonflows_fast"
PARTS = {"consumer": "demand", "draws": "numbers"}
"""Levels that divide a question among tasks, and the option that each of these has of its own."""
MEASURE = ("stressor", "unit")
"""What is measured, and in what: of a result's attrs, columns of every file."""
log = logging.getLogger("carbonflows_fast.panel")


@dataclass(frozen=True, slots=True)
class Source:
    """A saved table: where it is, what is in it, and how its files looked when that was read."""

    path: str
    checksum: str
    stamp: tuple[tuple[str, int, int], ...]

    @classmethod
    def of(cls, path: Path) -> Source:
        """Look at a saved table."""
        return cls(str(path), checksum(path), stamp(path))

    def require_unchanged(self) -> None:
        """Complain if the table is no longer what it was.

        Raises
        ------
        StoreError
        """
        path = Path(self.path)
        try:
            same = checksum(path) == self.checksum and stamp(path) == self.stamp
        except (OSError, StoreError):
            same = False
        if not same:
            raise StoreError.about(
                self.path,
                expected="a table that stays as it is",
                got="one that changed on disk while the panel was computed",
                remedy="its result was thrown away, run the panel again",
            )


@dataclass(frozen=True, slots=True)
class Task:
    """One question.

    Attributes
    ----------
    what : str
        Key of `QUESTIONS`.
    sources : tuple of Source
        The table, or before and after.
    labels : tuple of (str, value)
        What the result is filed under: (since,) year, and consumer or draws if asked one by one.
    options : dict
        Of the function.
    threads, kernels
        What the core runs with.
    out : str or None
        File to write.
    resume : bool
        Whether a file with the same key is as good.
    pairs : str
        Which pairs of years it is one of.
    drawn : tuple of tuple of (str, str)
        Files of the draws that the result takes in, for each table, and their keys.
    copies : str
        Folder on the worker's disk for copies of the tables; none if empty.
    """

    what: str
    sources: tuple[Source, ...]
    labels: tuple[tuple[str, Any], ...]
    options: dict[str, Any]
    threads: int
    kernels: str
    out: str | None
    resume: bool = True
    pairs: str = ""
    drawn: tuple[tuple[tuple[str, str], ...], ...] = ()
    copies: str = ""

    @property
    def name(self) -> str:
        """Its name in messages, e.g. "2005 → 2009, DE"."""
        named = dict(self.labels)
        since = f"{named['since']} → " if "since" in named else ""
        consumer = f", {named['consumer']}" if "consumer" in named else ""
        draws = f", draws {named['draws']}" if "draws" in named else ""
        return f"{since}{named['year']}{consumer}{draws}"

    @property
    def question(self) -> str:
        """Digest of the question of all tasks of a call, without the content of the tables."""
        levels = [name for name, _ in self.labels]
        apart = [option for level, option in PARTS.items() if level in levels]
        shared = {k: v for k, v in self.options.items() if k not in apart}
        return digest_of([self.what, described(shared), levels, self.pairs], described)

    @property
    def key(self) -> str:
        """Digest of all that the result depends on; the threads are not among it."""
        tables = [source.checksum for source in self.sources]
        return digest_of(
            [self.question, self.labels, tables, _core.version, self.kernels, MEASURE], described
        )

    @property
    def partition(self) -> str:
        """Folders of the result below `out`, as Parquet data sets have them."""
        return "/".join(f"{name}={quote(str(value), safe='')}" for name, value in self.labels)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a task: a frame, the file that has it, or the reason why there is none."""

    frame: pd.DataFrame | None
    file: str | None
    seconds: float
    resumed: bool = False
    failed: str = ""


# --- what a worker does -------------------------------------------------------------------------


def run_task(task: Task) -> Done:
    """Answer the question, and write the answer if there is a place for it."""
    begun = time.perf_counter()
    if task.out is not None and task.resume and is_done(Path(task.out), task.key):
        return Done(None, task.out, 0.0, resumed=True)  # by a worker that was lost afterwards
    try:
        load_compiler() if task.what in COMPILED else load_blas("numpy", "scipy.linalg")
        frame = _answer(task)
        seconds = time.perf_counter() - begun
        if task.out is None:
            return Done(frame, None, seconds)
        _write(task, frame, Path(task.out))
    except (CarbonFlowsError, MemoryError) as error:  # raised, Dask would print the task as well
        reason = Phrase.of(error) or "not enough memory"
        return Done(None, None, time.perf_counter() - begun, failed=reason)
    return Done(None, task.out, seconds)


def _answer(task: Task) -> pd.DataFrame:
    for source in task.sources:
        source.require_unchanged()
    with pinned(task.threads, task.kernels), _blas_threads(task.threads):
        tables = [open(_place(source, task.copies)) for source in task.sources]
        frame = QUESTIONS[task.what](*tables, **task.options)
    for source in task.sources:
        source.require_unchanged()
    if any(task.drawn):
        drawn = [[_read(Path(file), key) for file, key in files] for files in task.drawn]
        of, seed, draws = (task.options[name] for name in ("of", "seed", "draws"))
        return with_draws(frame, drawn, of, seed, draws)
    return frame


def _place(source: Source, copies: str) -> str | Path:
    return local_copy(source.path, source.checksum, copies) if copies else source.path


def _read(path: Path, key: str) -> pd.DataFrame:
    """Read the result of a key."""
    if not is_done(path, key):
        raise StoreError.about(
            str(path),
            expected="the draws that were written",
            got="others, or none",
            remedy="run again, which makes what is missing",
        )
    return pd.read_parquet(path, partitioning=None)


_blas_lock = threading.Lock()
_blas_tasks: list[Any] = []  # one for each task of this process that runs, and the first limits


@contextmanager
def _blas_threads(threads: int) -> Iterator[None]:
    """Limit BLAS, which knows no threads of Python: the last task that ends lifts the limit."""
    from threadpoolctl import threadpool_limits

    with _blas_lock:
        _blas_tasks.append(None if _blas_tasks else threadpool_limits(threads, user_api="blas"))
    try:
        yield
    finally:
        with _blas_lock:
            if len(_blas_tasks) == 1:
                _blas_tasks[0].restore_original_limits()
            _blas_tasks.pop()


def written(path: Path) -> dict[str, Any]:
    """Return what the metadata of a result say of it: key, question, labels and attrs.

    Nothing of a file that cannot be read, a question of None of one that somebody else wrote.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, ValueError, pa.ArrowException):
        return {}
    if METADATA not in metadata:
        return {"question": None}
    try:
        found: dict[str, Any] = json.loads(metadata[METADATA])
    except ValueError:  # ours, damaged
        return {}
    return found


def is_done(path: Path, key: str) -> bool:
    """Whether a file has the result of a key, and every value that was written to it.

    This reads the file once; where its key is another one, only the end of it.
    """
    return written(path).get("key") == key and is_whole(path)


def is_whole(path: Path) -> bool:
    """Whether a result's values and what is said of them are those that were written."""
    import pyarrow.parquet as pq

    facts = written(path)
    digest = facts.pop("digest", None)
    try:
        table = pq.read_table(path, partitioning=None, page_checksum_verification=True)
        found = _digest_of(table.to_pandas(), facts)
    except Exception as error:  # what pyarrow and pandas raise where labels are damaged is no list
        log.debug("%s: %r", path, error)
        return False
    return bool(digest == found)


def _digest_of(columns: pd.DataFrame, facts: dict[str, Any]) -> str:
    types = [[str(name), str(dtype)] for name, dtype in columns.dtypes.items()]
    values = pd.util.hash_pandas_object(columns, index=False).to_numpy()
    return digest_of([facts, types, values], described)


def _write(task: Task, frame: pd.DataFrame, target: Path) -> None:
    """Write a result, which appears complete or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in abandoned(target):
            left.unlink(missing_ok=True)
    except OSError as error:
        raise InputError.about(
            "out", expected="a folder to write to", got=str(error), remedy="choose another"
        ) from error
    columns = frame.copy(deep=False) if frame.index.names == [None] else frame.reset_index()
    columns = columns.assign(**{name: frame.attrs.get(name, "") for name in MEASURE})
    columns.attrs = {}  # pandas would write them as well
    facts = {"key": task.key, "question": task.question, "labels": dict(task.labels)}
    facts |= {"version": _core.version, "instruction_set": task.kernels, "attrs": frame.attrs}
    table = pa.Table.from_pandas(columns, preserve_index=False)
    facts = json.loads(json.dumps(facts, default=str))  # as they will be read
    facts["digest"] = _digest_of(table.to_pandas(), facts)
    metadata = dict(table.schema.metadata or {}) | {METADATA: json.dumps(facts)}
    with replacing(target, "out") as fresh:
        whole = table.replace_schema_metadata(metadata)
        pq.write_table(whole, fresh, write_page_checksum=True)


NEEDS = {
    "accounts": (1.2, 60),
    "flows": (1.2, 60),
    "structural_paths": (2.0, 20),
    "sector_study": (1.2, 180),
    "structural_path_decomposition": (4.0, 40),
    "structural_decomposition": (14.0, 40),
    "uncertainty": (2.0, 60),
    "difference": (3.6, 120),
    "draws": (2.0, 60),
}
"""Times the bytes of a saved table, and vectors of its length a region, that each question touches
or makes: a seventh above what was measured on 49 regions × 200 products.
"""


def memory_of(what: str, manifest: dict[str, Any]) -> int:
    """Return bytes enough for a question about a saved table (two, if it compares years)."""
    tables, sides = NEEDS[what]
    stored = sum(record["bytes"] for record in manifest["files"].values())
    outputs = manifest["files"]["x"]["bytes"]
    return int(PROCESS_BYTES + tables * stored + sides * outputs * len(manifest["regions"]))


def require_room(needed: int, limit: float, whose: str) -> None:
    """Refuse a task that cannot fit.

    Raises
    ------
    MemoryLimitError
    """
    if needed > limit:
        raise MemoryLimitError.about(
            "workers",
            expected=f"{needed / 1e9:.1f} GB for each task, by the size of the tables and the "
            "question",
            got=f"{limit / 1e9:.1f} GB, which is what {whose}",
            remedy="use larger workers, or ask for less at a time",
        )
