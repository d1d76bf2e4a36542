"""The label files of Eora: tab-separated without header in Eora26, CSV with one in full Eora.

They are beside the blocks, or in an indices.zip in the folder where the table is.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._layouts._number_files import Labels, nearest_file
from carbonflows_fast.readers._layouts._number_parser import (
    Label,
    decoded,
    refuse_long,
    refuse_many,
    show,
)
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers.eora._find import INDICES

__all__ = ["index_items", "index_regions", "text_items", "text_regions"]

REGION_COLUMNS = ["countrya3", "entity", "sector"]
ITEM_COLUMN = "lineitems"


def text_regions(places: Sequence[Files], block: str, home: str) -> Labels:
    """Read the labels of T or FD: entity and sector or category, behind the code of a country."""
    files, name = _label_file(places, f"labels_{block}.txt", home)
    found = _text_lines(files, name)
    for line, cells in found:
        if len(cells) != 4 or not cells[1].strip():
            raise _wrong_label(files, name, line, "country, code, entity and sector", cells)
    return _labels(files, name, [(line, tuple(cells[1:])) for line, cells in found])


def text_items(places: Sequence[Files], block: str, home: str) -> Labels:
    """Read the labels of VA or Q: a group, and an item in it."""
    files, name = _label_file(places, f"labels_{block}.txt", home)
    found = _text_lines(files, name)
    for line, cells in found:
        if len(cells) > 2 or not cells[0].strip():
            raise _wrong_label(files, name, line, "group and item", cells)
    return _labels(files, name, [(line, tuple(cells)) for line, cells in found])


def index_regions(places: Sequence[Files], block: str, home: str) -> Labels:
    """Read the index of t, y or v: the code of a country, entity, and sector or category."""
    files, name = _label_file(places, f"index_{block}.csv", home)
    header, found = _index_lines(files, name)
    if not set(REGION_COLUMNS) <= set(header):
        raise _wrong_label(files, name, 1, "columns CountryA3, Entity and Sector", header)
    at = [header.index(column) for column in REGION_COLUMNS]
    return _labels(files, name, [(line, tuple(cells[k] for k in at)) for line, cells in found])


def index_items(places: Sequence[Files], block: str, home: str) -> Labels:
    """Read the index of q: a group, and an item in it, which are columns side by side."""
    files, name = _label_file(places, f"index_{block}.csv", home)
    header, found = _index_lines(files, name)
    at = header.index(ITEM_COLUMN) if ITEM_COLUMN in header else 0
    if not at:
        raise _wrong_label(files, name, 1, "a column LineItems behind that of groups", header)
    return _labels(files, name, [(line, tuple(cells[at - 1 : at + 1])) for line, cells in found])


def _labels(files: Files, name: str, found: Sequence[tuple[int, Label]]) -> Labels:
    return Labels(files.where(name), [line for line, _ in found], [label for _, label in found])


def _label_file(places: Sequence[Files], name: str, home: str) -> tuple[Files, str]:
    for files in places:
        found = [one for one, _ in files.matching(re.escape(name))]
        if nearest := nearest_file(files, found, home):
            return files, nearest
    raise FormatError.about(
        places[0].where(home),
        expected=f"{name} with its labels, beside it or in {INDICES}",
        got="none",
        remedy=f"put {INDICES} of the same release into the folder of the table",
    )


def _text_lines(files: Files, name: str) -> list[tuple[int, list[str]]]:
    """Return lines and cells; the lines of published files end with a tab."""
    where = files.where(name)
    found: list[tuple[int, list[str]]] = []
    for line, raw in files.lines(name):
        refuse_long(where, line, raw, 1, "\t")
        refuse_many(where, line, len(found))
        found.append((line, decoded(where, line, raw).rstrip("\t").split("\t")))
    return found


def _index_lines(files: Files, name: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header, letters and digits alone, and lines and cells without outer blanks."""
    where = files.where(name)
    found: list[tuple[int, list[str]]] = []
    for line, raw in files.lines(name, ","):
        refuse_long(where, line, raw, 1, ",")
        refuse_many(where, line, len(found))
        text = decoded(where, line, raw)
        try:
            cells = next(csv.reader([text], skipinitialspace=True, strict=True))
        except csv.Error as error:
            raise _wrong_label(files, name, line, f"closed quotes ({error})", [text]) from error
        if found and len(cells) != len(found[0][1]):
            raise _wrong_label(files, name, line, f"{len(found[0][1])} cells", cells)
        found.append((line, [cell.strip() for cell in cells]))
    header = found[0][1] if found else []
    return [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in header], found[1:]


def _wrong_label(
    files: Files, name: str, line: int, expected: str, cells: Sequence[str]
) -> FormatError:
    return FormatError.about(
        f"{files.where(name)}, line {line}",
        expected=expected,
        got=f"{len(cells)} cells: {show([shorten([cell]) for cell in cells[:6]])}",
        remedy="restore the file as it was published",
    )
