"""The files of a saved table, for tests that damage them: with digests that fit, or without."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

POINTER, MANIFEST = "carbonflows.json", "table.json"


def arrays_of(store: Path) -> Path:
    """Return the folder of the arrays that stand."""
    found: str = json.loads((store / POINTER).read_text())["generation"]
    return store / found


def overwrite(file: Path, content: bytes) -> None:
    """Give a file another content, though it may not be written to."""
    file.unlink(missing_ok=True)
    file.write_bytes(content)


def digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=32).hexdigest()


def manifest_of(store: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((arrays_of(store) / MANIFEST).read_text())
    return found


def change_manifest(store: Path, content: Any) -> None:
    """Let the manifest hold something else, or bytes as they are, and its digest fit."""
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    overwrite(arrays_of(store) / MANIFEST, text)
    pointer = (store / POINTER).read_text()
    sealed = re.sub(r'("manifest": )"\w*"', rf'\1"{digest(text)}"', pointer)
    (store / POINTER).write_text(sealed)


def change_array(store: Path, name: str, content: bytes) -> None:
    """Let the file of an array hold something else, and all digests fit."""
    overwrite(arrays_of(store) / f"{name}.npy", content)
    manifest = manifest_of(store)
    manifest["files"][name] = {"bytes": len(content), "blake2b": digest(content)}
    change_manifest(store, manifest)


def as_version_1(store: Path) -> None:
    """Lay a saved table out as the first version did: all files in one folder."""
    folder = arrays_of(store)
    manifest = manifest_of(store) | {"version": 1}
    for file in folder.glob("*.npy"):
        file.rename(store / file.name)
    (folder / MANIFEST).unlink()
    folder.rmdir()
    text = json.dumps(manifest, indent=1).encode()
    (store / "manifest.json").write_bytes(text)
    (store / "manifest.blake2b").write_text(digest(text))
    (store / POINTER).unlink()
