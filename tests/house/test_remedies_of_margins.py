"""What errors of margins from files advise is done, and works."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from support.advice import NEAREST, Case, advice_tests, named, python
from support.files.useeio_files import Model
from support.worlds.gloria_world import Valued, file_name, write_read_me

import carbonflows_fast as cf

COVERED = ["spending/_read_margins", "readers/gloria/_valuation"]
"""Modules whose every piece of advice has a case."""


def folder() -> Path:
    return Path(tempfile.mkdtemp(dir=Path.cwd()))


def gloria(change: Any = None, **options: Any) -> pd.DataFrame:
    place = Valued().write(folder())
    if change is not None:
        change(place)
    return cf.margins(place, **options)


def useeio(**options: Any) -> pd.DataFrame:
    return cf.margins(Model().workbook(folder()), **options)


def older(place: Path) -> None:
    """Leave the sheets of T out."""
    for file in place.rglob("*_T-*"):
        file.unlink()


def without(markup: int) -> Any:
    return lambda place: next(place.rglob(file_name("Y", markup=markup))).unlink()


def renamed(place: Path) -> None:
    def change(book: openpyxl.Workbook) -> None:
        book["Valuations"]["B4"] = "Freight"

    write_read_me(place / "GLORIA_ReadMe_059.xlsx", change)


def flipped(place: Path) -> None:
    path = next(place.rglob(file_name("Y", markup=5)))
    path.write_text(path.read_text().replace("-", ""))


def own() -> Any:
    """A frame as the advice has it."""
    frame = pd.DataFrame([("", 0.7, 0.1, 0.1, 0.1)],
                         columns=["sector", "basic", "trade", "transport", "taxes"])  # fmt: skip
    return cf.factors(cf.synthetic.world(2, 3), valuation="purchaser", margins=frame,
                      margin_sectors=dict.fromkeys(("trade", "transport"), "Wheat"))  # fmt: skip


CASES = [
    Case(lambda: useeio(), r"give e\.g\. (transport=.*), or (?:transport=0) to count all as trade",
         lambda code: [useeio(**python(f"dict({code})")), useeio(transport=0)]),
    Case(lambda: gloria(transport=0.1), "leave it out", lambda _: gloria()),
    Case(lambda: useeio(users="final", transport=0), "leave it out",
         lambda _: useeio(transport=0)),
    Case(lambda: gloria(users=[]), "leave it out for final users", lambda _: gloria()),
    Case(lambda: gloria(buyer=3), "leave it out for all regions", lambda _: gloria()),
    Case(lambda: gloria(blanks="none"), "leave it out to refuse empty cells", lambda _: gloria()),
    Case(lambda: gloria(year="x"), r"give (year=\d+)",
         lambda code: gloria(year=python(f"dict({code})")["year"] + 3)),
    Case(lambda: cf.margins(Model().write(folder() / "json")),
         "give the workbook of the model, or a frame of your own, with columns sector, basic, tr",
         lambda _: [useeio(transport=0), own()]),
    Case(lambda: cf.margins(folder()),
         "give the folder that holds them; for another table give a frame of your own",
         lambda _: [gloria(), useeio(transport=0), own()]),
    Case(lambda: gloria(older, users="industries"),
         "put them beside the others, or ask for other users",
         lambda _: [gloria(users="industries"), gloria(older)]),
    Case(lambda: gloria(without(3)), "put it beside the other sheets, each file once",
         lambda _: gloria()),
    Case(lambda: gloria(renamed), "restore the workbook as it was published", lambda _: gloria()),
    Case(lambda: gloria(flipped), "restore the file, or change its signs", lambda _: gloria()),
    Case(lambda: gloria(users="Household final consumption"), NEAREST,
         lambda text: gloria(users=named(text)[0])),
]  # fmt: skip


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
