"""Count what a question costs on any machine: passes over A, what they read, peak memory."""

from __future__ import annotations

import ctypes
import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from cases import Case, World
from peer_pymrio import peak

from carbonflows_fast import _core

# Besides `solve`, which says how many passes it took, each of these goes through all of A once.
ONCE = ("product", "lowest", "scaled", "row_group_sums", "to_csr", "to_dense")
BUILDS = ("from_csr32", "from_csr64", "from_dense")

STEADY = {
    "CARBONFLOWS_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",  # what is freed goes back to the system at once
    "MALLOC_TRIM_THRESHOLD_": "65536",
}
"""Environment in which peak memory depends on the program alone."""


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count every pass over A that compiled code makes in the block.

    `passes` are those of the slowest group of right-hand sides, `columns` the same times the
    right-hand sides, `bytes_read` the same times the bytes of the tiles; `builds` is how often
    tiles were made, `factored` how often their diagonal blocks were factored.
    """
    counts: Counter[str] = Counter()

    def add(tiles: Any, passes: int, columns: int = 1) -> None:
        counts["passes"] += passes
        counts["columns"] += passes * columns
        counts["bytes_read"] += passes * (tiles.values.nbytes + tiles.masks.nbytes)

    def solving(solve: Callable[..., Any]) -> Callable[..., Any]:
        def counting(tiles: Any, factors: Any, pivots: Any, y: Any, *rest: Any) -> Any:
            passes = solve(tiles, factors, pivots, y, *rest)
            add(tiles, passes, y.shape[1])
            return passes

        return counting

    def reading(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def counting(tiles: Any, *arguments: Any) -> Any:
            add(tiles, 1, arguments[0].shape[1] if name == "product" else 1)
            return method(tiles, *arguments)

        return counting

    def tallying(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*arguments: Any) -> Any:
            counts[name] += 1
            return function(*arguments)

        return counting

    def chains(make: Callable[..., Any]) -> Callable[..., Any]:
        def counting(tiles: Any, *rest: Any) -> Any:
            made = make(tiles, *rest)
            add(tiles, made.passes)
            return made

        return counting

    with ExitStack() as stack:
        for tiles in (_core.Tiles, _core.Tiles32):
            stack.enter_context(patch.object(tiles, "solve", solving(tiles.solve)))
            for name in ONCE:
                method = reading(name, getattr(tiles, name))
                stack.enter_context(patch.object(tiles, name, method))
        for name in BUILDS:
            build = staticmethod(tallying("builds", getattr(_core.Tiles, name)))
            stack.enter_context(patch.object(_core.Tiles, name, build))
        factor = tallying("factored", _core.Tiles.factor)
        stack.enter_context(patch.object(_core.Tiles, "factor", factor))
        stack.enter_context(patch.object(_core, "Chains", chains(_core.Chains)))
        yield counts


def counts_of(case: Case, world: World) -> dict[str, int]:
    """Ask once and count."""
    state = case.prepare(world)
    with counted() as counts:
        answer = case.run(state)
    return dict(counts) | case.counts(answer)


def peak_of(case: Case, world: World) -> int | None:
    """Ask once more; return the most bytes that this took beyond what was there before.

    None where the system does not tell (it takes Linux and its C library). Code that is loaded when
    first needed does not count, for `counts_of` came before.
    """
    state = case.prepare(world)
    gc.collect()
    try:
        library = ctypes.CDLL(None)
        library.prctl(41, 1, 0, 0, 0)  # PR_SET_THP_DISABLE: no half-used pages of 2 MB
        library.malloc_trim(0)
        before = peak(reset=True)
    except (OSError, AttributeError, TypeError):
        return None
    answer = case.run(state)
    most = peak() - before
    del answer
    return most
