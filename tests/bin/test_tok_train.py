"""tok_train and the overrides that a recipe gives to all its tokenizers: each kind takes its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmspt.bin import tok_train

WORDS = ["--max_epoch", "3", "--n_codebooks", "5", "--batch_frames", "7", "--seed", "11"]
TAKEN = {"lmspt": {"max_epoch: 3", "seed: 11"}, "kmeans": {"batch_frames: 7", "seed: 11"}, "mimi": {"n_codebooks: 5"}}


@pytest.mark.parametrize("kind", TAKEN)
def test_overrides(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    config = tmp_path / "conf.yaml"
    config.write_text(f"tokenizer: {kind}\n")
    tok_train.main(["--config", str(config), "--print_config", "--ngpu", "1", "--", *WORDS])
    printed = set(capsys.readouterr().out.splitlines())
    assert printed & set().union(*TAKEN.values()) == TAKEN[kind]
    assert ("ngpu: 1" in printed) == (kind == "lmspt")
