"""`report`: the arguments, the results, the page, the file."""

from __future__ import annotations

import base64
import datetime
import hashlib
import os
import re
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final

from carbonflows_fast._base.files import check_place, given_path, replacing
from carbonflows_fast.errors import InputError
from carbonflows_fast.figures._axes import require_result
from carbonflows_fast.figures._frame import axes_for, on_page
from carbonflows_fast.reporting._html import Html, element, joined
from carbonflows_fast.store import is_store
from carbonflows_fast.table import Table
from carbonflows_fast.table._table_argument import kind_of, required_table

if TYPE_CHECKING:
    from carbonflows_fast.panel import Panel
    from carbonflows_fast.prices import PriceEffects
    from carbonflows_fast.reporting._results import Results
    from carbonflows_fast.spending import Purchases
    from carbonflows_fast.uncertainties import Errors

__all__ = ["check_page", "report"]

# Characters not allowed in HTML or UTF-8. A label may have tabs, line breaks and remains of wrongly
# decoded letters; a title may not.
UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
UNREADABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def report(
    table: Table | Panel,
    stressor: Any = None,
    *,
    out: str | os.PathLike[str],
    since: Table | None = None,
    errors: Errors | None = None,
    purchases: Purchases | None = None,
    prices: PriceEffects | None = None,
    title: str | None = None,
    date: str | datetime.date | None = None,
    progress: bool | None = None,
) -> Path:
    """Write the results of a table as one HTML file for a browser.

    The page answers the questions of *International Carbon Flows* by cards, with the study's
    published figures. It has accounts, flows, up to five sector studies, the largest supply chains,
    changes since another year, notes on method and data, and limits. It loads nothing, and can be
    read without JavaScript and printed. Every number is one that
    :func:`accounts`, :func:`flows`, :func:`sector_study`, :func:`structural_paths`,
    :func:`production_layers`, :func:`structural_decomposition`,
    :func:`structural_path_decomposition`, :func:`uncertainty` or :func:`difference` returns, or
    what is given, and is in the file in full, in the stressor's unit, as `data-value`; a share of a
    total whose parts cancel is "n/a".

    Parameters
    ----------
    table : Table or Panel
        For a panel, the report is about the last year, with the accounts of all years in one unit.
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    out : path
        The file to write, ".html" or ".htm"; it appears complete or not at all, and replaces one
        that is there.
    since : Table, optional
        An earlier table with the same rows and consumers, in any order. The report shows the change
        from it. For a panel the default is the first year.
    errors : Errors, optional
        How wrong the table may be, and the earlier one. Headline figures then have standard
        deviations, and a section says which statements and ranks survive.
    purchases : Purchases, optional
        What :func:`purchases` returns for this table and stressor: a section of its own.
    prices : PriceEffects, optional
        What :func:`carbon_price` returns for them: a section of its own.
    title : str, optional
        One line; the default is "Carbon embodied in trade, 2009", or the stressor if not carbon.
    date : str or datetime.date, optional
        A day to print below the title. Without it, the same tables give the same bytes.
    progress : bool, optional
        Whether to show a bar. None: only on a terminal.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If an argument is wrong, the years of a panel have different units, matplotlib is not
        installed, or the file cannot be written.
    LabelError
        If a stressor is unknown, or `since` has other rows or consumers, or not the stressor.
    NotProductiveError, ConvergenceError
        If a table cannot be solved.

    Notes
    -----
    E_rq = Σ_{i∈r} s_i x_i^(q), (I − A) x^(q) = y^(q), and what follows from it. The headline
    figures and the five studies are those of Carbon Trust (2011), International Carbon Flows.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=3, sectors=4)
    >>> out = pathlib.Path(tempfile.mkdtemp()) / "report.html"
    >>> written = cf.report(table, out=out)
    >>> text = written.read_text(encoding="utf-8")
    >>> f'data-figure="traded_share" data-value="{cf.flows(table).traded_share!r}"' in text
    True
    """
    path = check_page(out)
    if title is not None:
        _check_text("title", title, str, "leave it out for one that says what the page is about")
    if date is not None:
        _check_text("date", date, str | datetime.date, "leave it out for none")
    _check_errors(errors)
    _check_given(purchases, prices)
    source, since, panel = _tables(table, since)
    _check_labels(source)
    with on_page():
        axes_for(None, 1.0)  # raises if matplotlib is missing, before anything is computed
    from carbonflows_fast.reporting._results import results_of

    found = results_of(source, stressor, since, panel, progress, errors, purchases, prices)
    page = _page(found, title, date)
    with replacing(path, "out") as fresh:
        fresh.write_bytes(page.encode("utf-8"))
    return path


