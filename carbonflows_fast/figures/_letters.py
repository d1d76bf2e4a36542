"""Letters: how wide texts are, how they fit, and fonts that have them.

Labels are those of the table, in any script and of any length, and never formulas.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

__all__ = [
    "LEADING",
    "SIZE",
    "SMALLEST",
    "as_is",
    "fit",
    "isolate",
    "lettering",
    "size_and_rotation",
    "text_width",
    "wrap",
]

logger = logging.getLogger(__name__)

SIZE = 8.0  # of letters, in points
LEGIBLE = 6.0  # below that letters are turned rather than made smaller
SMALLEST = 4.0  # below that nothing can be read: take larger axes, or a smaller `top`
LEADING = 1.25  # a line of text over the size of its letters
BREAKS = str.maketrans("\n\r\t\v\f", "     ")
REMAINDER = re.compile(r"other(?: net (?:im|ex)porters)? (\(\d+\))")
LAST_RESORT = "Last Resort"  # matplotlib's font of boxes, from 3.11 on


def as_is(*texts: str) -> dict[str, Any]:
    """Return arguments for a text of matplotlib that holds labels: no formulas, all letters."""
    fonts = _fonts("".join(texts))
    return {"parse_math": False} | ({"family": list(fonts)} if fonts else {})


def isolate(name: str) -> str:
    """Return a name that keeps its neighbours in order, even if it reads from right to left.

    >>> isolate("Israel"), len(isolate("ישראל"))  # a mark on either side
    ('Israel', 7)
    """
    leftwards = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in name)
    return f"\u200e{name}\u200e" if leftwards else name


def text_width(text: str, size: float = SIZE) -> float:
    """Return the width of a text in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=list(_fonts(text)) or None, size=size)
    lines = text.split("\n")
    return max(text_to_path.get_text_width_height_descent(t, font, False)[0] for t in lines)


def fit(text: str, room: float, size: float = SIZE) -> str:
    """Return a text, its middle cut out where it is wider than `room` points.

    Labels of a classification often differ at their ends only. It is one line in any case. What is
    left over keeps its count: "other net importers (20)" becomes "other (20)".
    """
    text = text.translate(BREAKS)
    if text_width(text, size) <= room:
        return text
    if rest := REMAINDER.fullmatch(text):
        return f"other {rest[1]}"

    def kept(letters: int) -> str:
        tail = letters // 3
        return text[: letters - tail].rstrip() + "…" + text[len(text) - tail :].lstrip()

    return kept(_most(len(text) - 1, lambda count: text_width(kept(count), size) <= room))


def wrap(text: str, room: float, size: float = SIZE) -> str:
    """Return a text in lines not wider than `room` points; words are broken if they must be."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".lstrip()
        if text_width(longer, size) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while len(line) > 1 and text_width(line, size) > room:
            count = max(1, _most(len(line), lambda n: text_width(line[:n], size) <= room))  # noqa: B023
            lines.append(line[:count])
            line = line[count:]
    return "\n".join([*lines, line])


def _most(limit: int, fits: Any) -> int:
    """Return the largest number up to a limit for which something still fits."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def lettering(room: float, lines: int) -> float:
    """Return the size of letters with which these lines fit into `room` points."""
    return max(SMALLEST, min(SIZE, room / max(lines, 1) / LEADING))


def size_and_rotation(texts: Sequence[str], room: float) -> dict[str, Any]:
    """Return size and rotation of texts that have `room` points each, side by side."""
    widest = max((text_width(text, 1.0) for text in texts), default=0.0)
    if widest * LEGIBLE <= room:
        return {"size": min(SIZE, room / widest) if widest else SIZE, "rotation": 0}
    return {"size": lettering(room, 1), "rotation": 90}


# ---- fonts ---------------------------------------------------------------------------------------
# matplotlib takes each letter from the first font of a list that has it. The list cannot be that of
# all installed fonts: each is a file that stays open, and a process may have 256 of them on a Mac.


def _fonts(text: str) -> tuple[str, ...]:
    """Return the fonts that a text needs together; none if those of the settings have its letters.

    Texts saved as texts are drawn elsewhere, with the fonts there: none is looked for here.
    """
    if text.isascii():
        return ()
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties

    families = tuple(FontProperties().get_family())
    settings: Any = rcParams
    names: list[str] = []
    for family in families:
        names += settings.get(f"font.{family}", [family])
    helpers = _helpers(frozenset(text), tuple(names), rcParams["svg.fonttype"] != "none")
    return (*families, *helpers) if helpers else ()


@cache
def _helpers(letters: frozenset[str], names: tuple[str, ...], here: bool) -> tuple[str, ...]:
    """Return fonts that have the letters which those of these names lack."""
    missing = {one for one in letters if not one.isspace() and unicodedata.category(one) != "Cf"}
    for font in _installed(names):
        missing = _without(missing, font.fname)
    helpers = []
    for font in _installed() if missing and here else ():
        left = _without(missing, font.fname)
        if left != missing:
            helpers.append(font.name)
            missing = left
    if missing and here:
        _complain()
    boxes = [font.name for font in _installed(boxes=True)] if missing else []
    return (*helpers, *boxes)


def _installed(names: Sequence[str] | None = None, *, boxes: bool = False) -> Iterator[Any]:
    """Yield the upright fonts of these names, or all; the one of boxes only if asked for."""
    from matplotlib.font_manager import fontManager

    for font in fontManager.ttflist:
        upright = font.style == "normal" and font.weight in (400, "normal", "regular")
        asked = names is None or font.name in names
        if upright and asked and font.name.startswith(LAST_RESORT) == boxes:
            yield font


def _without(letters: set[str], path: str) -> set[str]:
    """Return the letters that a font lacks."""
    from matplotlib.font_manager import get_font

    try:
        font = get_font(path)
    except (OSError, RuntimeError):  # damaged, or gone since matplotlib listed it
        return letters
    return {letter for letter in letters if not font.get_char_index(ord(letter))}


@cache
def _complain() -> None:
    """Say once that letters are missing; matplotlib would say it for each of them."""
    logger.warning(
        "labels have letters that no installed font has: they are drawn as boxes; install a font "
        "that has them, such as Noto Sans CJK"
    )
