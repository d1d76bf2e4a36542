"""A run of a panel: its options, its tasks, and the results as they arrive."""

from __future__ import annotations

import inspect
import logging
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from carbonflows_fast._base.arguments import one_of, positive, tolerance
from carbonflows_fast._base.files import given_path
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast._base.progress import ProgressBar
from carbonflows_fast.classification import country_of, regions_in
from carbonflows_fast.errors import InputError, LabelError, Phrase, shorten
from carbonflows_fast.panel._questions import FUNCTIONS
from carbonflows_fast.panel._tasks import MEASURE, Done, Source, Task, is_whole, written

__all__ = [
    "Drawn",
    "Found",
    "Question",
    "Run",
    "parts_of_draws",
    "questions_of",
    "run_options",
    "summary",
    "tasks_of",
]

WAIT = "CARBONFLOWS_WAIT"
POOL_WAIT = 600.0  # seconds for the processes of a pool on this machine

Part: TypeAlias = tuple[str, Any]
"""The level and label of one task among several that a question is divided into."""
Question: TypeAlias = tuple[tuple[int, ...], dict[str, Any], Part | None]
Drawn: TypeAlias = Mapping[int, tuple[tuple[str, str], ...]]

log = logging.getLogger("carbonflows_fast.panel")


class Run:
    """How to run, of the arguments that all methods take."""

    NAMES = ("years", "client", "out", "resume", "progress", "threads", "wait", "copies")

    def __init__(
        self,
        *,
        years: Any = None,
        client: Any = None,
        out: Any = None,
        resume: bool = True,
        progress: bool | None = None,
        threads: int = 1,
        wait: float | None = None,
        copies: Any = None,
    ) -> None:
        one_of("resume", resume, (True, False))
        self.years, self.client, self.resume, self.progress = years, client, resume, progress
        if out is not None and (not isinstance(out, str | os.PathLike) or not str(out)):
            raise InputError.about(
                "out", expected="a folder", got=repr(out), remedy="name one, or leave it out"
            )
        self.out = None if out is None else given_path("out", out).absolute()
        self.copies = "" if copies is None else str(given_path("copies", copies))
        self.threads = thread_count(threads)
        self.wait = _seconds(wait, cluster=client is not None)


def _seconds(wait: Any, *, cluster: bool) -> float:
    """Return how long to wait for workers."""
    name = "wait"
    if wait is None and os.environ.get(WAIT, "").strip():
        name, wait = WAIT, os.environ[WAIT]
    if wait is None:
        return math.inf if cluster else POOL_WAIT
    with suppress(ValueError):
        wait = float(wait) if isinstance(wait, str) else wait
    remedy = f"leave it out for {POOL_WAIT:g}, and no end on a cluster"
    return positive(name, wait, "number of seconds", remedy=remedy)


def run_options(what: str, options: dict[str, Any]) -> tuple[Run, dict[str, Any]]:
    """Split the arguments into how to run and what else is asked."""
    run = {name: options[name] for name in options if name in Run.NAMES}
    more = {name: options[name] for name in options if name not in run}
    parameters = inspect.signature(FUNCTIONS[what]).parameters
    known = [
        p.name for p in parameters.values() if p.kind is p.KEYWORD_ONLY and p.name != "threads"
    ]
    for name in more:
        if name not in known:
            raise InputError.about(
                name,
                expected=f"an argument of {what} ({', '.join(known)}) or of all "
                f"methods ({', '.join(Run.NAMES)})",
                got=repr(more[name]),
                remedy="give it to cf.Panel" if name == "workers" else "leave it out",
            )
    if more.get("rtol") is not None:
        rtol = tolerance(more["rtol"])
        # One question, whether the default is written out or not.
        more["rtol"] = None if rtol == parameters["rtol"].default else rtol
    return Run(**run), more


def tasks_of(
    what: str,
    questions: Sequence[Any],
    sources: dict[int, Source],
    run: Run,
    kernels: str,
    pairs: str,
    drawn: Drawn | None = None,
) -> list[Task]:
    """Return a task for each question: years, options, and which part of it if it has several.

    `drawn` are the files of each year's draws.
    """
    tasks = []
    for years, options, part in questions:
        labels: list[tuple[str, Any]] = list(zip(("since", "year")[-len(years) :], years))
        labels += [] if part is None else [part]
        chosen = tuple(sources[year] for year in years)
        files = tuple((drawn or {}).get(year, ()) for year in years)
        task = Task(
            what,
            chosen,
            tuple(labels),
            options,
            run.threads,
            kernels,
            None,
            run.resume,
            pairs,
            files,
            run.copies,
        )
        if run.out is not None:
            task = replace(task, out=str(run.out / what / task.partition / "part-0.parquet"))
        tasks.append(task)
    return tasks


