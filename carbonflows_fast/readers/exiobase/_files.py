"""Files of EXIOBASE 3 and of pymrio, text and Parquet alike: tables of numbers, and of units."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from carbonflows_fast.classification import country_of
from carbonflows_fast.classification._files import records
from carbonflows_fast.readers._layouts._number_parser import MOST_LABELS, Label
from carbonflows_fast.readers._layouts._parquet import open_parquet
from carbonflows_fast.readers._layouts._text import TextTable, read_matrix, read_units
from carbonflows_fast.readers._sources._files import Files

__all__ = ["PARQUET", "PICKLE", "TEXT", "read_numbers", "read_unit_column"]

logger = logging.getLogger(__name__)

# By the last part of the name; pymrio takes what the user calls the format.
TEXT = (".txt", ".tsv", ".csv")
PARQUET = (".parquet", ".parq", ".par")
PICKLE = (".pkl", ".pickle")

RESTS = 5  # of the world, the last of EXIOBASE's regions


def read_numbers(
    files: Files,
    name: str,
    *,
    label_columns: int | None = None,
    header_lines: int | None = None,
    keep: Callable[[Label], bool] | None = None,
    sparse: bool = False,
    empty_value: float = 0.0,
    gaps: bool = False,
    most_rows: int = MOST_LABELS,
) -> TextTable:
    """Read a table of numbers; a Parquet file says itself how many levels its labels have.

    As `read_matrix`, for tab-separated text with two header lines where nothing is said. Three-
    letter codes of EXIOBASE's regions become two-letter ones, see `_in_two_letters`.
    """
    if name.lower().endswith(PARQUET):
        with open_parquet(files, name) as frame:
            table = frame.matrix(
                keep=keep, sparse=sparse, empty_value=empty_value, gaps=gaps, most_rows=most_rows
            )
    else:
        table = read_matrix(
            files,
            name,
            label_columns=label_columns,
            header_lines=header_lines or 2,
            keep=keep,
            sparse=sparse,
            empty_value=empty_value,
            gaps=gaps,
            most_rows=most_rows,
        )
    rows, columns = _in_two_letters(table.where, table.rows, table.columns)
    return replace(table, rows=rows, columns=columns)


def read_unit_column(files: Files, name: str, label_columns: int) -> tuple[list[Label], list[str]]:
    """Read a file of units: the labels of rows, and the unit of each."""
    if name.lower().endswith(PARQUET):
        with open_parquet(files, name) as frame:
            labels, units = frame.texts(gaps=True)
    else:
        labels, units = read_units(files, name, label_columns)
    (labels,) = _in_two_letters(files.where(name), labels)
    return labels, units


# --- the region codes of release 3.4 ----------------------------------------------------------


def _in_two_letters(where: str, *axes: list[Label]) -> list[list[Label]]:
    """Return labels with the two-letter region codes that all but some years of 3.4 ixi have.

    In these years some files, or all, have three-letter codes. An axis is changed only if its
    regions then are EXIOBASE's 49, none more and none less; a warning is logged. Other tables
    keep their three letters.
    """
    changed = [_axis_in_two_letters(labels) for labels in axes]
    if changed != list(axes):
        logger.warning(
            "%s: three-letter region codes (AUT, …, WWM), as in some years of EXIOBASE 3.4, are "
            "read as the two-letter ones of all other releases (AT, …, WM)",
            where,
        )
    return changed


def _axis_in_two_letters(labels: list[Label]) -> list[Label]:
    regions = {label[0] for label in labels if label}
    likely = any(len(one) == 3 for one in regions) and len(regions) == len(_regions())
    codes = _two_letter_codes() if likely else {}
    renamed = {codes.get(region, region) for region in regions}
    if not codes or len(renamed) != len(regions) or renamed != set(codes.values()):
        return labels
    return [(codes.get(label[0], label[0]), *label[1:]) for label in labels]


def _regions() -> tuple[dict[str, str], ...]:
    return records("exiobase3_regions")


@cache
def _two_letter_codes() -> dict[str, str]:
    """Return EXIOBASE's region codes by their three-letter codes in release 3.4.

    >>> [_two_letter_codes()[code] for code in ("AUT", "ROM", "ROU", "WWM")]
    ['AT', 'RO', 'RO', 'WM']
    """
    codes = [row["code"] for row in _regions()]
    rests = {f"WW{code[1]}": code for code in codes[-RESTS:]}
    countries = {str(country_of(code)): code for code in codes[:-RESTS]}
    return countries | rests | {"ROM": "RO"}
