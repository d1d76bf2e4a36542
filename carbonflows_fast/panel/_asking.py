"""From questions to tasks, and from these to one result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast._base.machine import instruction_set
from carbonflows_fast._base.progress import progress_bar
from carbonflows_fast.errors import CarbonFlowsError, InputError, PanelError, Phrase, StoreError
from carbonflows_fast.panel._described import described
from carbonflows_fast.panel._here import answered, collect, places, seconds_of
from carbonflows_fast.panel._run import (
    Drawn,
    Found,
    Question,
    Run,
    parts_of_draws,
    questions_of,
    run_options,
    summary,
    tasks_of,
)
from carbonflows_fast.panel._tasks import Source, memory_of
from carbonflows_fast.panel._years import another_year, chosen_years
from carbonflows_fast.store import manifest_of
from carbonflows_fast.uncertainties._some_draws import with_draws

__all__ = ["Asking"]

PAIRS = ("chained", "ends", "all")
DRAWS_IN_A_TASK = 25
"""Draws of a task. Each task first solves the table itself; 25 draws take several times as long."""


class Asking:
    """Saved tables of several years, and how questions about them are answered."""

    workers: int | None
    _manifests: dict[int, dict[str, Any]]
    _paths: dict[int, Path]

    @property
    def years(self) -> tuple[int, ...]:
        """All years, in order."""
        return tuple(self._paths)

    def _ask_years(
        self, what: str, asked: dict[str, Any], options: dict[str, Any], consumers: Any = None
    ) -> pd.DataFrame | list[Path]:
        run, more = run_options(what, options)
        chosen = [(year,) for year in chosen_years(self.years, run.years)]
        return self._run(what, chosen, asked | more, consumers, run, "")

    def _ask_pairs(
        self, what: str, asked: dict[str, Any], pairs: str, options: dict[str, Any], consumers: Any
    ) -> pd.DataFrame | list[Path]:
        run, more = run_options(what, options)
        chosen = self._pairs(pairs, run)
        return self._run(what, chosen, asked | more, consumers, run, pairs)

    def _pairs(self, pairs: str, run: Run) -> Sequence[tuple[int, ...]]:
        one_of("pairs", pairs, PAIRS)
        years = chosen_years(self.years, run.years)
        if len(years) < 2:
            raise InputError.about(
                "years", expected="two or more", got=f"{years}", remedy="name another year"
            )
        chosen: dict[str, Sequence[tuple[int, ...]]] = {
            "chained": list(pairwise(years)),
            "ends": [(years[0], years[-1])],
            "all": list(combinations(years, 2)),
        }
        return chosen[pairs]

    def _run(
        self,
        what: str,
        chosen: Sequence[tuple[int, ...]],
        asked: dict[str, Any],
        consumers: Any,
        run: Run,
        pairs: str,
    ) -> pd.DataFrame | list[Path]:
        described(asked)  # complains before anything is started
        asked = {name: value for name, value in asked.items() if value is not None}
        found = Found(what, run)
        # Broken tables have the regions that they had.
        regions = {years[-1]: self._manifests[years[-1]]["regions"] for years in chosen}
        questions, unknown = questions_of(chosen, asked, consumers, regions)

        def reason(question: Question) -> str:
            years, _, part = question
            return unknown.get((years[-1], part), "")

        failed = self._answer(questions, found, pairs, reason)
        return self._result(found, failed, len(questions))

    def _result(
        self, found: Found, failed: dict[str, str], asked: int
    ) -> pd.DataFrame | list[Path]:
        if failed:
            raise PanelError(summary(found.what, failed, asked), failed, found.result())
        return found.result()

    # --- how sure -------------------------------------------------------------------------------

    def _ask_how_sure(
        self,
        what: str,
        chosen: Sequence[tuple[int, ...]],
        asked: dict[str, Any],
        draws: int | None,
        run: Run,
        pairs: str,
    ) -> pd.DataFrame | list[Path]:
        """Draw in tasks of some draws each; then take the first order, and put the draws in."""
        described(asked)
        asked = {name: value for name, value in asked.items() if value is not None}
        drawn, lost = Found("draws", run), dict[int, str]()
        if draws is not None:
            self._require_place(what, [(years, asked | {"draws": draws}, None) for years in chosen],
                                run, pairs)  # fmt: skip
            lost = self._draw(sorted({year for years in chosen for year in years}), asked, draws,
                              drawn)  # fmt: skip
            asked = asked | {"draws": draws}
        files: Drawn = {}
        if run.out is not None and draws is not None:
            files = {year: tuple((str(task.out), task.key) for task in drawn.of(year))
                     for years in chosen for year in years}  # fmt: skip
        found = Found(what, run)
        questions: list[Question] = [(years, asked, None) for years in chosen]

        def reason(question: Question) -> str:
            return next(filter(None, (lost.get(year, "") for year in question[0])), "")

        failed = self._answer(questions, found, pairs, reason, files)
        if draws is not None and run.out is None:
            failed |= _put_together(found, drawn, asked)
        return self._result(found, failed, len(questions))

    def _require_place(
        self, what: str, questions: Sequence[Question], run: Run, pairs: str
    ) -> None:
        """Refuse a folder that has the answer to another question before anything is drawn."""
        if run.out is not None:
            empty = {year: Source("", "", ()) for years, *_ in questions for year in years}
            Found(what, run).there(tasks_of(what, questions, empty, run, "", pairs))

    def _draw(
        self, years: Sequence[int], asked: dict[str, Any], draws: int, drawn: Found
    ) -> dict[int, str]:
        """Make the draws of these years, and return the reasons of what failed, by year."""
        questions: list[Question] = [
            ((year,), asked | {"numbers": [first, last]}, ("draws", f"{first}-{last}"))
            for year in years
            for first, last in parts_of_draws(drawn.parts(year), draws, DRAWS_IN_A_TASK)
        ]
        failed, lost = self._answer(questions, drawn, ""), dict[int, str]()
        for (year,), _, part in questions:
            label = part[1] if part else ""
            name = f"{year}, draws {label}"
            if name in failed:
                lost.setdefault(year, Phrase.of(f"draws {label}: ", failed[name]))
        return lost

    # --- tasks ----------------------------------------------------------------------------------

    def _answer(
        self,
        questions: Sequence[Question],
        found: Found,
        pairs: str,
        reason: Callable[[Question], str] = lambda _: "",
        drawn: Drawn | None = None,
    ) -> dict[str, str]:
        """Answer questions that have no reason to fail; return the reasons of what failed."""
        what, run = found.what, found.run
        sources, broken = self._sources(sorted({year for years, *_ in questions for year in years}))
        failed, possible = {}, []
        for task, question in zip(tasks_of(what, questions, sources, run, "", pairs), questions):
            reasons = [reason(question), *(broken.get(year, "") for year in question[0])]
            if any(reasons):
                failed[task.name] = next(filter(None, reasons))
            else:
                possible.append(question)
        if possible:
            failed |= self._compute(what, possible, sources, run, pairs, found, drawn)
        return failed

    def _compute(
        self,
        what: str,
        questions: Sequence[Any],
        sources: dict[int, Source],
        run: Run,
        pairs: str,
        found: Found,
        drawn: Drawn | None,
    ) -> dict[str, str]:
        """Answer questions, and return the reasons of what failed."""
        memory = max(
            memory_of(what, self._manifests[year]) for years, *_ in questions for year in years
        )
        with progress_bar(what.replace("_", " "), len(questions), run.progress) as bar:
            if run.client is not None:
                from carbonflows_fast.panel._pool import connected  # which imports Dask

                with connected(run.client, memory, bar, run.wait) as pool:
                    made = tasks_of(what, questions, sources, run, pool.kernels, pairs, drawn)
                    return pool.run(found.missing(made, bar), bar, found.keep)
            made = tasks_of(what, questions, sources, run, instruction_set(), pairs, drawn)
            waiting = found.missing(made, bar)
            if not waiting:
                return {}
            longest = {
                task.name: max(seconds_of(what, self._manifests[year]) for year in years)
                for task, (years, *_) in zip(made, questions)
            }
            count = places(self.workers, [longest[task.name] for task in waiting], memory)
            answers = answered(waiting, count, memory, bar, run.wait)
            return collect(answers, bar, found.keep)

    def _sources(self, years: Sequence[int]) -> tuple[dict[int, Source], dict[int, str]]:
        """Look again at tables, which may have been replaced; return the reasons of broken ones.

        A broken one has an empty source, so that its tasks can be named.
        """
        sources, broken = dict[int, Source](), dict[int, str]()
        for year in years:
            path = self._paths[year]
            try:
                sources[year] = Source.of(path)
                manifest = manifest_of(path)
                if manifest["year"] != year:
                    raise another_year(path, year, manifest["year"])
                self._manifests[year] = manifest
            except (StoreError, OSError) as error:
                sources[year], broken[year] = Source(str(path), "", ()), Phrase.of(error)
        return sources, broken


def _put_together(found: Found, drawn: Found, asked: dict[str, Any]) -> dict[str, str]:
    """Put draws into the frames of the first order; return the reasons of what failed."""
    failed = dict[str, str]()
    for task in [task for task in found.tasks if task.name in found.done]:
        done = found.done[task.name]
        years = [year for level, year in task.labels if level in ("since", "year")]
        parts = [[drawn.done[one.name].frame for one in drawn.of(year)] for year in years]
        try:
            frame: Any = done.frame
            made: Any = parts  # each has a frame, since nothing was written
            frame = with_draws(frame, made, asked["of"], asked["seed"], asked["draws"])
            found.done[task.name] = replace(done, frame=frame)
        except CarbonFlowsError as error:
            failed[task.name] = Phrase.of(error)
            del found.done[task.name]
    return failed
