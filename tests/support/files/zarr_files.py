"""REX3 as a Zarr store of version 2, as rex3handler 0.3.0 writes it; numcodecs packs it."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.files.matlab_files import INDICATORS, REGIONS, SECTORS, World

__all__ = ["AXES", "STORE", "arrays", "text_piece", "write_store"]

STORE = "2020.zarr"
AXES = {
    "region": REGIONS, "sector": SECTORS, "region_to": REGIONS, "sector_to": SECTORS,
    "region_fd": REGIONS, "indicator": INDICATORS,
}  # fmt: skip


def arrays(world: World) -> dict[str, Any]:
    R, S, K = len(REGIONS), len(SECTORS), len(INDICATORS)
    return {
        "T": world.Z.reshape(R, S, R, S),
        "Y": world.Y.reshape(R, S, R),
        "Q": world.F.reshape(K, R, S),
        "Q_Y": world.F_Y.reshape(K, R),
    }


def text_piece(texts: list[str]) -> bytes:
    """Return texts as vlen-utf8 has them."""
    encoded = [text.encode() for text in texts]
    parts = [len(one).to_bytes(4, "little") + one for one in encoded]
    return len(texts).to_bytes(4, "little") + b"".join(parts)


def write_store(
    folder: Path,
    numbers: dict[str, Any],
    axes: dict[str, list[str]] = AXES,
    *,
    packed: bool = True,
    chunks: dict[str, tuple[int, ...]] | None = None,
) -> Path:
    """Write a store: T in pieces of one region, all others in one, unless said otherwise."""
    codec = pytest.importorskip("numcodecs").Blosc()
    store, metadata = folder / STORE, {".zgroup": {"zarr_format": 2}, ".zattrs": {}}
    said: dict[str, Any] = metadata

    def put(name: str, place: tuple[int, ...], content: bytes) -> None:
        path = store / name / ".".join(map(str, place))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(codec.encode(content) if packed else content)

    def describe(name: str, shape: Any, pieces: Any, dtype: str) -> None:
        text = dtype == "|O"
        said[f"{name}/.zarray"] = {
            "chunks": list(pieces), "compressor": codec.get_config() if packed else None,
            "dtype": dtype, "fill_value": None if text else "NaN",
            "filters": [{"id": "vlen-utf8"}] if text else None, "order": "C",
            "shape": list(shape), "zarr_format": 2,
        }  # fmt: skip

    for name, values in numbers.items():
        own = (1, *values.shape[1:]) if name == "T" else values.shape
        pieces = (chunks or {}).get(name, own)
        describe(name, values.shape, pieces, "<f4")
        sides = zip(values.shape, pieces, strict=True)
        for place in product(*(range(-(-side // piece)) for side, piece in sides)):
            cut = tuple(slice(at * p, (at + 1) * p) for at, p in zip(place, pieces, strict=True))
            piece = np.full(pieces, np.nan, dtype="<f4")
            piece[tuple(slice(side) for side in values[cut].shape)] = values[cut]
            put(name, place, piece.tobytes())
    for name, texts in axes.items():
        describe(name, (len(texts),), (len(texts),), "|O")
        put(name, (0,), text_piece(texts))
    (store / ".zmetadata").write_text(
        json.dumps({"metadata": said, "zarr_consolidated_format": 1}), encoding="utf-8"
    )
    return store
