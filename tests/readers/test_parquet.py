"""Labelled Parquet: read in any batches as pandas reads it; each error names file and place."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers import read, write_exiobase
from carbonflows_fast.readers._layouts import _parquet
from carbonflows_fast.readers._layouts._text import TextTable
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._opening import open_files
from carbonflows_fast.table import Table

ROWS = pd.MultiIndex.from_product([["AT", "DE"], ["food", "steel"]], names=["region", "sector"])
Z = pd.DataFrame(
    [[1.5, 0.0, 2.0, -0.0], [0.0, 1 / 3, 0.0, 5e-324], [0.0] * 4, [1e90, 0.0, 0.0, 4.0]],
    ROWS,
    ROWS,
)


def matrix(files: Files, name: str, empty_value: float = 0.0, **options: Any) -> TextTable:
    with _parquet.open_parquet(files, name) as frame:
        return frame.matrix(empty_value=empty_value, **options)


def table_of(frame: pd.DataFrame, path: Path, blanks: str = "error", **options: Any) -> TextTable:
    frame.to_parquet(path / "Z.parquet")
    with open_files(path) as files:
        return matrix(files.with_blanks(blanks), "Z.parquet", **options)


# --- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [1, 3, 1 << 20])
@pytest.mark.parametrize("group", [1, 3, 4])
def test_any_batches_give_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: int, group: int
) -> None:
    monkeypatch.setattr(_parquet, "BATCH_CELLS", cells)
    Z.to_parquet(tmp_path / "Z.parquet", row_group_size=group)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "Z.parquet", "x/Z.parquet")
    for path, name in ((tmp_path, "Z.parquet"), (tmp_path / "a.zip", "x/Z.parquet")):
        told: list[int] = []
        with open_files(path) as files:
            counted = files.counting(told.append)
            dense = matrix(counted, name)
            sparse = matrix(files, name, sparse=True)
            kept = matrix(files, name, keep=lambda label: label[1] == "steel")
            assert sum(told) == files.sizes[name]
        assert dense.rows == dense.columns == list(ROWS)
        assert dense.values.tobytes() == Z.to_numpy().tobytes()
        assert sparse.values.has_canonical_format
        assert sparse.values.nnz == np.count_nonzero(Z)
        assert np.array_equal(sparse.values.toarray(), Z)
        assert kept.kept == [1, 3]
        assert kept.rows == list(ROWS)
        assert np.array_equal(kept.values, Z.iloc[[1, 3]])


@pytest.mark.parametrize("dtype", ["int8", "uint64", "float32", "float16", "Int64", "category"])
def test_numbers_and_labels_of_any_type(tmp_path: Path, dtype: str) -> None:
    if dtype == "category":
        index = pd.CategoricalIndex(["b", "a", "b"], name="stressor")
        frame = pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index)
    else:
        frame = pd.DataFrame({"x": [0, 3, 100]}, pd.Index([2, 1, 0])).astype(dtype)
    table = table_of(frame, tmp_path)
    assert table.rows == [(str(label),) for label in frame.index]
    assert table.columns == [("x",)]
    assert np.array_equal(table.values[:, 0], frame["x"].astype(float))


def test_large_whole_numbers_are_rounded_as_their_digits_would_be(tmp_path: Path) -> None:
    large = [2**53 + 1, -(2**63), 2**62 + 1]
    table = table_of(pd.DataFrame({"x": large}, pd.Index(["a", "b", "c"])), tmp_path)
    assert table.values[:, 0].tolist() == [float(str(number)) for number in large]


def test_missing_cells_have_the_value_that_is_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    columns = {"x": [1.0, None], "whole": pd.array([None, 2], "Int64"), "none": [None, None]}
    frame = pd.DataFrame(columns, pd.Index(["a", "b"]))
    table = table_of(frame, tmp_path, blanks="zero")
    assert table.values.tolist() == [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    assert table.empty == 4
    assert "Z.parquet: 4 empty cells count as zero" in caplog.text
    caplog.clear()
    table = table_of(frame, tmp_path, empty_value=np.nan, keep=lambda label: label == ("b",))
    assert np.array_equal(table.values, [[np.nan, 2.0, np.nan]], equal_nan=True)
    assert not caplog.text
    with pytest.raises(FormatError, match=r"row 2 \('b'\), column 'x': .*cell, the first of 4 in"):
        table_of(frame, tmp_path)
    assert table_of(frame[["x"]], tmp_path, keep=lambda label: label == ("a",))


def test_what_levels_are_called(tmp_path: Path) -> None:
    Z.rename_axis(columns=["region", None]).to_parquet(tmp_path / "Z.parquet")
    pd.DataFrame({"a": ["t", None], "b": [3, 4]}, pd.Index(["r", "s"])).to_parquet(
        tmp_path / "unit.parquet"
    )
    with open_files(tmp_path) as files:
        with _parquet.open_parquet(files, "Z.parquet") as frame:
            assert (frame.index, frame.levels) == (["region", "sector"], ["region", ""])
        with _parquet.open_parquet(files, "unit.parquet") as frame:
            assert (frame.index, frame.levels) == ([""], [""])
            assert frame.texts() == ([("r",), ("s",)], ["3", "4"])


def test_texts_that_are_missing(tmp_path: Path) -> None:
    units = pd.DataFrame({"unit": ["t", None]}, pd.MultiIndex.from_tuples([("a", "x"), ("b", "")]))
    units.to_parquet(tmp_path / "unit.parquet")
    with (
        open_files(tmp_path) as files,
        _parquet.open_parquet(files, "unit.parquet") as frame,
    ):
        assert frame.texts(gaps=True) == ([("a", "x"), ("b", "")], ["t", ""])
        with pytest.raises(FormatError, match=r"unit\.parquet, row 2: expected a text, got None"):
            frame.texts()


def test_names_with_dots_are_not_taken_for_nested_ones(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.0], "a.b": [2.0], "a.b.c": [3.0]}, pd.Index(["r"], name="a.x"))
    table = table_of(frame, tmp_path)
    assert (table.columns, table.values.tolist()) == ([("a",), ("a.b",), ("a.b.c",)], [[1, 2, 3]])


# --- what is wrong ----------------------------------------------------------------------------


def changed(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        pq.write_table(change(pq.read_table(file)), file)

    return damage


def named(*names: str) -> Callable[[Path], None]:
    """Give the first columns other names."""

    def rename(table: pa.Table) -> pa.Table:
        new = [*names, *table.schema.names[len(names) :]]
        return table.rename_columns(new).replace_schema_metadata(table.schema.metadata)

    return changed(rename)


def cell(value: float) -> Callable[[Path], None]:
    """Put a number into the third row of the second column."""
    column = pa.array([0.0, 1.0, value, 2.0])
    return changed(lambda table: table.set_column(1, table.schema.names[1], column))


def about(key: str, value: Any) -> Callable[[Path], None]:
    """Change what pandas says about the file."""

    def change(table: pa.Table) -> pa.Table:
        said = json.loads(table.schema.metadata[b"pandas"])
        said[key] = value
        return table.replace_schema_metadata({"pandas": json.dumps(said)})

    return changed(change)


NO_INDEX = "expected a DataFrame with labels in its index, as pandas writes it"
BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "infinity": (
        cell(np.inf),
        r"row 3 \('DE \| food'\), column 'AT \| steel': expected a finite number, got inf; correct",
    ),
    "no number": (cell(np.nan), r"row 3 .* got nan; correct the cell; empty ones count as zero"),
    "text": (
        changed(lambda t: t.set_column(0, t.schema.names[0], pa.array(["1"] * 4))),
        r"Z\.parquet, column 'AT \| food': expected numbers, got cells of type string",
    ),
    "truth": (
        changed(lambda t: t.set_column(0, t.schema.names[0], pa.array([True] * 4))),
        "expected numbers, got cells of type bool",
    ),
    "no labels": (
        changed(lambda table: table.replace_schema_metadata({})),
        rf"Z\.parquet: {NO_INDEX}, got no index; set the index",
    ),
    "numbered rows": (
        lambda file: pd.DataFrame({"a": [1.0]}).to_parquet(file),
        NO_INDEX,
    ),
    "damaged labels": (
        changed(lambda table: table.replace_schema_metadata({"pandas": '{"index_columns'})),
        NO_INDEX,
    ),
    "labels of nothing": (about("index_columns", ["nobody"]), NO_INDEX),
    "strange labels": (about("column_indexes", None), NO_INDEX),
    "an empty label": (
        changed(lambda t: t.set_column(5, "sector", pa.array(["food", "", "food", "steel"]))),
        r"Z\.parquet, row 2: expected a text in each label column, got 'AT \| '; fill",
    ),
    "a missing label": (
        changed(lambda t: t.set_column(5, "sector", pa.array(["food", None, "food", "steel"]))),
        r"Z\.parquet, row 2: expected a text in each label column",
    ),
    "a column of another kind": (
        named("plain"),
        r"Z\.parquet, column 'plain': expected a name made of 2 labels",
    ),
    "a column of three labels": (
        named("('a', 'b', 'c')"),
        "expected a name made of 2 labels",
    ),
    "code in a name": (
        named("__import__('os')"),
        "expected a name made of 2 labels",
    ),
    "a name twice": (
        named("('AT', 'steel')"),
        r"Z\.parquet: expected each column once, got a name again; correct the label",
    ),
    "labels alone": (changed(lambda t: t.select(["region", "sector"])), "got labels alone"),
    "one level": (
        lambda file: pd.DataFrame({"AT": [1.0]}, pd.Index(["AT"])).to_parquet(file),
        "expected region and sector as labels of rows and columns",
    ),
    "other rows": (
        changed(lambda t: t.slice(0, 3)),
        r"Z\.parquet, rows: expected 4 labels, as in its columns, got 3",
    ),
    "no rows": (
        changed(lambda t: t.slice(0, 0)),
        r"Z\.parquet, rows: expected 4 labels, as in its columns, got 0",
    ),
    "text in place of Parquet": (
        lambda file: file.write_text("region\tsector\n"),
        r"Z\.parquet: expected a complete Parquet file, got ArrowInvalid",
    ),
    "nothing": (lambda file: file.write_bytes(b""), "expected a complete Parquet file"),
    "half of it": (
        lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
        "expected a complete Parquet file",
    ),
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a table whose Z is Parquet and all else is text."""
    table = Table(
        Z=Z, Y=np.ones((4, 2)), F=np.ones((1, 4)), regions=list(ROWS.get_level_values(0)),
        sectors=list(ROWS.get_level_values(1)), demand=[("AT", "hh"), ("DE", "hh")],
        stressors=["CO2"],
    )  # fmt: skip
    target = tmp_path / "table"
    write_exiobase(table, target)
    for parameters in target.rglob("file_parameters.json"):
        parameters.unlink()
    (target / "Z.txt").unlink()
    Z.to_parquet(target / "Z.parquet")
    return target


