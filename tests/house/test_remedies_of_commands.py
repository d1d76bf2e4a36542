"""What errors of the command line advise is done, and works."""

from __future__ import annotations

import argparse
import errno
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from support.advice import Case, advice_tests
from support.files.plain_files import own, write_csv
from support.running.report_page import draw_nothing

import carbonflows_fast as cf
from carbonflows_fast.cli import _main, main
from carbonflows_fast.cli._streams import say, written
from carbonflows_fast.cli._tables import refuse_own_source

COVERED = [f"cli/{name}" for name in (
    "_check", "_commands", "_convert", "_counts", "_decompose", "_demo", "_errors", "_files",
    "_flows", "_main", "_panel", "_paths", "_report", "_streams", "_tables")]  # fmt: skip
"""Modules whose every piece of advice has a case."""


def asked(line: str) -> int:
    """Run a command, and let its error out."""
    parser = _main._parser()
    parsed = argparse.Namespace(parser=parser)
    parser.parse_known_args(shlex.split(line), parsed)
    refuse_own_source(parsed)
    return int(parsed.function(parsed))


def answered(*lines: str) -> list[int]:
    """Run commands that must go well."""
    statuses = [main(shlex.split(line)) for line in lines]
    assert statuses == [0] * len(lines)
    return statuses


def to_nowhere() -> None:
    with mock.patch.object(sys, "stdout", None), written():
        raise AssertionError("it has not been refused")


def to_a_full_disk() -> None:
    full = mock.Mock(write=mock.Mock(side_effect=OSError(errno.ENOSPC, "No space left")))
    with mock.patch.object(sys, "stdout", full):
        say("text")


def to_a_file(place: str) -> int:
    command = [sys.executable, "-m", "carbonflows_fast", "info"]
    with open(place, "w") as file:
        return subprocess.run(command, stdout=file, check=True).returncode + 1


def without_benchmarks() -> int:
    with mock.patch.object(Path, "is_file", return_value=False):
        return asked("bench")


