"""`file_parameters.json`: the names and shapes of the files of a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._unknown import refuse_misnamed
from carbonflows_fast.readers.exiobase._files import PARQUET, PICKLE, TEXT

__all__ = ["PARAMETERS", "FileParameters"]

PARAMETERS = "file_parameters.json"
USUAL = (TEXT[0], PARQUET[0])


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
        files = folder.json(prefix + PARAMETERS).get("files", {})
        good = isinstance(files, dict) and all(
            isinstance(entry, dict) and isinstance(entry.get("name"), str)
            for entry in files.values()
        )
        if not good:
            raise FormatError.about(
                folder.where(prefix + PARAMETERS),
                expected='"files" with a "name" for each',
                got=repr(files)[:80],
                remedy="restore the file, or delete it: the reader does without",
            )
        return cls(folder, prefix, files)

    def refuse_misnamed(self, *keys: str) -> None:
        """Refuse files whose names are nearly the usual ones of keys that were not found.

        Raises
        ------
        FormatError
            Naming the file.
        """
        refuse_misnamed(self.folder, [f"{self.prefix}{key}{end}" for key in keys for end in USUAL])

    def find(self, key: str) -> str | None:
        """Return the file of a key, by its usual names if it is not listed, None if there is none.

        Raises
        ------
        FormatError
            If a file is listed and not there, or is neither text nor Parquet.
        """
        if key not in self.files:
            usual = (self.prefix + key + suffix for suffix in USUAL)
            return next((name for name in usual if name in self.folder), None)
        name = self.prefix + str(self.files[key]["name"])
        if name not in self.folder:
            raise FormatError.about(
                self.folder.where(name),
                expected=f"a file, as {PARAMETERS} lists it for {key}",
                got="nothing of this name",
                remedy="restore the file, or take it out of the list",
            )
        if not name.lower().endswith((*TEXT, *PARQUET)):
            pickle = name.lower().endswith(PICKLE)
            raise FormatError.about(
                self.folder.where(name),
                expected="a text or Parquet file",
                got="a pickle, which can run any code when it is opened"
                if pickle
                else "another format",
                remedy="if you trust it, save it anew: pymrio.load_all(path).save_all("
                "new_path, table_format='parquet')"
                if pickle
                else "save the table with pymrio's table_format='parquet' or 'txt'",
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
                raise FormatError.about(
                    self.folder.where(self.prefix + PARAMETERS),
                    expected=f"a positive number for {item} of {key}",
                    got=repr(text),
                    remedy="correct it, or delete the entry",
                )
            numbers.append(int(text) if text else None)
        return numbers[0], numbers[1]
