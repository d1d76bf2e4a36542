"""Checks of arguments that many questions have: whole numbers, shares, words to choose from."""

from __future__ import annotations

import math
import operator
from contextlib import suppress
from numbers import Real
from typing import Any

from carbonflows_fast.errors import InputError

__all__ = ["one_of", "positive", "real", "share", "tolerance", "whole"]


def whole(
    argument: str, value: Any, least: int | None = 1, most: float = math.inf, *, remedy: str
) -> int:
    """Return a whole number of at least `least` (None: any) and at most `most`.

    Raises
    ------
    InputError

    Examples
    --------
    >>> import numpy as np
    >>> whole("top", np.int32(3), remedy="leave it out for 10")
    3
    >>> whole("top", 0, remedy="leave it out for 10")
    Traceback (most recent call last):
    carbonflows_fast.errors.InputError: top: expected a whole number of at least 1, got 0; ...
    """
    with suppress(TypeError):
        number = operator.index(value)
        fits = least is None or least <= number <= most
        if fits and not isinstance(value, bool):
            return number
    expected = "a whole number"
    if least is not None:
        ends = [f"{end:,}" if end >= 10_000 else f"{end}" for end in (least, most)]
        expected += f" of at least {ends[0]}" if most == math.inf else f" from {' to '.join(ends)}"
    raise InputError.about(argument, expected=expected, got=repr(value), remedy=remedy)


def share(argument: str, value: Any, *, all_of_it: bool = False, remedy: str) -> float:
    """Return a number above 0 and below 1, or 1 itself where it may be `all_of_it`.

    Raises
    ------
    InputError

    Examples
    --------
    >>> share("coverage", 1.0, remedy="give e.g. 0.9")
    Traceback (most recent call last):
    carbonflows_fast.errors.InputError: coverage: expected a number above 0 and below 1, got ...
    """
    number = real(value)
    if 0.0 < number < 1.0 or (all_of_it and number == 1.0):
        return number
    expected = f"a number above 0 and {'at most' if all_of_it else 'below'} 1"
    raise InputError.about(argument, expected=expected, got=repr(value), remedy=remedy)


def tolerance(rtol: Any) -> float:
    """Return the `rtol` of a solve or a question.

    Raises
    ------
    InputError

    Examples
    --------
    >>> tolerance(0)
    Traceback (most recent call last):
    carbonflows_fast.errors.InputError: rtol: expected a number above 0 and below 1, got 0; ...
    """
    return share("rtol", rtol, remedy="1e-10 suits published tables")


def positive(
    argument: str, value: Any, what: str = "number", *, infinite: bool = True, remedy: str
) -> float:
    """Return a number above 0, infinity if that may be; `what` says of what it is.

    Raises
    ------
    InputError

    Examples
    --------
    >>> positive("wait", -1, "number of seconds", remedy="leave it out")
    Traceback (most recent call last):
    carbonflows_fast.errors.InputError: wait: expected a positive number of seconds, got -1; ...
    """
    number = real(value)
    if number > 0.0 and (infinite or number < math.inf):
        return number
    raise InputError.about(argument, expected=f"a positive {what}", got=repr(value), remedy=remedy)


def one_of(argument: str, value: Any, known: tuple[Any, ...], *, remedy: str = "choose one") -> Any:
    """Return which of some words, or of None, True and False, was given.

    Raises
    ------
    InputError

    Examples
    --------
    >>> one_of("by", "rows", (None, "region", "product"))
    Traceback (most recent call last):
    carbonflows_fast.errors.InputError: by: expected None, 'region' or 'product', got 'rows'; ...
    """
    if (value is None or isinstance(value, str | bool)) and value in known:
        return known[known.index(value)]
    *others, last = map(repr, known)
    expected = f"{', '.join(others)} or {last}"
    raise InputError.about(argument, expected=expected, got=repr(value), remedy=remedy)


def real(value: Any) -> float:
    """Return a real number as a float, NaN for anything else."""
    with suppress(OverflowError):
        if isinstance(value, Real) and not isinstance(value, bool):
            return float(value)
    return math.nan
