"""Count what a user sees who presses Ctrl-C at a random moment of a command.

    python benches/interrupts.py FOLDER [COMMAND …] [--tries 50] [--seed 0]

FOLDER keeps three small saved tables, made on the first run. Each command runs once for its time
and then `--tries` times with an interrupt at a moment drawn from 0 to that time, as the console
script that pip writes and as `python -m carbonflows_fast` in turns. What comes of each is one of

quiet
    one line, "interrupted", and status 130;
done
    the command was faster: its own status, nothing on standard error;
before
    the interrupt met Python itself before it had come to this package (its start, `site`, the lines
    of pip's script): whatever Python does then, which no package can change;
after
    everything was written and the interpreter was being taken apart: ended by the signal, silently;
noisy
    anything else. These are shown; the exit status is 1 if there are any.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STORES = ("2018", "2019", "2020")
COMMANDS = {
    "version": "--version",
    "info": "info {0}",
    "check": "check {0}",
    "accounts": "accounts {0} --out {out}/accounts.csv",
    "flows": "flows {0}",
    "sector": "sector {0} Wheat",
    "paths": "paths {0}",
    "decompose": "decompose {0} {1}",
    "convert": "convert {0} {out}/converted",
    "panel": "panel accounts {folder} --workers 2",
    "report": "report {0} --out {out}/report.html",
    "demo": "demo --regions 5 --sectors 10",
}
STARTING = ("KeyboardInterrupt", "Fatal Python error")
STARTED = ("carbonflows_fast/", "distributed", "interrupted\n")  # nothing of Python's own start


def ways() -> list[list[str]]:
    """How a command starts: through pip's script, and through the module."""
    target = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    module, function = target["carbonflows-fast"].split(":")
    script = f"import re\nimport sys\nfrom {module} import {function}\nsys.exit({function}())"
    return [[sys.executable, "-c", script], [sys.executable, "-m", "carbonflows_fast"]]


def tables(folder: Path) -> list[Path]:
    """Make what is not there yet."""
    import carbonflows_fast as cf

    for year in STORES:
        if not (folder / year).exists():
            cf.save(cf.synthetic.world(5, 10, year=int(year)), folder / year)
    return [folder / year for year in STORES]


def press(command: list[str], after: float | None) -> tuple[int, str]:
    """Run a command, interrupt its group as a terminal does, and return status and complaint."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        said = process.communicate(timeout=after)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    lines = said.splitlines(keepends=True)  # a slow machine may have to wait for workers
    return process.returncode, "".join(line for line in lines if "; waiting for them" not in line)


def kind(status: int, said: str, usual: int) -> str:
    """Say which of the outcomes it was."""
    if (status, said) == (130, "interrupted\n"):
        return "quiet"
    if (status, said) == (usual, ""):
        return "done"
    if any(text in said for text in STARTING) and not any(text in said for text in STARTED):
        return "before"
    if (status, said) == (-signal.SIGINT, ""):
        return "before or after"
    return "noisy"


def measure(words: str, tries: int, chance: random.Random) -> tuple[Counter[str], list[str]]:
    """Return how often each outcome came, and what the noisy ones said."""
    seen, noisy = Counter[str](), list[str]()
    starts = ways()
    press([*starts[0], *words.split()], None)  # whatever must be compiled is
    begun = time.monotonic()
    usual, said = press([*starts[0], *words.split()], None)
    length = time.monotonic() - begun
    if said:
        raise SystemExit(f"{words}: {said}")
    for number in range(tries):
        moment = chance.uniform(0.0, length)
        status, said = press([*starts[number % 2], *words.split()], moment)
        found = kind(status, said, usual)
        if found == "before or after":
            found = "after" if moment > length / 2 else "before"
        seen[found] += 1
        if found == "noisy":
            noisy.append(f"{moment:.3f} of {length:.3f} s, status {status}: {said}")
    return seen, noisy


def main() -> int:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("commands", nargs="*", metavar="COMMAND")
    parser.add_argument("--tries", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    stores = tables(arguments.folder)
    chance = random.Random(arguments.seed)
    bad = 0
    for name in arguments.commands or COMMANDS:
        with tempfile.TemporaryDirectory() as out:
            words = COMMANDS[name].format(*stores, folder=arguments.folder, out=out)
            seen, noisy = measure(words, arguments.tries, chance)
        counts = ", ".join(f"{n} {k}" for k, n in sorted(seen.items()))
        print(f"{name:10}", counts, flush=True)  # noqa: T201
        for text in noisy:
            print("   ", "\n    ".join(text.splitlines()[-30:]), flush=True)  # noqa: T201
        bad += len(noisy)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
