"""From a path to its files: a folder with zips in it, a zip, a single file, or a way into a zip."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._sources._files import DEPTH, Files
from carbonflows_fast.readers._sources._zips import open_zip, unreadable

__all__ = ["disk_files", "open_files"]

ZARR = ".zmetadata"


def disk_files(folder: Path, depth: int = DEPTH) -> Iterator[tuple[str, int]]:
    """Yield the files at and below a folder, with their sizes; hidden ones are left out.

    But for the metadata of Zarr stores.
    """
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") and entry.name != ZARR:
            continue
        if entry.is_file():
            yield entry.name, entry.stat().st_size
        elif depth and entry.is_dir():
            for name, size in disk_files(entry, depth - 1):
                yield f"{entry.name}/{name}", size


@contextmanager
def open_files(path: Path) -> Iterator[Files]:
    """List the files at a path: a folder with zips in it, a zip, or a single file.

    The way to a folder or a file may go on inside a zip.

    Raises
    ------
    FormatError
        If nothing is there, or a zip is damaged or cut short.
    """
    outer = next((p for p in (path, *path.parents) if _is_zip(p)), path)
    with ExitStack() as stack:
        if path.is_dir():
            try:
                sizes = dict(disk_files(path))
            except OSError as error:
                raise unreadable(str(path), error) from error
            archives, broken = {}, {}
            for name in sorted(name for name in sizes if name.lower().endswith(".zip")):
                del sizes[name]
                try:
                    archive, members = open_zip(path / name, stack)
                except FormatError as error:  # half a download must not stop the other years
                    broken[name] = error
                    continue
                archives[f"{name}/"] = archive
                sizes |= {f"{name}/{member}": size for member, size in members.items()}
            yield Files(path, "", sizes, archives, broken)
        elif _is_zip(outer):
            archive, sizes = open_zip(outer, stack)
            yield _inside(Files(outer, "", sizes, {"": archive}), path)
        elif not path.is_file():
            raise _nothing(path)
        else:
            yield Files(path, "", {path.name: path.stat().st_size})


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip" and path.is_file()


def _inside(files: Files, path: Path) -> Files:
    """Return the part of a zip that a path leads to: all, a folder or a file."""
    if path == files.path:
        return files
    name = path.relative_to(files.path).as_posix()
    if name in files:
        folder = name[: name.rfind("/") + 1]
        return replace(files, root=folder, sizes={name.removeprefix(folder): files.sizes[name]})
    found = files.below(f"{name}/")
    if not found.sizes:
        raise _nothing(path)
    return found


def _nothing(path: Path) -> FormatError:
    return FormatError.about(
        str(path),
        expected="a folder, a zip or a file",
        got="nothing of this name",
        remedy="check the path",
    )
