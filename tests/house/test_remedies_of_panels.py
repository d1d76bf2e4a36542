"""What errors of panels advise is done, and works."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from support.advice import Case, advice_tests, python
from support.running.panel_cluster import Cluster

import carbonflows_fast as cf
from carbonflows_fast.panel import _here
from carbonflows_fast.panel._copies import local_copy
from carbonflows_fast.panel._pool import Pool
from carbonflows_fast.panel._tasks import Source
from carbonflows_fast.store._saved import checksum

pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask and its event loop

COVERED = ["_base/pool", *(f"panel/{name}" for name in (
    "_asking", "_copies", "_described", "_here", "_how_sure", "_panel", "_pool", "_questions",
    "_run", "_tasks", "_years"))]  # fmt: skip
"""Modules whose every piece of advice has a case."""

PLACE = tempfile.TemporaryDirectory()


def fresh() -> Path:
    return Path(tempfile.mkdtemp(dir=PLACE.name))


def saved(*years: int | None, folder: Path | None = None) -> Path:
    folder = folder or fresh()
    for year in years:
        cf.save(cf.synthetic.world(2, 3, year=year or 2010).with_changes(year=year),
                folder / f"y{year}")  # fmt: skip
    return folder


@cache
def folder() -> Path:
    return saved(2010, 2011)


def accounts(**options: Any) -> Any:
    workers = options.pop("workers", None)
    return cf.Panel(folder(), workers=workers).accounts(**options)


def changes(**options: Any) -> Any:
    return cf.Panel(folder()).structural_decomposition(**options)


def alone(ask: Callable[[], Any]) -> None:
    """Raise the error of the year that failed."""
    try:
        ask()
    except cf.PanelError as error:
        (reason,) = error.failed.values()
        raise reason.typed[0] from error  # type: ignore[attr-defined]


def of_another_year() -> None:
    place = saved(2010)
    panel = cf.Panel(place)
    cf.save(cf.synthetic.world(2, 3, year=2011), place / "y2010")
    alone(panel.accounts)


def changed_meanwhile() -> None:
    place = saved(2010)
    source = Source.of(place / "y2010")
    cf.save(cf.synthetic.world(2, 4, year=2010), place / "y2010")
    source.require_unchanged()


def in_little_memory() -> Any:
    with mock.patch.object(_here, "memory_limit", return_value=1):
        return accounts()


def to_a_file(name: str = "file/below") -> Any:
    place = fresh()
    (place / "file").touch()
    return accounts(out=place / name)


def to_answers_of_another_question() -> Any:
    place = fresh()
    cf.Panel(folder()).structural_paths(top=3, out=place)
    return cf.Panel(folder()).structural_paths(top=4, out=place)


def by_cluster(workers: int, wait: float) -> Any:
    with Cluster(workers=workers) as cluster:
        return accounts(client=cluster.address, wait=wait)


def by_no_processes() -> Any:
    with mock.patch("carbonflows_fast._base.pool._start", side_effect=OSError("no threads")):
        return accounts(workers=2)


def by_workers_that_say(answer: Any) -> Any:
    client = mock.Mock(nthreads=lambda: {"a": 1}, run=lambda *_, **__: {"a": answer})
    return Pool(client, 1)


def to_copies_of_another_user() -> None:
    place = fresh()
    accounts(copies=place)
    if os.getuid() == 0:  # whose copies all may use
        for copy in place.iterdir():
            os.chown(copy, 2, -1)
    with mock.patch.object(os, "getuid", return_value=os.getuid() + 1):
        local_copy(*of_2010(), str(place))


def of_2010() -> tuple[str, str]:
    path = folder() / "y2010"
    return str(path), checksum(path)


def to_copies_of_others(place: Path) -> None:
    cf.save(cf.synthetic.world(2, 4, year=2010), place / of_2010()[1])
    local_copy(*of_2010(), str(place))


def copied_again(place: Path, code: str) -> Any:
    shutil.rmtree(place)
    assert python(code, path=folder() / "y2010").year == 2010
    return accounts(copies=place)


def by_a_lost_scheduler() -> None:
    raise Pool._lost(mock.Mock(), "accounts")


def twice() -> Any:
    place = fresh()
    return [accounts(out=place), accounts(out=place)]


def how_sure(**asked: Any) -> Any:
    return cf.Panel(folder()).uncertainty("CO2", asked.pop("errors", cf.Errors(F=0.1)), **asked)


def draws_that_are_gone() -> Any:
    place = fresh()
    with mock.patch("carbonflows_fast.panel._tasks.is_done", return_value=False):
        alone(lambda: how_sure(draws=2, years=2010, out=place))


def drawn_again() -> Any:
    place = fresh()
    return [how_sure(draws=2, out=place), how_sure(draws=2, out=place)]


CASES = [
    # the panel
    Case(lambda: cf.Panel(3), "name the folder of saved tables", lambda _: cf.Panel(folder())),
    Case(lambda: cf.Panel(folder(), workers=0),
         "leave it out for as many as there are processors", lambda _: cf.Panel(folder())),
    Case(lambda: cf.Panel(saved(2010, None)),
         r"keep it elsewhere, or in Python set its year: (cf\.save\(table\.with_changes\(year=)",
         lambda code: [cf.Panel(saved(2010)), python(
             f"{code}2012), place / 'yNone')", table=cf.open(saved(None) / "yNone"),
             place=(place := saved(2010, None))), cf.Panel(place)]),
    Case(lambda: cf.Panel(folder() / "y2010"), "give (.*)", lambda code: cf.Panel(python(code))),
    Case(lambda: cf.Panel(fresh()), r"make them with (cf\.save\(table, folder / year\))",
         lambda code: [python(code, table=cf.synthetic.world(2, 3, year=2010),
                              folder=(place := fresh()), year="2010"), cf.Panel(place)]),
    Case(lambda: cf.Panel(fresh() / "nowhere"), r"make them with cf\.save\(table, folder / year\)",
         lambda _: cf.Panel(saved(2010))),
    Case(of_another_year, "make the panel again", lambda _: accounts()),
    # what is asked
    Case(lambda: accounts(years=1990), "leave it out for all", lambda _: accounts()),
    Case(lambda: accounts(years=slice(2010, 2011, 2)), "leave it out for all",
         lambda _: accounts()),
    Case(lambda: changes(pairs="first"), "choose one", lambda _: changes(pairs="all")),
    Case(lambda: changes(years=2010), "name another year", lambda _: changes(years=[2010, 2011])),
    Case(lambda: accounts(topp=1), "leave it out", lambda _: accounts()),
    Case(lambda: changes(workers=1), "give it to cf.Panel",
         lambda _: accounts(workers=1)),
    Case(lambda: cf.Panel(folder()).structural_paths(top=object()), "give plain values",
         lambda _: cf.Panel(folder()).structural_paths(top=3)),
    Case(lambda: changes(consumers=[]), r"give e\.g\. (\[.*\]), or leave it out",
         lambda code: [changes(consumers=python(code)), changes()]),
    Case(lambda: changes(consumers="all", demand="AT"), "leave one of them out",
         lambda _: [changes(consumers="all"), changes(demand="AT")]),
    # how sure it is
    Case(lambda: how_sure(errors=cf.Errors(Z=np.zeros((1500, 1500)))),
         r"give numbers by label or BySize, or ask (cf\.uncertainty) of one year after the other",
         lambda code: [
             how_sure(errors=cf.Errors(Z={"trade": 0.1})),
             how_sure(errors=cf.Errors(Z=cf.BySize(0.1, -0.1))),
             python(code)(cf.Panel(folder())[2010], "CO2", cf.Errors(Z=np.zeros((6, 6))))]),
    Case(draws_that_are_gone, "run again, which makes what is missing", lambda _: drawn_again()),
    # how it is run
    Case(lambda: accounts(wait=0), r"leave it out for 600, and no end on a cluster",
         lambda _: accounts()),
    Case(lambda: accounts(resume=1), "choose one", lambda _: accounts(resume=True)),
    Case(lambda: accounts(out=3), "name one, or leave it out",
         lambda _: [accounts(out=fresh()), accounts()]),
    Case(to_a_file, "choose another", lambda _: to_a_file("folder")),
    Case(to_answers_of_another_question, "choose another folder, or delete that one",
         lambda _: cf.Panel(folder()).structural_paths(top=4, out=fresh())),
    Case(changed_meanwhile, "its result was thrown away, run the panel again",
         lambda _: accounts()),
    Case(in_little_memory, "use larger workers, or ask for less at a time", lambda _: accounts()),
    Case(lambda: cf.Panel(folder()).sector_study(sectors="s1", errors=cf.Errors(F=0.1)),
         r"ask (cf.sector_study)\(panel\[year\], …, errors=…\), whose sums have one",
         lambda name: python(name)(cf.Panel(folder())[2010], sectors="Wheat",
                                   errors=cf.Errors(F=0.1))),
    Case(to_copies_of_another_user, "put the name of the user into that of the folder",
         lambda _: accounts(copies=fresh() / "copies-of-$USER")),
    Case(lambda: to_copies_of_others(fresh()),
         r"delete the copy, and check the table with (cf\.open\(path, verify=True\))",
         lambda code: copied_again(fresh(), code)),
    # workers
    Case(lambda: accounts(client=5), "leave it out for a pool on this machine",
         lambda _: accounts()),
    Case(lambda: accounts(client="tcp://127.0.0.1:1"),
         "start one with `dask scheduler`, or leave client out",
         lambda _: [by_cluster(1, 60), accounts()]),
    Case(lambda: by_cluster(0, 0.1), "wait longer, or look at what keeps them",
         lambda _: by_cluster(1, 60)),
    Case(by_no_processes, "ask for fewer workers, or raise what limits memory and threads",
         lambda _: accounts(workers=1)),
    Case(lambda: by_workers_that_say(ImportError("no")),
         "install it everywhere, and check the environment of the workers",
         lambda _: accounts(workers=1)),
    Case(lambda: by_workers_that_say({"version": "0.0.1"}), "install one version everywhere",
         lambda _: accounts(workers=1)),
    Case(by_a_lost_scheduler,
         "run again for the same folder, whose results stay, to compute the others",
         lambda _: twice()),
]  # fmt: skip


test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
