"""A speech language model by two ranks: each hears its share of the utterances, and both end with the same weights."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from lmspt.slm.config import SLMBatchConfig
from lmspt.slm.examples import prepare
from lmspt.slm.training import train
from lmspt.train.config import TrainConfig
from lmspt.train.ranks import joined_ranks, rank
from tests.slm.toy import CONFIG, write_corpus
from tests.train.processes import start_ranks

SCHEDULE = TrainConfig(max_epoch=2, steps_per_epoch=30, lr=5e-3, warmup_steps=5, num_threads=1)


def train_rank(data: Path, out: Path) -> None:
    """Train; write the weights of this rank to ``<out>/<rank>.pth``."""
    with joined_ranks(0):
        model = train((CONFIG, SLMBatchConfig(batch_size=8), SCHEDULE), data, out)
        torch.save(model.state_dict(), out / f"{rank()}.pth")


def test_two_ranks_learn_and_end_alike(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    prepare(CONFIG, tmp_path / "tokens", tmp_path / "raw", "train", "dev", tmp_path / "data")
    out = tmp_path / "exp"
    out.mkdir()
    for process in start_ranks(2, train_rank, tmp_path / "data", out):
        process.join(240)
        assert process.exitcode == 0
    first, second = (torch.load(out / f"{number}.pth", weights_only=True) for number in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    rows = json.loads((out / "history.json").read_text())
    assert rows[1]["valid"]["loss"] < 0.8 * rows[0]["train"]["loss"]
