"""Structural paths as a result: the arrays, and tables made from them.

A result may have millions of paths: nothing here goes through them one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from carbonflows_fast._base.arguments import whole
from carbonflows_fast._base.arrays import FloatArray, locked
from carbonflows_fast._base.wording import count, percent
from carbonflows_fast.errors import InputError, shorten
from carbonflows_fast.paths._chain_list import ChainList, Positions
from carbonflows_fast.paths._path_errors import PathErrors, Relative, larger, larger_than_next

__all__ = ["Paths"]

MOST_COMPARED = 5_000
"""Paths whose pairs are looked at: 200 MB for each number of all pairs."""
FEWER = "give e.g. count=100 for the largest"
MOST_STAGES = 100_000
"""Rows of `by_stage`: each takes a product with A."""
KEYS = ("stage", "product", "product_region", "emitter", "emitter_region")


@dataclass(frozen=True, eq=False, repr=False)
class Paths(ChainList):
    """Structural paths: the chains of purchases from final products to emitters.

    The path i₀ ← i₁ ← … ← i_k, of stage k, has the value s_{i_k} a_{i_k,i_{k−1}} … a_{i_1,i_0}
    y_{i_0}: what i_k emits for what i_{k−1} buys from it, and so on, for the final demand for i₀.
    p paths are reported, all others that match are in `remainder`. All arrays are read-only.
    `to_frame` and `to_arrow` have the columns value (in `unit`), share (of `gross`), stage, path;
    and, if the search was asked with errors, sd and larger_than_next between share and stage.

    Attributes
    ----------
    value : float64 array, shape (p,), in the stressor's unit
        Largest |value| first.
    starts, rows : int64 array, shape (p + 1,), and int32 array, shape (starts[-1],)
        Path k is `rows[starts[k]:starts[k + 1]]`: rows of the table, the final product first.
    stressor, unit : str
    total, remainder, error_bound : float, in `unit`
        The value of all paths that match the demand and the filters; the part not reported, summed
        from the pruned subtrees; an absolute bound on the error of both.
    sd : float64 array, shape (p,), in `unit`, or None
        Standard deviations, to first order, if the search was asked with errors.
    gross : float, in `unit`
        Σ|v| of all matching paths, the denominator of shares and coverage. It equals |total| if all
        have one sign.
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
    gross: float
    remainder: float
    _stage_totals: Callable[[int], FloatArray]  # exact value of all matching paths, stage 0..last
    _errors: PathErrors | None = None

    _NUMBERS: ClassVar = ("value", "pruned")
    _ABOUT: ClassVar = ("stressor", "unit", "total", "gross", "remainder", "error_bound")
    _MEASURE: ClassVar = ("stressor", "unit")
    _FORMATS: ClassVar = (".parquet", ".csv", ".json", ".xlsx")

    def __repr__(self) -> str:
        paths = f"{count(len(self), 'path')}"
        total = f"{self.total:.6g} {self.unit}".rstrip()
        covered = f", {percent(self.coverage)} covered" if self.gross else ""
        return f"Paths({paths}, {self.stressor!r}, total {total}{covered})"

    @cached_property
    def share(self) -> FloatArray:
        """float64 array, shape (p,): value / gross, NaN if gross is zero."""
        return locked(self._share(self.value))

    @property
    def coverage(self) -> float:
        """Σ|value| / gross: the reported share, at most 1; NaN if gross is zero."""
        return float(np.abs(self.value).sum()) / self.gross if self.gross else float("nan")

    @cached_property
    def sd(self) -> FloatArray | None:
        """float64 array, shape (p,), in `unit`: standard deviations; None without errors.

        To first order in the errors. They are of the values of these paths, not of their ranks.
        """
        if self._errors is None:
            return None
        relative = np.zeros(len(self))
        for block in self._blocks():
            relative[block] = np.sqrt(self._relative(block).variances())
        return locked(np.abs(self.value) * relative)

    @cached_property
    def larger_than_next(self) -> FloatArray | None:
        """float64 array, shape (p,): the probability that |value| is above that of the next path.

        Near 0.5 the ranks of the two cannot be told apart, near 1 they can. Of the last path NaN;
        None without errors. Paths are taken to be normal. What the two share cancels: a common
        beginning or end, a shared error.
        """
        if self._errors is None:
            return None
        found = np.full(len(self), np.nan)
        for block in self._blocks():
            pairs = slice(block.start, min(block.stop + 1, len(self)))
            relative = self._relative(pairs)
            found[pairs.start : pairs.stop - 1] = larger_than_next(self.value[pairs], relative)
        return locked(found)

    def probability_larger(self, count: int | None = None) -> pd.DataFrame:
        """Return the probability that a row's path is larger than a column's, by |value|.

        The search must have been asked with errors. The variance of a difference is that of both
        less twice their covariance: paths share cells of the table, and shared errors.

        Parameters
        ----------
        count : int, optional
            Of how many paths, the largest first; at most 5,000. The default is all.

        Returns
        -------
        DataFrame
            Path × path, counted from 0 in the order of this object; NaN for a path and itself.

        Raises
        ------
        InputError
            If the search knew of no errors, or there are more paths than 5,000.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> errors = cf.Errors(Z=0.1, Y=0.1, F=0.1)
        >>> paths = cf.structural_paths(cf.synthetic.world(2, 3), top=3, errors=errors)
        >>> paths.probability_larger().round(2)
        with    0     1     2
        path
        0     NaN  1.00  1.00
        1     0.0   NaN  0.77
        2     0.0  0.23   NaN
        >>> paths.larger_than_next.round(2), bool((paths.sd > 0).all())
        (array([1.  , 0.77,  nan]), True)
        """
        if self._errors is None:
            raise InputError.about(
                "errors",
                expected="paths with errors of the data",
                got="paths without",
                remedy="ask cf.structural_paths(…, errors=cf.Errors(…))",
            )
        count = len(self) if count is None else min(whole("count", count, remedy=FEWER), len(self))
        if count > MOST_COMPARED:
            raise InputError.about(
                "count",
                expected=f"at most {MOST_COMPARED:,} paths, for their pairs take memory",
                got=f"{count:,}",
                remedy=FEWER,
            )
        return larger(self.value[:count], self._relative(slice(0, count)))

    def _relative(self, block: slice) -> Relative:
        """Return covariances of the relative changes of a range of paths."""
        assert self._errors is not None
        return self._errors.of(self.starts[block.start : block.stop + 1], self.rows)

    @cached_property
    def nodes_needed(self) -> int:
        """Distinct prefixes of the reported paths: the fewest that a search could expand."""
        return len(self.tree())

    def _share(self, values: npt.NDArray[Any]) -> FloatArray:
        return values / self.gross if self.gross else np.full(values.shape, np.nan)

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        sure = {"sd": self.sd, "larger_than_next": self.larger_than_next}
        known = {name: values for name, values in sure.items() if values is not None}
        return {"value": self.value, "share": self.share, **known, "stage": self.stage}

    def by_stage(self) -> pd.DataFrame:
        """Return the reported paths and the remainder, by stage.

        Returns
        -------
        DataFrame, index stage 0 to the last with reported paths or pruned parts, in `unit`
            - paths: how many are reported;
            - value: their sum;
            - total: of all matching paths of this stage, reported or not;
            - remainder: total − value;
            - pruned: the value of all subtrees that were cut off at this stage. They reach into
              later ones: this column, not the one before, adds up to the result's remainder.

        Raises
        ------
        InputError
            If there are more than 100,000 stages.
        """
        cut = np.flatnonzero(self.pruned)
        last = max(int(self.stage.max(initial=0)), int(cut.max(initial=0)))
        if last >= MOST_STAGES:
            raise InputError.about(
                "by_stage",
                expected=f"at most {MOST_STAGES:,} stages",
                got=f"{last + 1:,}, since chains of this table hardly get smaller",
                remedy="search with max_stage=",
                typed="search with --max-stage",
            )
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
