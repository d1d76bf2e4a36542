"""How Sphinx makes the documentation: `nox -s docs`. Nothing is generated into the source tree."""

import re
from typing import Any

import carbonflows_fast

project = "carbonflows_fast"
author = "The carbonflows_fast developers"
release = version = carbonflows_fast.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax",
              "numpydoc"]  # fmt: skip
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# The reference names every object itself, so that it is seen where it stands; the types are in the
# docstrings, in words that say more than annotations.
autosummary_generate = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
default_role = "code"
smartquotes = False  # m' is a transpose, not a quotation

nitpicky = True
# Built-in errors that ours derive from, and what is typing's own: there is no inventory to look in.
nitpick_ignore_regex = [
    ("py:class", r"(builtins\.)?(Exception|ValueError|MemoryError|object)"),
    ("py:class", r"carbonflows_fast\._.*"),
]

html_theme = "alabaster"
html_theme_options = {
    "description": "Carbon embodied in trade",
    "fixed_sidebar": True,
    "page_width": "68rem",
    "sidebar_width": "17rem",
}
html_show_sourcelink = False
html_show_copyright = False
toc_object_entries = False  # the reference has its own lists, in its own order


def as_written(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Keep reStructuredText from seeing markup in |A| and F_: docstrings are for people first."""
    code = False
    for at, line in enumerate(lines):
        code = line.lstrip().startswith(">>>") or (code and bool(line.strip()))
        if not code:
            parts = re.split(r"(`+[^`]*`+)", line)
            parts[::2] = [re.sub(r"\||(?<=\w)_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
            lines[at] = "".join(parts)


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", as_written, priority=100)  # before numpydoc