def consumer_of(regions: Sequence[str], wanted: Any, year: int) -> tuple[str, str]:
    """Return what a consumer is filed under, and the demand to ask for.

    A country has the label of its one region; a group, whose members may be others in each year,
    the name that it was asked by.
    """
    mask = regions_in(regions, wanted, "consumers", year=year)
    if wanted in regions or (sum(mask) == 1 and country_of(wanted) is not None):
        label = str(regions[mask.index(True)])
        return label, label
    return wanted, wanted


def questions_of(
    chosen: Sequence[tuple[int, ...]],
    asked: dict[str, Any],
    consumers: Any,
    regions: Mapping[int, Sequence[str]],
) -> tuple[list[Question], dict[tuple[int, Part | None], str]]:
    """Return years, options, and the consumer if each is asked for alone; why some have no answer.

    `regions` are those of each last year. The second maps year and consumer to the reason.

    Raises
    ------
    InputError
        If no year knows a consumer, or demand is given as well.
    """
    if consumers is None:
        return [(years, asked, None) for years in chosen], {}
    if "demand" in asked or not isinstance(consumers, list | tuple | str) or not consumers:
        both = "demand" in asked
        raise InputError.about(
            "consumers",
            expected="'all' or a list of regions" + ", instead of demand" * both,
            got="demand as well" if both else repr(consumers),
            remedy="leave one of them out"
            if both
            else f"give e.g. {[*regions[chosen[0][-1]]][:2]!r}, or leave it out",
        )
    wanted = [consumers] if isinstance(consumers, str) else list(consumers)
    everyone = "all" in wanted
    questions, unknown, met = list[Question](), dict[tuple[int, Part | None], str](), set[Any]()
    complaints: dict[Any, LabelError] = {}
    for years in chosen:
        year, named = years[-1], dict[str, str]()
        for one in regions[year] if everyone else wanted:
            try:
                label, name = consumer_of(regions[year], one, year)
            except LabelError as error:
                complaints.setdefault(repr(one), error)
                label, name = str(one), one
                unknown[year, ("consumer", label)] = Phrase.of(error)
            else:
                met.add(repr(one))
            named[label] = name
        questions += [
            (years, asked | {"demand": name}, ("consumer", label)) for label, name in named.items()
        ]
    for one, complaint in complaints.items():
        if one not in met:
            raise complaint
    return questions, unknown


