"""Time the questions of `cases.py` on this machine, and write what pytest-benchmark compares.

    carbonflows-fast bench --out now.json
    pytest-benchmark compare before.json now.json --columns=min,median,rounds

Each question is asked once to count what it takes, then `--rounds` times by the clock. Every answer
is compared with what is known of it; one that is off by more than 1e-9 of its size ends the run.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cases import CASES, SIZES, Case, World
from counting import counts_of

import carbonflows_fast as cf

GAP = 1e-9
VERSION = "5.0.0"  # of the format that pytest-benchmark reads


def seconds(name: str, case: Case, world: World, rounds: int) -> list[float]:
    """Ask by the clock; what is prepared for a question is outside of it."""
    found = []
    for _ in range(rounds):
        state = case.prepare(world)
        begun = time.perf_counter()
        answer = case.run(state)
        found.append(time.perf_counter() - begun)
        require_right(name, case, world, answer)
        del answer, state
    return found


def require_right(name: str, case: Case, world: World, answer: Any) -> None:
    gap = case.gap(world, answer)
    if not gap <= GAP:
        raise SystemExit(f"{name}: expected an answer within {GAP:g} of what is known, got {gap:g}")


def stats(times: Sequence[float]) -> dict[str, Any]:
    """Return what pytest-benchmark writes of some times."""
    ordered = sorted(times)
    many = len(ordered) > 1
    low, _, high = statistics.quantiles(ordered, n=4) if many else ordered * 3
    spread = statistics.stdev(ordered) if many else 0.0
    mean = statistics.fmean(ordered)
    far = sum(abs(one - mean) > spread for one in ordered)
    fence = 1.5 * (high - low)
    out = sum(not low - fence <= one <= high + fence for one in ordered)
    return {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": mean,
        "stddev": spread,
        "rounds": len(ordered),
        "median": statistics.median(ordered),
        "iqr": high - low,
        "q1": low,
        "q3": high,
        "iqr_outliers": out,
        "stddev_outliers": far,
        "outliers": f"{far};{out}",
        "ld15iqr": ordered[0],
        "hd15iqr": ordered[-1],
        "ops": 1.0 / mean,
        "total": sum(ordered),
        "data": list(times),
        "iterations": 1,
    }


def recorded(names: Sequence[str], size: str, rounds: int) -> dict[str, Any]:
    """Ask and time some questions."""
    marks = []
    with tempfile.TemporaryDirectory() as folder:
        world = World(*SIZES[size], Path(folder))
        for name in names:
            counts = counts_of(CASES[name], world)
            found = stats(seconds(name, CASES[name], world, rounds))
            say(f"{name:15} {found['min']:10.4f} s  {told(counts)}")
            marks.append(
                {
                    "group": size,
                    "name": name,
                    "fullname": f"carbonflows-fast bench::{name}[{size}]",
                    "params": {"size": size},
                    "param": size,
                    "extra_info": counts,
                    "options": {
                        "disable_gc": False,
                        "timer": "perf_counter",
                        "min_rounds": rounds,
                        "max_time": 0.0,
                        "min_time": 0.0,
                        "warmup": False,
                    },
                    "stats": found,
                }
            )
    now = datetime.datetime.now(datetime.UTC)
    return {
        "machine_info": machine(),
        "commit_info": {
            "id": cf.__version__,
            "time": None,
            "dirty": False,
            "branch": "(unknown)",
            "project": "carbonflows_fast",
            "author_time": None,
        },
        "benchmarks": marks,
        "datetime": now.isoformat(),
        "version": VERSION,
    }


def told(counts: dict[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in counts.items())


def machine() -> dict[str, Any]:
    """Say what times depend on."""
    info = cf.build_info()
    return {
        "node": "",
        "processor": platform.processor(),
        "machine": platform.machine(),
        "python_compiler": platform.python_compiler(),
        "python_implementation": platform.python_implementation(),
        "python_implementation_version": platform.python_version(),
        "python_version": platform.python_version(),
        "python_build": list(platform.python_build()),
        "release": platform.release(),
        "system": platform.system(),
        "cpu": {"count": os.cpu_count(), "brand_raw": platform.processor()},
        "carbonflows_fast": info,
    }


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="carbonflows-fast bench", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--size", choices=SIZES, default="small", help="small: 20 × 100; full: 49 × 200, 6 GB"
    )
    parser.add_argument("--cases", nargs="+", default=[*CASES], metavar="CASE", help="default all")
    parser.add_argument("--rounds", type=int, default=5, help="times of each (default 5)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a .json file")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.cases if name not in CASES]:
        parser.error(f"--cases: expected some of {', '.join(CASES)}; got {', '.join(unknown)}")
    if asked.rounds < 1:
        parser.error(f"--rounds: expected at least 1, got {asked.rounds}")
    if asked.out is not None and not asked.out.absolute().parent.is_dir():
        parser.error(f"--out: expected a file in a folder that is there, got {str(asked.out)!r}")
    info = cf.build_info()
    say(f"{info['instruction_set']}, {info['threads']} threads, {asked.size} size")
    found = recorded(asked.cases, asked.size, asked.rounds)
    if asked.out is not None:
        fresh = asked.out.with_name(f".{asked.out.name}.{os.getpid()}.tmp")
        fresh.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        fresh.replace(asked.out)
        say(f"written: {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
