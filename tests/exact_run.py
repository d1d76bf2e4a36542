"""Ask every public question of random small tables, and hold each bound against exact arithmetic.

    python tests/exact_run.py --cases 100000 --seed 0 --processes 2

Case i of a run is made from seed + i alone: a run can be cut into ranges of seeds, and a single
case run again by `--seed S --cases 1`. What ends a question with an error of the library's own is
counted by its class; any other exception, any warning, and any error beyond its bound is a
violation, printed with its seed. The exit status is 1 if there is one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
import traceback
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from flint import arb
from support.exact import exact_case as questions
from support.exact import (
    exact_chains,  # noqa: F401  # registers its questions
    exact_questions,  # noqa: F401
    exact_viewpoints,  # noqa: F401
)
from support.running.solving import as_large, iterated

import carbonflows_fast as cf

PER_CASE = 2
"""Questions asked of one table: over many tables all are asked of all kinds."""

RARELY = 0.01
"""The chance that a question that takes long is asked once it is drawn."""

ITERATED = 0.4
"""The part of all tables that are solved by iterations, as large ones are."""

CHUNK = 25


@dataclass
class Summary:
    """What was asked, and what came of it."""

    cases: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    claims: int = 0
    worst: dict[str, tuple[float, int]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def add(self, other: Summary) -> None:
        self.cases += other.cases
        self.claims += other.claims
        self.asked += other.asked
        self.answered += other.answered
        self.refusals += other.refusals
        self.violations += other.violations
        for name, found in other.worst.items():
            self.worst[name] = max(self.worst.get(name, (0.0, -1)), found)

    def __str__(self) -> str:
        lines = [
            f"{self.cases:,} cases, {self.asked.total():,} questions asked, "
            f"{self.answered.total():,} answered, {self.claims:,} bounds compared"
        ]
        for name, count in sorted(self.asked.items()):
            lines.append(f"  {name}: {count:,} asked, {self.answered[name]:,} answered")
        lines.append("refused:")
        lines += [f"  {name}: {count:,}" for name, count in self.refusals.most_common()]
        lines.append("worst error over its bound, and the seed:")
        lines += [f"  {name}: {ratio:.3g} ({seed})" for name, (ratio, seed) in
                  sorted(self.worst.items())]  # fmt: skip
        lines.append(f"violations: {len(self.violations)}")
        lines += [f"  {one}" for one in self.violations[:200]]
        return "\n".join(lines)


def ratio_of(claim: questions.Claim) -> float:
    """Return how much larger the error is than its bound; infinite where it has no bound."""
    bound = claim.bound if isinstance(claim.bound, arb) else arb(float(claim.bound))
    if not bound.is_finite():
        return 0.0 if bound > 0 else float("inf")
    if not claim.error > bound:
        return min(float(claim.error / bound), 1.0) if bound > 0 else 0.0
    return float(claim.error / bound) if bound > 0 else float("inf")


def clear(error: cf.CarbonFlowsError) -> bool:
    """Return whether an error is one sentence with something to do about it."""
    text = str(error)
    return text.isprintable() and "nan" not in text.split() and text == text.strip() != ""


def run_case(seed: int, names: list[str] | None = None) -> Summary:
    """Ask a few questions of the table of a seed."""
    rng = np.random.default_rng([seed, 1])
    if rng.random() < ITERATED:
        method = "gmres" if rng.random() < 0.8 else "gauss-seidel"
        shared, rounded = rng.random(2) < 0.5
        with iterated(method), as_large(shared=shared, rounded=rounded):
            return _ask(seed, names)
    return _ask(seed, names)


def _ask(seed: int, names: list[str] | None) -> Summary:
    found = Summary(cases=1)
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(sorted(questions.QUESTIONS))[:PER_CASE].tolist()
    case = questions.Case(rng)
    for name in names or drawn:
        if name in questions.RARE and not names and rng.random() > RARELY:
            continue
        found.asked[name] += 1
        try:
            for claim in questions.QUESTIONS[name](case):
                found.claims += 1
                ratio = ratio_of(claim)
                what = f"{name} {claim.what}".strip()
                found.worst[what] = max(found.worst.get(what, (0.0, -1)), (ratio, seed))
                if not ratio <= 1.0:
                    found.violations.append(
                        f"seed {seed} {what}: error {float(abs(claim.error)):.3g} is {ratio:.3g} "
                        f"of its bound; {sorted(case.recipe.traits)}, n={case.table.n}"
                    )
            found.answered[name] += 1
        except cf.CarbonFlowsError as error:
            first = str(error).split(":")[0]
            argument = first if first.isidentifier() else ""
            found.refusals[f"{name}: {type(error).__name__} {argument}".strip()] += 1
            if not clear(error) or type(error) is cf.CarbonFlowsError:
                found.violations.append(f"seed {seed} {name}: unclear {error!r}")
        except ZeroDivisionError:  # the exact matrix has no inverse, and the library says so or not
            found.violations.append(f"seed {seed} {name}: answered, but I − A is singular")
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            found.violations.append(
                f"seed {seed} {name}: {error!r} at {place.filename.rsplit('/', 1)[-1]}:"
                f"{place.lineno}; {sorted(case.recipe.traits)}"
            )
    return found


def run_chunk(seeds: range) -> Summary:
    warnings.simplefilter("error")
    found = Summary()
    for seed in seeds:
        found.add(run_case(seed))
    return found


def say(line: str, stream: Any = sys.stdout) -> None:
    stream.write(f"{line}\n")
    stream.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first case; the rest follow")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--question", action="append", choices=sorted(questions.QUESTIONS),
                        help="ask these of every table, instead of a few by chance")  # fmt: skip
    asked = parser.parse_args()
    last, begun, found = asked.seed + asked.cases, time.monotonic(), Summary()
    if asked.question:
        warnings.simplefilter("error")
        for seed in range(asked.seed, last):
            found.add(run_case(seed, asked.question))
    else:
        chunks = [range(a, min(a + CHUNK, last)) for a in range(asked.seed, last, CHUNK)]
        # Unlike multiprocessing's pool, it notices a process that is killed.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(asked.processes, mp_context=context) as pool:
            for part in pool.map(run_chunk, chunks):
                found.add(part)
                for violation in part.violations:
                    say(violation)
                done = asked.seed + found.cases
                so_far = f"{found.cases:,} cases, {len(found.violations)} violations"
                say(f"{so_far}; go on with --seed {done} --cases {last - done}", sys.stderr)
    say(str(found))
    say(f"{time.monotonic() - begun:,.0f} s")
    return 1 if found.violations else 0


if __name__ == "__main__":
    sys.exit(main())
