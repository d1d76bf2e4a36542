"""HTML from text and numbers: everything that is not yet HTML is escaped.

A number is written twice: rounded, in a unit that reads well, and in full in `data-value`, in the
unit of the stressor, so that programs can read a report as well as people.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from carbonflows_fast._base.wording import Scale, percent, scale_for

__all__ = [
    "Column",
    "Html",
    "Section",
    "amount",
    "element",
    "full",
    "headed",
    "joined",
    "labels",
    "number",
    "paragraph",
    "section",
    "share",
    "table",
    "terms",
    "unbroken",
]

Kind = Literal["text", "amount", "change", "share", "growth", "count"]
VOID: Final = frozenset({"meta"})
NOTHING: Final = "–"  # where there is no number


class Html(str):
    """A text that is HTML already."""

    __slots__ = ()


def element(name: str, *content: str, **attributes: str | bool | None) -> Html:
    """Return an element; content is escaped unless it is Html, attributes always.

    An underscore in the name of an attribute is a hyphen, one at the end is dropped. None leaves
    an attribute out, True writes it without a value.

    >>> element("p", "a < b ", element("b", "c"), data_value="1", class_="x")
    '<p data-value="1" class="x">a &lt; b <b>c</b></p>'
    """
    opened = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        opened.append(key if value is True else f'{key}="{html.escape(str(value))}"')
    start = f"<{' '.join(opened)}>"
    return Html(start if name in VOID else f"{start}{joined(content)}</{name}>")


def joined(content: Iterable[str], between: str = "") -> Html:
    """Return pieces one after the other, each escaped unless it is Html."""
    return Html(between.join(p if isinstance(p, Html) else html.escape(str(p)) for p in content))


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its id, its heading and all of it."""

    name: str
    title: str
    html: Html


def section(name: str, title: str, *content: str) -> Section:
    """Return a section with a heading that names it."""
    heading = element("h2", title, id=f"{name}-title")
    whole = element("section", heading, *content, id=name, aria_labelledby=f"{name}-title")
    return Section(name, title, whole)


def paragraph(*content: str, class_: str | None = None) -> Html:
    """Return a paragraph."""
    return element("p", *content, class_=class_)


def terms(meanings: Mapping[str, Sequence[str] | str], class_: str) -> Html:
    """Return a list of terms, each with what it means."""
    pairs = [
        (element("dt", term), element("dd", *([text] if isinstance(text, str) else text)))
        for term, text in meanings.items()
    ]
    return element("dl", *(piece for pair in pairs for piece in pair), class_=class_)


# ---- numbers -------------------------------------------------------------------------------------


def full(value: float) -> str:
    """Write a number with all its digits; nothing for what is no number."""
    return repr(float(value)) if math.isfinite(value) else ""


def unbroken(text: str) -> str:
    """Return a text that stays on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def number(figure: str, value: float, text: str) -> Html:
    """Return a number in a text; `figure` is the name by which programs find it."""
    digits = full(value)
    return element("data", unbroken(text), value=digits, data_figure=figure, data_value=digits)


def amount(
    figure: str, value: float, unit: str, *, sign: bool = False, beside: float = 0.0
) -> Html:
    """Return an amount in a text, on the scale of what is `beside` it, if that is larger."""
    return number(figure, value, scale_for([value, beside], unit).text(value, sign=sign))


def share(figure: str, value: float, *, sign: bool = False) -> Html:
    """Return a share in a text."""
    return number(figure, value, percent(value, sign=sign))


def headed(text: str) -> str:
    """Return a text as it is at the head of a column.

    >>> headed("this table"), headed("WIOD 2009")
    ('This table', 'WIOD 2009')
    """
    return text[:1].upper() + text[1:]


# ---- tables --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    key : str
        The name by which programs find it.
    head : str
        Its heading; the unit is added to amounts.
    values : sequence of numbers, or of texts
    kind : {"text", "amount", "change", "share", "growth", "count"}
        How its values are written; changes and growth have a sign.
    shown : sequence of Html, optional
        What is shown of texts, if it is not the text itself.
    total : float, optional
        What is in the last line.
    wide : bool
        Whether its texts are sentences or chains.
    """

    key: str
    head: str
    values: Sequence[Any]
    kind: Kind = "amount"
    shown: Sequence[str] | None = None
    total: float | None = None
    wide: bool = False

    @property
    def is_amount(self) -> bool:
        return self.kind in ("amount", "change")


