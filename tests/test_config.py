"""Configs: unknown keys named with their neighbour, types checked, overrides win, what is saved can be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest

from lmspt.config import load_config, save_config
from lmspt.errors import InputError


@dataclass
class Shape:
    dim: int = 8
    kind: Literal["a", "b"] = "a"
    layers: list[int] = field(default_factory=lambda: [1])


@dataclass
class Schedule:
    lr: float = 1e-3
    name: str | None = None
    fast: bool = False


def load(tmp_path, text, *overrides):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return load_config(path, list(overrides), Shape, Schedule)


def test_file_then_overrides(tmp_path):
    shape, schedule = load(tmp_path, "dim: 16\nlr: 1e-4\n", "--lr", "2e-4", "layers=[2, 3]", "--fast", "true")
    assert (shape.dim, shape.layers, schedule.lr, schedule.fast) == (16, [2, 3], 2e-4, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dimm: 3", "did you mean 'dim'"),
        ("dim: big", "'dim' wants int"),
        ("dim: true", "'dim' wants int"),
        ("kind: c", "one of a, b"),
        ("layers: 3", "wants a list"),
        ("dim: 1\ndim: 2", "line 2: key 'dim' is given twice"),
        ("- dim", "expected 'key: value'"),
        ("dim: [", "not readable as YAML"),
    ],
)
def test_bad_files_say_what_and_where(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as error:
        load(tmp_path, text)
    assert "c.yaml" in str(error.value)


def test_bad_overrides(tmp_path):
    for words in (["--lr"], ["lr"], ["--rl", "3"]):
        with pytest.raises(InputError):
            load(tmp_path, "", *words)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such config"):
        load_config(tmp_path / "x.yaml", [], Shape)


def test_saved_config_reads_back(tmp_path):
    configs = load(tmp_path, "dim: 16\nlayers: [4, 5]\nname: x\n")
    save_config(tmp_path / "saved.yaml", *configs)
    assert load_config(tmp_path / "saved.yaml", [], Shape, Schedule) == configs
