"""Bad configurations through the command that reads them: status 1, the file, the key, and what it should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOOD = "tokenizer: lmspt\nframe_rate: 12.5\nobjective: resynthesis\n"

BAD_FILES = [
    pytest.param(
        GOOD + "semantic_sise: 256\n", "unknown config key 'semantic_sise'; did you mean 'semantic_size'?", id="misspelt key"
    ),
    pytest.param("tokenizer: kmeans\nsize: 8\nlr: 1e-3\n", "unknown config key 'lr'", id="key of another kind"),
    pytest.param(GOOD + "frame_rate: 25\n", "line 4: key 'frame_rate' is given twice; keep one", id="key twice"),
    pytest.param(GOOD + "lr: fast\n", "'lr' wants float, got 'fast'", id="word for a number"),
    pytest.param(GOOD + "teacher_layers: 4\n", "'teacher_layers' wants a list such as [1, 2], got 4", id="number for a list"),
    pytest.param("tokenizer: lmspt\nobjective: guess\n", "'objective' is one of ", id="unknown objective"),
    pytest.param("tokenizer: magic\n", "tokenizer 'magic'; known kinds: lmspt, kmeans", id="unknown tokenizer"),
    pytest.param("- tokenizer\n", "expected 'key: value' lines, found a list", id="list"),
    pytest.param("tokenizer: [\n", "not readable as YAML", id="not YAML"),
    pytest.param("tokenizer: !!bool x\n", "not readable as YAML", id="tag that does not fit"),
    pytest.param("? [tokenizer]\n: kmeans\n", "line 1: a key is a word", id="list for a key"),
    pytest.param(GOOD + "1: 2\n", "unknown config key '1'", id="number for a key"),
]


@pytest.mark.parametrize(("text", "message"), BAD_FILES)
def test_files(refused: Callable[..., str], tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "conf.yaml"
    path.write_text(text)
    said = refused("tok_train", "--config", path, "--print_config")
    assert message in said
    assert str(path) in said


BAD_WORDS = [
    pytest.param(["--max_epochs", "3"], "unknown config key 'max_epochs'; did you mean 'max_epoch'?", id="misspelt key"),
    pytest.param(["--max_epoch"], "'--max_epoch' has no value", id="no value"),
    pytest.param(["3"], "write --3 VALUE or 3=VALUE", id="no key"),
    pytest.param(["--max_epoch", "many"], "'max_epoch' wants int, got 'many'", id="word for a number"),
    pytest.param(["--teacher_layers", "[1, 2"], "'--teacher_layers'", id="not YAML"),
]


@pytest.mark.parametrize(("words", "message"), BAD_WORDS)
def test_overrides(refused: Callable[..., str], tmp_path: Path, words: list[str], message: str) -> None:
    path = tmp_path / "conf.yaml"
    path.write_text(GOOD)
    assert message in refused("tok_train", "--config", path, "--print_config", *words)


def test_missing_file(refused: Callable[..., str], tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        assert f"{path}: no such" in refused("tok_train", "--config", path, "--print_config")