def test_text_and_parquet_may_stand_side_by_side(path: Path) -> None:
    assert np.array_equal(read(path).Z.toarray(), Z)


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_an_error_that_names_the_place(path: Path, case: str) -> None:
    damage, message = BAD[case]
    damage(path / "Z.parquet")
    with pytest.raises(FormatError, match=message) as caught:
        read(path)
    assert str(path / "Z.parquet") in str(caught.value)


def test_a_stressor_twice(path: Path) -> None:
    F = pd.DataFrame(np.ones((3, 4)), pd.Index(["CO2", "NOx", "CO2"]), ROWS)
    folder = next(file.parent for file in path.rglob("F.txt"))
    for file in folder.iterdir():
        file.unlink()
    F.to_parquet(folder / "F.parquet")
    with pytest.raises(FormatError, match=r"F\.parquet, row 3: .*'CO2' again, first in row 1"):
        read(path)
    assert read(path, stressors="NOx").stressors == ("NOx",)


def test_units_that_belong_to_another_table(path: Path) -> None:
    (path / "unit.txt").unlink(missing_ok=True)
    pd.DataFrame({"unit": "M.EUR"}, ROWS).to_parquet(path / "unit.parquet")
    assert set(read(path).row_units) == {"M.EUR"}
    pd.DataFrame({"unit": "M.EUR"}, ROWS[::-1]).to_parquet(path / "unit.parquet")
    with pytest.raises(FormatError, match=r"unit\.parquet, rows, position 1: .*another order"):
        read(path)


