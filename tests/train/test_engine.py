"""The engine resumes exactly, with an adversary and averaged weights too, refuses damaged checkpoints, and stops at the
first loss that is not finite."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.optim.optimizer import register_optimizer_step_post_hook

from lmspt.errors import InputError
from lmspt.train.average import MovingAverage, average_states
from lmspt.train.checkpoint import CheckpointStore
from lmspt.train.config import TrainConfig
from lmspt.train.engine import Adversary, NotFinite, build_optimizer, fit, one_cycle
from tests.train.toy import Copier, Vectors, judge

CONFIG = TrainConfig(max_epoch=4, steps_per_epoch=5, lr=1e-2, warmup_steps=5, keep_nbest=2, num_threads=1)


class Regression(torch.nn.Module):
    def __init__(self, width: int = 1) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.dropout = torch.nn.Linear(4, width), torch.nn.Dropout(0.2)

    def forward(self, x, y):
        loss = (self.dropout(self.linear(x)).sum(-1) - y).square().mean()
        return loss, {"loss": loss.detach()}, torch.tensor(len(x))


class Batches:
    def __init__(self, bad_epoch: int = 0) -> None:
        self.bad_epoch = bad_epoch

    def build_iter(self, epoch):
        generator = torch.Generator().manual_seed(epoch)
        for _ in range(CONFIG.steps_per_epoch):
            x = torch.randn(8, 4, generator=generator)
            y = x.sum(1) * (float("nan") if epoch == self.bad_epoch else 1.0)
            yield [f"utt{i}" for i in range(8)], {"x": x, "y": y}


class Killed(Exception):
    pass


def kill_at(epoch):
    def check(now):
        if now == epoch:
            raise Killed
        return {}

    return check


def interrupted(folder, epoch):
    with pytest.raises(Killed):
        fit(Regression(), Batches(), Batches(), CONFIG, folder, after_validation=kill_at(epoch))


def equal(a, b):
    return all(torch.equal(a[key], b[key]) for key in a)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return fit(Regression(), Batches(), Batches(), CONFIG, tmp_path_factory.mktemp("whole"))


def test_resumed_training_ends_bit_identical(tmp_path, uninterrupted):
    interrupted(tmp_path, 3)
    assert equal(fit(Regression(), Batches(), Batches(), CONFIG, tmp_path), uninterrupted)


def test_truncated_checkpoint_is_refused_and_the_previous_one_used(tmp_path, uninterrupted, caplog):
    interrupted(tmp_path, 4)
    newest = tmp_path / "checkpoint.pth"
    newest.write_bytes(newest.read_bytes()[:500])
    assert equal(fit(Regression(), Batches(), Batches(), CONFIG, tmp_path), uninterrupted)
    assert "damaged" in caplog.text


def test_a_checkpoint_with_a_flipped_bit_is_refused(tmp_path, uninterrupted, caplog):
    interrupted(tmp_path, 4)
    newest = tmp_path / "checkpoint.pth"
    weights = torch.load(newest, weights_only=True)["model"]["linear.weight"]
    content = bytearray(newest.read_bytes())
    content[content.find(weights.numpy().tobytes())] ^= 1  # torch.load would take it
    newest.write_bytes(content)
    assert equal(fit(Regression(), Batches(), Batches(), CONFIG, tmp_path), uninterrupted)
    assert "wrong checksum" in caplog.text


def test_after_a_damaged_checkpoint_the_good_one_is_kept_and_so_are_its_best_epochs(tmp_path):
    interrupted(tmp_path, 4)  # epochs 1 to 3 are saved
    store = CheckpointStore(tmp_path)
    best = best_epochs_of(store.previous)
    store.current.write_bytes(b"garbage")
    assert all((tmp_path / f"{epoch}epoch.pth").exists() for epoch in best)
    states = store.load()
    store.save(states)
    assert best_epochs_of(store.previous) == best, "the garbage has not taken its place"
    store.save(states)
    assert best_epochs_of(store.current) == best_epochs_of(store.previous) == best


def best_epochs_of(checkpoint):
    stats = torch.load(checkpoint, weights_only=True)["reporter"]["stats"]
    return sorted(sorted(stats, key=lambda epoch: stats[epoch]["valid"]["loss"])[: CONFIG.keep_nbest])


def test_no_readable_checkpoint_is_an_error(tmp_path):
    (tmp_path / "checkpoint.pth").write_bytes(b"garbage")
    with pytest.raises(InputError, match="no readable checkpoint"):
        fit(Regression(), Batches(), Batches(), CONFIG, tmp_path)


def test_checkpoint_of_another_shape_is_an_error(tmp_path):
    interrupted(tmp_path, 2)
    with pytest.raises(InputError, match="another shape"):
        fit(Regression(width=2), Batches(), Batches(), CONFIG, tmp_path)


def test_a_schedule_cannot_be_made_longer(tmp_path):
    fit(Copier(), Vectors(5), Vectors(2), CONFIG, tmp_path)
    with pytest.raises(InputError, match="belongs to a training of 20 steps, this one has 25; choose another"):
        fit(Copier(), Vectors(5), Vectors(2), replace(CONFIG, max_epoch=5), tmp_path)


def test_nan_loss_stops_with_the_utterances(tmp_path):
    with pytest.raises(NotFinite, match="utt0 utt1"):
        fit(Regression(), Batches(bad_epoch=2), Batches(), CONFIG, tmp_path)


def test_steps_that_fill_no_accumulation_are_an_error(tmp_path):
    with pytest.raises(InputError, match="multiple of accum_grad 2"):
        fit(Regression(), Batches(), Batches(), replace(CONFIG, accum_grad=2), tmp_path)


@pytest.mark.parametrize("key", ["max_epoch", "steps_per_epoch", "accum_grad", "keep_nbest", "log_interval"])
def test_schedules_that_are_none(key):
    with pytest.raises(InputError, match=f"{key} 0: must be 1 or more"):
        replace(CONFIG, **{key: 0})


def test_a_metric_that_is_not_measured(tmp_path):
    with pytest.raises(InputError, match=r"best_metric 'losss': not measured on the validation set; choose of .*loss"):
        fit(Regression(), Batches(), Batches(), replace(CONFIG, best_metric="losss"), tmp_path)


def test_gradients_that_are_never_finite_stop_the_training(tmp_path):
    class Cliff(Copier):
        def forward(self, x):
            loss, stats, weight = super().forward(x)
            return loss + 0 * (self.linear.bias - self.linear.bias).sqrt().sum(), stats, weight

    with pytest.raises(NotFinite, match="every step of epoch 1"):
        fit(Cliff(), Vectors(2), Vectors(2), CONFIG, tmp_path)


AVERAGED = replace(CONFIG, ema_decay=0.9)


def adversarial(folder, config=AVERAGED, stop=None):
    opponent = judge()
    check = None if stop is None else kill_at(stop)
    return fit(Copier(opponent), Vectors(5), Vectors(2), config, folder, check, Adversary(opponent, 2e-2)), opponent


def test_both_sides_and_the_average_resume_bit_identical(tmp_path):
    whole, opponent = adversarial(tmp_path / "whole")
    with pytest.raises(Killed):
        adversarial(tmp_path / "killed", stop=3)
    (tmp_path / "killed/.checkpoint.pth.1.tmp.pth").touch()  # what a kill in the middle of a write leaves
    resumed, again = adversarial(tmp_path / "killed")
    assert equal(resumed, whole) and equal(again.state_dict(), opponent.state_dict())
    assert not [path for path in (tmp_path / "killed").iterdir() if path.name.startswith(".")]


def test_a_checkpoint_without_the_adversary_is_an_error(tmp_path):
    with pytest.raises(Killed):
        adversarial(tmp_path, stop=2)
    with pytest.raises(InputError, match="belongs to a training with adversary"):
        fit(Copier(), Vectors(5), Vectors(2), CONFIG, tmp_path)
    with pytest.raises(InputError, match="belongs to a training with average"):
        adversarial(tmp_path, config=CONFIG)


def test_each_side_is_clipped_by_itself_and_has_its_own_rate(tmp_path):
    norms = []

    def note(optimizer, *_):
        norms.append([torch.cat([p.grad.flatten() for p in group["params"] if p.grad is not None]).norm().item()
                      for group in optimizer.param_groups])  # fmt: skip

    hook = register_optimizer_step_post_hook(note)
    adversarial(tmp_path, replace(CONFIG, grad_clip=1e-3))
    hook.remove()
    assert norms and all(norm == pytest.approx(1e-3, rel=1e-2) for pair in norms for norm in pair)
    rates = EventAccumulator(str(tmp_path / "tensorboard/train")).Reload()
    peaks = [max(event.value for event in rates.Scalars(f"optim0_lr{group}")) for group in (0, 1)]
    assert peaks[1] / peaks[0] == pytest.approx(2.0)
    assert {"model_grad_norm", "adversary_grad_norm", "told"} <= set(rates.Tags()["scalars"])


def test_the_moving_average_is_what_is_validated_and_kept(tmp_path):
    model = torch.nn.Linear(1, 1, bias=False)
    average = MovingAverage(model, 0.9)
    expected = now = model.weight.item()
    for step in range(1, 6):
        now += 1.0
        with torch.no_grad():
            model.weight.add_(1.0)
        average.update()
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * now
    with average.applied():
        assert model.weight.item() == pytest.approx(expected)
    assert model.weight.item() == pytest.approx(now)

    kept, _ = adversarial(tmp_path, replace(AVERAGED, max_epoch=1))
    states = torch.load(tmp_path / "checkpoint.pth", weights_only=True)
    assert torch.equal(kept["linear.weight"], states["average"]["mean"]["linear.weight"])
    assert not torch.equal(kept["linear.weight"], states["model"]["linear.weight"])


def test_what_is_found_after_a_validation_reaches_tensorboard(tmp_path):
    fit(Copier(), Vectors(5), Vectors(2), replace(CONFIG, max_epoch=2), tmp_path, lambda epoch: {"semantic_use": epoch / 8})
    scalars = EventAccumulator(str(tmp_path / "tensorboard/valid")).Reload()
    assert [event.value for event in scalars.Scalars("semantic_use")] == [0.125, 0.25]


def test_the_rate_rises_to_lr_and_falls_to_its_share(tmp_path):
    config = replace(CONFIG, max_epoch=10, steps_per_epoch=10, lr=2e-4, warmup_steps=10, final_lr_ratio=0.25)
    optimizer = build_optimizer(Copier(), None, config)
    scheduler, rates = one_cycle(optimizer, config), []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    ends = [rates[0], max(rates), rates[-1]]
    assert ends == pytest.approx([2e-4 / 25, 2e-4, 5e-5], rel=0.01)
    half = (rates.index(max(rates)) + len(rates)) // 2
    assert rates[half] == pytest.approx((2e-4 + 5e-5) / 2, rel=0.05)


def test_average_is_the_mean_of_parameters_alone():
    states = [
        {"w": torch.tensor([1.0, 3.0]), "codebook": torch.tensor([0.0, 1.0]), "n": torch.tensor(7)},
        {"w": torch.tensor([2.0, 5.0]), "codebook": torch.tensor([1.0, 0.0]), "n": torch.tensor(9)},
    ]
    mean = average_states(states, {"w"})
    assert mean["w"].tolist() == [1.5, 4.0]
    assert mean["codebook"].tolist() == [1.0, 0.0]
    assert mean["n"] == 9
    assert states[0]["w"].tolist() == [1.0, 3.0]


def test_tables_that_are_one_are_averaged_as_one(tmp_path):
    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.into, self.out = torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 4, bias=False)
            self.out.weight = self.into.weight

        def forward(self, x):
            loss = (self.out(self.into(x)) - x).square().mean()
            return loss, {"loss": loss.detach()}, torch.tensor(len(x))

    mean = fit(Tied(), Vectors(5), Vectors(2), CONFIG, tmp_path)
    assert torch.equal(mean["into.weight"], mean["out.weight"])
