"""The command line as a test calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbonflows_fast.cli import main


class Shell:
    """Run the command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str | Path, status: int = 0) -> str:
        """Return what went to standard output, or to standard error where the status is not 0."""
        self.capsys.readouterr()
        try:
            found = main([str(argument) for argument in arguments])
        except SystemExit as end:
            found = int(end.code or 0)
        out, err = self.capsys.readouterr()
        assert found == status, err
        if status == 2:
            assert "Traceback" not in err
            assert err.count("\n") == 1, err  # one sentence
            return err
        return out + err if status else out