def test_absurd_sizes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, value in (("MOST_LABELS", 5), ("MOST_CELLS", 23)):
        with monkeypatch.context() as patch:
            patch.setattr(_parquet, limit, value)
            with pytest.raises(FormatError, match=f"at most .*{value} .*, got 4 × 6"):
                table_of(Z, tmp_path)

    def full(*arguments: Any, **options: Any) -> Any:
        raise MemoryError("no room")

    monkeypatch.setattr(_parquet, "_fill", full)
    with pytest.raises(FormatError, match=r"complete Parquet file, got MemoryError \(no room\)"):
        table_of(Z, tmp_path)


def test_a_damaged_member_of_a_zip(tmp_path: Path) -> None:
    Z.to_parquet(tmp_path / "Z.parquet")
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.write(tmp_path / "Z.parquet", "Z.parquet")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with open_files(file) as files, pytest.raises(FormatError, match=r"Z\.parquet: .*Bad CRC"):
        matrix(files, "Z.parquet")


def test_changed_bytes_give_an_error_or_a_table_but_never_a_crash(tmp_path: Path) -> None:
    Z.to_parquet(tmp_path / "Z.parquet")
    content = (tmp_path / "Z.parquet").read_bytes()
    rng = np.random.default_rng(5)
    refused = 0
    for _ in range(60):
        damaged = bytearray(content)
        for at in rng.integers(0, len(content), 3):
            damaged[at] = rng.integers(0, 256)
        (tmp_path / "Z.parquet").write_bytes(damaged)
        with open_files(tmp_path) as files:
            refused += not _readable(files)
    assert refused > 10


def _readable(files: Files) -> bool:
    try:
        matrix(files, "Z.parquet", sparse=True)
    except FormatError:
        return False
    return True
