"""A small table in every layout that is read, written by code: what is damaged to be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import test_figaro
import test_oecd

import carbonflows_fast as cf

__all__ = ["LAYOUTS"]


def _world(year: int = 2019) -> cf.Table:
    return cf.synthetic.world(3, 3, year=year, stressors=2, density=0.6, seed=1)


def _exiobase(folder: Path) -> None:
    cf.write_exiobase(_world(), folder / "IOT_2019_pxp")


def _exiobase_zip(folder: Path) -> None:
    cf.write_exiobase(_world(), folder / "IOT_2019_pxp.zip")


def _store(folder: Path) -> None:
    cf.save(_world(), folder / "store")
    for path in (folder / "store").iterdir():
        shutil.move(path, folder / path.name)
    (folder / "store").rmdir()


def _figaro(folder: Path) -> None:
    test_figaro.written(folder)


def _oecd(folder: Path) -> None:
    edition = test_oecd.Edition(2021, ["AUS", "CHN", "CN1"], {"CN1": "CHN"})
    (folder / edition.member).write_text(edition.text())


LAYOUTS = {
    "exiobase": _exiobase,
    "exiobase-zip": _exiobase_zip,
    "figaro": _figaro,
    "oecd": _oecd,
    "store": _store,
}
