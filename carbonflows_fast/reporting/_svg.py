"""Figures as part of a page: SVG with texts as texts, nothing that points outside, ids of its own.

Each is drawn twice, for wide and for narrow screens, and the page's style shows one of them. The
same result gives the same bytes, with any settings of matplotlib on the machine.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

from carbonflows_fast.figures._frame import WIDTH, on_page
from carbonflows_fast.reporting._html import Html, element

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["picture"]

LEFT_OUT: Final = re.compile(
    r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>", re.S
)
ID: Final = re.compile(r' id="([^"]*)"')
XML: Final = re.compile(r' (?:xmlns(?::\w+)?|version)="[^"]*"')


NARROW: Final = 3.6  # inches of a figure that a telephone shows: letters are 11 pixels high there


def picture(
    name: str,
    title: str,
    about: str,
    draw: Callable[[], Axes],
    narrow: Callable[[], Axes] | None = None,
) -> Html:
    """Return a figure with its caption.

    Parameters
    ----------
    name : str
        Its id in the page.
    title, about : str
        What is below it, and what is read to those who do not see it.
    draw : callable
        Makes the figure and returns its axes.
    narrow : callable, optional
        The same for narrow screens, if less is shown there.
    """
    label = f"{title}. {about}"
    drawings = []
    for shape, width, make in (("wide", WIDTH, draw), ("narrow", NARROW, narrow or draw)):
        opened = element("svg", role="img", aria_label=label, class_=shape).removesuffix("></svg>")
        with on_page(width):
            drawings.append(_svg(f"{name}-{shape}", make).replace("<svg", opened, 1))
    head = element("strong", title, id=f"{name}-title")
    caption = element("figcaption", head, " ", about)
    frame = element(
        "div",
        Html("\n".join(drawings)),
        class_="picture",
        role="group",
        tabindex="0",
        aria_labelledby=f"{name}-title",
    )
    enlarge = element(
        "button",
        "Enlarge",
        type="button",
        class_="enlarge",
        hidden=True,
        aria_label=f"Enlarge: {title}",
    )
    return element("figure", frame, caption, enlarge, id=name)


def _svg(name: str, draw: Callable[[], Axes]) -> str:
    """Draw, and return the SVG as it is in HTML."""
    import matplotlib.style
    from matplotlib import rc_context

    buffer = io.StringIO()
    nobody = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with warnings.catch_warnings(), matplotlib.style.context("default"):
        # Letters that the font here lacks are drawn by the browser, which has others.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
            cast("Figure", draw().figure).savefig(
                buffer, format="svg", metadata=nobody, transparent=True
            )
    text = LEFT_OUT.sub("", buffer.getvalue())
    start = text.index("<svg")
    end = text.index(">", start)
    text = XML.sub("", text[start:end]) + text[end:].replace("xlink:href", "href").rstrip()
    used = set(re.findall(r"#([\w-]+)", text))
    text = ID.sub(lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{name}-", text)
    return re.sub(r"\s*\n\s*", "\n", text)
