"""Makes saved tables up that fit their digests, and watches what opening them does.

A made-up table opens as a table whose questions can be asked, or is refused in one sentence of
ours; no other exception, no crash. ``python tests/store_mutations.py --cases 20000`` runs 20,000.
"""

from __future__ import annotations

import argparse
import ast
import copy
import faulthandler
import io
import json
import logging
import math
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from support.files.store_files import arrays_of, change_array, change_manifest, manifest_of

import carbonflows_fast as cf

SECONDS = 60
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 10**25, -(10**25), 0.5, math.nan, math.inf, "", " ", "x", "F",
    "../x", "/dev/zero", "x\x00y", "\ud800", "9" * 40, [], {}, [None], [[]], ["a", "a"], [math.nan],
    {"x": 1}, [["DE"]], {"key": 1, "shared": 2, "files": 3},
)  # fmt: skip
KINDS = ("<f8", ">f8", "<f4", "<i8", ">i8", "<i4", ">i4", "<u2", ">u2", "<u8", "|b1", "<c16",
         "|O", "<U4", "|S8", "<M8[s]", "|V8")  # fmt: skip
NUMBERS = (0, 1, -1, 2, 3, 7, 255, 256, 257, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 65535)
FLOATS = (math.nan, math.inf, -math.inf, -1.0, 0.0, 1e308, -1e308, 5e-324, 2.0)
DIMENSIONS = (0, 1, 2, 3, 5, -1, 2**31, 2**62, 10**18, 10**19, 10**40)


def changed_value(rng: np.random.Generator, value: Any) -> Any:
    """Return something else in the place of a value, or a value with a part changed."""
    roll = rng.random()
    if isinstance(value, list | dict) and value and roll < 0.7:
        value = copy.deepcopy(value)
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = keys[int(rng.integers(len(keys)))]
        match int(rng.integers(4)):
            case 0:
                del value[key]
            case 1 if isinstance(value, list):
                value.append(value[key])
            case 1:
                value["../x"] = value[key]
            case _:
                value[key] = changed_value(rng, value[key])
        return value
    return copy.deepcopy(VALUES[int(rng.integers(len(VALUES)))])


def changed_manifest(rng: np.random.Generator, manifest: dict[str, Any]) -> Any:
    """Return a manifest with one field or a few changed, or bytes that are none."""
    roll = rng.random()
    if roll < 0.05:
        return changed_value(rng, {})
    if roll < 0.1:
        text = json.dumps(manifest)
        return rng.choice(
            np.array([b"", b"\xff\xfe{}", b"[" * 100_000, text[:-2].encode(), b"{} {}",
                      b'{"year": ' + b"9" * 5000 + b"}", b"NaN", b"\x00" * 50], dtype=object)
        )  # fmt: skip
    for _ in range(int(rng.choice([1, 1, 1, 2]))):
        field = list(manifest)[int(rng.integers(len(manifest)))]
        if rng.random() < 0.15:
            del manifest[field]
        elif rng.random() < 0.05:
            manifest[str(rng.choice(["../x", "more"]))] = 1
        else:
            manifest[field] = changed_value(rng, manifest[field])
    return manifest


def array_file(array: Any, *, pickled: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=pickled)
    return stream.getvalue()


def changed_array(rng: np.random.Generator, content: bytes) -> bytes:
    """Return the file of an array with another header, type, shape, order or content."""
    array = np.load(io.BytesIO(content))
    match int(rng.integers(9)):
        case 0:  # some numbers
            flat = array.reshape(-1).copy()
            for _ in range(int(rng.choice([1, 1, 2, 5])) if flat.size else 0):
                at = int(rng.integers(flat.size))
                if flat.dtype.kind == "f":
                    flat[at] = FLOATS[int(rng.integers(len(FLOATS)))]
                else:
                    wanted = NUMBERS[int(rng.integers(len(NUMBERS)))]
                    if rng.random() < 0.3:
                        wanted = int(flat[at]) + int(rng.choice([-8, -1, 1, 8, 16]))
                    flat[at] = (
                        np.array(wanted, object).astype(np.int64).astype(flat.dtype)
                        if -(2**63) <= wanted < 2**63
                        else 0
                    )
            return array_file(flat.reshape(array.shape))
        case 1:  # another type
            kind = KINDS[int(rng.integers(len(KINDS)))]
            if kind == "|O":
                return array_file(array.astype(object), pickled=True)
            if kind[1] in "fiu":
                with np.errstate(all="ignore"):
                    return array_file(array.astype(kind))
            return array_file(np.zeros(array.shape, kind))
        case 2:  # another shape of the same numbers
            shapes = [(-1,), (1, -1), (-1, 1), (1, 1, -1), array.shape[::-1]]
            return array_file(array.reshape(shapes[int(rng.integers(len(shapes)))]))
        case 3:  # more or fewer
            flat = array.reshape(-1)
            size = max(0, flat.size + int(rng.choice([-16, -8, -1, 1, 8, 16])))
            shape = (size,) if array.ndim == 1 else (size, *array.shape[1:])
            return array_file(np.resize(array, shape))
        case 4:
            return array_file(np.asfortranarray(array))
        case 5:  # the shape in the header alone
            shape = tuple(
                int(DIMENSIONS[int(rng.integers(len(DIMENSIONS)))])
                for _ in range(int(rng.integers(5)))
            )
            return header(content, shape=shape)
        case 6:
            kind = KINDS[int(rng.integers(len(KINDS)))]
            return header(content, descr=kind, fortran_order=bool(rng.integers(2)))
        case 7:  # bytes
            data = bytearray(content)
            for _ in range(int(rng.choice([1, 1, 3, 10]))):
                data[int(rng.integers(len(data)))] = int(rng.integers(256))
            return bytes(data)
        case _:
            at = int(rng.integers(len(content)))
            return content[:at] if rng.random() < 0.5 else content[:at] + content


