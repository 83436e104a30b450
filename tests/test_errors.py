"""How commands end whose output nobody reads to its end."""

from __future__ import annotations

import subprocess
import sys

from tests.utils.shell import ROOT

TALKS = "from lmspt.errors import run_main; run_main(lambda: print('line\\n' * 100_000))"


def test_a_reader_that_has_seen_enough() -> None:
    with subprocess.Popen([sys.executable, "-c", TALKS], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as talks:
        assert talks.stdout.readline() == b"line\n"
        talks.stdout.close()
        assert talks.stderr.read() == b""
    assert talks.returncode == 141
