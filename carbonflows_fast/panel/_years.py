"""The saved tables of a folder, one a year."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from carbonflows_fast.errors import StoreError
from carbonflows_fast.store import is_store


def another_year(path: Path, year: int, found: int | None) -> StoreError:
    return StoreError(
        f"{path}: expected the table of {year}, which it was when the panel was made, got that of "
        f"{found}; make the panel again"
    )


def is_year(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def stores_in(folder: Path) -> list[Path]:
    if is_store(folder):
        raise StoreError(
            f"folder: expected a folder of saved tables, got {str(folder)!r}, which is a saved "
            f"table itself; give {str(folder.parent)!r}"
        )
    try:
        found = sorted(
            path
            for path in folder.iterdir()
            if path.is_dir() and is_store(path) and not path.name.startswith(".")
        )
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
