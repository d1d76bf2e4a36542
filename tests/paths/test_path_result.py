"""Every table made of structural paths against the obvious loop over the paths."""

from __future__ import annotations

import csv
import json
import math
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError
from carbonflows_fast.paths import Paths, _chain_list
from carbonflows_fast.paths._result import KEYS

Chains = list[tuple[tuple[int, ...], float]]

WORLD = cf.synthetic.world(2, 3)
AWKWARD = cf.Table(  # interleaved regions, sectors that differ, labels with quotes
    Z=np.eye(4), Y=np.eye(4)[:, :2] + 1.0, F=np.ones((1, 4)), regions=["B", "A", "B", "A"],
    sectors=['Steel "x"', "Énergie\\", "Coal, raw", "Coal, raw"], stressors="CO2",
    demand=[("B", "households"), ("A", "households")],
)  # fmt: skip
CHAINS: Chains = [
    ((0, 4), 8.0), ((0,), -4.0), ((3, 4, 0), 4.0), ((0, 4, 1), 2.0), ((3,), 2.0), ((0, 2, 2), -1.0),
    ((5, 4), 0.5), ((0, 4, 1, 1, 5), 0.25),
]  # fmt: skip


def stage_totals(last: int) -> np.ndarray:
    return 100.0 / 2.0 ** np.arange(last + 1)


def made(chains: Chains, table: cf.Table = WORLD, **changes: Any) -> Paths:
    """Paths of chains that are in order, with a total and a remainder that fit."""
    value = [value for _, value in chains]
    arguments: dict[str, Any] = {
        "value": np.array(value, dtype=np.float64),
        "starts": np.cumsum([0] + [len(chain) for chain, _ in chains]),
        "rows": np.array([row for chain, _ in chains for row in chain], dtype=np.int32),
        "stressor": "CO2", "unit": "kt", "total": sum(value) + 4.0,
        "gross": sum(map(abs, value)) + 4.0, "remainder": 4.0, "error_bound": 1e-9,
        "pruned": np.array([0.0, 1.0, 3.0]), "nodes": 20,
        "_stage_totals": stage_totals, "_table": table,
    }  # fmt: skip
    return Paths(**arguments | changes)


EMPTY = made([], total=0.0, gross=0.0, remainder=0.0, pruned=np.zeros(0))


@st.composite
def chains(draw: Any, rows: int = 6) -> Chains:
    """Distinct chains in order of |value|, with many ties and sums that are exact."""
    chain = st.lists(st.integers(0, rows - 1), min_size=1, max_size=5).map(tuple)
    found = draw(st.lists(chain, max_size=30, unique=True))
    value = st.integers(-6, 6).map(lambda eighths: eighths / 8)
    return sorted([(chain, draw(value)) for chain in found], key=lambda pair: -abs(pair[1]))


def label(table: cf.Table, row: int) -> str:
    region, sector = table.rows[row]
    return f"{region}: {sector}"


def attributes(paths: Paths) -> dict[str, Any]:
    names = ("stressor", "unit", "total", "gross", "remainder", "error_bound")
    return {name: getattr(paths, name) for name in names}


def test_what_it_is() -> None:
    paths = made(CHAINS)
    assert len(paths) == 8
    assert repr(paths) == "Paths(8 paths, 'CO2', total 15.75 kt, 84.5 % covered)"
    assert repr(made(CHAINS[:1], unit="")) == "Paths(1 path, 'CO2', total 12, 66.7 % covered)"
    assert repr(EMPTY) == "Paths(0 paths, 'CO2', total 0 kt)"
    assert paths.stage.tolist() == [1, 0, 2, 2, 0, 2, 1, 4]
    assert paths.stage.dtype == np.int32
    np.testing.assert_array_equal(paths.share, paths.value / 25.75)
    assert paths.coverage == 21.75 / 25.75
    nothing = made(CHAINS, gross=0.0)
    assert math.isnan(nothing.coverage)
    assert np.isnan(nothing.share).all()
    assert math.isnan(EMPTY.coverage)


def test_arrays_are_read_only_and_not_copied() -> None:
    given_value = np.array([2.0, 1.0])
    rows = np.array([0, 1], dtype=np.int32)
    paths = made([((0,), 2.0), ((1,), 1.0)], value=given_value, rows=rows)
    assert np.shares_memory(paths.value, given_value)
    for name in ("value", "starts", "rows", "pruned", "stage", "share"):
        assert not getattr(paths, name).flags.writeable, name
    given_value[0] = 3.0  # the caller's stay writable
    with pytest.raises(AttributeError):
        paths.total = 1.0  # type: ignore[misc]
    table = paths.to_arrow()
    assert table["value"].chunk(0).buffers()[1].address == given_value.ctypes.data
    assert table["path"].chunk(0).values.buffers()[1].address == rows.ctypes.data


