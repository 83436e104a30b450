"""Training: what is learned survives a kill bit for bit; a collapsed codebook stops it; health is on disk; a critic is heard
from when it is time and is no part of what is kept."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lmspt.data.variation import VariationConfig
from lmspt.errors import InputError
from lmspt.tokenizer.config import AdversarialConfig, BatchConfig, LossConfig, ObjectiveConfig
from lmspt.tokenizer.health import health
from lmspt.tokenizer.interface import Stream
from lmspt.tokenizer.model import LMSPT
from lmspt.tokenizer.objectives import build_objective
from lmspt.tokenizer.training import TokenizerTraining, _HealthCheck, train
from lmspt.train.config import TrainConfig
from tests.tokenizer import gan
from tests.tokenizer.corpus import write_corpus
from tests.tokenizer.test_objectives import TINY

SCHEDULE = TrainConfig(max_epoch=3, steps_per_epoch=3, lr=1e-3, warmup_steps=2, num_threads=1)


def configs(schedule=SCHEDULE, **loss):
    batch = BatchConfig(batch_size=3, segment_seconds=0.6)
    losses = LossConfig(**loss), AdversarialConfig()
    return (TINY, ObjectiveConfig(teacher_layers=[2, 4]), *losses, batch, VariationConfig(), schedule)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    write_corpus(folder)
    return folder


@pytest.fixture(scope="module")
def whole(raw, tmp_path_factory):
    out = tmp_path_factory.mktemp("exp") / "tok_whole"
    return train(configs(), raw, raw, out), out


def test_resumed_training_ends_bit_identical(raw, whole, tmp_path):
    model, out = whole
    resumed = tmp_path / "tok_resumed"
    resumed.mkdir()
    # as after a kill in epoch 3: the checkpoint of epoch 2 is the newest whole one
    (resumed / "checkpoint.pth").write_bytes((out / "checkpoint.previous.pth").read_bytes())
    again = train(configs(), raw, raw, resumed)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True))


def test_the_loss_is_the_weighed_sum_of_its_parts():
    torch.manual_seed(0)
    loss = LossConfig(mel_weight=2.0, commitment_weight=3.0, wave_weight=5.0, diversity_weight=7.0, quantizer_dropout=0.0)
    objective = build_objective(ObjectiveConfig(teacher_layers=[2, 4]), TINY)
    training = TokenizerTraining(LMSPT(TINY), objective, loss, 11.0, AdversarialConfig(), None)
    batch = 0.1 * torch.randn(2, 9600), torch.tensor([9600, 9600])
    total, parts, _ = training(*batch)
    weighed = 2 * parts["mel"] + 3 * parts["commitment"] + 5 * parts["wave"] + 11 * parts["distill"]
    assert parts["diversity"] > 0 and torch.allclose(total, weighed - 7 * parts["diversity"])
    total, parts, _ = training.eval()(*batch)
    weighed = 2 * parts["mel"] + 3 * parts["commitment"] + 5 * parts["wave"] + 11 * parts["distill"]
    assert "diversity" not in parts and torch.allclose(total, weighed), "an even use is not what is validated"


def test_losses_and_health_are_kept(whole):
    _, out = whole
    history = json.loads((out / "history.json").read_text())
    assert [row["epoch"] for row in history] == [1, 2, 3]
    assert {"loss", "mel", "commitment", "distill"} <= history[0]["valid"].keys()
    assert history[-1]["valid"]["mel"] < history[0]["valid"]["mel"]
    health = json.loads((out / "health.json").read_text())
    assert set(health) == {"semantic", "acoustic1", "acoustic2"}
    assert history[-1]["valid"]["semantic_use"] == health["semantic"]["use"]
    assert (out / "tensorboard/train").is_dir()


def test_a_collapsed_codebook_stops_the_training(raw, tmp_path):
    schedule = replace(SCHEDULE, max_epoch=2)
    with pytest.raises(InputError, match="the semantic codebook has collapsed"):
        train(configs(schedule, collapse_use=1.1, collapse_patience=2), raw, raw, tmp_path / "tok_collapsed")
    assert len(json.loads((tmp_path / "tok_collapsed/history.json").read_text())) == 1


def test_few_frames_are_no_collapse(tmp_path):
    """A validation set of 25 frames cannot use one in twenty of 512 codes; all of them the same code is a collapse even so."""
    streams = (Stream("semantic", 512, True),)
    for codes, collapsed in (np.arange(25), False), (np.zeros(25, int), True):
        counts = np.bincount(codes, minlength=512)
        task = SimpleNamespace(model=SimpleNamespace(streams=streams), read_health=lambda counts=counts: [health(counts)])
        check = _HealthCheck(task, LossConfig(), tmp_path)
        with pytest.raises(InputError, match=r"0\.2% of its codes") if collapsed else nullcontext():
            assert check(5)["semantic_use"] == 25 / 512


@pytest.mark.parametrize("use_amp", [False, True])
def test_an_adversarial_training_reports_both_sides(raw, tmp_path, use_amp):
    *others, schedule = gan.CONFIGS
    model = train((*others, replace(schedule, max_epoch=3, use_amp=use_amp)), raw, raw, tmp_path)
    rows = [row["train"] for row in json.loads((tmp_path / "history.json").read_text())]
    sides = {"real", "fake", "adversarial", "feature"}
    assert not sides & rows[0].keys() and sides <= rows[1].keys()  # two batches an epoch, three without the critic
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in model.parameters())
    assert not [name for name in torch.load(tmp_path / "3epoch.pth", weights_only=True) if "discriminator" in name]


def test_health_reaches_tensorboard(whole):
    _, out = whole
    scalars = EventAccumulator(str(out / "tensorboard/valid")).Reload()
    uses = [event.value for event in scalars.Scalars("semantic_use")]
    assert uses == pytest.approx([row["valid"]["semantic_use"] for row in json.loads((out / "history.json").read_text())])
    assert "acoustic2_perplexity" in scalars.Tags()["scalars"]
