"""One report of a table that needs no other file: headline figures, flows, studies, chains, notes.

`_report` asks the library and writes the file, `_results` holds what is asked, the other modules
say it: `_html` makes HTML and escapes, `_svg` draws, and each section is a module.
"""

from __future__ import annotations

from carbonflows_fast.reporting._report import check_page, report

__all__ = ["check_page", "report"]