def test_frames_can_be_changed_without_changing_the_paths() -> None:
    paths = made(CHAINS)
    frame = paths.to_frame()
    frame.loc[0, "value"] = 99.0
    assert paths.value[0] == 8.0


@pytest.mark.parametrize("offsets", [2**31 - 1, 3])
def test_arrow(offsets: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_chain_list, "OFFSETS", offsets)
    table = made(CHAINS).to_arrow()
    kind = pa.list_ if offsets > 3 else pa.large_list
    types = [pa.float64(), pa.float64(), pa.int32(), kind(pa.int32())]
    assert table.schema == pa.schema(dict(zip(["value", "share", "stage", "path"], types)))
    assert table["path"].to_pylist() == [list(chain) for chain, _ in CHAINS]
    assert table["value"].to_pylist() == [value for _, value in CHAINS]
    assert table["stage"].to_pylist() == [len(chain) - 1 for chain, _ in CHAINS]
    assert len(made([]).to_arrow()) == 0


@pytest.mark.parametrize("block", [1, 4, 1000])
@pytest.mark.parametrize("table", [WORLD, AWKWARD])
def test_frame(table: cf.Table, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_chain_list, "BLOCK_ENTRIES", block)
    some = [pair for pair in CHAINS if max(pair[0]) < table.n]
    paths = made(some, table)
    frame = paths.to_frame()
    expected = [" ← ".join(label(table, row) for row in chain) for chain, _ in some]
    assert list(frame.columns) == ["value", "share", "stage", "path"]
    assert frame["path"].tolist() == expected
    np.testing.assert_array_equal(frame["value"], paths.value)
    np.testing.assert_array_equal(frame["share"], paths.share)
    np.testing.assert_array_equal(frame["stage"], paths.stage)
    assert frame.attrs == attributes(paths)


@given(chains(4), st.sampled_from([WORLD, AWKWARD]))
def test_steps(some: Chains, table: cf.Table) -> None:
    frame = made(some, table).steps()
    expected = [
        (k, step, *table.rows[row])
        for k, (chain, _) in enumerate(some)
        for step, row in enumerate(chain)
    ]
    assert list(frame.columns) == ["path", "step", "region", "sector"]
    assert list(frame.itertuples(index=False, name=None)) == expected
    assert list(frame["region"].cat.categories) == list(table.regions)


def test_by_stage() -> None:
    paths = made(CHAINS)
    frame = paths.by_stage()
    assert list(frame.columns) == ["paths", "value", "total", "remainder", "pruned"]
    assert frame["paths"].tolist() == [2, 2, 3, 0, 1]
    assert frame["value"].tolist() == [-2.0, 8.5, 5.0, 0.0, 0.25]
    assert frame["total"].tolist() == [100.0, 50.0, 25.0, 12.5, 6.25]
    np.testing.assert_array_equal(frame["remainder"], frame["total"] - frame["value"])
    assert frame["pruned"].tolist() == [0.0, 1.0, 3.0, 0.0, 0.0]
    assert frame["pruned"].sum() == paths.remainder
    assert frame.index.equals(pd.RangeIndex(5, name="stage"))
    assert frame.attrs == attributes(paths)


def test_stages_go_as_far_as_there_is_something() -> None:
    far = made(CHAINS[:2], pruned=np.array([0.0, 0.0, 4.0, 0.0])).by_stage()
    assert (len(far), far["paths"].tolist()) == (3, [1, 1, 0])
    near = made(CHAINS[1:2], pruned=np.zeros(5)).by_stage()
    assert len(near) == 1


