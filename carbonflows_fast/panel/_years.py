"""The saved tables of a folder, one per year."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from carbonflows_fast.errors import InputError, Phrase, StoreError, shorten
from carbonflows_fast.store import is_store

__all__ = ["another_year", "chosen_years", "known_year", "stores_in"]

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


def chosen_years(known: Sequence[int], wanted: Any) -> list[int]:
    """Return which of the years of a panel are asked for, in order."""
    if wanted is None:
        return list(known)
    if isinstance(wanted, slice):
        low, high = wanted.start, wanted.stop
        if wanted.step is not None or not all(
            limit is None or _is_year(limit) for limit in (low, high)
        ):
            raise _no_years(wanted, "slice(first, last), both included, without a step")
        chosen = [y for y in known if (low is None or y >= low) and (high is None or y <= high)]
    else:
        single = isinstance(wanted, str) or not isinstance(wanted, Iterable)
        named = [wanted] if single or getattr(wanted, "ndim", 1) == 0 else wanted
        chosen = sorted({known_year(known, year) for year in named})
    if not chosen:
        raise _no_years(wanted, f"some of {known[0]} to {known[-1]}")
    return chosen


def known_year(known: Sequence[int], year: Any) -> int:
    """Return a year of a panel, or refuse it."""
    if not _is_year(year) or int(year) not in known:
        raise _no_years(year, f"some of {shorten(known, 40)}")
    return int(year)


def _is_year(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _no_years(got: Any, expected: str) -> InputError:
    shown = f"{got.start} to {got.stop}" if isinstance(got, slice) else repr(got)
    shown += f" in steps of {got.step!r}" if getattr(got, "step", None) is not None else ""
    return InputError.about("years", expected=expected, got=shown, remedy="leave it out for all")


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
