"""Damages tables in every layout, and watches what reading them does.

A damaged table must be refused with one of the library's own errors, or read. Where checksums
stand (zips, saved tables), what is read must be what was written. Nothing else may happen: no other
exception, no crash, no endless work, no number that is not finite.

``python tests/fuzzing.py --cases 100000`` runs so many in processes of their own, and names the
case where one ends. A case is a sample and a seed; both make the same damage again.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from support.files.store_files import overwrite

import carbonflows_fast as cf
from carbonflows_fast.errors import CarbonFlowsError
from carbonflows_fast.store import is_store
from carbonflows_fast.table import Table

KEPT = Path(__file__).parent / "fuzz_cases.json"  # cases that once went wrong
SECONDS = 20  # for one case; each takes milliseconds
MEMORY = 6 << 30  # of a process, addresses included
CHUNK = 2500  # cases a process
WORDS = (
    b"nan", b"inf", b"-", b"1e999", b"1e-999", b"0x1p3", b"1,5", b"1_000", b'"', b"'", b"\x00",
    b"\r", b"\n", b"\r\n", b"\t", b",", b";", b" ", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3",
    b"9" * 400, b"{", b"]", b"null", b"true", b"=1+1", b"-0", b"+1", b".", b"1e5", b"NA", b"#REF!",
)  # fmt: skip


class Sample:
    """A small table in some layout, and what it reads as.

    Parameters
    ----------
    name : str
    folder : Path
        Holds it, and is written to; the table itself if that is one file or one archive in it.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.files = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        self.store = is_store(folder)
        self.table = self.read()

    def read(self) -> Table:
        if self.store:
            return cf.open(self.folder, verify=True)
        return cf.read(self.folder, progress=False)

    def checked(self, name: str) -> bool:
        """Whether a change of a file's bytes must be noticed."""
        return self.store or name.endswith(".zip")

    def outcome(self, name: str, content: bytes, checked: bool) -> str:
        """Return what became of the table with another content of a file; raise if it is wrong."""
        path = self.folder / name
        overwrite(path, content)
        try:
            table = self.read()
        except CarbonFlowsError:
            return "refused"
        finally:
            overwrite(path, self.files[name])
        if checked:
            assert table.equals(self.table), "changed numbers were accepted"
        for part in (table.content.Y, table.content.emissions, table.content.F_Y, table.content.x):
            assert part is None or np.isfinite(part).all(), "numbers that are not finite"
        return "as written" if checked or table.equals(self.table) else "read otherwise"


def damaged(rng: np.random.Generator, sample: Sample) -> tuple[str, bytes, bool]:
    """Return a file, its damaged content, and whether checksums must notice that."""
    names = list(sample.files)
    sizes = np.array([len(sample.files[name]) for name in names], dtype=float)
    weights = np.sqrt(sizes + 1)  # a small file is as worthy as a large one, nearly
    name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    content = sample.files[name]
    if zipfile.is_zipfile(io.BytesIO(content)) and rng.random() < 0.7:
        return name, _repacked(rng, content), False
    return name, _changed(rng, content), sample.checked(name)


def _changed(rng: np.random.Generator, content: bytes) -> bytes:
    """Change bytes in one place or a few."""
    data = bytearray(content)
    for _ in range(int(rng.choice([1, 1, 1, 2, 5]))):
        at = int(rng.integers(len(data) + 1))
        length = int(rng.choice([1, 2, 10, 100, 1000]))
        match int(rng.integers(9)):
            case 0 | 1 if data:
                data[at % len(data)] ^= 1 << int(rng.integers(8))
            case 2:
                data[at : at + length] = b""
            case 3:
                data[at:at] = data[at : at + length]
            case 4:
                del data[at:]
            case 5:
                data[at : at + int(rng.integers(4))] = rng.choice(np.array(WORDS, dtype=object))
            case 6:  # a line moves, goes or comes twice
                lines = bytes(data).split(b"\n")
                line = lines.pop(int(rng.integers(len(lines))))
                for _ in range(int(rng.integers(3))):
                    lines.insert(int(rng.integers(len(lines) + 1)), line)
                data = bytearray(b"\n".join(lines))
            case 7:  # a cell becomes a word
                cells = bytes(data).split(b"\t" if b"\t" in data else b",")
                cells[int(rng.integers(len(cells)))] = rng.choice(np.array(WORDS, dtype=object))
                data = bytearray((b"\t" if b"\t" in data else b",").join(cells))
            case _:
                data[at : at + length] = bytes(rng.integers(0, 256, length, dtype=np.uint8))
    return bytes(data)


def _repacked(rng: np.random.Generator, content: bytes) -> bytes:
    """Change a member of a zip (or a workbook) and pack it again with the checksums it needs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w") as new:
        names = old.namelist()
        chosen = names[int(rng.integers(len(names)))]
        for name in names:
            member = old.read(name)
            if name == chosen:
                if rng.random() < 0.1:
                    continue
                member = _changed(rng, member)
            new.writestr(name, member)
    return packed.getvalue()


def run(sample: Sample, seed: int) -> str:
    """Run one case."""
    return sample.outcome(*damaged(np.random.default_rng(seed), sample))


# --- many cases ----------------------------------------------------------------------------------


def all_samples(folder: Path) -> Iterator[Sample]:
    """Write a small table in each layout."""
    from support.files.layouts import LAYOUTS

    for name, write in LAYOUTS.items():
        place = folder / name
        place.mkdir()
        write(place)
        yield Sample(name, place)


def _chunk(first: int, count: int, note: Path, only: str | None) -> None:
    """Run some cases; `note` names the one that runs, should this process end."""
    logging.disable(logging.WARNING)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(dir=base) as folder:
        samples = [s for s in all_samples(Path(folder)) if only in (None, s.name)]
        for seed in range(first, first + count):
            sample = samples[seed % len(samples)]
            note.write_text(f"{sample.name} {seed}")
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            counts[f"{sample.name}: {run(sample, seed)}"] += 1
            faulthandler.cancel_dump_traceback_later()
    sys.stdout.write(json.dumps(counts))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--only", help="one layout")
    parser.add_argument("--chunk", nargs=3, metavar=("FIRST", "COUNT", "NOTE"))
    arguments = parser.parse_args()
    if arguments.chunk:
        first, count, note = arguments.chunk
        _chunk(int(first), int(count), Path(note), arguments.only)
        return 0
    counts: Counter[str] = Counter()
    wrong = []
    first, end = arguments.first, arguments.first + arguments.cases
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder) / "case"
        while first < end:
            count = min(CHUNK, end - first)
            command = [sys.executable, __file__, "--chunk", str(first), str(count), str(note)]
            only = ["--only", arguments.only] if arguments.only else []
            done = subprocess.run(command + only, capture_output=True, text=True)
            if done.returncode == 0:
                counts.update(json.loads(done.stdout))
                first += count
            else:
                sample, seed = note.read_text().split()
                wrong.append((sample, int(seed)))
                sys.stdout.write(f"WRONG {sample} {seed}: {done.stderr.strip()[-1500:]}\n")
                first = int(seed) + 1
            sys.stdout.write(f"{first - arguments.first:,} cases, {len(wrong)} wrong\n")
            sys.stdout.flush()
    for what, count in sorted(counts.items()):
        sys.stdout.write(f"{what}: {count:,}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