CASES = [
    Case(lambda: asked("repair all/2018 new"), "choose from (--duplicates), (--balance)",
         lambda option: answered(f"repair all/2018 new {option}")),
    Case(lambda: asked("repair all/2018 new --duplicates --ledger new/ledger.csv"),
         "put it beside the folder",
         lambda _: answered("repair all/2018 new --duplicates --ledger ledger.csv")),
    Case(lambda: asked("convert several all/2018"), "choose another folder",
         lambda _: answered("convert several converted")),
    Case(lambda: asked("convert several converted --only nope"),
         "nearest are '(.*)', '.*'",
         lambda name: answered(f"convert several converted --only {name}")),
    Case(lambda: asked("convert several converted --years 1990"), "there are tables of (.*), ",
         lambda year: answered(f"convert several converted --years {year}")),
    Case(lambda: asked("convert undated alone --years 1990"), "leave the option out",
         lambda _: answered("convert undated alone")),
    Case(lambda: asked("accounts all/2018 --out a.txt"), "the extension says how to write it",
         lambda _: answered("accounts all/2018 --out a.csv")),
    Case(lambda: asked("sector all/2018 steel --consumers AT"),
         "use (--demand) to study the demand of some regions",
         lambda option: answered(f"sector world/2018 steel {option} AT")),
    Case(lambda: asked("flows all/2018 --classes odd.csv"),
         "copy one of (carbonflows_fast/classification) and edit it",
         lambda folder: [
             shutil.copy(Path(cf.__file__).parents[1] / folder / "exiobase3_pxp.csv", "my.csv"),
             answered("flows world/2018 --classes my.csv")]),
    Case(lambda: asked("accounts all/2018 --errors errors.toml --demand AT"),
         "leave one of them out",
         lambda _: [Path("errors.toml").write_text("Z = 0.1"),
                    answered("accounts all/2018 --errors errors.toml",
                             "accounts all/2018 --demand AT")]),
    Case(lambda: asked("accounts all/2018 --per-head --errors errors.toml"),
         "leave one of the two out",
         lambda _: [Path("errors.toml").write_text("Z = 0.1"),
                    answered("accounts all/2018 --errors errors.toml",
                             "accounts all/2018 --per-head")]),
    Case(lambda: asked("responsibility all/2018 --figure chart.gif"),
         "the extension says how to draw it",
         lambda _: answered(*(f"responsibility all/2018 --figure chart{kind}"
                              for kind in (".svg", ".png", ".pdf")))),
    Case(without_benchmarks, "install the package from its wheel or its source",
         lambda _: answered("bench --cases open --rounds 1")),
    # panels
    Case(lambda: asked("panel sector world"), r"e\.g\. (--sectors steel)",
         lambda option: answered(f"panel sector world {option}")),
    Case(lambda: asked("panel uncertainty world"),
         r"write one \(docs/uncertainty\.md\), e\.g\. with (Z = 0\.1)",
         lambda text: [Path("errors.toml").write_text(text),
                       answered("panel uncertainty world --errors errors.toml")]),
    Case(lambda: asked("panel accounts world --top 3"),
         "leave it out, or ask for (paths or changes)",
         lambda kinds: answered("panel accounts world", *(
             f"panel {kind} world --top 3" for kind in kinds.split(" or ")))),
    Case(lambda: asked("panel accounts world --years x"), r"e\.g\. (--years) 1995:2022",
         lambda option: answered(f"panel accounts world {option} 2018:2019")),
    # which table
    Case(lambda: asked("accounts all/2018 --format plain"),
         "leave (--format) out, or name the source that it was saved from",
         lambda option: answered("accounts all/2018", f"info several {option} plain --year 2018")),
    Case(lambda: asked("accounts all --format plain --year 2018"), "leave it out",
         lambda _: answered("accounts all --year 2018")),
    Case(lambda: asked("accounts all/2018 --year 2019"),
         "leave year out, or name the folder that holds all",
         lambda _: answered("accounts all/2018", "accounts all --year 2019")),
    Case(lambda: asked("accounts all"),
         r"say which: year …, or the path of one; or ask all with carbonflows-fast (panel)",
         lambda command: answered("accounts all --year 2018", "accounts all/2018",
                                  f"{command} accounts all")),
    Case(lambda: asked("accounts all --year 1990"), "ask for a year that is there",
         lambda _: answered("accounts all --year 2018")),
    Case(lambda: asked("convert all/2018 all/2018"), "choose one where nothing is lost",
         lambda _: answered("convert all/2018 copy")),
    # the report
    Case(lambda: asked("report world/2019 --out page.html --since world"),
         "say which: (--since-year) …",
         lambda option: answered(f"report world/2019 --out page.html --since world {option} 2018")),
    Case(lambda: asked("report world/2019 --out page.html --since-year 2018"), "give its path",
         lambda _: answered("report world/2019 --out page.html --since world/2018")),
    Case(lambda: asked("report world/2019 --out page.html --price AT"),
         "give both, e.g. (--per-tonne 80 --price) EU27, or leave --price out",
         lambda both: answered(f"report world/2019 --out page.html {both} AT",
                               "report world/2019 --out page.html")),
    Case(lambda: asked("report world/2019 --out page.html --buyer AT"),
         "give (--purchases), or leave --buyer out",
         lambda option: [
             Path("bought.csv").write_text("product,amount\nWheat,1\n"),
             answered(f"report world/2019 --out page.html {option} bought.csv --buyer AT")]),
    # standard output
    Case(to_nowhere, r"send it to a file, or to (.*)",
         lambda place: [to_a_file("some.txt"), to_a_file(place)]),
    Case(to_a_full_disk, "make room, or send it elsewhere", lambda _: to_a_file("some.txt")),
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Saved tables of two years, text tables of two years, and a file that is none."""
    folder = tmp_path_factory.mktemp("commands")
    for year in (2018, 2019):
        cf.save(cf.synthetic.world(2, 3, year=year), folder / "all" / str(year))
        world = cf.synthetic.world(2, 200, year=year)
        cf.save(world, folder / "world" / str(year))
        write_csv(own(), folder / "several" / f"own_{year}")
    write_csv(own(), folder / "undated")
    cf.save(cf.synthetic.world(2, 3), folder / "new")  # to be replaced
    (folder / "odd.csv").write_text("a,b\n1,2\n")
    return folder


@pytest.fixture(autouse=True)
def there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    draw_nothing(monkeypatch)


test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
