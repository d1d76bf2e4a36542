"""Decades of tables: any question over years and regions, in parallel on Dask.

A panel is a folder of saved tables, one a year. Each task opens its table by path where it runs,
so nothing large travels between processes, and one year's memory is all that a worker needs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from carbonflows_fast._machine import instruction_set
from carbonflows_fast._panel_memory import memory_of
from carbonflows_fast._panel_run import Found, Run, run_options, tasks_of
from carbonflows_fast._panel_tasks import Source, described
from carbonflows_fast._progress import progress_bar
from carbonflows_fast.errors import InputError, PanelError, StoreError, nearest, shorten, wrong
from carbonflows_fast.store import is_store, manifest_of, open

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Panel"]

PAIRS = ("chained", "ends", "all")


class Panel:
    """A folder of saved tables, one a year, and every question about them.

    Parameters
    ----------
    folder : path
        Holds tables that :func:`save` wrote, each of another year.
    workers : int, optional
        Processes of the pool on this machine; by default as many as there are processors, tasks
        and room in memory. It does not matter where `client` is given.

    Raises
    ------
    StoreError
        If there is no saved table in the folder, or one is damaged.
    InputError
        If a table has no year, or two have the same.

    Notes
    -----
    All methods take the arguments of the function of their name, and

    years : sequence of int, range or slice, optional
        Which years; all by default.
    client : distributed.Client or str, optional
        Where to run: a client, or the address of a scheduler. Without it, a pool of processes on
        this machine is made and closed. The tables must have the same path on all workers.
    out : path, optional
        Folder for a Parquet data set: each task writes one file there, which appears complete or
        not at all, and the call returns the list of files.
    resume : bool
        Leave out what `out` has already: files whose table, options, version of this package and
        instruction set are the same (True by default).
    progress : bool, optional
        A bar; by default on a terminal only.
    threads : int
        Of the core in each task, 1 by default: tasks run side by side.

    They return a DataFrame with a level `year` in front of the index, and for pairs of years
    `since` and `year`; `attrs["by_task"]` has the attrs of each year's result (units, totals,
    error bounds, remainders). Every number has the bits that the single function gives on one
    thread. Where some years fail the others are computed all the same; then :class:`PanelError`
    names them with the reasons, and has the results.

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
        self.folder = Path(folder).absolute()
        if workers is not None and (
            isinstance(workers, bool) or not isinstance(workers, int | np.integer) or workers < 1
        ):
            raise InputError(
                wrong("workers", expected="a whole number of at least 1", got=repr(workers),
                      remedy="leave it out for as many as there are processors")
            )  # fmt: skip
        self.workers = None if workers is None else int(workers)
        self._manifests: dict[int, dict[str, Any]] = {}
        self._paths: dict[int, Path] = {}
        for path in _stores(self.folder):
            manifest = manifest_of(path)
            year = manifest["year"]
            if year is None or year in self._paths:
                same = "" if year is None else f", the year of {self._paths[year]} too"
                raise InputError(
                    wrong("folder", expected="saved tables with one year each",
                          got=f"{path} with {'none' if year is None else year}{same}",
                          remedy="set year= where the table is made, or keep it elsewhere")
                )  # fmt: skip
            self._paths[year], self._manifests[year] = path, manifest
        self._paths = dict(sorted(self._paths.items()))

    @property
    def years(self) -> tuple[int, ...]:
        """All years, in order."""
        return tuple(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, year: int) -> Table:
        """Open the table of a year."""
        return open(self._paths[self._known(year)])

    def __repr__(self) -> str:
        years = self.years
        return f"Panel({str(self.folder)!r}, {len(years)} years: {years[0]}–{years[-1]})"

    # --- questions of a year ----------------------------------------------------------------

    def accounts(
        self, stressor: Any = None, *, demand: Any = None, **run: Any
    ) -> pd.DataFrame | list[Path]:
        """Return production and consumption accounts, index (year, region): :func:`accounts`."""
        return self._ask_years("accounts", {"stressor": stressor, "demand": demand}, run)

    def flows(
        self, stressor: Any = None, *, demand: Any = None, **run: Any
    ) -> pd.DataFrame | list[Path]:
        """Return flows between regions, index year; columns from, to, value, share:
        :func:`flows`.
        """
        return self._ask_years("flows", {"stressor": stressor, "demand": demand}, run)

    def structural_paths(
        self, stressor: Any = None, *, demand: Any = None, consumers: Any = None, **options: Any
    ) -> pd.DataFrame | list[Path]:
        """Return the supply chains that carry most, index year: :func:`structural_paths`.

        Parameters
        ----------
        consumers : list of regions, or "all", optional
            Ask for the final demand of each of these alone, in tasks of their own; the result has
            a level `consumer`.
        """
        asked = {"stressor": stressor, "demand": demand}
        return self._ask_years("structural_paths", asked, options, consumers)

    def sector_study(
        self, stressor: Any = None, *, sectors: Any, demand: Any = None, consumers: Any = None,
        **run: Any,
    ) -> pd.DataFrame | list[Path]:  # fmt: skip
        """Return emitted × made × consumed, index year: `flow` of :func:`sector_study`.

        `consumers` is as for :meth:`structural_paths`.
        """
        asked = {"stressor": stressor, "sectors": sectors, "demand": demand}
        return self._ask_years("sector_study", asked, run, consumers)

    # --- questions of two years -------------------------------------------------------------

    def structural_path_decomposition(
        self, stressor: Any = None, *, demand: Any = None, consumers: Any = None,
        pairs: Literal["chained", "ends", "all"] = "chained", **options: Any,
    ) -> pd.DataFrame | list[Path]:  # fmt: skip
        """Return the supply chains that changed most: :func:`structural_path_decomposition`.

        Parameters
        ----------
        pairs : {"chained", "ends", "all"}
            Each year against the one before it, the last against the first, or all pairs.
        consumers
            As for :meth:`structural_paths`.
        """
        asked = {"stressor": stressor, "demand": demand}
        what = "structural_path_decomposition"
        return self._ask_pairs(what, asked, pairs, options, consumers)

    def structural_decomposition(
        self, stressor: Any = None, *, demand: Any = None, consumers: Any = None,
        pairs: Literal["chained", "ends", "all"] = "chained", **options: Any,
    ) -> pd.DataFrame | list[Path]:  # fmt: skip
        """Return what changes are due to, index (since, year, factor):
        :func:`structural_decomposition`.

        `pairs` and `consumers` are as for :meth:`structural_path_decomposition`. Chained effects
        may be added up over the years; they are not those of "ends".
        """
        asked = {"stressor": stressor, "demand": demand}
        return self._ask_pairs("structural_decomposition", asked, pairs, options, consumers)

    # --- from questions to tasks ------------------------------------------------------------

    def _ask_years(
        self, what: str, asked: dict[str, Any], options: dict[str, Any], consumers: Any = None
    ) -> pd.DataFrame | list[Path]:
        run, more = run_options(what, options)
        chosen = [(year,) for year in self._chosen(run.years)]
        return self._run(what, chosen, asked | more, consumers, run)

    def _ask_pairs(
        self, what: str, asked: dict[str, Any], pairs: str, options: dict[str, Any], consumers: Any
    ) -> pd.DataFrame | list[Path]:
        if not isinstance(pairs, str) or pairs not in PAIRS:
            raise InputError(
                wrong("pairs", expected=f"one of {', '.join(PAIRS)}", got=repr(pairs),
                      remedy="choose one")
            )  # fmt: skip
        run, more = run_options(what, options)
        years = self._chosen(run.years)
        if len(years) < 2:
            raise InputError(
                wrong("years", expected="two or more", got=f"{years}", remedy="name another year")
            )
        chosen: dict[str, Sequence[tuple[int, ...]]] = {
            "chained": list(pairwise(years)),
            "ends": [(years[0], years[-1])],
            "all": list(combinations(years, 2)),
        }
        return self._run(what, chosen[pairs], asked | more, consumers, run)

    def _run(
        self, what: str, chosen: Sequence[tuple[int, ...]], asked: dict[str, Any], consumers: Any,
        run: Run,
    ) -> pd.DataFrame | list[Path]:  # fmt: skip
        from carbonflows_fast._panel_pool import connected

        described(asked)  # complains before anything is started
        asked = {name: value for name, value in asked.items() if value is not None}
        sources = {year: self._source(year) for years in chosen for year in years}
        questions = list(self._questions(chosen, asked, consumers))
        years = {year: self._manifests[year] for year in sources}
        memory = max(memory_of(what, self._paths[year], years[year]) for year in years)
        found = Found(what, run)
        with progress_bar(what.replace("_", " "), len(questions), run.progress) as bar:
            # On this machine it is known what is on disk already before there are any workers.
            left = len(questions)
            if run.client is None:
                made = tasks_of(what, questions, sources, run, instruction_set())
                left = len(found.missing(made, bar))
                if not left:
                    return found.result()
            with connected(run.client, self.workers, left, memory, bar) as pool:
                made = tasks_of(what, questions, sources, run, pool.kernels)
                failed = pool.run(found.missing(made, bar), bar, found.keep)
        if failed:
            others = "none is done" if len(failed) == len(questions) else "the others are done"
            raise PanelError(
                f"{what}: {len(failed)} of {len(questions)} failed, {others}; "
                + "; ".join(f"{name}: {reason}" for name, reason in failed.items()),
                failed,
                found.result(),
            )
        return found.result()

    def _source(self, year: int) -> Source:
        """Look at the table of a year anew: it may have been saved again since."""
        path = self._paths[year]
        source = Source.of(path)
        self._manifests[year] = manifest = manifest_of(path)
        if manifest["year"] != year:
            raise StoreError(
                f"{path}: expected the table of {year}, which it was when the panel was made, got "
                f"that of {manifest['year']}; make the panel again"
            )
        return source

    def _questions(
        self, chosen: Sequence[tuple[int, ...]], asked: dict[str, Any], consumers: Any
    ) -> Iterator[tuple[tuple[int, ...], dict[str, Any], str | None]]:
        """Yield years, options, and the consumer if each is asked for alone."""
        if consumers is None:
            yield from ((years, asked, None) for years in chosen)
            return
        if "demand" in asked or not isinstance(consumers, list | tuple | str) or not consumers:
            got = "demand as well" if "demand" in asked else repr(consumers)
            raise InputError(
                wrong("consumers", expected="'all' or a list of regions, instead of demand",
                      got=got, remedy="leave one of them out")
            )  # fmt: skip
        for years in chosen:
            regions = self._manifests[years[-1]]["regions"]
            wanted = regions if consumers == "all" else consumers
            wanted = [wanted] if isinstance(wanted, str) else wanted
            unknown = [name for name in wanted if name not in regions]
            if unknown:
                raise InputError(
                    wrong("consumers", expected=f"regions of {years[-1]}", got=repr(unknown[0]),
                          remedy=f"nearest: {', '.join(nearest(str(unknown[0]), regions))}")
                )  # fmt: skip
            yield from ((years, asked | {"demand": name}, name) for name in wanted)

    def _chosen(self, years: Any) -> list[int]:
        """Return the years asked for, in order."""
        if years is None:
            return list(self.years)
        if isinstance(years, slice):
            low, high = years.start, years.stop
            found = [y for y in self.years if (low is None or y >= low) and
                     (high is None or y <= high)]  # fmt: skip
        else:
            single = isinstance(years, int | np.integer | str)
            found = sorted({self._known(year) for year in ([years] if single else years)})
        if not found:
            raise InputError(
                wrong("years", expected=f"some of {self.years[0]} to {self.years[-1]}",
                      got=repr(years), remedy="leave it out for all")
            )  # fmt: skip
        return found

    def _known(self, year: Any) -> int:
        if isinstance(year, bool) or year not in self._paths:
            raise InputError(
                wrong("years", expected=f"some of {shorten(self.years, 40)}", got=repr(year),
                      remedy="leave it out for all")
            )  # fmt: skip
        return int(year)


def _stores(folder: Path) -> list[Path]:
    if is_store(folder):
        raise StoreError(
            f"folder: expected a folder of saved tables, got {str(folder)!r}, which is a saved "
            f"table itself; give {str(folder.parent)!r}"
        )
    try:
        found = sorted(path for path in folder.iterdir() if path.is_dir() and is_store(path)
                       and not path.name.startswith("."))  # fmt: skip
    except OSError as error:
        raise StoreError(
            f"folder: expected a folder of saved tables, got {str(folder)!r} ({error.strerror}); "
            "make them with cf.save(table, folder / year)"
        ) from error
    if not found:
        raise StoreError(
            f"folder: expected a folder of saved tables, got {str(folder)!r}, which has none; make "
            "them with cf.save(table, folder / year)"
        )
    return found
