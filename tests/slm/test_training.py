"""The chain of stages 7 to 9 on a toy corpus: it learns its tokens by heart, and comes back from disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lmspt.data.scp import read_scp, write_scp
from lmspt.data.tokens import TokenStore
from lmspt.errors import InputError
from lmspt.slm.checkpoint import load_slm, save_slm
from lmspt.slm.config import SLMBatchConfig
from lmspt.slm.decode import hear, recognise
from lmspt.slm.examples import prepare, read_examples
from lmspt.slm.text import load_units
from lmspt.slm.training import train
from lmspt.train.config import TrainConfig
from tests.slm.toy import CONFIG, write_corpus

SCHEDULE = TrainConfig(max_epoch=3, steps_per_epoch=80, lr=5e-3, warmup_steps=10, num_threads=1)
CONFIGS = (CONFIG, SLMBatchConfig(batch_size=8, mask_tokens=0.0), SCHEDULE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder)
    prepare(CONFIG, folder / "tokens", folder / "raw", "train", "dev", folder / "data")
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    model = train(CONFIGS, folder / "data", folder / "exp")
    save_slm(folder / "exp", model, CONFIGS, Path("exp/tok_toy"))
    return folder / "exp"


def test_it_learns_by_heart_and_comes_back_from_disk(folder, trained):
    model = load_slm(trained)
    units, tokens = load_units(trained), TokenStore(folder / "tokens/dev")
    results = recognise(model, hear(tokens, None))
    text = read_scp(folder / "raw/dev/text")
    right = sum(units.decode(written) == text[utt] for utt, (written, _) in results.items())
    assert right >= 22 and all(ended for _, ended in results.values())
    amounts = [row["valid"] for row in json.loads((trained / "history.json").read_text())]
    assert len(amounts) == 3 and all(row["heard_seconds"] == row["spoken_seconds"] > 0 < row["positions"] for row in amounts)
    others = recognise(model, hear(tokens, "other"))
    assert sum(units.decode(written) == text[utt] for utt, (written, _) in others.items()) < 12


def test_resumed_training_ends_the_same(folder, trained, tmp_path):
    shorter = replace(SCHEDULE, max_epoch=3)
    whole = train((*CONFIGS[:2], shorter), folder / "data", tmp_path / "a")
    (tmp_path / "b").mkdir()
    source = tmp_path / "a"
    # as after a kill in epoch 3: the checkpoint of epoch 2 is the newest whole one
    (tmp_path / "b/checkpoint.pth").write_bytes((source / "checkpoint.previous.pth").read_bytes())
    for number in (1, 2):
        if (source / f"{number}epoch.pth").exists():
            (tmp_path / f"b/{number}epoch.pth").write_bytes((source / f"{number}epoch.pth").read_bytes())
    resumed = train((*CONFIGS[:2], shorter), folder / "data", tmp_path / "b")
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True))


def test_tokens_without_text_are_an_error(folder, tmp_path):
    write_corpus(tmp_path, n=3)
    text = read_scp(tmp_path / "raw/train/text")
    write_scp(tmp_path / "raw/train/text", {**text, "ann-001": "\u200b"})
    with pytest.raises(InputError, match="nothing to learn for 'ann-001'"):
        prepare(CONFIG, tmp_path / "tokens", tmp_path / "raw", "train", "dev", tmp_path / "data")


def test_tokens_of_another_tokenizer_are_refused(folder):
    with pytest.raises(InputError, match="tokens of 'toy-1', but 'other-2' is wanted"):
        read_examples(folder / "data", "train", "other-2")


def test_unfinished_folder(tmp_path):
    with pytest.raises(InputError, match="run stage 8"):
        load_slm(tmp_path)


def test_codes_of_a_store_are_views(folder):
    tokens = TokenStore(folder / "tokens/train")
    assert all(isinstance(tokens[key], np.ndarray) and not tokens[key].flags.writeable for key in tokens)
