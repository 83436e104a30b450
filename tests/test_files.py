"""Atomic writes: a file is whole or absent, readable by whom the umask says, and what a kill leaves behind is cleared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from lmspt.files import atomic, remove_leftovers, sha256_of, write_json, write_text


@pytest.fixture(params=[0o022, 0o027, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "deep/down/x.txt"
    with atomic(path) as temporary:
        temporary.write_text("new")
        assert not path.exists(), "not before it is whole"
    assert path.read_text() == "new"
    with pytest.raises(RuntimeError, match="half-way"), atomic(path) as temporary:
        temporary.write_text("ne")
        raise RuntimeError("half-way")
    assert path.read_text() == "new" and list(path.parent.iterdir()) == [path]


def test_the_umask_says_who_may_read(tmp_path: Path, umask: int) -> None:
    with atomic(tmp_path / "model.safetensors") as temporary:
        save_file({"weight": np.zeros(3, np.float32)}, temporary)  # by itself for its owner alone, whatever the umask
    write_text(tmp_path / "text", "a b\n")
    for path in tmp_path.iterdir():
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask, path


def test_leftovers_of_a_kill(tmp_path: Path) -> None:
    write_text(tmp_path / "x.json", "{}")
    (tmp_path / ".x.json.123.tmp.json").write_text('{"half')
    remove_leftovers(tmp_path, tmp_path / "nothing")
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_json_has_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"wer": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_sha256(tmp_path: Path) -> None:
    write_text(tmp_path / "x", "abc")
    assert sha256_of(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
