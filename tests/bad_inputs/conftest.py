from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

import pytest

from lmspt.errors import run_main


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """``refused(command of lmspt.bin, *arguments)``: its message, having left with status 1 and no traceback."""

    def call(command: str, *arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", [command, *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            run_main(importlib.import_module(f"lmspt.bin.{command}").main)
        said = capsys.readouterr().err
        assert left.value.code == 1
        assert said.startswith("error: ")
        return said

    return call
