"""DataFrames in CSV files, as pandas writes them; the counterpart of `_parquet`."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._layouts._parquet import open_parquet
from carbonflows_fast.readers._layouts._text import (
    Label,
    TextTable,
    read_matrix,
    read_units,
    split_cells,
)
from carbonflows_fast.readers._sources._files import Files

__all__ = ["CsvFrame", "open_frame"]

logger = logging.getLogger(__name__)

FIRST_CELL = re.compile(r'(?:"(?:[^"]|"")*"|[^",;\t]*)([,;\t])')
STRESSORS = ("stressor",)


class CsvFrame:
    """A DataFrame in a CSV file, opened; attributes and methods as of `ParquetFrame`.

    Parameters
    ----------
    files : Files
    name : str
        The file in it.
    header_lines : int
        How many levels its columns have; with one there is a single column.
    single : sequence of str
        How the only level of an index may be called (the beginning, in small letters). Another
        name is logged, since a row without any number looks the same.
    """

    def __init__(
        self, files: Files, name: str, header_lines: int, single: Sequence[str] = STRESSORS
    ) -> None:
        self.where = files.where(name)
        self._files, self._name, self._header_lines = files, name, header_lines
        _, first = next(files.lines(name), (1, b""))
        delimits = FIRST_CELL.match(first.decode("utf-8", "replace"))
        if delimits is None:
            raise FormatError.about(
                f"{self.where}, line 1",
                got=repr(first[:40]) if first else "nothing",
                expected="a header line delimited by commas, semicolons or tabs",
                remedy="write the file with to_csv",
            )
        self._delimiter = delimits[1]
        head = list(islice(files.lines(name, self._delimiter), header_lines + 1))
        cells = [split_cells(self.where, line, raw, self._delimiter) for line, raw in head]
        self.levels = [line[0] for line in cells[:header_lines]]
        self.columns: list[Label]
        if header_lines == 1:
            self.index, self.columns = cells[0][:-1], [(cells[0][-1],)]
            return
        # pandas leaves the cells above the index empty, and names its levels in a separate line.
        filled = (at for at, cell in enumerate(cells[0]) if at and cell.strip())
        width = next(filled, 1)
        below = cells[header_lines] if len(cells) > header_lines else None
        named = below is not None and not any(cell.strip() for cell in below[width:])
        self.index = below[:width] if below is not None and named else [""] * width
        self.columns = list(zip(*(line[width:] for line in cells[:header_lines]), strict=False))
        if named and width == 1 and not self.index[0].lower().startswith(tuple(single)):
            # A stressor without any number looks the same.
            logger.warning(
                "%s, line %d: %r has no numbers, and is taken for what the index is called",
                self.where,
                header_lines + 1,
                self.index[0],
            )

    def matrix(self, **options: Any) -> TextTable:
        """Return its labels and numbers, as `ParquetFrame.matrix` does."""
        return read_matrix(
            self._files,
            self._name,
            label_columns=len(self.index),
            header_lines=self._header_lines,
            delimiter=self._delimiter,
            **options,
        )

    def texts(self, *, gaps: bool = True) -> tuple[list[Label], list[str]]:
        """Return the labels of rows, and the texts in the last column, empty ones included."""
        return read_units(self._files, self._name, len(self.index), self._delimiter)


@contextmanager
def open_frame(
    files: Files, name: str, header_lines: int, single: Sequence[str] = STRESSORS
) -> Iterator[Any]:
    """Open a DataFrame in a file, Parquet where its name says so and else CSV."""
    if name.endswith(".parquet"):
        with open_parquet(files, name) as frame:
            yield frame
        return
    yield CsvFrame(files, name, header_lines, single)
