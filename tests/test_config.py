"""Configs: unknown keys named with their neighbour, types checked, overrides win, what is saved can be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

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
        ("dim: !!bool x", "not readable as YAML"),
        ("name: 2001-99-99", "not readable as YAML"),
        ("? [dim]\n: 3", "line 1: a key is a word"),
        ("1: 3", "unknown config key '1'"),
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


def test_who_is_to_blame(tmp_path):
    with pytest.raises(InputError, match=r"^command line: 'lr' wants float, got 'abc'"):
        load(tmp_path, "dim: 16\nlr: 1e-3\n", "--lr", "abc")


def test_overrides_for_several_kinds(tmp_path, caplog):
    path = tmp_path / "c.yaml"
    path.write_text("dim: 16\n")
    assert load_config(path, ["--lr", "2e-4", "--dim", "4"], Shape, siblings=(Shape, Schedule)) == (Shape(dim=4),)
    assert "c.yaml: 'lr' is no key of this kind of config; left out" in caplog.text
    with pytest.raises(InputError, match="did you mean 'dim'"):
        load_config(path, ["--dimm", "4"], Shape, siblings=(Schedule,))
    path.write_text("lr: 1e-3\n")
    with pytest.raises(InputError, match="unknown config key 'lr'"):
        load_config(path, [], Shape, siblings=(Schedule,))


def test_missing_file(tmp_path):
    for path in (tmp_path / "x.yaml", tmp_path):
        with pytest.raises(InputError, match="no such config"):
            load_config(path, [], Shape)


YAML_SIGNS = st.text("dimlrkndabs:{}[]!&*?#'\"\n -,.0123e", max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(YAML_SIGNS.map(str.encode) | st.binary(max_size=30))
@example(b"[" * 5000)
@example(b"lr: !!float ''\ndim: !!timestamp x")
def test_any_bytes_are_a_config_or_an_error_with_its_file(tmp_path, content):
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    try:
        load_config(path, [], Shape, Schedule)
    except InputError as error:
        assert str(error).startswith(str(path))


@given(st.lists(st.sampled_from(["--dim", "lr=", "--kind=a", "--", "-"]) | YAML_SIGNS, max_size=4))
def test_any_words_are_overrides_or_an_error(words):
    try:
        load_config(None, words, Shape, Schedule)
    except InputError as error:
        assert len(str(error)) > 10


def test_saved_config_reads_back(tmp_path):
    configs = load(tmp_path, "dim: 16\nlayers: [4, 5]\nname: x\n")
    save_config(tmp_path / "saved.yaml", *configs)
    assert load_config(tmp_path / "saved.yaml", [], Shape, Schedule) == configs