def groups(chains: Chains, table: cf.Table, keys: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Key, value and count of each group, the obvious way."""
    p = table.content
    found: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    rank: dict[tuple[Any, ...], tuple[int, ...]] = {}
    for chain, value in chains:
        first, last = table.rows[chain[0]], table.rows[chain[-1]]
        all_keys = dict(zip(KEYS, (len(chain) - 1, first[1], first[0], last[1], last[0])))
        orders = {"stage": range(9), "product": p.sectors, "emitter": p.sectors}
        key = tuple(all_keys[name] for name in keys)
        found[key].append(value)
        rank[key] = tuple(
            orders.get(name, p.regions).index(all_keys[name])  # type: ignore[attr-defined]
            for name in keys
        )
    order = sorted(found, key=lambda key: (-abs(sum(found[key])), rank[key]))
    return [(key, sum(found[key]), len(found[key])) for key in order]


@given(
    chains(4),
    st.sampled_from([WORLD, AWKWARD]),
    st.lists(st.sampled_from(KEYS), min_size=1, unique=True).map(tuple),
)
def test_by(some: Chains, table: cf.Table, keys: tuple[str, ...]) -> None:
    paths = made(some, table, total=3.0, gross=3.0)
    frame = paths.by(*keys)
    expected = groups(some, table, keys)
    index = [(key,) for key in frame.index] if len(keys) == 1 else list(frame.index)
    assert index == [key for key, _, _ in expected]
    assert list(frame.index.names) == list(keys)
    assert list(frame.columns) == ["value", "share", "paths"]
    assert frame["value"].tolist() == [value for _, value, _ in expected]
    assert frame["share"].tolist() == [value / 3.0 for _, value, _ in expected]
    assert frame["paths"].tolist() == [count for _, _, count in expected]
    assert frame.attrs == attributes(paths)


@pytest.mark.parametrize("keys", [("sector",), (), ("stage", "stage"), (3,), (["stage"],)])
def test_by_what_there_is_not(keys: tuple[Any, ...]) -> None:
    with pytest.raises(InputError, match="keys: expected some of 'stage', 'product', 'product_reg"):
        made(CHAINS).by(*keys)


def tree(chains: Chains, table: cf.Table) -> list[tuple[Any, ...]]:
    """The rows of the tree, by adding every path to each of its prefixes."""
    value = dict(chains)
    subtotal: dict[tuple[int, ...], float] = defaultdict(float)
    paths: dict[tuple[int, ...], int] = defaultdict(int)
    for chain, amount in chains:
        for end in range(1, len(chain) + 1):
            subtotal[chain[:end]] += amount
            paths[chain[:end]] += 1
    node: dict[tuple[int, ...], int] = {(): -1}
    level: list[tuple[int, ...]] = [()]
    rows = []
    while level:
        below = []
        for parent in level:
            children = [chain for chain in subtotal if chain[:-1] == parent]
            for chain in sorted(children, key=lambda c: (-abs(subtotal[c]), c[-1])):
                node[chain] = len(node) - 1
                rows.append(
                    (node[parent], len(parent), chain[-1], *table.rows[chain[-1]],
                     value.get(chain, 0.0), subtotal[chain], paths[chain])
                )  # fmt: skip
                below.append(chain)
        level = below
    return rows


@given(chains(4), st.sampled_from([WORLD, AWKWARD]))
def test_tree(some: Chains, table: cf.Table) -> None:
    paths = made(some, table)
    frame = paths.tree()
    names = ["parent", "stage", "row", "region", "sector", "value", "subtotal", "paths"]
    assert list(frame.columns) == names
    assert list(frame.itertuples(index=False, name=None)) == tree(some, table)
    assert frame.index.equals(pd.RangeIndex(len(frame), name="node"))
    assert (frame["parent"] < frame.index).all()
    assert frame["value"].sum() == sum(value for _, value in some)
    roots = frame[frame["parent"] < 0]
    assert (roots["subtotal"].sum(), roots["paths"].sum()) == (frame["value"].sum(), len(some))
    assert frame.attrs == attributes(paths)


def test_a_small_tree() -> None:
    frame = made([((0, 1), 3.0), ((2,), 2.0), ((0,), 1.0), ((0, 3), 1.0)]).tree()
    assert frame["parent"].tolist() == [-1, -1, 0, 0]
    assert frame["row"].tolist() == [0, 2, 1, 3]
    assert frame["value"].tolist() == [1.0, 2.0, 3.0, 1.0]
    assert frame["subtotal"].tolist() == [5.0, 2.0, 3.0, 1.0]
    assert frame["paths"].tolist() == [3, 1, 1, 1]


def test_no_paths_give_the_same_columns() -> None:
    full, empty = made(CHAINS), EMPTY
    for name in ("to_frame", "steps", "tree", "by_stage"):
        expected, got = getattr(full, name)(), getattr(empty, name)()
        assert len(got) == (1 if name == "by_stage" else 0)
        pd.testing.assert_series_equal(got.dtypes, expected.dtypes)
        assert got.index.name == expected.index.name
        assert got.attrs == attributes(empty)
    for keys in (("stage",), ("emitter",), KEYS):
        expected, got = full.by(*keys), empty.by(*keys)
        pd.testing.assert_series_equal(got.dtypes, expected.dtypes)
        assert list(got.index.names) == list(keys)
        assert len(got) == 0
        for level in range(len(keys)):
            kinds = [frame.index.get_level_values(level).dtype for frame in (expected, got)]
            assert kinds[0] == kinds[1]
    assert empty.to_arrow().schema == full.to_arrow().schema
    assert empty.by_stage().iloc[0].tolist() == [0.0, 0.0, 100.0, 100.0, 0.0]


ODD = [0.1 + 0.2, -1e-300, 1e22, -5e-324, 1.7976931348623157e308, 3.0]


def odd() -> Paths:
    """Numbers that lose digits easily, labels that need quotes."""
    some = [((0, 1, 2), 0.0), ((1,), 0.0), ((2, 2), 0.0), ((3,), 0.0), ((3, 0), 0.0), ((0,), 0.0)]
    return made(some, AWKWARD, value=np.array(ODD), total=7.0)


@pytest.mark.parametrize("block", [1, 4, 1000])
def test_json(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_chain_list, "BLOCK_ENTRIES", block)
    paths = odd()
    assert paths.save(tmp_path / "a.json") == tmp_path / "a.json"
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    expected = paths.to_frame().assign(stressor=paths.stressor, unit=paths.unit)
    assert json.loads(text) == expected.to_dict(orient="records")
    assert "Énergie" in text
    assert text.count("\n") == len(paths) + 2
    made(CHAINS, gross=0.0).save(tmp_path / "a.json")
    assert {row["share"] for row in json.loads((tmp_path / "a.json").read_bytes())} == {None}
    EMPTY.save(str(tmp_path / "a.json"))
    assert (tmp_path / "a.json").read_text() == "[]\n"


def test_csv(tmp_path: Path) -> None:
    paths = odd()
    with paths.save(tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    frame = paths.to_frame()
    for name, kind in (("value", float), ("share", float), ("stage", int), ("path", str)):
        assert [kind(row[name]) for row in read] == frame[name].tolist()
    assert EMPTY.save(tmp_path / "a.csv").read_text() == ("value,share,stage,path,stressor,unit\n")


@pytest.mark.parametrize("paths", [odd(), EMPTY])
def test_parquet(paths: Paths, tmp_path: Path) -> None:
    read = pq.read_table(paths.save(tmp_path / "a.PARQUET"))
    same = {"stressor": [paths.stressor] * len(paths), "unit": [paths.unit] * len(paths)}
    assert read.to_pydict() == paths.to_arrow().to_pydict() | same
    about = {key.decode(): value.decode() for key, value in read.schema.metadata.items()}
    assert about == {name: str(value) for name, value in attributes(paths).items()}
    assert os.listdir(tmp_path) == ["a.PARQUET"]


@pytest.mark.parametrize("extension", ["csv", "json", "parquet"])
def test_a_file_is_there_at_once_or_not_at_all(
    extension: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / f"a.{extension}"
    target.write_text("old")
    paths = made(CHAINS)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_chain_list.os, "replace", full)
    with pytest.raises(InputError, match=r"path: expected a place that can be written, .*No space"):
        paths.save(target)
    monkeypatch.undo()

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    half = {"csv": "to_frame", "json": "_written", "parquet": "to_arrow"}[extension]
    monkeypatch.setattr(Paths, half, stopped)
    with pytest.raises(KeyboardInterrupt):
        paths.save(target)
    monkeypatch.undo()
    assert (os.listdir(tmp_path), target.read_text()) == ([target.name], "old")
    paths.save(target)
    assert os.listdir(tmp_path) == [target.name]
    assert target.read_bytes() != b"old"


def test_files_that_cannot_be(tmp_path: Path) -> None:
    paths = made(CHAINS)
    for name in ("a.txt", "a", "", "a.csv.gz"):
        with pytest.raises(InputError, match=r"path: expected a file name .* \.parquet, "):
            paths.save(tmp_path / name)
    (tmp_path / "folder.csv").mkdir()
    for name in ("folder.csv", "none/a.csv", "none/a.json", "none/a.parquet"):
        with pytest.raises(InputError, match="path: expected a place that can be written"):
            paths.save(tmp_path / name)
    assert os.listdir(tmp_path) == ["folder.csv"]
