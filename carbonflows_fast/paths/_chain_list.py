"""A list of supply chains: the arrays that hold it, its words, and its files.

A result may have millions of chains: nothing here goes through them one by one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from carbonflows_fast._base.arrays import BLOCK_ENTRIES, CodeArray, FloatArray, locked
from carbonflows_fast._base.files import given_path, replacing
from carbonflows_fast._base.markup import Shown
from carbonflows_fast._base.workbook import check_workbook, write_workbook
from carbonflows_fast.errors import InputError

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["ChainList", "Positions"]

Positions: TypeAlias = npt.NDArray[np.int64]

ARROW = " ← "  # between the steps of a chain that is written as text
SHOWN = 10_000  # chains that become a frame at once
OFFSETS = int(np.iinfo(np.int32).max)  # what the offsets of an Arrow list can count up to


@dataclass(frozen=True, eq=False, repr=False)
class ChainList(Shown):
    """What all results have that list chains. Chain k is `rows[starts[k]:starts[k + 1]]`.

    A subclass says which of its arrays are numbers (`_NUMBERS`), what frames and files say of the
    whole (`_ABOUT`), what files repeat for each chain (`_MEASURE`) and what they may be
    (`_FORMATS`).
    """

    starts: Positions
    rows: CodeArray
    stressor: str
    unit: str
    total: float
    error_bound: float
    pruned: FloatArray
    nodes: int
    _table: Table

    _NUMBERS: ClassVar[tuple[str, ...]]
    _ABOUT: ClassVar[tuple[str, ...]]
    _MEASURE: ClassVar[tuple[str, ...]] = ()
    _FORMATS: ClassVar[tuple[str, ...]] = (".parquet", ".csv", ".xlsx")

    def __post_init__(self) -> None:
        types = {"starts": np.int64, "rows": np.int32} | dict.fromkeys(self._NUMBERS, np.float64)
        for name, dtype in types.items():
            array = np.ascontiguousarray(getattr(self, name), dtype)
            object.__setattr__(self, name, locked(array))

    def __len__(self) -> int:
        return self.starts.size - 1

    @cached_property
    def stage(self) -> CodeArray:
        """int32 array, shape (p,): purchases between emitter and final user, 0 for the maker."""
        return locked((np.diff(self.starts) - 1).astype(np.int32))

    def _main_frame(self) -> pd.DataFrame | None:
        return self.to_frame() if len(self) <= SHOWN else None

    @property
    def _about(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._ABOUT}

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return the numbers of every chain, by their names in frames and files."""
        raise NotImplementedError

    def _frame(self, columns: dict[str, Any], index: pd.Index | None = None) -> pd.DataFrame:
        frame = pd.DataFrame(columns, index=index)
        frame.attrs = self._about
        return frame

    def _labels(self, rows: npt.NDArray[Any]) -> dict[str, pd.Categorical]:
        """Return region and sector of rows of the table."""
        p = self._table.content
        return {
            "region": pd.Categorical.from_codes(p.region_codes[rows], list(p.regions)),
            "sector": pd.Categorical.from_codes(p.sector_codes[rows], list(p.sectors)),
        }

    def to_arrow(self) -> Any:
        """Return the paths as a pyarrow Table that shares its numbers and `rows` with this object.

        Returns
        -------
        pyarrow.Table
            The columns of `to_frame()`, path as a list of int32: rows of the table, the final
            product first.
        """
        import pyarrow as pa

        columns = {name: pa.array(values) for name, values in self._columns().items()}
        return pa.table(columns | {"path": _lists(self.starts, pa.array(self.rows))})

    def to_frame(self) -> pd.DataFrame:
        """Return the paths in words, one a row.

        Returns
        -------
        DataFrame
            The numbers of each path as its class lists them, stage, and path: "region: sector" of
            each step in one text, the final product first. `attrs` of this and all other frames
            here have stressor, unit, total, remainder, error_bound and more of the whole.
        """
        import pyarrow as pa

        texts = [self._written(block, self._row_names) for block in self._blocks()]
        path = pa.chunked_array(texts, pa.large_string()).to_pandas()
        return self._frame(self._columns() | {"path": path})

    def steps(self) -> pd.DataFrame:
        """Return the steps of all paths.

        Returns
        -------
        DataFrame, one row a step, Σ (stage + 1) rows
            - path: which one, counted from 0 in the order of this object;
            - step: 0 for the final product, the path's stage for the emitter;
            - region, sector: categories in the order of the table.
        """
        lengths = np.diff(self.starts)
        step = np.arange(self.rows.size) - np.repeat(self.starts[:-1], lengths)
        path = np.repeat(np.arange(len(self)), lengths)
        return self._frame({"path": path, "step": step.astype(np.int32)} | self._labels(self.rows))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the paths to a file, which appears complete or not at all, and return where.

        Parameters
        ----------
        path : path
            Ends in .parquet (`to_arrow()`, with the `attrs` of `to_frame()` in the metadata of
            its schema), .csv or .xlsx (`to_frame()`) or, of :class:`Paths` alone, .json (a list
            with an object a path). Files of :class:`Paths` have the columns stressor and unit as
            well, so that those of several years can be put together. Numbers keep all digits, in
            .xlsx 16; NaN is an empty cell or null.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            If the extension is another one, if the file cannot be written, or if openpyxl is
            missing or a sheet too small for .xlsx.
        """
        target = given_path("path", path)
        kind = target.suffix.lower()
        if kind not in self._FORMATS:
            raise InputError.about(
                "path",
                expected=f"a file name that ends in {', '.join(self._FORMATS[:-1])} or "
                f"{self._FORMATS[-1]}",
                got=repr(str(path)),
                remedy="the extension says how to write it",
            )
        if kind == ".xlsx":
            check_workbook(target, "path", len(self))
        with replacing(target, "path") as fresh:
            if kind == ".parquet":
                import pyarrow.parquet as pq

                table = self.to_arrow()
                for name in self._MEASURE:
                    table = table.append_column(name, self._repeated(name))
                about = {name: str(value) for name, value in self._about.items()}
                pq.write_table(table.replace_schema_metadata(about), fresh)
            elif kind in (".csv", ".xlsx"):
                frame = self.to_frame().assign(**{n: getattr(self, n) for n in self._MEASURE})
                if kind == ".csv":
                    frame.to_csv(fresh, index=False, lineterminator="\n", encoding="utf-8")
                else:
                    write_workbook({"chains": frame}, fresh)
            else:
                self._write_json(fresh)
        return target

    def _repeated(self, name: str) -> Any:
        """Return a text of the whole result as an Arrow column, which holds it once."""
        import pyarrow as pa

        codes = pa.array(np.zeros(len(self), dtype=np.int32))
        return pa.DictionaryArray.from_arrays(codes, pa.array([getattr(self, name)], pa.string()))

    def _write_json(self, file: Path) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        text = pa.large_string()
        columns = self._columns()
        # The same in every object; the path is the last text before it.
        same = json.dumps({n: getattr(self, n) for n in self._MEASURE}, ensure_ascii=False)
        keys = [f'{", " if at else "{"}"{name}": ' for at, name in enumerate(columns)]
        words = [*keys, ', "path": "', f'", {same[1:]}', "", "null"]
        *between, last, nothing, null = (pa.scalar(word, text) for word in words)
        # Escaped one by one, labels need no more care once they are joined: ARROW has no quotes.
        labels = [json.dumps(label, ensure_ascii=False)[1:-1] for label in self._row_names]
        with file.open("w", encoding="utf-8", newline="\n") as out:
            for block in self._blocks():
                numbers = [pa.array(values[block]) for values in columns.values()]
                fields = [pc.if_else(pc.is_finite(v), pc.cast(v, text), null) for v in numbers]
                fields.append(self._written(block, labels))
                pieces = chain.from_iterable(zip(between, fields))
                objects = pc.binary_join_element_wise(*pieces, last, nothing)
                out.write(",\n" if block.start else "[\n")
                out.write(",\n".join(objects.to_numpy(zero_copy_only=False)))
            out.write("\n]\n" if len(self) else "[]\n")

    @cached_property
    def _row_names(self) -> list[str]:
        """What each row of the table is called in a chain that is written as text."""
        p = self._table.content
        return [f"{p.regions[r]}: {p.sectors[s]}" for r, s in zip(p.region_codes, p.sector_codes)]

    def _blocks(self) -> Iterator[slice]:
        """Cut the chains into ranges of about `BLOCK_ENTRIES` steps: texts take many bytes each."""
        cuts = np.searchsorted(self.starts, np.arange(0, self.rows.size, BLOCK_ENTRIES))
        edges = np.unique(np.append(cuts, len(self))).tolist()
        return (slice(first, last) for first, last in pairwise(edges))

    def _written(self, block: slice, labels: list[str]) -> Any:
        """Return a range of chains as an Arrow array of texts."""
        import pyarrow as pa
        import pyarrow.compute as pc

        starts = self.starts[block.start : block.stop + 1]
        rows = pa.array(self.rows[starts[0] : starts[-1]])
        names = pa.array(labels, pa.large_string()).take(rows)
        return pc.binary_join(_lists(starts - starts[0], names), pa.scalar(ARROW, names.type))


def _lists(starts: Positions, values: Any) -> Any:
    """Return the Arrow array of lists `values[starts[k]:starts[k + 1]]`; starts[0] is 0."""
    import pyarrow as pa

    if starts[-1] > OFFSETS:
        return pa.LargeListArray.from_arrays(pa.array(starts), values)
    return pa.ListArray.from_arrays(pa.array(starts.astype(np.int32)), values)