def check_page(out: Any, argument: str = "out") -> Path:
    """Return the path of a page, refusing one that cannot be written before work is done for it.

    Raises
    ------
    InputError
        If the extension is not that of a page, or there is no such folder, or it is a saved table.
    """
    if not isinstance(out, str | os.PathLike):
        raise InputError.about(
            argument, expected="a path", got=repr(out), remedy='give e.g. "report.html"'
        )
    path = given_path(argument, out)
    if str(out):  # the path of an empty text is the current folder
        check_place(path, argument)
    if is_store(path.parent):
        raise InputError.about(
            argument,
            expected="a file outside of saved tables",
            got=f"{str(path)!r}, in a saved table",
            remedy="name another folder: to save that table again would delete the page",
        )
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError.about(
            argument,
            expected="a file name that ends in .html or .htm",
            got=repr(str(out)),
            remedy="a report is a page for a browser",
        )
    return path


def _check_text(argument: str, text: Any, good: Any, remedy: str) -> None:
    if not isinstance(text, good) or not str(text).strip():
        raise InputError.about(argument, expected="a text", got=repr(text), remedy=remedy)
    if UNREADABLE.search(str(text)):
        raise InputError.about(
            argument,
            expected="one line of text, without control characters or halves of surrogate pairs",
            got=repr(text),
            remedy="leave them out",
        )


def _check_errors(errors: Any) -> None:
    if errors is None:
        return
    from carbonflows_fast.uncertainties import Errors

    if not isinstance(errors, Errors):
        raise InputError.about(
            "errors",
            expected="how wrong the table may be, as cf.Errors",
            got=kind_of(errors),
            remedy="give e.g. cf.Errors(Z=0.1, Y=0.1, F=0.05)",
        )
    for one in errors.shared:
        _check_text("errors", one.name, str, "rename the shared error")


def _check_given(purchases: Any, prices: Any) -> None:
    from carbonflows_fast.prices import PriceEffects
    from carbonflows_fast.spending import Purchases

    for argument, value, kind, source in (
        ("purchases", purchases, Purchases, "cf.purchases"),
        ("prices", prices, PriceEffects, "cf.carbon_price"),
    ):
        if value is not None:
            require_result(argument, value, kind, source)


def _check_labels(table: Table) -> None:
    """Refuse labels that a page cannot hold."""
    parts = table.content
    labels = [table.name, *table.regions, *parts.sectors, *table.stressors, *parts.stressor_units]
    for label in labels:
        if UNWRITABLE.search(label):
            raise InputError.about(
                "table",
                expected="labels without control characters or halves of surrogate pairs",
                got=repr(label),
                remedy="rename it in the table's source",
            )


def _tables(table: Any, since: Any) -> tuple[Table, Table | None, Panel | None]:
    """Return the table, the earlier one, and the panel, as far as there are any."""
    panel = None
    if not isinstance(table, Table):
        from carbonflows_fast.panel import Panel

        if not isinstance(table, Panel):
            required_table("table", table, "a Table or a Panel")
        panel = table
        table = panel[panel.years[-1]]
        if since is None and len(panel) > 1:
            since = panel[panel.years[0]]
    if since is not None:
        required_table("since", since)
    return table, since, panel


def _page(results: Results, title: str | None, date: str | datetime.date | None) -> str:
    from carbonflows_fast.reporting import (
        _brief,
        _changes,
        _how_sure,
        _method_and_limits,
        _overview,
        _prices,
        _purchases,
        _studies,
    )

    sections = [
        _brief.summary(results),
        _overview.regions(results),
        _overview.borders(results),
        _how_sure.how_sure(results),
        _studies.studies(results),
        _studies.chains(results),
        _changes.change(results),
        _changes.years(results),
        _purchases.purchases(results),
        _prices.prices(results),
        _method_and_limits.method(results),
        _method_and_limits.limits(results),
    ]
    kept = [one for one in sections if one is not None]
    name = title or _overview.title_of(results)
    links = [element("li", element("a", one.title, href=f"#{one.name}")) for one in kept]
    facts = [_overview.subtitle(results)] + ([f"Date of the report: {date}"] if date else [])
    script = _shipped("page.js")
    # The page may run this one script and load nothing at all.
    mark = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return Template(_shipped("page.html")).substitute(
        title=element("title", name),
        script_hash=mark,
        style=_shipped("page.css"),
        heading=element("h1", name),
        facts=joined(element("p", fact, class_="facts") for fact in facts),
        links=element("ul", *links),
        main=joined((one.html for one in kept), "\n"),
        script=script,
    )


def _shipped(name: str) -> Html:
    """Return a file that is beside this module."""
    return Html(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))
