"""A writer of data frames as R's `save` does (XDR, version 2), packed by gzip."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

HEAD = b"RDX2\nX\n" + struct.pack(">3i", 2, 0x30302, 0x20300)  # by R 3.3.2, for R 2.3 and later
END, ASCII, OF_CLASS, WITH_TAG = struct.pack(">i", 254), 0x40000, 0x300, 0x400
SYMBOL, PAIRS, CHARACTERS, WHOLE, REAL, TEXTS, LIST = 1, 2, 9, 13, 14, 16, 19
NO_NUMBER = -(2**31)


def write_frames(path: Path, frames: Mapping[str, pd.DataFrame]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = HEAD + _pairs({name: _frame(frame) for name, frame in frames.items()})
    path.write_bytes(gzip.compress(content, mtime=0))
    return path


def _frame(frame: pd.DataFrame) -> bytes:
    columns = [_column(frame[name]) for name in frame]
    return struct.pack(">2i", LIST | OF_CLASS, len(columns)) + b"".join(columns) + _pairs({
        "names": _texts(list(map(str, frame.columns))),
        "row.names": _whole([NO_NUMBER, -len(frame)]),
        "class": _texts(["data.frame"]),
    })  # fmt: skip


def _column(column: pd.Series) -> bytes:
    if isinstance(column.dtype, pd.CategoricalDtype):
        levels = _texts(list(map(str, column.cat.categories)))
        attributes = _pairs({"levels": levels, "class": _texts(["factor"])})
        return _whole(column.cat.codes + 1, OF_CLASS) + attributes
    if column.dtype == "int32":
        return _whole(column)
    if column.dtype == "float64":
        return struct.pack(">2i", REAL, len(column)) + column.to_numpy().astype(">f8").tobytes()
    return _texts(list(map(str, column)))


def _whole(values: Sequence[int] | pd.Series, flags: int = 0) -> bytes:
    array = np.asarray(values).astype(">i4")
    return struct.pack(">2i", WHOLE | flags, len(array)) + array.tobytes()


def _texts(values: Sequence[str]) -> bytes:
    return struct.pack(">2i", TEXTS, len(values)) + b"".join(map(_characters, values))


def _characters(value: str) -> bytes:
    return struct.pack(">2i", CHARACTERS | ASCII, len(value)) + value.encode("ascii")


def _pairs(values: Mapping[str, bytes]) -> bytes:
    start = struct.pack(">2i", PAIRS | WITH_TAG, SYMBOL)
    return b"".join(start + _characters(tag) + value for tag, value in values.items()) + END
