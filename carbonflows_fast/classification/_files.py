"""The CSV files beside this module, and how labels are compared with them."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import IO, Any

from carbonflows_fast.errors import LabelError, nearest_are

__all__ = ["available", "field", "label_key", "load", "places_of", "records", "without_marks"]

# GLORIA's ReadMes differ in them: quotes around a name or a level of it, and at its end the code
# of the national accounts ("D.1", "P.3h").
_QUOTES = re.compile(r"(?<!\S)(['\"])(.*?)\1(?!\S)")
_CODE = re.compile(r"(?<=\S)\s+[A-Z]\.\d+[a-z]*\Z")


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


def without_marks(label: str) -> str:
    """Return a label without literal quotes around it or its levels, and without its code.

    >>> without_marks("Emissions (EDGAR): 'ch4_total'"), without_marks("Subsidies D.39")
    ('Emissions (EDGAR): ch4_total', 'Subsidies')
    """
    return _CODE.sub("", _QUOTES.sub(r"\2", label))


def places_of(name: str, known: Sequence[str]) -> list[int]:
    """Return where a name stands among known ones, as it is, or else but for quotes and codes.

    >>> places_of("Subsidies", ["Subsidies D.39", "'ch4_total'"])
    [0]
    """
    found = [at for at, one in enumerate(known) if one == name]
    if found:
        return found
    plain = without_marks(name)
    return [at for at, one in enumerate(known) if without_marks(one) == plain]
