"""Where a figure is drawn: in axes that are given, in a figure of pyplot, or on a page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from carbonflows_fast.errors import InputError, shorten
from carbonflows_fast.figures._axes import bare

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "WIDTH",
    "axes_for",
    "begin",
    "display_names",
    "drawing",
    "most_width",
    "on_page",
    "require_matplotlib",
]

WIDTH = 7.2  # inches: a text block, or 700 pixels on a screen

_page: ContextVar[float | None] = ContextVar("page", default=None)

P = ParamSpec("P")


@contextmanager
def on_page(width: float = WIDTH) -> Iterator[None]:
    """Give new figures at most this width, in inches, and leave pyplot out.

    For what writes many figures to a file: pyplot would keep each of them in memory, warn of more
    than 20, and show them all in a notebook.
    """
    token = _page.set(width)
    try:
        yield
    finally:
        _page.reset(token)


def most_width() -> float:
    """Return the largest width of a new figure, in inches."""
    return _page.get() or np.inf


def drawing(draw: Callable[P, Axes]) -> Callable[P, Axes]:
    """Close the figure that a function made for itself where it fails, so that none stays empty."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Axes:
        before = _known()
        try:
            return draw(*args, **kwargs)
        except BaseException:
            for number in _known() - before:
                sys.modules["matplotlib.pyplot"].close(number)
            raise

    return drawn


def _known() -> set[int]:
    """Return the numbers of the figures that pyplot holds; it is not loaded for this."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set() if pyplot is None else set(pyplot.get_fignums())


def axes_for(ax: Axes | None, height: float, width: float = WIDTH) -> Axes:
    """Return `ax`, or the axes of a new figure of this size in inches.

    The new figure is one of pyplot, so that notebooks and ``plt.show()`` show it, except
    :func:`on_page`.

    Raises
    ------
    InputError
        If matplotlib is not installed or cannot make a figure, or `ax` is something else.
    """
    require_matplotlib()
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase

    if ax is None:
        size = min(width, most_width()), height
        if _page.get() is not None:
            return Figure(figsize=size, layout="constrained").add_subplot()
        return _shown(size)
    plain = isinstance(ax, Axes) and ax.name == "rectilinear" and ax.figure is not None
    scales = {ax.get_xscale(), ax.get_yscale()} - {"linear"} if plain else set()
    if plain and not scales:
        return ax
    got = f"axes of the projection {ax.name!r}" if isinstance(ax, Axes) else type(ax).__name__
    remedy = "leave it out for a figure of its own"
    if isinstance(ax, Axes) and ax.figure is None:
        got = "axes that were removed from their figure"
    elif scales:
        got, remedy = f"axes of the scale {min(scales)!r}", f"make it 'linear', or {remedy}"
    elif isinstance(ax, FigureBase):
        remedy = "give its add_subplot()"
    elif isinstance(ax, np.ndarray | list | tuple | dict):
        got, remedy = f"{got} of {np.size(ax) or len(ax)}", "give one of them"
    raise InputError.about("ax", expected="plain matplotlib Axes", got=got, remedy=remedy)


def require_matplotlib() -> None:
    """Say in one sentence that matplotlib is missing.

    Raises
    ------
    InputError
    """
    try:
        import matplotlib.axes
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise InputError.about(
            "matplotlib",
            expected="an installed package",
            got=str(error),
            remedy="install it with `pip install 'carbonflows_fast[figures]'`",
        ) from error


def begin(
    ax: Axes | None, height: float, width: float = WIDTH, *, spines: Sequence[str] = ()
) -> Axes:
    """Return the axes of :func:`axes_for` with these spines alone, ready to draw in."""
    ax = axes_for(ax, height, width)
    bare(ax, spines)
    return ax


def _shown(size: tuple[float, float]) -> Axes:
    """Return the axes of a new figure of pyplot, which takes the backend that the user chose."""
    from matplotlib import pyplot

    try:
        return pyplot.figure(figsize=size, layout="constrained").add_subplot()
    except ImportError as error:  # of a backend with windows, where there is no screen
        raise InputError.about(
            "matplotlib",
            expected="a backend that can be loaded here",
            got=str(error),
            remedy="call matplotlib.use('agg') first, or give axes of your own as ax",
        ) from error


def display_names(labels: Sequence[str], names: Mapping[str, str] | None) -> list[str]:
    """Return what regions are called in a figure: by `names`, or by their labels.

    >>> display_names(["CHN", "RoW"], {"CHN": "China"})
    ['China', 'RoW']
    """
    if names is None:
        return list(labels)
    if not isinstance(names, Mapping) or not all(isinstance(n, str) for n in names.values()):
        got: Any = type(names).__name__ if not isinstance(names, Mapping) else "other values"
        raise InputError.about(
            "names",
            expected="a mapping from labels of regions to texts",
            got=got,
            remedy='give e.g. {"CHN": "China"}',
        )
    found = [names.get(label, label) for label in labels]
    if len(set(found)) < len(set(labels)):
        again = sorted({name for name in found if found.count(name) > 1})
        raise InputError.about(
            "names",
            expected="another name for each region",
            got=f"{shorten(again)} twice",
            remedy="leave these out to keep their labels",
        )
    return found
