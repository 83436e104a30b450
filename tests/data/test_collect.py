"""Files by name, and work that goes on past a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmspt.data.audio import AUDIO
from lmspt.data.collect import collect, for_each, stop_if_any
from lmspt.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("x/a.wav", "x/deep/b.b.FLAC", "x/notes.txt", "y/a.flac"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_files_and_folders(folder: Path) -> None:
    assert collect([folder / "x"], AUDIO) == {"a": folder / "x/a.wav", "deep/b.b": folder / "x/deep/b.b.FLAC"}
    assert collect([folder / "x/notes.txt"], AUDIO) == {"notes": folder / "x/notes.txt"}, "a named file is taken as it is"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [(["x", "y"], r"y/a\.flac: has the name of .*x/a\.wav"), (["z"], "z: no such file"), (["x", "empty"], r"no \.wav, .* in this")],
)
def test_what_is_refused(folder: Path, inputs: list[str], message: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        collect([folder / name for name in inputs], AUDIO)


def test_work_goes_on(folder: Path) -> None:
    done = []

    def work(name: str, path: Path) -> None:
        if path.suffix == ".wav":
            raise InputError(f"{path}: is broken")
        done.append(name)

    problems = for_each(collect([folder / "x"], AUDIO), "work", work)
    assert done == ["deep/b.b"]
    with pytest.raises(InputError, match=r"1 files were left out:\n.*a\.wav: is broken"):
        stop_if_any(problems)
    stop_if_any([])
