"""Weights: looked for in order, joined once, and never used with another sha256 than the published one."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from lmspt.data import weights
from lmspt.data.weights import Source, find_weights
from lmspt.errors import InputError

CONTENT = b"first part, second part"


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with neither hub cache nor packages, and one known set of weights."""
    source = Source("Some/whisper", ("weights_part1", "weights_part2"), hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(weights, "SOURCES", {"whisper-x": source})
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])


def install_packages(folder: Path, content: bytes = CONTENT) -> None:
    for package, suffix, part in (("weights_part1", ".part1", content[:10]), ("weights_part2", ".part2", content[10:])):
        inner = folder / package / "model"
        inner.mkdir(parents=True, exist_ok=True)
        (folder / package / "__init__.py").touch()
        (inner / f"model.bin{suffix}").write_bytes(part)
    (folder / "weights_part1" / "model" / "config.json").write_text("{}")


def fill_hub(folder: Path, content: bytes = CONTENT) -> Path:
    snapshot = folder / "models--Some--whisper" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "model.bin").write_bytes(content)
    return snapshot


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert find_weights(str(tmp_path)) == tmp_path


def test_packages_are_joined_once(tmp_path: Path) -> None:
    install_packages(tmp_path / "site")
    folder = find_weights("whisper-x")
    assert folder == tmp_path / "cache" / "lmspt" / "weights" / "whisper-x"
    assert (folder / "model.bin").read_bytes() == CONTENT
    assert (folder / "config.json").read_text() == "{}"
    written = (folder / "model.bin").stat().st_mtime_ns
    assert find_weights("whisper-x") == folder
    assert (folder / "model.bin").stat().st_mtime_ns == written


def test_the_hub_comes_before_packages(tmp_path: Path) -> None:
    install_packages(tmp_path / "site")
    snapshot = fill_hub(tmp_path / "hub")
    assert find_weights("whisper-x") == snapshot


@pytest.mark.parametrize("place", ["hub", "site"])
def test_another_sha256_is_refused(tmp_path: Path, place: str) -> None:
    {"hub": fill_hub, "site": install_packages}[place](tmp_path / place, CONTENT[::-1])
    for _ in range(2):  # the second time, too
        with pytest.raises(InputError, match=r"model.bin: sha256 .*, but Some/whisper has .*; delete it and fetch it again"):
            find_weights("whisper-x")


def test_half_of_the_packages_is_nothing(tmp_path: Path) -> None:
    install_packages(tmp_path / "site")
    for file in sorted((tmp_path / "site" / "weights_part2").rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    (tmp_path / "site" / "weights_part2").rmdir()
    with pytest.raises(InputError, match=r"'whisper-x' not found: .* installs weights_part1 and weights_part2"):
        find_weights("whisper-x")


def test_unknown_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'whisper-y': no such folder, and not one of whisper-x"):
        find_weights("whisper-y")
