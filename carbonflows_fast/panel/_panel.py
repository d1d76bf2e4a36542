"""Decades of tables: any question over years and regions, in parallel.

A panel is a folder of saved tables, one per year. Each task opens its table by path where it runs.
Nothing large is sent between processes, and a worker needs the memory of one year.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from carbonflows_fast._base.arguments import whole
from carbonflows_fast._base.files import given_path
from carbonflows_fast.errors import InputError
from carbonflows_fast.panel._asking import Asking
from carbonflows_fast.panel._how_sure import checked
from carbonflows_fast.panel._run import run_options
from carbonflows_fast.panel._years import another_year, chosen_years, known_year, stores_in
from carbonflows_fast.store import manifest_of, open
from carbonflows_fast.table._table_argument import kind_of
from carbonflows_fast.uncertainties._correlation import require_draws

if TYPE_CHECKING:
    from carbonflows_fast.table import Table
    from carbonflows_fast.uncertainties import Errors

__all__ = ["Panel"]


class Panel(Asking):
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
    client : distributed.Client, cluster or str, optional
        Where to run: a client, a cluster such as `SLURMCluster`, which is taken by its address, or
        the address of a scheduler. Without it, the run is on this machine, with a pool of processes
        if that saves time. The tables must have the same path on all workers.
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
        Seconds to wait for workers, at the start and whenever a cluster has none left. The default
        is `CARBONFLOWS_WAIT`, else 600 for a pool on this machine, and no limit on a cluster, whose
        queue may be long. What is done by then stays.
    copies : path, optional
        Folder on each worker's own disk, for a store on a slow network. A worker that needs a table
        first copies it there, unless it has been copied before. Variables such as `$TMPDIR` are
        those of the worker. Nobody deletes the copies.

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

        Raises
        ------
        InputError
            If there are errors; as for all methods otherwise.
        """
        if options.pop("errors", None) is not None:
            raise InputError.about(
                "errors",
                expected="none, since single chains of steps have no deviation",
                got="some",
                remedy="ask cf.sector_study(panel[year], …, errors=…), whose sums have one",
            )
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

    # --- how sure the answers are ---------------------------------------------------------------

    def uncertainty(
        self,
        stressor: Any = None,
        errors: Errors | None = None,
        *,
        of: Literal["accounts", "flows"] = "accounts",
        draws: int | None = None,
        seed: int = 0,
        correlation: float = 0.0,
        **options: Any,
    ) -> pd.DataFrame | list[Path]:
        """Return how sure each year is: :func:`uncertainty`.

        The index is (year, region, account), or (year, from, to) for flows; columns are `value` and
        its standard deviation `sd`. With `draws`, there are also `mean`, `bias`, `drawn_sd` and the
        quantiles `q5` and `q95`, each with its sampling error (`mean_error`, …), and empty for
        imports and exports. Draws are made in tasks of 25, so that many workers share a year, and
        have the bits of the function. With `out`, they are kept in its folder `draws`, where a
        later call finds them, also one for more draws or for :meth:`difference`.

        Parameters
        ----------
        stressor, errors, of, draws, seed, correlation
            The arguments of the function; the same errors hold for all years.
        **options
            rtol of the function; years, client, out and more: see :class:`Panel`.

        Raises
        ------
        InputError
            If the errors or draws cannot be; as for all methods otherwise.
        """
        errors, asked, draws = checked(stressor, errors, of, draws, seed, correlation)
        if draws is None:
            require_draws(asked.pop("correlation"))
        run, more = run_options("uncertainty", options)
        chosen = [(year,) for year in chosen_years(self.years, run.years)]
        asked = {"stressor": stressor, "errors": errors} | asked | more
        return self._ask_how_sure("uncertainty", chosen, asked, draws, run, "")

    def difference(
        self,
        stressor: Any = None,
        errors: Errors | None = None,
        *,
        of: Literal["accounts", "flows"] = "accounts",
        pairs: Literal["chained", "ends", "all"] = "chained",
        draws: int | None = None,
        seed: int = 0,
        correlation: float = 0.0,
        **options: Any,
    ) -> pd.DataFrame | list[Path]:
        """Return how sure the changes between years are: :func:`difference`.

        The index is (since, year, region, account), or (since, year, from, to) for flows; columns
        are the change `value`, its standard deviation `sd`, and the probability `fell` that it is
        below 0, which is 0 where surely nothing changed. With `draws`, both years are drawn with
        the same shared errors, and the differences of their draws give the columns of
        :meth:`uncertainty` and `drawn_fell`.

        Parameters
        ----------
        stressor, errors, of, draws, seed
            The arguments of :func:`uncertainty`; the same errors hold for all years.
        pairs : {"chained", "ends", "all"}
            Each year against the one before it, the last against the first, or all pairs.
        correlation : float
            Between the own errors of a cell in any two years, from 0 to 1. Draws with one between
            these take lognormal errors only.
        **options
            rtol of the function; years, client, out and more: see :class:`Panel`.

        Raises
        ------
        InputError
            If the errors or draws cannot be; as for all methods otherwise.
        """
        errors, asked, draws = checked(stressor, errors, of, draws, seed, correlation)
        run, more = run_options("difference", options)
        asked = {"stressor": stressor, "errors": errors} | asked | more
        return self._ask_how_sure("difference", self._pairs(pairs, run), asked, draws, run, pairs)
