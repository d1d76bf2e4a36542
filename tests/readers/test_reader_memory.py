"""Readers keep what the table needs and one block: small files that unpack to much are refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from carbonflows_fast import synthetic
from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers import read
from carbonflows_fast.readers._layouts import _number_parser
from carbonflows_fast.readers._layouts._number_parser import Numbers, Row
from carbonflows_fast.readers._layouts._text import read_matrix
from carbonflows_fast.readers._sources._opening import open_files

resource = pytest.importorskip("resource")

ROOM = 160 << 20  # beyond what the imports take
UNPACKED = 1 << 28
CHILD = """
import resource, sys
import carbonflows_fast as cf, numpy, pyarrow.parquet, scipy.sparse
cf.read, cf.open, cf.check  # loads what reading takes
taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + int(sys.argv[1]),) * 2)
for path in sys.argv[2:]:
    try:
        print(cf.read(path))
    except cf.CarbonFlowsError as error:
        print(type(error).__name__, error)
"""


def answers(*paths: Path) -> list[str]:
    """Return what one process of little memory says about each path."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(ROOM), *map(str, paths)], capture_output=True, text=True,
        env={**os.environ, "CARBONFLOWS_NUM_THREADS": "2", "MALLOC_ARENA_MAX": "2"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout.splitlines()


def own(path: Path, name: str, blocks: Iterator[bytes]) -> Path:
    """Zip one's own table with one file made of blocks."""
    table = synthetic.world(3, 4)
    Z = pd.DataFrame(table.Z.toarray(), table.rows, table.rows)
    frames = {"Z.csv": Z, "Y.csv": table.Y, "F.csv": table.F}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for key, frame in frames.items():
            if key != name:
                archive.writestr(key, frame.to_csv())
        with archive.open(name, "w", force_zip64=True) as file:
            for block in blocks:
                file.write(block)
    return path


def repeated(first: str, block: bytes, size: int) -> Iterator[bytes]:
    yield first.encode()
    for _ in range(size // len(block)):
        yield block


LINE = b"0," * (1 << 20) + b"\n"


CASES = [
    ("Y.csv", LINE, r"Y.csv, line \d+: expected 23 cells, 65,536 bytes at most, got 1048577 cells"),
    ("Y.csv", b'"' + LINE, r"Y.csv, line \d+: expected 23 cells"),
    ("Y.csv", b"a,b" + b",0" * 21 + b"\n", r"Y.csv, line \d+: expected 12 rows, got more than 24"),
    ("stressor_units.csv", b"a,b\n" * (1 << 18), "expected at most 1,048,576 labels, got more"),
    ("F.csv", b"0" * (1 << 20), "lines of text, got more than 65,536 kB without a line end"),
]


def test_long_lines_and_many_are_refused_early(tmp_path: Path) -> None:
    """Each file unpacks to more than the process may take; all of it would be kept."""
    table = synthetic.world(3, 4)
    paths = []
    for at, (name, block, _) in enumerate(CASES):
        first = (table.F if name == "F.csv" else table.Y).to_csv()
        first = "CO2,kt\n" if name == "stressor_units.csv" else first
        path = own(tmp_path / f"own{at}.zip", name, repeated(first, block, UNPACKED))
        assert path.stat().st_size < UNPACKED // 100
        paths.append(path)
    for (_, _, said), told in zip(CASES, answers(*paths), strict=True):
        assert re.search(said, told)


def test_a_block_is_bounded_by_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells with many blanks: as many as the header says, and far longer than numbers."""
    monkeypatch.setattr(_number_parser, "BLOCK_BYTES", 1000)
    sizes: list[int] = []
    parse = Numbers._parse

    def seen(self: Numbers, rows: list[Row], room: _number_parser.Room) -> _number_parser.Block:
        sizes.append(sum(row.size for row in rows))
        return parse(self, rows, room)

    monkeypatch.setattr(Numbers, "_parse", seen)
    lines = [f"DE,{at},{' ' * 300}{at}" for at in range(50)]
    (tmp_path / "Z.csv").write_text("\n".join(["region,sector,x", *lines, ""]))
    with open_files(tmp_path) as files:
        table = read_matrix(files, "Z.csv", label_columns=2, header_lines=1, delimiter=",")
    np.testing.assert_array_equal(table.values[:, 0], range(50))
    assert len(sizes) > 10
    assert max(sizes) < 2000


def test_text_that_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_number_parser, "BLOCK_BYTES", 1)
    monkeypatch.setattr(_number_parser, "WAITING_BYTES", 20)
    with Numbers("x.csv", [("x",)], ",") as numbers:
        for at in range(100):
            numbers.add(Row(at + 1, (), f"{at:010}".encode()))
            assert numbers._waiting_bytes <= 30
        np.testing.assert_array_equal(numbers.result()[0][:, 0], range(100))


def test_json_of_far_more_numbers_than_sectors_is_not_parsed(tmp_path: Path) -> None:
    sectors = [{"id": "a", "index": 0, "name": "a", "code": "a", "location": "US"}]
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("sectors.json", json.dumps(sectors))
        archive.writestr("A.json", "[" + "0," * (1 << 20) + "0]")
        archive.writestr("q.json", "[[1]]")
        archive.writestr("demands.json", "[]")
    with pytest.raises(FormatError, match=r"A.json: expected a JSON list, got 1048577 numbers"):
        read(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("sectors.json", "[" + "[]," * (1 << 24) + "0]")
        archive.writestr("A.json", "[]")
    with pytest.raises(
        FormatError, match=r"sectors.json: expected a file of at most 32 MB, got 50"
    ):
        read(path)


def test_a_member_that_unpacks_to_a_thousand_times_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wiot09_row_sep12.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("wiot09_row_sep12.xlsx", b"\0" * (70 << 20))
    with pytest.raises(FormatError, match=r"packed to no less than a 100th, got \d+ times"):
        read(path)


def test_a_text_that_stands_in_many_rows_of_parquet_is_kept_once(tmp_path: Path) -> None:
    """400 labels of 512 kB, which are one in the file, do not fill 200 MB."""
    table = synthetic.world(3, 4)
    Z = pd.DataFrame(table.Z.toarray(), table.rows, table.rows)
    for name, frame in (("Z", Z), ("Y", table.Y)):
        frame.to_parquet(tmp_path / f"{name}.parquet")
    F = pd.DataFrame(0.0, pd.Index([str(at) for at in range(400)], name="stressor"), table.rows)
    F.to_parquet(tmp_path / "F.parquet")
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 400, pa.int32()), ["x" * (1 << 19)])
    stored = pq.read_table(tmp_path / "F.parquet")
    at = stored.schema.get_field_index("stressor")
    pq.write_table(
        stored.set_column(at, "stressor", long.cast(pa.string())), tmp_path / "F.parquet",
        dictionary_pagesize_limit=1 << 23,
    )  # fmt: skip
    assert (tmp_path / "F.parquet").stat().st_size < 4 << 20
    (said,) = answers(tmp_path)
    assert "expected every stressor labelled, and once" in said
    assert len(said) < 2000


def test_records_that_stand_twice_are_not_all_kept(tmp_path: Path) -> None:
    name = "flatfile_eu-ic-io_ind-by-ind_24ed_2019.csv"
    header = b"icioiRow,icioiCol,refArea,rowIi,counterpartArea,colIi,obsValue\n"
    path = tmp_path / "figaro.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w") as file,
    ):
        file.write(header)
        for _ in range(128):
            file.write(b"a,b,DE,A01,DE,A01,0\n" * (1 << 14))
    with pytest.raises(FormatError, match=r"at most 1 records, one for these labels, got \d+ and"):
        read(path)