class Found:
    """Results as they come, in the order asked for in the end."""

    def __init__(self, what: str, run: Run) -> None:
        self.what, self.run = what, run
        self.tasks: list[Task] = []
        self.done: dict[str, Done] = {}

    def keep(self, task: Task, done: Done) -> None:
        """Take a result."""
        self.done[task.name] = done

    def of(self, year: int) -> list[Task]:
        """Return the tasks of a year that have results."""
        return [
            task for task in self.tasks if task.name in self.done and ("year", year) in task.labels
        ]

    def missing(self, tasks: list[Task], bar: ProgressBar) -> list[Task]:
        """Return the tasks whose results are not on disk; refuse a folder of other results."""
        self.tasks = tasks
        if self.run.out is None or not tasks:
            return tasks
        there, left = self.there(tasks), []
        for task in tasks:
            if task.name in self.done:
                continue
            file = str(task.out)
            if self.run.resume and there.get(file) == task.key and is_whole(Path(file)):
                self.done[task.name] = Done(None, task.out, 0.0, resumed=True)
                log.info("%s %s: resumed", task.what, task.name)
                bar.advance()
            else:
                left.append(task)
        return left

    def parts(self, year: int) -> list[tuple[int, int]]:
        """Return first and last numbers of the draws of a year that are on disk."""
        found = []
        if self.run.out is not None:
            for file in (self.run.out / self.what / f"year={year}").glob("draws=*/part-0.parquet"):
                first, _, last = file.parent.name.removeprefix("draws=").partition("-")
                if first.isdigit() and last.isdigit():
                    found.append((int(first), int(last)))
        return found

    def there(self, tasks: Sequence[Task]) -> dict[str, str | None]:
        """Return the keys of the results on disk, all of which must answer one question."""
        folder, question = Path(str(self.run.out)) / self.what, tasks[0].question
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise PermissionError(f"no right to write to {folder}")
            found = {str(file): written(file) for file in sorted(folder.rglob("*.parquet"))}
        except OSError as error:
            raise InputError.about(
                "out", expected="a folder to write to", got=str(error), remedy="choose another"
            ) from error
        for file, facts in found.items():
            if facts and facts.get("question") != question and _is_another(Path(file), facts):
                raise InputError.about(
                    "out",
                    expected=f"a folder for {self.what} with these options",
                    got=f"{file}, with the answer to another question",
                    remedy="choose another folder, or delete that one",
                )
        return {file: facts.get("key") for file, facts in found.items()}

    def result(self) -> pd.DataFrame | list[Path]:
        """Return files, or all frames under each other."""
        finished = [task for task in self.tasks if task.name in self.done]
        if self.run.out is not None:
            return [Path(str(self.done[task.name].file)) for task in finished]
        answers = [(task, self.done[task.name].frame) for task in finished]
        about = {task.name: frame.attrs for task, frame in answers if frame is not None}
        if not about:
            return pd.DataFrame()
        # Years of several units or stressors are never one column without a word.
        differ = [n for n in MEASURE if len({str(a.get(n)) for a in about.values()}) > 1]
        result = pd.concat(
            [
                _labelled(frame.assign(**{n: frame.attrs.get(n, "") for n in differ}), task.labels)
                for task, frame in answers
                if frame is not None
            ]
        )
        first = next(iter(about.values()))
        same = {n: v for n, v in first.items() if all(a.get(n) == v for a in about.values())}
        result.attrs = same | {"by_task": about}
        return result


def parts_of_draws(
    there: Sequence[tuple[int, int]], draws: int, most: int
) -> list[tuple[int, int]]:
    """Divide draws into ranges: those that are there already, and what is missing between them.

    >>> parts_of_draws([], 60, 25)
    [(0, 24), (25, 49), (50, 59)]
    >>> parts_of_draws([(0, 24), (25, 29)], 60, 25)
    [(0, 24), (25, 29), (30, 54), (55, 59)]
    >>> parts_of_draws([(5, 9)], 8, 25)
    [(0, 4), (5, 9)]
    """
    parts, first = list[tuple[int, int]](), 0
    while first < draws:
        last = max((end for begin, end in there if begin == first), default=-1)
        if last < first:
            ends = [begin - 1 for begin, _ in there if begin > first]
            last = min(first + most - 1, draws - 1, *ends)
        parts.append((first, last))
        first = last + 1
    return parts


def summary(what: str, failed: dict[str, str], asked: int) -> str:
    """Say what failed and why, each reason once, in a fixed order.

    >>> summary("flows", {"2001": "gone", "2000": "broken", "1999": "gone"}, 3)
    'flows: 3 of 3 failed, none is done; 1999, 2001: gone; 2000: broken'
    """
    by_reason: dict[str, list[str]] = {}
    for name, reason in sorted(failed.items()):
        by_reason.setdefault(reason, []).append(name)
    others = "none is done" if len(failed) == asked else "the others are done"
    parts = [f"{what}: {len(failed)} of {asked} failed, {others}"]
    for reason, names in by_reason.items():
        parts += [f"; {shorten(names)}: ", reason]
    return Phrase.of(*parts)


def _is_another(file: Path, facts: dict[str, Any]) -> bool:
    """Whether a file with another question is not just one of ours that was damaged."""
    return facts.get("question") is None or is_whole(file)


def _labelled(frame: pd.DataFrame, labels: Sequence[tuple[str, Any]]) -> pd.DataFrame:
    """Put levels in front of the index; rows that were only counted keep no number."""
    own = [frame.index.get_level_values(level) for level in frame.index.names if level is not None]
    levels = [pd.Index([value] * len(frame), name=name) for name, value in labels] + own
    made = frame.copy(deep=False)
    made.attrs = {}
    made.index = levels[0] if len(levels) == 1 else pd.MultiIndex.from_arrays(levels)
    return made
