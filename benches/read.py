"""Compare reading a table and saving it with pymrio's reading alone: seconds and peak memory.

    OPENBLAS_NUM_THREADS=2 CARBONFLOWS_NUM_THREADS=2 python benches/read.py FOLDER

FOLDER keeps the synthetic world in the EXIOBASE 3 layout, as a folder and as a zip, written on the
first run. Ours is `save(read(path), store)`, pymrio's is `parse_exiobase3(path)`. Each run is a
process of its own, so that its peak is its own. Every number of the saved table is compared with
pymrio's before a ratio is printed; its parser may be off by a last digit.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from peer_pymrio import peak

import carbonflows_fast as cf


def run_ours(path: Path, store: Path) -> tuple[float, int]:
    """Read and save, in a new place."""
    shutil.rmtree(store, ignore_errors=True)
    peak(reset=True)
    begun = time.perf_counter()
    cf.save(cf.read(path, progress=False), store)
    return time.perf_counter() - begun, peak()


def run_pymrio(path: Path, store: Path) -> tuple[float, int]:
    """Read, then compare with what we saved."""
    import pymrio

    warnings.simplefilter("ignore")
    peak(reset=True)
    begun = time.perf_counter()
    io = pymrio.parse_exiobase3(path)
    seconds, most = time.perf_counter() - begun, peak()
    table = cf.open(store)
    pairs: list[tuple[Any, Any]] = [(table.Y, io.Y), (table.x, io.x["indout"])]
    pairs.append((table.A, io.A) if io.Z is None else (table.Z, io.Z))
    rows = 0
    for extension in io.get_extensions(data=True):
        here = slice(rows, rows + len(extension.F))
        pairs += [(table.F.iloc[here], extension.F), (table.F_Y.iloc[here], extension.F_Y)]
        rows += len(extension.F)
    if rows != len(table.stressors):
        raise AssertionError(f"{rows} stressors there, {len(table.stressors)} here")
    for mine, other in pairs:
        dense = mine.toarray() if hasattr(mine, "toarray") else mine.to_numpy()
        np.testing.assert_allclose(dense, other.to_numpy(), rtol=1e-13)
    return seconds, most


def child(library: str, path: Path, store: Path) -> dict[str, Any]:
    """Measure in a new process."""
    command = [sys.executable, __file__, str(path), "--child", library, "--store", str(store)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure, compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--regions", type=int, default=49)
    parser.add_argument("--sectors", type=int, default=200)
    parser.add_argument("--stressors", type=int, default=1113)
    parser.add_argument("--child", choices=("ours", "pymrio"), help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        run = run_ours if arguments.child == "ours" else run_pymrio
        seconds, most = run(arguments.folder, arguments.store)
        print(json.dumps({"seconds": seconds, "peak": most}))  # noqa: T201
        return
    size = arguments.regions, arguments.sectors
    for name in ("IOT_2019_pxp", "IOT_2019_pxp.zip"):
        if not (arguments.folder / name).exists():
            table = cf.synthetic.world(*size, stressors=arguments.stressors)
            cf.write_exiobase(table, arguments.folder / name)
            os.sync()  # what is still being written would count against who reads first
    print("| from | speed | peak memory |\n|---|---|---|")  # noqa: T201
    for name in ("IOT_2019_pxp", "IOT_2019_pxp.zip"):
        path, store = arguments.folder / name, arguments.folder / "store"
        mine, peer = (child(library, path, store) for library in ("ours", "pymrio"))
        print(  # noqa: T201
            f"| {name} | {peer['seconds']:.1f} s / {mine['seconds']:.1f} s = "
            f"{peer['seconds'] / mine['seconds']:.1f} × | "
            f"{mine['peak'] / 1e9:.1f} GB, 1/{peer['peak'] / mine['peak']:.2f} |"
        )


if __name__ == "__main__":
    main()
