"""Compare the footprint accounts with pymrio's `calc_all`: seconds and peak memory.

    OPENBLAS_NUM_THREADS=2 CARBONFLOWS_NUM_THREADS=2 python benches/peer_pymrio.py

pymrio's `calc_all` is compared with `footprints` of a table, and with `cf.calc_all` of the same
IOSystem, which fills in all that pymrio fills in but L. Each run is a process of its own, so that
its peak is its own; the peak counts what is alive when the clock starts, each library's own input
and imports included. The accounts must agree before a ratio is printed. At full size pymrio needs
about 10 GB and two minutes; `--regions` and `--sectors` make it smaller.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import carbonflows_fast as cf

ACCOUNTS = ("D_cba", "D_pba", "D_exp")


def sums(accounts: Any, imports: bool) -> dict[str, float]:
    """Ask for all accounts and their regional sums; both libraries use the same names."""
    names = ("D_imp", *ACCOUNTS) if imports else ACCOUNTS  # D_imp first: it brings M along
    wanted = [*(name + end for name in names for end in ("", "_reg")), "M"]
    return {name: float(np.abs(getattr(accounts, name).to_numpy()).sum()) for name in wanted}


def prepare(arguments: argparse.Namespace) -> Callable[[], Any]:
    """Return the call that makes the accounts; nothing but its own input is kept alive."""
    table = cf.synthetic.world(arguments.regions, arguments.sectors, stressors=arguments.stressors)
    if arguments.child == "ours":
        from carbonflows_fast.leontief import _blas

        return lambda: cf.footprints(table)
    io = cf.to_pymrio(table)
    if arguments.child == "bridge":
        from carbonflows_fast.leontief import _blas  # noqa: F401

    def calculate() -> Any:
        if arguments.child == "bridge":
            cf.calc_all(io)
        else:
            io.calc_all()  # neither has a way to leave D_imp out
        return next(io.get_extensions(data=True))

    return calculate


def peak(*, reset: bool = False) -> int:
    """Most bytes of memory since the last reset (Linux), or all there are from now on."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("expected a VmHWM line in /proc/self/status")


def measure(arguments: argparse.Namespace) -> None:
    """Run one library once and print what it took."""
    calculate = prepare(arguments)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what making the input left behind is nobody's
    peak(reset=True)
    begun = time.perf_counter()
    found = sums(calculate(), arguments.imports)
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "peak": peak(), "sums": found}))  # noqa: T201


def child(arguments: argparse.Namespace, library: str, stressors: int, imports: bool) -> Any:
    """Measure in a new process."""
    command = [
        sys.executable, __file__, "--child", library, "--stressors", str(stressors),
        "--regions", str(arguments.regions), "--sectors", str(arguments.sectors),
    ]  # fmt: skip
    if imports:
        command.append("--imports")
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def compared(stressors: int, accounts: str, mine: Any, peer: Any) -> str:
    """Return a line of the table, once the accounts agree."""
    for account, total in mine["sums"].items():
        np.testing.assert_allclose(total, peer["sums"][account], rtol=1e-8, err_msg=account)
    return (
        f"| {stressors} | {accounts} | {peer['seconds']:.1f} s / {mine['seconds']:.1f} s = "
        f"{peer['seconds'] / mine['seconds']:.1f} × | "
        f"{mine['peak'] / 1e9:.1f} GB, 1/{peer['peak'] / mine['peak']:.2f} |"
    )


def main() -> None:
    """Measure, compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--regions", type=int, default=49)
    parser.add_argument("--sectors", type=int, default=200)
    parser.add_argument("--stressors", type=int, default=1113)
    parser.add_argument("--imports", action="store_true", help="D_imp of all stressors too")
    parser.add_argument("--child", choices=("ours", "bridge", "pymrio"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        measure(arguments)
        return
    print("| stressors | accounts | speed | peak memory |\n|---|---|---|---|")  # noqa: T201
    for stressors, imports in ((arguments.stressors, arguments.imports), (1, True)):
        peer = child(arguments, "pymrio", stressors, True)
        named = "with D_imp" if imports else "without D_imp"
        mine = child(arguments, "ours", stressors, imports)
        print(compared(stressors, named, mine, peer))  # noqa: T201
        filled = child(arguments, "bridge", stressors, True)
        print(compared(stressors, "`cf.calc_all(io)`", filled, peer))  # noqa: T201


if __name__ == "__main__":
    main()
