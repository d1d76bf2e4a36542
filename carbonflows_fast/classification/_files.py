"""The CSV files beside this module, and how labels are compared with them."""

from __future__ import annotations

import csv
import unicodedata
from functools import cache
from importlib import resources
from typing import IO, Any

from carbonflows_fast.errors import LabelError, nearest_are

__all__ = ["available", "field", "label_key", "load", "records"]


def available() -> tuple[str, ...]:
    """Return the names that `load` knows.

    Returns
    -------
    tuple of str
        In alphabetical order.

    Examples
    --------
    >>> "exiobase3_regions" in available()
    True
    """
    files = resources.files(__package__).iterdir()
    return tuple(sorted(f.name.removesuffix(".csv") for f in files if f.name.endswith(".csv")))


def load(name: str) -> Any:
    """Load one of the classifications shipped with the package.

    Parameters
    ----------
    name : str
        Name without ".csv", one of `available()`.

    Returns
    -------
    pandas.DataFrame
        All columns as text, exactly as shipped ("NA" is Namibia, never a missing value).

    Raises
    ------
    LabelError
        No classification has this name.

    Examples
    --------
    >>> load("exiobase3_regions").loc[0, "name"]
    'Austria'
    """
    import pandas as pd

    known = available()
    if name not in known:
        raise LabelError.about(
            "name",
            expected=f"one of {len(known)} classifications",
            got=repr(name),
            remedy=nearest_are(name, known),
        )
    with _opened(name) as stream:
        return pd.read_csv(stream, dtype=str, keep_default_na=False)


@cache
def records(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a shipped classification, column → text."""
    with _opened(name) as stream:
        return tuple(csv.DictReader(stream))  # pandas takes several times as long for so little


def _opened(name: str) -> IO[str]:
    file = resources.files(__package__).joinpath(f"{name}.csv")
    return file.open("r", encoding="utf-8")


def field(row: Any, column: str) -> str:
    """Return one cell of a row as text; empty where it is missing (None or NaN)."""
    value = row.get(column)
    return "" if value is None or value != value else str(value)


def label_key(label: object) -> str:
    """Return the form in which labels are compared: blanks and letter case do not count.

    >>> label_key("  Retail  Trade ") == label_key("retail trade")
    True
    """
    text = " ".join(str(label).split())
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFC", text).casefold()
    return text.replace("i\u0307", "i")  # what becomes of the dotted capital of TÜRKİYE
