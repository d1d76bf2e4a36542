"""The saved tables of a folder, one per year."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from carbonflows_fast.errors import Phrase, StoreError
from carbonflows_fast.store import is_store

MAKE_THEM = Phrase(
    "make them with cf.save(table, folder / year)", "make them with carbonflows-fast convert"
)


def another_year(path: Path, year: int, found: int | None) -> StoreError:
    return StoreError.about(
        str(path),
        expected=f"the table of {year}, which it was when the panel was made",
        got=f"that of {found}",
        remedy="make the panel again",
    )


def _no_tables(folder: Path, got: str, remedy: str) -> StoreError:
    return StoreError.about(
        "folder", expected="a folder of saved tables", got=f"{str(folder)!r}{got}", remedy=remedy
    )


def is_year(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def stores_in(folder: Path) -> list[Path]:
    if is_store(folder):
        raise _no_tables(folder, ", which is a saved table itself", f"give {str(folder.parent)!r}")
    try:
        found = sorted(
            path
            for path in folder.iterdir()
            if path.is_dir() and is_store(path) and not path.name.startswith(".")
        )
    except OSError as error:
        raise _no_tables(folder, f" ({error.strerror})", MAKE_THEM) from error
    if not found:
        raise _no_tables(folder, ", which has none", MAKE_THEM)
    return found
