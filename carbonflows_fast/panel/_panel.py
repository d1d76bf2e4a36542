"""Decades of tables: any question over years and regions, in parallel.

A panel is a folder of saved tables, one per year. Each task opens its table by path where it runs.
Nothing large is sent between processes, and a worker needs the memory of one year.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from carbonflows_fast._base.arguments import one_of, whole
from carbonflows_fast._base.files import given_path
from carbonflows_fast._base.machine import instruction_set
from carbonflows_fast._base.progress import progress_bar
from carbonflows_fast.errors import InputError, PanelError, Phrase, StoreError
from carbonflows_fast.panel._here import answered, collect, places, seconds_of
from carbonflows_fast.panel._run import Found, Run, questions_of, run_options, summary, tasks_of
from carbonflows_fast.panel._tasks import Source, described, memory_of
from carbonflows_fast.panel._years import another_year, chosen_years, known_year, stores_in
from carbonflows_fast.store import manifest_of, open
from carbonflows_fast.table._table_argument import kind_of

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Panel"]

PAIRS = ("chained", "ends", "all")


class Panel:
    """A folder of saved tables, one per year, and every question about them.

    Parameters
    ----------
    folder : path
        A folder of tables that :func:`save` wrote, each of a different year.
    workers : int, optional
        Processes of the pool on this machine. The default is limited by processors, tasks and
        memory. If the tables are so small that a pool would take longer to start than it saves,
        there is no pool: this process does all tasks, with the same bits. Not used if `client` is
        given.

    Raises
    ------
    StoreError
        If there is no saved table in the folder, or one is damaged.
    InputError
        If a table has no year, or two have the same.

    Notes
    -----
    All methods take the arguments of the function of their name, and

    years : int, sequence of int, range or slice, optional
        Which years; the default is all. `slice(2000, 2009)` means the existing years from 2000 to
        2009, both included. Years named one by one must exist.
    client : distributed.Client or str, optional
        Where to run: a client, or the address of a scheduler. Without it, the run is on this
        machine, with a pool of processes if that saves time. The tables must have the same path on
        all workers.
    out : path, optional
        Folder for a Parquet data set: each task writes one file there, which appears complete or
        not at all, and the call returns the list of files.
    resume : bool
        Skip results that `out` already has (the default): files with the same table, options,
        version of this package and instruction set, and with undamaged values. Each of these files
        is read once to check it, which takes a small part of the time of its computation.
    progress : bool, optional
        Whether to show a progress bar. The default is only on a terminal.
    threads : int
        Threads of the core in each task. The default is 1, because tasks run side by side.
    wait : float, optional
        Seconds to wait for workers. The default is `CARBONFLOWS_WAIT`, else 600 for a pool on this
        machine, and no limit on a cluster, whose queue may be long.

    They return a DataFrame whose index begins with a level `year`, or for pairs of years with
    `since` and `year`. `attrs["by_task"]` has the attrs of each year's result (units, totals, error
    bounds, remainders). Every number has the bits that the single function gives on one thread. If
    some years fail, the others are still computed; :class:`PanelError` then names the failed years
    with the reasons, and has the results.

    Examples
    --------
    >>> import tempfile, pathlib, carbonflows_fast as cf
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for year in (2018, 2019):
    ...     path = cf.save(cf.synthetic.world(2, 3, year=year), folder / str(year))
    >>> cf.Panel(folder).years
    (2018, 2019)
    """

    def __init__(self, folder: str | os.PathLike[str], *, workers: int | None = None) -> None:
        if not isinstance(folder, str | os.PathLike):
            raise InputError.about(
                "folder",
                expected="a path",
                got=kind_of(folder),
                remedy="name the folder of saved tables",
            )
        self.folder = given_path("folder", folder).absolute()
        remedy = "leave it out for as many as there are processors"
        self.workers = None if workers is None else whole("workers", workers, remedy=remedy)
        self._manifests: dict[int, dict[str, Any]] = {}
        self._paths: dict[int, Path] = {}
        for path in stores_in(self.folder):
            manifest = manifest_of(path)
            year = manifest["year"]
            if year is None or year in self._paths:
                same = "" if year is None else f", the year of {self._paths[year]} too"
                raise InputError.about(
                    "folder",
                    expected="saved tables with one year each",
                    got=f"{path} with {'none' if year is None else year}{same}",
                    remedy="keep it elsewhere, or in Python set its year: "
                    "cf.save(table.with_changes(year=...), ...)",
                )
            self._paths[year], self._manifests[year] = path, manifest
        self._paths = dict(sorted(self._paths.items()))

    @property
    def years(self) -> tuple[int, ...]:
        """All years, in order."""
        return tuple(self._paths)

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions of the last year."""
        return tuple(self._manifests[self.years[-1]]["regions"])

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[int]:
        return iter(self._paths)

    def __contains__(self, year: object) -> bool:
        return year in self.years

    def __getitem__(self, year: int) -> Table:
        """Open the table of a year."""
        path = self.path(year)
        table = open(path)
        if table.year != year:
            raise another_year(path, year, table.year)
        return table

    def path(self, year: int) -> Path:
        """Return where the table of a year is saved.

        Parameters
        ----------
        year : int

        Raises
        ------
        InputError
            If there is none.
        """
        return self._paths[known_year(self.years, year)]

    def __repr__(self) -> str:
        years = self.years
        return f"Panel({str(self.folder)!r}, {len(years)} years: {years[0]}–{years[-1]})"

    # --- questions of a year ----------------------------------------------------------------

    def accounts(
        self, stressor: Any = None, *, demand: Any = None, **options: Any
    ) -> pd.DataFrame | list[Path]:
        """Return production and consumption accounts, index (year, region): :func:`accounts`.

        Parameters
        ----------
        stressor, demand
            The arguments of the function.
        **options
            rtol of the function; years, client, out, resume, progress and threads: see
            :class:`Panel`.
        """
        return self._ask_years("accounts", {"stressor": stressor, "demand": demand}, options)

    def flows(
        self, stressor: Any = None, *, demand: Any = None, **options: Any
    ) -> pd.DataFrame | list[Path]:
        """Return flows between regions, index year; columns from, to, value, share:
        :func:`flows`.

        Parameters
        ----------
        stressor, demand, **options
            The arguments of the function; years, client, out and more: see :class:`Panel`.
        """
        return self._ask_years("flows", {"stressor": stressor, "demand": demand}, options)

    def structural_paths(
        self, stressor: Any = None, *, demand: Any = None, consumers: Any = None, **options: Any
    ) -> pd.DataFrame | list[Path]:
        """Return the supply chains that carry most, index year: :func:`structural_paths`.

        Parameters
        ----------
        consumers : list of regions, countries or groups, or "all", optional
            Ask for the final demand of each of these separately, each in its own task. The result
            has a level `consumer`. "EU" is the membership of each year. A year that lacks one of
            them fails for that one only; a name that no year has is refused at once.
        stressor, demand, **options
            The arguments of the function; years, client, out and more: see :class:`Panel`.
        """
        asked = {"stressor": stressor, "demand": demand}
        return self._ask_years("structural_paths", asked, options, consumers)

    def sector_study(
        self,
        stressor: Any = None,
        *,
        sectors: Any,
        demand: Any = None,
        consumers: Any = None,
        **options: Any,
    ) -> pd.DataFrame | list[Path]:
        """Return emitted × made × consumed, index year: `flow` of :func:`sector_study`.

        Parameters
        ----------
        stressor, sectors, demand, **options
            The arguments of the function; years, client, out and more: see :class:`Panel`.
        consumers : list of regions, countries or groups, or "all", optional
            Ask for the final demand of each of these separately: see :meth:`structural_paths`.
        """
        asked = {"stressor": stressor, "sectors": sectors, "demand": demand}
        return self._ask_years("sector_study", asked, options, consumers)

    # --- questions of two years -------------------------------------------------------------

    def structural_path_decomposition(
        self,
        stressor: Any = None,
        *,
        demand: Any = None,
        consumers: Any = None,
        pairs: Literal["chained", "ends", "all"] = "chained",
        **options: Any,
    ) -> pd.DataFrame | list[Path]:
        """Return the supply chains that changed most: :func:`structural_path_decomposition`.

        Parameters
        ----------
        pairs : {"chained", "ends", "all"}
            Each year against the one before it, the last against the first, or all pairs.
        stressor, demand, **options
            The arguments of the function; years, client, out and more: see :class:`Panel`.
        consumers : list of regions, countries or groups, or "all", optional
            Ask for the final demand of each of these separately: see :meth:`structural_paths`.
        """
        asked = {"stressor": stressor, "demand": demand}
        what = "structural_path_decomposition"
        return self._ask_pairs(what, asked, pairs, options, consumers)

    def structural_decomposition(
        self,
        stressor: Any = None,
        *,
        demand: Any = None,
        consumers: Any = None,
        pairs: Literal["chained", "ends", "all"] = "chained",
        **options: Any,
    ) -> pd.DataFrame | list[Path]:
        """Return what changes are due to, index (since, year, factor):
        :func:`structural_decomposition`.

        Chained effects add up over the years. They differ from those of "ends".

        Parameters
        ----------
        stressor, demand, **options
            The arguments of the function; years, client, out and more: see :class:`Panel`.
        consumers : list of regions, countries or groups, or "all", optional
            Ask for the final demand of each of these separately: see :meth:`structural_paths`.
        pairs : {"chained", "ends", "all"}
            Each year against the one before it, the last against the first, or all pairs.
        """
        asked = {"stressor": stressor, "demand": demand}
        return self._ask_pairs("structural_decomposition", asked, pairs, options, consumers)

    # --- from questions to tasks ------------------------------------------------------------

    def _ask_years(
        self, what: str, asked: dict[str, Any], options: dict[str, Any], consumers: Any = None
    ) -> pd.DataFrame | list[Path]:
        run, more = run_options(what, options)
        chosen = [(year,) for year in chosen_years(self.years, run.years)]
        return self._run(what, chosen, asked | more, consumers, run, "")

    def _ask_pairs(
        self, what: str, asked: dict[str, Any], pairs: str, options: dict[str, Any], consumers: Any
    ) -> pd.DataFrame | list[Path]:
        one_of("pairs", pairs, PAIRS)
        run, more = run_options(what, options)
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
        return self._run(what, chosen[pairs], asked | more, consumers, run, pairs)

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
        sources, broken = self._sources(sorted({year for years in chosen for year in years}))
        regions = {years[-1]: self._manifests[years[-1]]["regions"] for years in chosen}
        questions, unknown = questions_of(chosen, asked, consumers, regions)
        named = tasks_of(what, questions, sources, run, "", pairs)
        failed, possible = {}, []
        for task, (years, options, label) in zip(named, questions):
            reasons = [unknown.get((years[-1], label), ""), *(broken.get(y, "") for y in years)]
            if any(reasons):
                failed[task.name] = next(filter(None, reasons))
            else:
                possible.append((years, options, label))
        found = Found(what, run)
        if possible:
            failed |= self._compute(what, possible, sources, run, pairs, found)
        if failed:
            raise PanelError(summary(what, failed, len(questions)), failed, found.result())
        return found.result()

    def _compute(
        self,
        what: str,
        questions: Sequence[Any],
        sources: dict[int, Source],
        run: Run,
        pairs: str,
        found: Found,
    ) -> dict[str, str]:
        """Answer questions, and return the reasons of what failed."""
        memory = max(
            memory_of(what, self._manifests[year]) for years, *_ in questions for year in years
        )
        with progress_bar(what.replace("_", " "), len(questions), run.progress) as bar:
            if run.client is not None:
                from carbonflows_fast.panel._pool import connected  # which imports Dask

                with connected(run.client, memory, bar, run.wait) as pool:
                    made = tasks_of(what, questions, sources, run, pool.kernels, pairs)
                    return pool.run(found.missing(made, bar), bar, found.keep)
            made = tasks_of(what, questions, sources, run, instruction_set(), pairs)
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
