"""Two ranks train as one process with both their batches; both sides of an adversarial training are synchronised."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from lmspt.train.config import TrainConfig
from lmspt.train.engine import Adversary, fit
from lmspt.train.ranks import joined_ranks, rank
from tests.train.processes import start_ranks
from tests.train.toy import Copier, Vectors, judge

CONFIG = TrainConfig(max_epoch=2, steps_per_epoch=4, lr=1e-2, warmup_steps=2, num_threads=1, ema_decay=0.9)


def train(config, batches, out):
    """Train; write the weights, and the gradients before each step, of this rank to ``<out>/<rank>.pth``."""
    gradients = []

    def note(optimizer, *_):
        gradients.append([p.grad.clone() for group in optimizer.param_groups for p in group["params"] if p.grad is not None])

    with joined_ranks(0):
        hook = register_optimizer_step_pre_hook(note)
        opponent = judge()
        state = fit(Copier(opponent), batches, Vectors(3, size=5), config, out, adversary=Adversary(opponent, 2e-2))
        hook.remove()
        torch.save({"model": state, "judge": opponent.state_dict(), "gradients": gradients}, out / f"{rank()}.pth")


def ended(out, n):
    return [torch.load(out / f"{number}.pth", weights_only=True) for number in range(n)]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    out = tmp_path_factory.mktemp("two")
    ranks = start_ranks(2, train, CONFIG, Vectors(4), out)
    for process in ranks:
        process.join(120)
        assert process.exitcode == 0
    return out


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    out = tmp_path_factory.mktemp("one")
    train(CONFIG, Vectors(4), out)
    return out


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_ranks_have_the_same_weights_and_gradients_on_both_sides(two):
    first, second = ended(two, 2)
    assert same(first["model"], second["model"]) and same(first["judge"], second["judge"])
    assert len(first["gradients"]) == 8
    for a, b in zip(first["gradients"], second["gradients"], strict=True):
        assert len(a) == 4  # two of the model, two of the judge
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_two_ranks_train_as_one_with_both_batches(one, two):
    (whole,), (first, _) = ended(one, 1), ended(two, 2)
    for side in ("model", "judge"):
        for name, value in whole[side].items():
            assert torch.allclose(first[side][name], value, atol=1e-5), name
    losses = [[row["valid"]["loss"] for row in json.loads((out / "history.json").read_text())] for out in (one, two)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)  # 5 vectors a batch: the ranks' shares are not alike


class Unlike(Copier):
    """Has a number on rank 0 alone."""

    def forward(self, x):
        loss, stats, weight = super().forward(x)
        return loss, {**stats, **({"alone": loss.detach()} if rank() == 0 else {})}, weight


def train_unlike(out):
    with joined_ranks(0):
        fit(Unlike(), Vectors(2), Vectors(1), TrainConfig(max_epoch=1, steps_per_epoch=2, num_threads=1), out)


def test_a_number_that_one_rank_lacks_stops_nobody(tmp_path):
    for process in start_ranks(2, train_unlike, tmp_path):
        process.join(60)
        assert process.exitcode == 0
    (row,) = json.loads((tmp_path / "history.json").read_text())
    assert "alone" in row["valid"] and "alone" not in row["train"] and "loss" in row["train"]


def test_accumulated_halves_are_one_batch(one, tmp_path):
    class Halves(Vectors):
        def build_iter(self, epoch):
            for utts, batch in super().build_iter(epoch):
                yield utts[:4], {"x": batch["x"][:4]}
                yield utts[4:], {"x": batch["x"][4:]}

    train(replace(CONFIG, accum_grad=2, steps_per_epoch=8), Halves(4), tmp_path)
    (halves,), (whole,) = ended(tmp_path, 1), ended(one, 1)
    for side in ("model", "judge"):
        for name, value in whole[side].items():
            assert torch.allclose(halves[side][name], value, atol=1e-5), name
