"""How notebooks show tables and results: a line, and a small HTML table below it.

Everything is escaped, there is no script, and colours are those of the page.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

__all__ = ["Shown", "facts_as_html"]

ROWS = 10  # of a frame


def facts_as_html(title: str, facts: Iterable[tuple[str, str]]) -> str:
    """Return names and values as a table of two columns.

    >>> facts_as_html("a < b", [("year", "2019")])
    '<pre>a &lt; b</pre><table><tr><th>year</th><td>2019</td></tr></table>'
    """
    rows = (
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in facts
    )
    return f"<pre>{html.escape(title)}</pre><table>{''.join(rows)}</table>"


class Shown:
    """A result that a notebook shows by its main frame."""

    def _main_frame(self) -> Any:
        """Return the frame of which the first rows are shown; None if it would take long."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        frame, line = self._main_frame(), f"<pre>{html.escape(repr(self))}</pre>"
        if frame is None:
            return line
        first = frame.head(ROWS).to_html(escape=True, border=0)
        more = len(frame) - ROWS
        below = f"<p>and {more:,} more rows</p>" if more > 0 else ""
        return f"{line}{first}{below}"
