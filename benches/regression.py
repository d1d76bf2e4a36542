"""Find out whether a change made the library do more work, or the same work more slowly.

    python benches/regression.py --check            # counts beside benches/baseline.json
    python benches/regression.py --against COMMIT   # seconds beside a commit, both run in turns
    python benches/regression.py --record           # store the counts of all sizes anew

Counts (passes over A, bytes, prefixes expanded) are the same on every machine that uses the same
kernels, and most of them with all kernels; where they differ, the least and the most are stored.
One more than stored is a regression; peak memory may be a tenth and a megabyte more. A case is slow
if it takes 1.3 times as long as at the commit, by default the one in which the stored counts last
changed. Exit status 1 if anything became worse.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from cases import CASES, SIZES, World
from counting import STEADY, counts_of, peak_of
from turns import CLOCKS, FACTOR, Build, git, installed, slower

import carbonflows_fast as cf

ROOT = Path(__file__).parent.parent
BASELINE = Path(__file__).with_name("baseline.json")
PEAK = "peak_bytes"
PEAK_SHARE, PEAK_BYTES = 1.1, 1 << 20

# By case, then by what is counted; where kernels differ, the least and the most are stored.
Counts: TypeAlias = Mapping[str, Mapping[str, int]]
Stored: TypeAlias = Mapping[str, Mapping[str, int | Sequence[int]]]


# ---- counts -------------------------------------------------------------------------------------


def measured(names: Sequence[str], world: World, *, peaks: bool = True) -> dict[str, Any]:
    """Count each case, in this process."""
    found: dict[str, Any] = {}
    for name in names:
        found[name] = counts_of(CASES[name], world)
        if peaks and (most := peak_of(CASES[name], world)) is not None:
            found[name][PEAK] = most
    return found


def measured_apart(
    names: Sequence[str], size: str, *, peaks: bool = True, **environment: str
) -> dict[str, Any]:
    """Count in a new process, in which memory is steady."""
    command = [sys.executable, __file__, "--child", "--size", size, "--cases", *names]
    done = subprocess.run(
        command if peaks else [*command, "--no-peaks"],
        env=os.environ | STEADY | environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"counting the {size} cases failed; see the message above")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compared(found: Counts, stored: Stored) -> tuple[list[str], list[str]]:
    """Return what became worse, and what became better, each in a line.

    Peak memory is compared where both know it.
    """
    worse, better = [], []
    for name, counts in found.items():
        if name not in stored:
            worse.append(f"{name}: expected stored counts, got none; store them by --record")
            continue
        both = counts.keys() & stored[name].keys()
        for what in sorted((counts.keys() | stored[name].keys()) - {PEAK} | both):
            now, (least, most) = counts.get(what, 0), span(stored[name].get(what, 0))
            share, more = (PEAK_SHARE, PEAK_BYTES) if what == PEAK else (1, 0)
            if now > most * share + more:
                worse.append(f"{name}: {what} {most:,} → {now:,}")
            elif now < least / share - more:
                better.append(f"{name}: {what} {least:,} → {now:,}")
    return worse, better


def span(count: int | Sequence[int]) -> tuple[int, int]:
    """Return the least and the most that was stored: the same unless kernels differ."""
    return (count, count) if isinstance(count, int) else (count[0], count[1])


def load(path: Path, size: str) -> Any:
    """Return the stored counts of a size, or end with one sentence."""
    if not path.exists():
        raise SystemExit(f"{path}: expected the stored counts, got no file; make it by --record")
    stored = json.loads(path.read_text(encoding="utf-8"))
    if size not in stored:
        raise SystemExit(f"{path}: expected counts of size {size!r}, got {', '.join(stored)}")
    return stored[size]


def check(names: Sequence[str], size: str, path: Path) -> int:
    """Compare with what is stored; return how many counts became worse."""
    stored = load(path, size)
    worse, better = compared(measured_apart(names, size), stored)
    report("worse than stored", worse)
    report("better than stored: run --record, lest it gets lost again", better)
    say(f"{len(names)} cases of size {size}: {len(worse)} counts worse, {len(better)} better")
    return len(worse)


def record(path: Path) -> None:
    """Store the counts of all cases and sizes, from all sets of kernels that run here."""
    stored: dict[str, Any] = {}
    sets = cf.build_info()["instruction_sets"]
    for size in SIZES:
        stored[size] = measured_apart([*CASES], size, CARBONFLOWS_ISA=sets[0])
        for kernels in sets[1:]:
            found = measured_apart([*CASES], size, peaks=False, CARBONFLOWS_ISA=kernels)
            for name, counts in found.items():
                for what, count in counts.items():
                    join(stored[size][name], what, count, f"{size} {name} with {kernels}")
    path.write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    say(f"stored {len(CASES)} cases of each size in {path}")


def join(counts: dict[str, Any], what: str, count: int, where: str) -> None:
    """Widen what is stored so that it holds a count, and say so."""
    least, most = span(counts.get(what, 0))
    if not least <= count <= most:
        counts[what] = [min(least, count), max(most, count)]
        say(f"{where}: {what} {count:,}, not {most:,}")


# ---- seconds ------------------------------------------------------------------------------------


def against(commit: str, names: Sequence[str], size: str, rounds: int, **how: Any) -> int:
    """Time the working tree beside a commit; return how many cases became slow."""
    commit = commit or git(ROOT, "log", "-1", "--format=%H", "--", str(BASELINE))
    if not commit:
        raise SystemExit("--against: expected a commit, got none and no stored counts; name one")
    commit = git(ROOT, "rev-parse", "--short", f"{commit}^{{commit}}")
    with (
        installed(commit, ROOT) as base,
        installed(None, ROOT) as head,
        Build(base, SIZES[size], **how) as older,
        Build(head, SIZES[size], **how) as newer,
    ):
        times, slow = slower(older, newer, names, rounds=rounds)
    say(f"| case | seconds at {commit} | now | ratio |\n|---|---|---|---|")
    for name in names:
        if name in times:
            both = times[name]
            cells = f"{min(both.base):.4f} | {min(both.head):.4f} | {both.ratio:.2f}"
            say(f"| {name} | {cells}{' slow' if name in slow else ''} |")
        else:
            say(f"| {name} | does not run there | | |")
    report(f"slower than {FACTOR} times {commit}", slow)
    return len(slow)


# ---- the command --------------------------------------------------------------------------------


def say(line: str) -> None:
    print(line)  # noqa: T201


def report(title: str, lines: Sequence[str]) -> None:
    if lines:
        say("\n".join([f"{title}:", *(f"  {line}" for line in lines)]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="compare counts with the stored ones")
    what.add_argument("--record", action="store_true", help="store the counts of all sizes")
    what.add_argument("--against", metavar="COMMIT", nargs="?", const="", help="compare seconds")
    what.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--no-peaks", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--cases", nargs="+", default=[*CASES], metavar="CASE")
    parser.add_argument("--baseline", type=Path, default=BASELINE, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=7, help="times of each, in turns")
    parser.add_argument("--threads", type=int, default=1, help="of each build")
    parser.add_argument("--clock", choices=CLOCKS, default="processor")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.cases if name not in CASES]:
        parser.error(f"--cases: expected some of {', '.join(CASES)}; got {', '.join(unknown)}")
    if asked.child:
        with tempfile.TemporaryDirectory() as folder:
            world = World(*SIZES[asked.size], Path(folder))
            say(json.dumps(measured(asked.cases, world, peaks=not asked.no_peaks)))
        return 0
    if asked.record:
        record(asked.baseline)
        return 0
    if asked.check:
        return int(check(asked.cases, asked.size, asked.baseline) > 0)
    how = {"threads": asked.threads, "clock": asked.clock}
    return int(against(asked.against, asked.cases, asked.size, asked.rounds, **how) > 0)


if __name__ == "__main__":
    sys.exit(main())
