"""Making the draws that are asked for, until they are enough."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import positive, real, whole
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.files import check_place, given_path
from carbonflows_fast._base.progress import progress_bar
from carbonflows_fast.errors import InputError, NotProductiveError, Phrase
from carbonflows_fast.uncertainties._drawing._draws import Draws

__all__ = ["DrawsWanted", "checked_draws", "draw_all"]

LEAST, STEP = 20, 10
"""Draws before it is seen for the first time whether they are enough, and from then on."""

log = logging.getLogger("carbonflows_fast")

One = Callable[[int], tuple[FloatArray | None, FloatArray, bool]]


@dataclass(frozen=True, slots=True)
class DrawsWanted:
    """How many draws, and what for."""

    most: int
    seed: int
    until: float | None
    samples: Path | None

    @classmethod
    def checked(cls, draws: Any, seed: Any, until: Any, samples: Any) -> DrawsWanted | None:
        """Return the arguments as they are meant, or None for no draws."""
        if draws is None:
            asked = {"seed": real(seed) != 0.0, "until": until is not None}
            asked["samples"] = samples is not None
            for name in (name for name, given in asked.items() if given):
                raise InputError.about(
                    name,
                    expected="draws",
                    got="none",
                    remedy=Phrase("add e.g. draws=50", ("add e.g. ", "draws", " 50")),
                )
            return None
        most = whole("draws", draws, 2, 2**32 - 1, remedy="50 are enough for most questions")
        seed = whole("seed", seed, 0, 2**64 - 1, remedy="leave it out for 0")
        if until is not None:
            remedy = "give e.g. 0.02, or leave it out to make all draws"
            until = positive("until", until, "part of a deviation", infinite=False, remedy=remedy)
        path = None if samples is None else given_path("samples", samples)
        if path is not None:
            check_place(path, "samples")
            if path.suffix.lower() != ".parquet":
                raise InputError.about(
                    "samples",
                    expected="a file name that ends in .parquet",
                    got=repr(str(samples)),
                    remedy=f"give e.g. {path.with_suffix('.parquet').name!r}",
                )
        return cls(most, seed, until, path)


def draw_all(
    one: One,
    wanted: DrawsWanted,
    value: pd.DataFrame,
    sd: pd.DataFrame,
    of: str,
    progress: bool | None,
) -> Draws:
    """Make draws 0, 1, … one after the other.

    Raises
    ------
    NotProductiveError
        If fewer than two tables can be solved.
    """
    answers, linear, failed = list[FloatArray](), list[FloatArray](), list[FloatArray]()
    numbers = list[int]()

    def result() -> Draws:
        lost = np.array(failed).reshape(-1, *value.shape)
        found = np.array(answers), np.array(linear), lost
        return Draws(wanted.seed, of, turned, value, np.square(sd.to_numpy()), *found, numbers)

    count = turned = 0
    with progress_bar("Drawing", wanted.most, progress) as bar:
        while count < wanted.most:
            answer, term, turns = one(count)
            bar.advance()
            if answer is not None:
                numbers.append(count)
            count += 1
            if answer is None:
                failed.append(term)
            else:
                answers.append(answer)
                linear.append(term)
                turned += turns
            looked_at = wanted.until is not None and count >= LEAST and count % STEP == 0
            if looked_at and len(answers) > 1 and result()._reached(wanted.until or 0.0):
                break
    drawn = checked_draws(result())
    if wanted.samples is not None:
        drawn._write(wanted.samples)
    return drawn


def checked_draws(drawn: Draws) -> Draws:
    """Return draws, of which there are enough, and log what is odd about them.

    Raises
    ------
    NotProductiveError
        If fewer than two tables could be solved.
    """
    productive = drawn.count - drawn.not_productive
    if productive < 2:
        raise NotProductiveError.about(
            "draws",
            expected="at least two productive tables",
            got=f"{productive} among {drawn.count} draws",
            remedy="give smaller errors to rows whose output is close to 0, where Y has negative "
            "cells",
        )
    if drawn.not_productive:
        log.warning(
            "%d of %d draws are not productive: estimates are for those that are",
            drawn.not_productive,
            drawn.count,
        )
    if drawn.turned:
        log.warning(
            "in %d of %d draws an output changes its sign: errors of Y are large beside it",
            drawn.turned,
            drawn.count,
        )
    return drawn
