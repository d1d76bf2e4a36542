"""`file_parameters.json`: how the files of a folder are called, and their shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from carbonflows_fast.errors import FormatError, wrong
from carbonflows_fast.readers._files import Files

__all__ = ["FileParameters"]

FILE = "file_parameters.json"


@dataclass(frozen=True)
class FileParameters:
    """What file_parameters.json says about one folder; nothing where it is missing."""

    folder: Files
    prefix: str  # the sub-folder, "" or with a slash at the end
    files: dict[str, Any]

    @classmethod
    def read(cls, folder: Files, prefix: str) -> FileParameters:
        """Read the parameters of the root (prefix "") or of a sub-folder ("co2/").

        Raises
        ------
        FormatError
            If the file is not as pymrio writes it.
        """
        files = folder.json(prefix + FILE).get("files", {})
        good = isinstance(files, dict) and all(
            isinstance(entry, dict) and isinstance(entry.get("name"), str)
            for entry in files.values()
        )
        if not good:
            raise FormatError(
                wrong(
                    folder.where(prefix + FILE),
                    expected='"files" with a "name" for each',
                    got=repr(files)[:80],
                    remedy="restore the file, or delete it: the reader does without",
                )
            )
        return cls(folder, prefix, files)

    def find(self, key: str, default: str) -> str | None:
        """Return the file of a key, by default name if it is not listed, None if there is none.

        Raises
        ------
        FormatError
            If a file is listed and not there, or is not text.
        """
        if key not in self.files:
            name = self.prefix + default
            return name if name in self.folder else None
        name = self.prefix + str(self.files[key]["name"])
        if name not in self.folder:
            raise FormatError(
                wrong(
                    self.folder.where(name),
                    expected=f"a file, as {FILE} lists it for {key}",
                    got="nothing of this name",
                    remedy="restore the file, or take it out of the list",
                )
            )
        if not name.lower().endswith((".txt", ".tsv", ".csv")):
            raise FormatError(
                wrong(
                    self.folder.where(name),
                    expected="a tab-separated text file",
                    got="another format",
                    remedy="save the table with pymrio's table_format='txt'",
                )
            )
        return name

    def shape(self, key: str) -> tuple[int | None, int | None]:
        """Return nr_index_col and nr_header of a file, None where it is not listed.

        Raises
        ------
        FormatError
            If one is no positive number.
        """
        entry = self.files.get(key, {})
        numbers: list[int | None] = []
        for item in ("nr_index_col", "nr_header"):
            text = str(entry.get(item, ""))
            if text and not (text.isdecimal() and int(text) > 0):
                raise FormatError(
                    wrong(
                        self.folder.where(self.prefix + FILE),
                        expected=f"a positive number for {item} of {key}",
                        got=repr(text),
                        remedy="correct it, or delete the entry",
                    )
                )
            numbers.append(int(text) if text else None)
        return numbers[0], numbers[1]
