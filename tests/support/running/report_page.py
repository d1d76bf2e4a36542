"""Read a report as a program would: its figures, its tables, and how it is built."""

from __future__ import annotations

import math
from html.parser import HTMLParser
from typing import Any

import pytest

from carbonflows_fast.reporting import _svg

VOID = {"meta", "link", "br", "img", "input"}
HEADINGS = ("h1", "h2", "h3", "h4")


def draw_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave figures empty: most of the time of a small report goes into drawing them."""
    monkeypatch.setattr(_svg, "_svg", lambda name, draw: "<svg></svg>")


class Page(HTMLParser):
    """A report, parsed.

    figures : number by data-figure; texts : text by data-text; tables : rows by data-table, each
    a dict by data-key; totals : the last line of those that have one; elements : (tag, attributes)
    in order; headings : levels in order.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.figures: dict[str, float] = {}
        self.texts: dict[str, str] = {}
        self.tables: dict[str, list[dict[str, Any]]] = {}
        self.totals: dict[str, dict[str, Any]] = {}
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self._keys: list[tuple[str, bool]] = []
        self._table = ""
        self._cells: list[str | None] = []
        self.feed(source)
        self.close()
        assert self._open == []  # all that was opened is closed

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    @property
    def spaced(self) -> str:
        """The text with a blank between any two elements."""
        return " ".join(" ".join(self.words).split()).replace(" :", ":")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert len(found) == len(attrs), f"<{tag}> says something twice"
        self.elements.append((tag, found))
        if tag not in VOID:
            self._open.append(tag)
        if tag in HEADINGS:
            self.headings.append(int(tag[1]))
        if name := found.get("data-figure"):
            assert name not in self.figures
            self.figures[name] = number(found["data-value"])
        if name := found.get("data-text"):
            self.texts[name] = found["data-value"] or ""
        if tag == "table":
            self._table, self._keys = found["data-table"] or "", []
            self.tables[self._table] = []
        elif tag == "th" and "data-key" in found:
            self._keys.append((found["data-key"] or "", found.get("class") == "number"))
        elif tag in ("th", "td"):
            self._cells.append(found.get("data-value"))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "tr" and self._cells:
            row = {
                key: number(value) if numeric else value
                for (key, numeric), value in zip(self._keys, self._cells, strict=True)
            }
            if "tfoot" in self._open:
                self.totals[self._table] = row
            else:
                self.tables[self._table].append(row)
            self._cells = []

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._open):
            self.words.append(data)

    def by(self, table: str, key: str) -> dict[Any, dict[str, Any]]:
        """Return the rows of a table by one of their columns."""
        return {row[key]: row for row in self.tables[table]}


def number(text: str | None) -> float:
    """Return the number in full; NaN where there is none."""
    return float(text) if text else math.nan
