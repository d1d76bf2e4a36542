"""What only one of two tables has, and what both share although they should differ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.checks._footprint_effects import Effects
from carbonflows_fast.checks._label_findings import alike, quoted
from carbonflows_fast.checks._report import Finding, Severity
from carbonflows_fast.errors import shorten
from carbonflows_fast.table import Table

__all__ = ["copied_numbers", "label_differences", "population_jumps"]

COPIED = 20  # different numbers that two years must share to be copies
HEADS = 0.3  # powers of ten within which populations move together
TENFOLD = 10.0  # no population of a region moves by this


def label_differences(table: Table, other: Table) -> Iterator[Finding]:
    """Yield the labels that only one of the tables has, kind by kind."""
    p, q = table.content, other.content
    kinds: tuple[tuple[str, Severity, tuple[str, ...], tuple[str, ...]], ...] = (
        ("stressors", "warning", p.stressors, q.stressors),
        ("regions", "note", p.regions, q.regions),
        ("categories", "note", p.categories, q.categories),
    )
    for what, severity, ours, theirs in kinds:
        here = [label for label in ours if label not in set(theirs)]
        there = [label for label in theirs if label not in set(ours)]
        texts = [
            f"only in {where}: {shorten(map(repr, labels))}"
            for where, labels in (("this table", here), ("the other", there))
            if labels
        ]
        if not texts:
            continue
        same = [group for group in alike(here + there) if len(group) > 1]
        if same:
            texts.append(f"{shorten(map(quoted, same), 2)} look alike")
        elif what == "stressors":
            texts.append("a sum over them, such as GWP100_AR6, is not the same sum in both tables")
        yield Finding(
            f"{what} of one table",
            severity,
            "",
            "",
            float(len(here) + len(there)),
            f"{what} {'; '.join(texts)}",
        )


def population_jumps(table: Table, other: Table, effects: Effects) -> Iterator[Finding]:
    """Yield populations in another unit, of all regions or of one."""
    p, q = table.content, other.content
    if p.population is None or q.population is None:
        return
    place = {name: at for at, name in enumerate(q.regions)}
    pairs = [(at, place[name]) for at, name in enumerate(p.regions) if name in place]
    moved = np.array([_log_ratio(p.population[a], q.population[b]) for a, b in pairs])
    known = np.isfinite(moved)
    if not known.any():
        return
    power = round(float(np.median(moved[known])))
    if power and bool((np.abs(moved[known] - power) <= HEADS).all()):
        message = (
            f"populations are about 10^{power} times those of the other table, everywhere; give "
            "both in one unit where the tables are made, as population= of cf.Table"
        )
        yield Finding(
            "unit of population", "warning", "", "", 10.0**power, message, effects.nothing()
        )
        return
    for (at, there), by in zip(pairs, moved.tolist(), strict=True):
        if abs(by) >= np.log10(TENFOLD):
            name = p.regions[at]
            now, then = p.population[at], q.population[there]
            message = f"{name}: {now:.6g} heads, in the other table {then:.6g}"
            yield Finding(
                "population jump", "warning", name, "", 10.0**by, message, effects.nothing()
            )


def _log_ratio(now: float, then: float) -> float:
    return float(np.log10(now / then)) if now > 0 and then > 0 else float("nan")


def copied_numbers(table: Table, other: Table, effects: Effects) -> Iterator[Finding]:
    """Yield what two years share number by number though their outputs differ."""
    years = table.year, other.year
    if None in years or years[0] == years[1] or not table.rows.equals(other.rows):
        return
    p, q, x = table.content, other.content, table.arrays.x
    if np.array_equal(x, other.arrays.x):
        return
    if _copied(table.Z.data, other.Z.data):
        yield _copy("transactions Z", other)
    if table.demand.equals(other.demand) and _copied(p.Y, q.Y):
        yield _copy("final demand Y", other)
    place = {name: at for at, name in enumerate(q.stressors)}
    for k, stressor in enumerate(p.stressors):
        if stressor not in place:
            continue
        F, G = table.arrays.F[k], other.arrays.F[place[stressor]]
        regions = [
            name
            for at, name in enumerate(p.regions)
            if _copied(F[p.region_codes == at], G[p.region_codes == at])
        ]
        if _copied(F, G):
            yield _copy(f"emissions of {stressor}", other)
        elif regions:
            yield _copy(f"emissions of {stressor} in {shorten(regions)}", other)


def _copied(numbers: FloatArray, others: FloatArray) -> bool:
    same = numbers.shape == others.shape and bool(np.array_equal(numbers, others))
    return same and len(np.unique(numbers[numbers != 0])) >= COPIED


def _copy(what: str, other: Table) -> Finding:
    message = f"{what}: those of {other.year}, number by number, though outputs differ"
    return Finding("copied from the other table", "note", "", "", 1.0, message)
