"""Every command tells what it takes, and data and scoring commands do their work, without the libraries that take seconds to
import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from pkgutil import iter_modules

import pytest

from lmspt import bin as commands
from tests.data.folders import sound_dir

HEAVY = ("torch", "torchaudio", "transformers", "espnet2", "librosa", "numba", "scipy", "matplotlib", "pandas")
WORK = """
import sys
from importlib import import_module
for command in {commands}:
    try:
        import_module("lmspt.bin." + command[0]).main(command[1:])
    except SystemExit as left:  # --help
        assert left.code == 0
print(*sorted(set(sys.modules) & set({heavy})), file=sys.stderr)
"""


def heavy_imports(*commands: list[str]) -> list[str]:
    """Heavy libraries that a fresh Python has imported after running commands."""
    work = WORK.format(commands=commands, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", work], capture_output=True, text=True, check=True, timeout=60)
    return done.stderr.split("\n")[-2].split()


COMMANDS = sorted({module.name for module in iter_modules(commands.__path__)} - {"log"})


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str) -> None:
    assert heavy_imports([command, "--help"]) == []


def test_work(tmp_path: Path) -> None:
    data, raw = str(sound_dir(tmp_path / "data")), str(tmp_path / "raw")
    assert heavy_imports(["fix_data", data], ["validate_data", data]) == []
    assert heavy_imports(["format_data", "--data", data, "--out", raw]) == []
    assert heavy_imports(["asr_score", "--ref", raw, "--hyp", f"{raw}/text", "--out", f"{tmp_path}/score"]) == []
    assert (tmp_path / "score" / "result.json").is_file()
