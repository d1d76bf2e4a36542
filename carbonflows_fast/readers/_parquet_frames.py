"""Parquet files that pandas wrote of a DataFrame: its labels, and its numbers block by block."""

from __future__ import annotations

import ast
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._parts import FloatArray
from carbonflows_fast.errors import FormatError, wrong
from carbonflows_fast.readers._cells import Label, show
from carbonflows_fast.readers._files import Files
from carbonflows_fast.readers._text import TextTable

__all__ = ["ParquetFrame"]

BLOCK_CELLS = 1 << 22  # read at a time, 32 MB
MOST_CELLS = 1 << 32  # GLORIA has 1.6e9


class ParquetFrame:
    """A DataFrame in a Parquet file, opened; numbers are read when asked for.

    Parameters
    ----------
    files : Files
    name : str
        The file in it.

    Attributes
    ----------
    where : str
        The file, for messages.
    index : list of str
        The names of the levels of its index, "" where there is none.
    levels : list of str
        The same of its columns.
    columns : list of Label

    Raises
    ------
    FormatError
        If the file is missing or damaged, not pandas' own, has no labelled index, or is far
        larger than any table.
    """

    def __init__(self, files: Files, name: str) -> None:
        from pyarrow.parquet import ParquetFile

        self.where = files.where(name)
        content = io.BytesIO(files.content(name))
        with self._damage():
            self._file = ParquetFile(content)
            schema = self._file.schema_arrow
            about = schema.pandas_metadata or {}
            fields = about.get("index_columns") or []
        if not fields or not all(isinstance(field, str) for field in fields):
            raise FormatError(
                wrong(self.where, expected="a DataFrame with labels in its index, as pandas writes "
                      "it", got="bare numbers" if fields else "no index",
                      remedy="set the index, then write it with to_parquet")
            )  # fmt: skip
        rows = self._file.metadata.num_rows
        if rows * len(schema) > MOST_CELLS:
            raise FormatError(
                wrong(self.where, expected=f"at most {MOST_CELLS:.1g} cells",
                      got=f"{rows} × {len(schema)}", remedy="this is no table in a known layout")
            )  # fmt: skip
        with self._damage():
            names = schema.names  # a new list each time it is asked for
            self._labels = [names.index(field) for field in fields]
            called = {column["field_name"]: column["name"] for column in about["columns"]}
            self.index = [str(called[field] or "") for field in fields]
            self.levels = [str(level["name"] or "") for level in about["column_indexes"]]
            self._numbers = [at for at, name in enumerate(names) if name not in fields]
            self.columns = [self._column(names[at]) for at in self._numbers]

    def _column(self, name: str) -> Label:
        """Return the label of a column; of several levels, pandas writes a tuple as text."""
        if len(self.levels) < 2:
            return (name,)
        label = ast.literal_eval(name)
        if not isinstance(label, tuple) or len(label) != len(self.levels):
            raise ValueError(f"a column {name!r}")
        return tuple(map(str, label))

    def matrix(
        self, *, keep: Callable[[Label], bool] | None = None, sparse: bool = False,
        empty_value: float | None = None,
    ) -> TextTable:  # fmt: skip
        """Return its labels and numbers, as `read_matrix` does for text.

        Parameters
        ----------
        keep : callable, optional
            Told the label of a row, returns whether its numbers are wanted.
        sparse : bool
            Return `values` as csr_array without zeros.
        empty_value : float, optional
            What an empty cell or NaN counts as; None: it is refused.

        Raises
        ------
        FormatError
            If a label is missing, a column has no numbers, or a number is missing or infinite.
        """
        self._require_numbers()
        rows: list[Label] = []
        kept: list[int] = []
        blocks: list[Any] = []
        empty = 0
        for batch in self._batches():
            labels = self._row_labels(batch, len(rows))
            chosen = [at for at, label in enumerate(labels) if keep is None or keep(label)]
            block = self._block(batch)
            if len(chosen) < len(labels):
                block = block[chosen]
            bad = ~np.isfinite(block) if empty_value is None else np.isinf(block)
            if bad.any():
                at, column = np.argwhere(bad)[0].tolist()
                self._refuse(labels[chosen[at]], column, float(block[at, column]))
            missing = np.isnan(block)
            empty += int(missing.sum())
            block[missing] = empty_value
            blocks.append(sp.csr_array(block) if sparse else block)
            kept += [len(rows) + at for at in chosen]
            rows += labels
        blocks = blocks or [np.empty((0, len(self._numbers)))]
        values = sp.vstack(blocks, format="csr") if sparse else np.concatenate(blocks)
        return TextTable(self.where, rows, [], self.columns, kept, values, empty)

    def texts(self) -> tuple[list[Label], list[str]]:
        """Return the labels of rows, and the texts of the only column.

        Raises
        ------
        FormatError
            If there are several columns, or something else than text.
        """
        if len(self._numbers) != 1:
            raise FormatError(
                wrong(self.where, expected="one column", got=str(len(self._numbers)),
                      remedy="write one column of texts")
            )  # fmt: skip
        labels: list[Label] = []
        texts: list[str] = []
        for batch in self._batches():
            for text in batch.column(self._numbers[0]).to_pylist():
                if not isinstance(text, str):
                    raise FormatError(
                        wrong(f"{self.where}, row {len(texts) + 1}", expected="a text",
                              got=repr(text),
                              remedy="write texts, empty ones where nothing is known")
                    )  # fmt: skip
                texts.append(text)
            labels += self._row_labels(batch, len(labels))
        return labels, texts

    def _require_numbers(self) -> None:
        import pyarrow as pa

        types = self._file.schema_arrow.types
        for at, label in zip(self._numbers, self.columns, strict=True):
            if not (pa.types.is_floating(types[at]) or pa.types.is_integer(types[at])):
                raise FormatError(
                    wrong(f"{self.where}, column {show(label)}", expected="numbers",
                          got=f"type {types[at]}", remedy="convert the column with pd.to_numeric")
                )  # fmt: skip

    def _batches(self) -> Iterator[Any]:
        size = max(1, BLOCK_CELLS // (len(self._numbers) + len(self._labels)))
        with self._damage():
            batches = self._file.iter_batches(batch_size=size)
        while True:
            with self._damage():
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _row_labels(self, batch: Any, before: int) -> list[Label]:
        with self._damage():
            levels = [batch.column(at).to_pylist() for at in self._labels]
        labels = [tuple("" if part is None else str(part) for part in row) for row in zip(*levels)]
        for at, label in enumerate(labels, start=before + 1):
            if not all(part.strip() for part in label):
                raise FormatError(
                    wrong(f"{self.where}, row {at}", expected="a text in each level of the index",
                          got=show(label), remedy="fill in the missing label")
                )  # fmt: skip
        return labels

    def _block(self, batch: Any) -> FloatArray:
        block = np.empty((len(batch), len(self._numbers)), order="F")
        with self._damage():
            for at, column in enumerate(self._numbers):
                block[:, at] = batch.column(column).to_numpy(zero_copy_only=False)
        return block

    def _refuse(self, row: Label, column: int, value: float) -> None:
        raise FormatError(
            wrong(f"{self.where}, row {show(row)}, column {show(self.columns[column])}",
                  expected="a finite number", got=str(value),
                  remedy="find out why it is missing, then fill it, e.g. with fillna(0)")
        )  # fmt: skip

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # what a damaged file makes Arrow raise has no common base
            got = " ".join(f"{type(error).__name__} ({error})".split())
            raise FormatError(
                wrong(self.where, expected="a complete Parquet file that pandas wrote", got=got,
                      remedy="it is damaged or cut short: write or copy it again")
            ) from error  # fmt: skip
