"""Structural paths as a result: arrays that hold them, and the tables one makes of them.

A result may have millions of paths: nothing here goes through them one by one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from carbonflows_fast._base.arrays import BLOCK_ENTRIES, CodeArray, FloatArray, locked
from carbonflows_fast._base.files import given_path, replacing
from carbonflows_fast._base.wording import count, percent
from carbonflows_fast.errors import InputError, shorten

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Paths"]

Positions: TypeAlias = npt.NDArray[np.int64]

ARROW = " ← "  # between the steps of a path that is written as text
KEYS = ("stage", "product", "product_region", "emitter", "emitter_region")
ABOUT = ("stressor", "unit", "total", "gross", "remainder", "error_bound")  # of frames and files
COLUMNS = ("value", "share", "stage")
MEASURE = ("stressor", "unit")  # columns of files beside these and the path
FORMATS = (".parquet", ".csv", ".json")
OFFSETS = int(np.iinfo(np.int32).max)  # what the offsets of an Arrow list can count up to


@dataclass(frozen=True, eq=False, repr=False)
class Paths:
    """Structural paths: the chains of purchases from final products to emitters.

    The path i₀ ← i₁ ← … ← i_k, of stage k, has the value s_{i_k} a_{i_k,i_{k−1}} … a_{i_1,i_0}
    y_{i_0}: what i_k emits for what i_{k−1} buys from it, and so on, for the final demand for i₀.
    p paths are reported, all others that match are in `remainder`. All arrays are read-only.

    Attributes
    ----------
    value : float64 array, shape (p,), in the stressor's unit
        Largest |value| first.
    starts, rows : int64 array, shape (p + 1,), and int32 array, shape (starts[-1],)
        Path k is `rows[starts[k]:starts[k + 1]]`: rows of the table, the final product first.
    stressor, unit : str
    total, remainder, error_bound : float, in `unit`
        All paths that match the demand and the filters; what of it is not reported, summed from
        the pruned subtrees; an absolute bound on the error of both.
    gross : float, in `unit`
        Σ|v| of all paths that match, which shares and coverage are of: |total| where all have one
        sign.
    pruned : float64 array, shape (stages,), in `unit`
        The remainder by the stage at which it was cut off.
    nodes : int
        Prefixes that the search expanded.

    Examples
    --------
    >>> import numpy as np
    >>> import carbonflows_fast as cf
    >>> table = cf.Table(
    ...     A=[[0, 0.5], [0.5, 0]], Y=[[8, 0], [0, 0]], S=[1, 2], x=[32 / 3, 16 / 3],
    ...     regions=["GBR", "CHN"], sectors=["Construction", "Metals"], stressors="CO2")
    >>> found = Paths(
    ...     value=np.array([8.0, 8.0]), starts=np.array([0, 1, 3]), rows=np.array([0, 0, 1]),
    ...     stressor="CO2", unit="kt", total=64 / 3, gross=64 / 3, remainder=16 / 3,
    ...     error_bound=1e-12, pruned=np.array([0.0, 0.0, 16 / 3]), nodes=2, _table=table,
    ...     _stage_totals=lambda last: np.array([8.0, 8.0, 2.0, 2.0])[: last + 1])
    >>> found
    Paths(2 paths, 'CO2', total 21.3333 kt, 75.0 % covered)
    >>> found.to_frame().path[1]
    'GBR: Construction ← CHN: Metals'
    >>> found.share.tolist(), found.stage.tolist(), found.nodes_needed
    ([0.375, 0.375], [0, 1], 2)
    >>> found.by("emitter").value.tolist(), found.by_stage().remainder.tolist()
    ([8.0, 8.0], [0.0, 0.0, 2.0])
    >>> found.tree().parent.tolist(), found.steps().step.tolist(), found.to_arrow().num_rows
    ([-1, 0], [0, 0, 1], 2)
    """

    value: FloatArray
    starts: Positions
    rows: CodeArray
    stressor: str
    unit: str
    total: float
    gross: float
    remainder: float
    error_bound: float
    pruned: FloatArray
    nodes: int
    _stage_totals: Callable[[int], FloatArray]  # exact value of all matching paths, stage 0..last
    _table: Table

    def __post_init__(self) -> None:
        arrays = {"value": np.float64, "starts": np.int64, "rows": np.int32, "pruned": np.float64}
        for name, kind in arrays.items():
            object.__setattr__(self, name, locked(np.ascontiguousarray(getattr(self, name), kind)))

    def __len__(self) -> int:
        return self.value.size

    def __repr__(self) -> str:
        paths = f"{count(len(self), 'path')}"
        total = f"{self.total:.6g} {self.unit}".rstrip()
        covered = f", {percent(self.coverage)} covered" if self.gross else ""
        return f"Paths({paths}, {self.stressor!r}, total {total}{covered})"

    @cached_property
    def stage(self) -> CodeArray:
        """int32 array, shape (p,): purchases between emitter and final user, 0 for the maker."""
        return locked((np.diff(self.starts) - 1).astype(np.int32))

    @cached_property
    def share(self) -> FloatArray:
        """float64 array, shape (p,): value / gross, NaN where that is zero."""
        return locked(self._share(self.value))

    @property
    def coverage(self) -> float:
        """Σ|value| / gross: the share that is reported, NaN where that is zero; at most 1."""
        return float(np.abs(self.value).sum()) / self.gross if self.gross else float("nan")

    @cached_property
    def nodes_needed(self) -> int:
        """Distinct prefixes of the reported paths: the fewest that a search could expand."""
        return len(self.tree())

    def _share(self, values: npt.NDArray[Any]) -> FloatArray:
        return values / self.gross if self.gross else np.full(values.shape, np.nan)

    def _frame(self, columns: dict[str, Any], index: pd.Index | None = None) -> pd.DataFrame:
        frame = pd.DataFrame(columns, index=index)
        frame.attrs = {name: getattr(self, name) for name in ABOUT}
        return frame

    def _labels(self, rows: npt.NDArray[Any]) -> dict[str, pd.Categorical]:
        """Return region and sector of rows of the table."""
        p = self._table._parts
        return {
            "region": pd.Categorical.from_codes(p.region_codes[rows], list(p.regions)),
            "sector": pd.Categorical.from_codes(p.sector_codes[rows], list(p.sectors)),
        }

    def to_arrow(self) -> Any:
        """Return the paths as a pyarrow Table that shares `value` and `rows` with this object.

        Returns
        -------
        pyarrow.Table
            Columns value (float64, in `unit`), share (float64, of `gross`), stage (int32) and
            path (list of int32: rows of the table, the final product first).
        """
        import pyarrow as pa

        columns = {name: pa.array(getattr(self, name)) for name in COLUMNS}
        return pa.table(columns | {"path": _lists(self.starts, pa.array(self.rows))})

    def to_frame(self) -> pd.DataFrame:
        """Return the paths in words, one a row.

        Returns
        -------
        DataFrame
            Columns value (in `unit`), share (of `gross`), stage and path: "region: sector" of
            each step in one text, the final product first. `attrs` of this and all other frames
            here: stressor, unit, total, gross, remainder and error_bound.
        """
        import pyarrow as pa

        texts = [self._written(block, self._texts) for block in self._blocks()]
        path = pa.chunked_array(texts, pa.large_string()).to_pandas()
        return self._frame({name: getattr(self, name) for name in COLUMNS} | {"path": path})

    @cached_property
    def _texts(self) -> list[str]:
        """What each row of the table is called in a path that is written as text."""
        p = self._table._parts
        return [f"{p.regions[r]}: {p.sectors[s]}" for r, s in zip(p.region_codes, p.sector_codes)]

    def _blocks(self) -> Iterator[slice]:
        """Cut the paths into ranges of about `BLOCK_ENTRIES` steps: texts take many bytes each."""
        cuts = np.searchsorted(self.starts, np.arange(0, self.rows.size, BLOCK_ENTRIES))
        edges = np.unique(np.append(cuts, len(self))).tolist()
        return (slice(first, last) for first, last in pairwise(edges))

    def _written(self, block: slice, labels: list[str]) -> Any:
        """Return a range of paths as an Arrow array of texts."""
        import pyarrow as pa
        import pyarrow.compute as pc

        starts = self.starts[block.start : block.stop + 1]
        rows = pa.array(self.rows[starts[0] : starts[-1]])
        names = pa.array(labels, pa.large_string()).take(rows)
        return pc.binary_join(_lists(starts - starts[0], names), pa.scalar(ARROW, names.type))

    def steps(self) -> pd.DataFrame:
        """Return the steps of all paths.

        Returns
        -------
        DataFrame, one row a step, Σ (stage + 1) rows
            - path: which one, counted from 0 in the order of `value`;
            - step: 0 for the final product, the path's stage for the emitter;
            - region, sector: categories in the order of the table.
        """
        lengths = np.diff(self.starts)
        step = np.arange(self.rows.size) - np.repeat(self.starts[:-1], lengths)
        path = np.repeat(np.arange(len(self)), lengths)
        return self._frame({"path": path, "step": step.astype(np.int32)} | self._labels(self.rows))

    def by_stage(self) -> pd.DataFrame:
        """Return what is reported and what is not, by stage.

        Returns
        -------
        DataFrame, index stage 0 to the last with reported paths or pruned parts, in `unit`
            - paths: how many are reported;
            - value: their sum;
            - total: of all matching paths of this stage, reported or not;
            - remainder: total − value;
            - pruned: the value of all subtrees that were cut off at this stage. They reach into
              later ones: this column, not the one before, adds up to the result's remainder.
        """
        cut = np.flatnonzero(self.pruned)
        last = max(int(self.stage.max(initial=0)), int(cut.max(initial=0)))
        columns: dict[str, Any] = {"paths": np.bincount(self.stage, minlength=last + 1)}
        columns["value"] = _sums(self.stage, self.value, last + 1)
        columns["total"] = np.asarray(self._stage_totals(last), dtype=np.float64)
        columns["remainder"] = columns["total"] - columns["value"]
        columns["pruned"] = _sums(cut, self.pruned[cut], last + 1)
        return self._frame(columns, pd.RangeIndex(last + 1, name="stage"))

    def by(self, *keys: str) -> pd.DataFrame:
        """Return the reported paths, summed over groups.

        Parameters
        ----------
        *keys : "stage", "product", "product_region", "emitter" or "emitter_region"
            One or more. The product is the sector finally bought, the emitter the one that emits.

        Returns
        -------
        DataFrame, index `keys`
            Columns value (in `unit`), share (of `gross`) and paths (how many). Largest |value|
            first; of equal ones the smaller stage, and what the table has first.

        Raises
        ------
        InputError
            If a key is unknown or given twice, or if there is none.
        """
        bad = [
            key
            for at, key in enumerate(keys)
            if not isinstance(key, str) or key not in KEYS or key in keys[:at]
        ]
        if bad or not keys:
            expected, got = f"some of {shorten(map(repr, KEYS))}, each once", [*bad, "none"][0]
            remedy = 'give e.g. by("product", "emitter_region")'
            raise InputError.about("keys", expected=expected, got=repr(got), remedy=remedy)
        codes = [self._codes(key) for key in keys]
        group = np.zeros(len(self), dtype=np.int64)
        for code, labels in codes:
            # Ranks after every key: they keep the order, and no product of sizes can overflow.
            distinct, group = _ranked(group * len(labels) + code)
        member = np.empty(distinct.size, dtype=np.int64)
        member[group] = np.arange(len(self))  # any path of a group says which it is
        value = _sums(group, self.value, member.size)
        order = np.argsort(-np.abs(value), kind="stable")
        found = (labels.take(code[member[order]]) for code, labels in codes)
        columns = dict(zip(keys, found)) | {"value": value[order]}
        columns["share"] = self._share(columns["value"])
        columns["paths"] = np.bincount(group, minlength=member.size)[order]
        return self._frame(columns).set_index(list(keys))

    def _codes(self, key: str) -> tuple[npt.NDArray[Any], pd.Index]:
        """Return which label each path has, and the labels."""
        if key == "stage":
            return self.stage, pd.Index(np.arange(self.stage.max(initial=0) + 1, dtype=np.int64))
        ends = self.rows[self.starts[:-1] if key.startswith("product") else self.starts[1:] - 1]
        label = self._labels(ends)["region" if key.endswith("region") else "sector"]
        return label.codes, label.categories

    def tree(self) -> pd.DataFrame:
        """Return the reported paths as a tree: every beginning they share is one node.

        Returns
        -------
        DataFrame, index node: stage by stage, so that parents come before their children
            - parent: node, −1 for final products;
            - stage: purchases between this node and the final user;
            - row: of the table; region, sector: its labels;
            - value: of the path that ends here, in `unit`, 0 where it is not reported;
            - subtotal: reported values here and below, in `unit`;
            - paths: how many reported paths end here or below.

            Siblings are together, largest |subtotal| first; ties in the order of the table.
        """
        stages: list[tuple[npt.NDArray[Any], ...]] = []
        alive = np.arange(len(self))  # paths that reach this stage
        above = np.zeros(len(self), dtype=np.int64)  # their node of the stage before, from 0
        before, nodes = -1, 0  # the first node of the stage before, and of this one
        while alive.size or not stages:
            stage, n = len(stages), self._table.n
            key, node = _ranked(above * n + self.rows[self.starts[alive] + stage])
            parent, row = key // n, key % n
            ends, values = self.stage[alive] == stage, self.value[alive]
            own = _sums(node[ends], values[ends], key.size)
            subtotal = _sums(node, values, key.size)
            paths = np.bincount(node, minlength=key.size)
            order = np.lexsort((row, -np.abs(subtotal), parent))
            found = (parent + before, np.full(key.size, stage), row, own, subtotal, paths)
            stages.append(tuple(array[order] for array in found))
            alive, above = alive[~ends], np.argsort(order)[node[~ends]]
            before, nodes = nodes, nodes + key.size
        parent, level, row, own, subtotal, paths = map(np.concatenate, zip(*stages))
        columns = {"parent": parent, "stage": level.astype(np.int32), "row": row.astype(np.int32)}
        columns |= self._labels(row) | {"value": own, "subtotal": subtotal, "paths": paths}
        return self._frame(columns, pd.RangeIndex(nodes, name="node"))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the paths to a file, which appears complete or not at all, and return where.

        Parameters
        ----------
        path : path
            Ends in .parquet (`to_arrow()`, with stressor, unit, total, gross, remainder and
            error_bound in the metadata of its schema), .csv or .json (`to_frame()`; JSON is a list
            with an object a path). All have the columns stressor and unit as well, so that files
            of several years can be put together. Numbers keep all digits; NaN is an empty cell or
            null.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            If the extension is another one, or if the file cannot be written.
        """
        target = given_path("path", path)
        kind = target.suffix.lower()
        if kind not in FORMATS:
            expected = f"a file name that ends in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
            remedy = "the extension says how to write it"
            raise InputError.about("path", expected=expected, got=repr(str(path)), remedy=remedy)
        with replacing(target, "path") as fresh:
            if kind == ".parquet":
                import pyarrow.parquet as pq

                about = {name: str(getattr(self, name)) for name in ABOUT}
                table = self.to_arrow()
                for name in MEASURE:
                    table = table.append_column(name, self._repeated(name))
                pq.write_table(table.replace_schema_metadata(about), fresh)
            elif kind == ".csv":
                frame = self.to_frame().assign(**{name: getattr(self, name) for name in MEASURE})
                frame.to_csv(fresh, index=False, lineterminator="\n", encoding="utf-8")
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
        # The same in every object; the path is the last text before it.
        same = json.dumps({n: getattr(self, n) for n in MEASURE}, ensure_ascii=False)
        end = f'", {same[1:]}'
        words = ['{"value": ', ', "share": ', ', "stage": ', ', "path": "', end, "", "null"]
        *between, last, nothing, null = (pa.scalar(word, text) for word in words)
        # Escaped one by one, labels need no more care once they are joined: ARROW has no quotes.
        labels = [json.dumps(label, ensure_ascii=False)[1:-1] for label in self._texts]
        with file.open("w", encoding="utf-8", newline="\n") as out:
            for block in self._blocks():
                numbers = [pa.array(getattr(self, name)[block]) for name in COLUMNS]
                fields = [pc.if_else(pc.is_finite(v), pc.cast(v, text), null) for v in numbers]
                fields.append(self._written(block, labels))
                pieces = chain.from_iterable(zip(between, fields))
                objects = pc.binary_join_element_wise(*pieces, last, nothing)
                out.write(",\n" if block.start else "[\n")
                out.write(",\n".join(objects.to_numpy(zero_copy_only=False)))
            out.write("\n]\n" if len(self) else "[]\n")


def _lists(starts: Positions, values: Any) -> Any:
    """Return the Arrow array of lists `values[starts[k]:starts[k + 1]]`; starts[0] is 0."""
    import pyarrow as pa

    if starts[-1] > OFFSETS:
        return pa.LargeListArray.from_arrays(pa.array(starts), values)
    return pa.ListArray.from_arrays(pa.array(starts.astype(np.int32)), values)


def _sums(group: npt.NDArray[Any], values: FloatArray, size: int) -> FloatArray:
    # Of no values `bincount` makes integers.
    return np.bincount(group, values, size).astype(np.float64, copy=False)


def _ranked(keys: Positions) -> tuple[Positions, Positions]:
    """Return the distinct keys (none negative) in order, and which of them each one is."""
    span = int(keys.max(initial=-1)) + 1
    if span > 4 * keys.size:
        return np.unique(keys, return_inverse=True)
    # Keys that fill most of their range need no sorting.
    present = np.zeros(span, dtype=np.bool_)
    present[keys] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[keys]