def header(content: bytes, **changes: Any) -> bytes:
    """Return a file whose header says something else."""
    length = int.from_bytes(content[8:10], "little")
    facts = ast.literal_eval(content[10 : 10 + length].decode()) | changes
    text = ("{" + "".join(f"{key!r}: {value!r}, " for key, value in facts.items()) + "}").encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return content[:8] + len(text).to_bytes(2, "little") + text + content[10 + length :]


def check_sentence(error: Exception) -> None:
    """Complain about a complaint that is not one sentence of ours."""
    sentence = str(error)
    assert isinstance(error, cf.StoreError)
    assert re.fullmatch(r"path: expected [^\n]+, got [^\n]+; [^\n]+", sentence), sentence
    assert len(sentence) < 900


class Case:
    """A small saved table that is made up anew for each case.

    Parameters
    ----------
    table : Table
    folder : Path
        To write to.
    """

    def __init__(self, table: cf.Table, folder: Path) -> None:
        self.table, self.original, self.path = table, folder / "original", folder / "store"
        cf.save(table, self.original)

    def run(self, seed: int) -> str:
        """Make a table up and return what became of it; raise if that is wrong."""
        rng = np.random.default_rng(seed)
        shutil.rmtree(self.path, ignore_errors=True)
        shutil.copytree(self.original, self.path)
        folder = arrays_of(self.path)
        roll = rng.random()
        if roll < 0.35:
            change_manifest(self.path, changed_manifest(rng, manifest_of(self.path)))
        elif roll < 0.93:
            names = sorted(file.stem for file in folder.glob("*.npy"))
            for _ in range(int(rng.choice([1, 1, 1, 2]))):
                name = names[int(rng.integers(len(names)))]
                with np.errstate(all="ignore"):
                    try:
                        content = changed_array(rng, (folder / f"{name}.npy").read_bytes())
                    except Exception:  # it was changed before: NumPy raises nearly anything
                        continue
                change_array(self.path, name, content)
        else:
            self._misplace(rng, folder)
        return self._outcome(seed)

    def _misplace(self, rng: np.random.Generator, folder: Path) -> None:
        """Put a link, a pipe or a folder in the place of a file, or take one away."""
        files = [*sorted(folder.iterdir()), self.path / "carbonflows.json", folder]
        file = files[int(rng.integers(len(files)))]
        target = file.rename(self.path / "moved")
        match int(rng.integers(5)):
            case 0:
                file.symlink_to(target)
            case 1:
                file.symlink_to("/dev/zero")
            case 2 if hasattr(os, "mkfifo"):
                os.mkfifo(file)
            case 3:
                file.mkdir()

    def _outcome(self, seed: int) -> str:
        try:
            for verify in (False, True):
                opened = cf.open(self.path, verify=verify)
                if opened.equals(self.table):
                    return "equal"
        except cf.CarbonFlowsError as error:
            check_sentence(error)
            return "refused"
        try:
            repr(opened)
            stressor = opened.stressors[int(seed) % len(opened.stressors)]
            for frame in (cf.accounts(opened, stressor), cf.flows(opened, stressor).to_frame()):
                assert np.isfinite(frame.select_dtypes("number").fillna(0).to_numpy()).all()
            opened.Z, opened.aggregate(sectors=dict.fromkeys(opened.sectors, "all"))
        except cf.CarbonFlowsError:
            return "another table, of which a question is refused"
        return "another table"


def cases(folder: Path) -> list[Case]:
    """Return a table of a block, one of several with rows in no order, and one without options."""
    world = cf.synthetic.world(3, 4, stressors=2, year=2009)
    shuffled = np.random.default_rng(0).permutation(len(world.x))
    larger = cf.synthetic.world(4, 70, stressors=1)
    parts = world.content
    mixed = cf.Table(
        A=world.A.toarray()[np.ix_(shuffled, shuffled)], Y=world.Y.to_numpy()[shuffled],
        S=world.S.to_numpy()[:, shuffled], x=world.x.to_numpy()[shuffled],
        regions=[parts.regions[parts.region_codes[i]] for i in shuffled],
        sectors=[parts.sectors[parts.sector_codes[i]] for i in shuffled],
        demand=list(world.demand), stressors=list(world.stressors), population=[1.0, 2.0, np.nan],
    )  # fmt: skip
    made = []
    for number, table in enumerate((world, mixed, larger)):
        (folder / str(number)).mkdir()
        made.append(Case(table, folder / str(number)))
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    counts: Counter[str] = Counter()
    wrong = 0
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=base) as folder:
        made = cases(Path(folder))
        for seed in range(arguments.first, arguments.first + arguments.cases):
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            try:
                counts[made[seed % len(made)].run(seed)] += 1
            except Exception as error:
                wrong += 1
                sys.stdout.write(f"{seed}: {type(error).__name__}: {str(error)[:300]}\n")
            faulthandler.cancel_dump_traceback_later()
            if seed % 1000 == 0:
                sys.stdout.write(f"{seed}: {dict(counts)}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{dict(counts)}, wrong: {wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
