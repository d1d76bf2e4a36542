"""Zips of what fixtures have written."""

from __future__ import annotations

import zipfile
from pathlib import Path


def packed(folder: Path, target: Path, prefix: str = "") -> Path:
    """Write all files in a folder to a zip, with something in front of their names."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, prefix + file.relative_to(folder).as_posix())
    return target
