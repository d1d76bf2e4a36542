"""Bytes of a zip that are unpacked while earlier ones are parsed.

Unpacking takes as long as all the rest of reading a table. ISA-L does it twice as fast as zlib.
"""

from __future__ import annotations

import io
import struct
import threading
import zipfile
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

from isal import isal_zlib

from carbonflows_fast._base.threads import refused

__all__ = ["Inflated", "ReadAhead"]

PACKED_BYTES = 1 << 16
CHUNK_BYTES = 1 << 20
CHUNKS = 8  # waiting at most


class Inflated:
    """A deflated member of a zip, whose length and checksum are compared at its end.

    Raises
    ------
    zipfile.BadZipFile, EOFError, isal_zlib.error
        While it is made or read, if it is damaged.
    """

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self._info = info
        path = Path(str(archive.filename))
        self._file = path.open("rb")
        self._file.seek(info.header_offset)
        header = self._file.read(30)
        if len(header) < 30 or header[:4] != b"PK\3\4":
            raise zipfile.BadZipFile("a member does not begin where the directory says")
        self._file.seek(sum(struct.unpack("<HH", header[26:])), io.SEEK_CUR)
        self._packed = info.compress_size
        self._inflater = isal_zlib.decompressobj(-15)
        self._count = self._checksum = 0

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, none at the end."""
        chunk = b""
        while not chunk and not self._inflater.eof:
            packed = self._inflater.unconsumed_tail
            if not packed:
                packed = self._file.read(min(PACKED_BYTES, self._packed))
                self._packed -= len(packed)
                if not packed:
                    raise EOFError("a member is cut short")
            chunk = self._inflater.decompress(packed, size)
        self._count += len(chunk)
        self._checksum = isal_zlib.crc32(chunk, self._checksum)
        whole = self._count == self._info.file_size and self._checksum == self._info.CRC
        if self._count > self._info.file_size or (not chunk and not whole):
            raise zipfile.BadZipFile("length or checksum of a member differ from the directory's")
        return chunk

    def close(self) -> None:
        self._file.close()


class ReadAhead(io.RawIOBase):
    """A stream whose source is read by a thread of its own, if there is one."""

    def __init__(self, source: IO[bytes] | Inflated) -> None:
        super().__init__()
        self._source = source
        self._ready: Queue[bytes | BaseException] = Queue(CHUNKS)
        self._rest = memoryview(b"")
        self._ended = self._stopped = False
        self._thread: threading.Thread | None = threading.Thread(target=self._run, daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            if not refused(error):
                raise
            self._thread = None  # it is then read on demand

    def _run(self) -> None:
        try:
            while not self._stopped:
                chunk = self._source.read(CHUNK_BYTES)
                self._ready.put(chunk)
                if not chunk:
                    return
        except BaseException as error:  # raised again when the bytes are read
            self._ready.put(error)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as one chunk goes; 0 at the end."""
        if not self._rest and not self._ended:
            chunk = self._ready.get() if self._thread else self._source.read(CHUNK_BYTES)
            if isinstance(chunk, BaseException):
                self._ended = True
                raise chunk
            self._ended = not chunk
            self._rest = memoryview(chunk)
        target = memoryview(buffer)
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Stop reading, also where the end has not been reached."""
        self._stopped = True
        while self._thread is not None and self._thread.is_alive():
            with suppress(Empty):
                self._ready.get(timeout=0.01)  # it may wait for a place
        self._source.close()
        super().close()