def labels(key: str, head: str, names: Iterable[Any]) -> Column:
    """Return a column of names in small letters, shown with a large one in front."""
    texts = [str(name) for name in names]
    return Column(key, head, texts, "text", [text.capitalize() for text in texts])


def table(
    name: str,
    caption: str,
    columns: Sequence[Column],
    unit: str = "",
    total: str = "",
    *,
    stacked: bool = False,
) -> Html:
    """Return a table whose first column heads its rows, with `total` as the last line's head.

    All amounts are on one scale, so that they can be compared; the page's script makes it sortable.
    With `stacked`, narrow screens have each row as a block, its cells below each other.
    """
    amounts = [value for c in columns if c.is_amount for value in c.values]
    scale = scale_for(amounts, unit)
    largest = max((abs(v) for v in amounts if math.isfinite(v)), default=0.0) / scale.factor
    decimals = 1 if largest >= 100 or largest == 0 else 2
    rows = [
        element(
            "tr",
            *(_cell(c, at, scale, decimals, first=c is columns[0], named=stacked) for c in columns),
        )
        for at in range(len(columns[0].values))
    ]
    parts = [
        element("thead", element("tr", *(_head(column, scale) for column in columns))),
        element("tbody", *rows),
    ]
    if total:
        line = [element("th", total, scope="row")]
        for column in columns[1:]:
            whole = column.total
            text = "" if whole is None else _written(column.kind, whole, scale, decimals)
            value = None if whole is None else full(whole)
            label = _label(column, scale) if stacked else None
            line.append(
                element("td", text, data_value=value, class_=_class(column), data_label=label)
            )
        parts.append(element("tfoot", element("tr", *line)))
    heading = element("caption", element("span", caption))
    made = element(
        "table",
        heading,
        *parts,
        id=f"table-{name}",
        data_table=name,
        class_="stacked" if stacked else None,
    )
    return element("div", made, class_="scroll", role="region", aria_label=caption, tabindex="0")


def _head(column: Column, scale: Scale) -> Html:
    unit = element("span", scale.unit, class_="unit") if column.is_amount and scale.unit else ""
    text = joined([column.head, " " if unit else "", unit])
    return element("th", text, scope="col", data_key=column.key, class_=_class(column))


def _class(column: Column) -> str | None:
    if column.kind != "text":
        return "number"
    return "wide" if column.wide else None


def _label(column: Column, scale: Scale) -> str:
    """Return the head of a column as it is beside a cell."""
    return f"{column.head}, {scale.unit}" if column.is_amount and scale.unit else column.head


def _cell(
    column: Column, at: int, scale: Scale, decimals: int, *, first: bool, named: bool
) -> Html:
    value = column.values[at]
    if column.kind == "text":
        text, data = (column.shown or column.values)[at], str(value)
    else:
        text, data = _written(column.kind, float(value), scale, decimals), full(float(value))
    if first:
        return element("th", text, scope="row", data_value=data, class_=_class(column))
    label = _label(column, scale) if named else None
    return element("td", text, data_value=data, class_=_class(column), data_label=label)


def _written(kind: Kind, value: float, scale: Scale, decimals: int) -> str:
    if kind in ("share", "growth"):
        return unbroken(percent(value, sign=kind == "growth"))
    if not math.isfinite(value):
        return NOTHING
    if kind == "count":
        return f"{value:,.0f}"
    shown = np.round(value / scale.factor, decimals) + 0.0  # adding 0.0 turns −0 into 0
    sign = "+" if kind == "change" and shown else ""
    return f"{shown:{sign},.{decimals}f}".replace("-", "−")
