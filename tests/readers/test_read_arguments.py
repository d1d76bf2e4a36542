"""What `read` is asked with, and paths that cannot be looked at: one sentence each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.files.plain_files import own, write_csv
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError, InputError, StoreError
from carbonflows_fast.store import is_store

NOBODY = 65534
LONG = "a" * 5000


@contextmanager
def forbidden(folder: Path) -> Iterator[None]:
    """Take the right to look into a folder away, from root as well."""
    mode, root = folder.stat().st_mode, os.geteuid() == 0
    folder.chmod(0)
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(mode)


@pytest.mark.parametrize("path", [None, 5, b"x", ["x"], {}, ""])
def test_what_is_no_path(path: Any) -> None:
    with pytest.raises(InputError, match=r"^path: expected a folder, a zip or a file") as caught:
        cf.read(path)
    assert SENTENCE.match(str(caught.value))


@pytest.mark.parametrize("ask", [cf.read, cf.check, cf.open, cf.Panel])
def test_a_path_of_nothing_is_not_the_folder_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Any
) -> None:
    monkeypatch.chdir(write_csv(own(), tmp_path / "own_2010"))
    with pytest.raises(InputError, match=r"got ''; .*'\.' for the folder one is in$"):
        ask("")
    assert cf.read(".").year == 2010


@pytest.mark.parametrize("format", [["oecd"], {"oecd": 1}, 5, ""])
def test_what_is_no_format(tmp_path: Path, format: Any) -> None:
    with pytest.raises(InputError, match=r"^format: expected 'exiobase3', .* or '"):
        cf.read(tmp_path, format=format)


@pytest.mark.parametrize("year", ["2010", 2010.0, True, [2010]])
def test_what_is_no_year(tmp_path: Path, year: Any) -> None:
    with pytest.raises(InputError, match=r"^year: expected a whole number") as caught:
        cf.read(write_csv(own(), tmp_path / "own_2010"), year=year)
    assert SENTENCE.match(str(caught.value))


def test_a_year_of_numpy(tmp_path: Path) -> None:
    path: Any = write_csv(own(), tmp_path / "own_2010")
    assert cf.read(path, year=np.int64(2010)).year == 2010  # type: ignore[arg-type]


def test_a_text_too_long_for_a_path() -> None:
    with pytest.raises(FormatError, match="got a text of 5,000 characters") as caught:
        cf.read(LONG)
    assert len(str(caught.value)) < 200
    assert not is_store(LONG)
    with pytest.raises(InputError, match="File name too long"):
        cf.open(LONG)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="rights are otherwise here")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    folder = write_csv(own(), tmp_path / "own")
    cf.read(folder)  # loads what is needed, before rights are gone
    saved = cf.save(cf.synthetic.world(2, 2), tmp_path / "saved")
    for place in (folder, saved):
        with forbidden(place):
            with pytest.raises(FormatError, match=r"that you may read, got no permission; have"):
                cf.read(place)
            with pytest.raises(StoreError, match=r"that you may read, got .* without permission"):
                cf.open(place)
            assert not is_store(place)
