from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.utils.shell import UTILS, Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run(tool of utils/, *arguments, stdin=...)`` in an empty folder."""

    def call(tool: str, *arguments: object, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(UTILS / tool), *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, **environment},
            timeout=60,
        )

    return call
