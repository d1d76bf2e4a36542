"""Members of zips that are unpacked ahead: the same bytes, and no damage unnoticed."""

from __future__ import annotations

import io
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._sources import _zips
from carbonflows_fast.readers._sources._opening import open_files
from carbonflows_fast.readers._sources._read_ahead import Inflated, ReadAhead

CONTENT = b"".join(b"%d\t%d\n" % (k, k * k) for k in range(20_000))


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_zips, "AHEAD_BYTES", 1000)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("first", "x" * 100)
        archive.writestr("folder/large", CONTENT)
    return path


def content(path: Path) -> bytes:
    with open_files(path) as files:
        return b"".join(line + b"\n" for _, line in files.lines("folder/large"))


def test_the_same_bytes(packed: Path) -> None:
    assert content(packed) == CONTENT
    with open_files(packed) as files:
        assert files.content("folder/large") == CONTENT
        assert files.content("first") == b"x" * 100


def test_stopping_early_leaves_no_thread(packed: Path) -> None:
    before = threading.active_count()
    with open_files(packed) as files:
        for _ in range(5):
            lines = files.lines("folder/large")
            assert next(lines) == (1, b"0\t0")
            lines.close()  # type: ignore[attr-defined]
        with files.open("folder/large") as stream:
            assert stream.read(3) == b"0\t0"
    assert threading.active_count() == before


def test_an_error_of_the_source_comes_where_it_is_read() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            found = super().read(10)
            if not found:
                raise OSError("the disk is gone")
            return found

    with ReadAhead(Failing(b"1234567890" * 3)) as stream:
        assert [len(stream.read(100)) for _ in range(3)] == [10, 10, 10]
        with pytest.raises(OSError, match="the disk is gone"):
            stream.read(100)


def test_damage_anywhere_is_noticed(packed: Path, tmp_path: Path) -> None:
    """Whatever byte of the member, its header or the directory is changed."""
    original = packed.read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged.zip"
    noticed = 0
    for _ in range(400):
        damaged = bytearray(original)
        damaged[int(rng.integers(len(original)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            same = content(path) == CONTENT
        except FormatError:
            noticed += 1
        else:
            assert same  # a byte that nobody needs, such as a date
    assert noticed > 300
    path.write_bytes(original[: len(original) // 2])
    with pytest.raises(FormatError):
        content(path)


def test_a_member_without_a_name_is_refused(tmp_path: Path) -> None:
    """Which `zipfile` itself stumbles over; found by fuzzing."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", CONTENT)
    damaged = bytearray(path.read_bytes())
    entry = damaged.rindex(b"PK\1\2")
    damaged[entry + 28 : entry + 32] = b"\0\0\1\0"  # the name of one byte counts as a field
    path.write_bytes(damaged)
    with pytest.raises(FormatError, match="a name that leads nowhere"):
        content(path)


def test_a_member_that_claims_another_length_is_refused(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        info = archive.getinfo("folder/large")
        for length in (info.file_size - 1, info.file_size + 1, 10):
            info.file_size = length
            source = Inflated(archive, info)
            with pytest.raises(zipfile.BadZipFile, match="length or checksum"):
                list(iter(lambda source=source: source.read(1 << 20), b""))
            source.close()
