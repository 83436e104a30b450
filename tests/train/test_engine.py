"""The engine resumes exactly, refuses damaged checkpoints, and stops at the first loss that is not finite."""

from __future__ import annotations

import pytest
import torch

from lmspt.errors import InputError
from lmspt.train.average import average_states
from lmspt.train.config import TrainConfig
from lmspt.train.engine import NotFinite, fit

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


def test_no_readable_checkpoint_is_an_error(tmp_path):
    (tmp_path / "checkpoint.pth").write_bytes(b"garbage")
    with pytest.raises(InputError, match="no readable checkpoint"):
        fit(Regression(), Batches(), Batches(), CONFIG, tmp_path)


def test_checkpoint_of_another_shape_is_an_error(tmp_path):
    interrupted(tmp_path, 2)
    with pytest.raises(InputError, match="another shape"):
        fit(Regression(width=2), Batches(), Batches(), CONFIG, tmp_path)


def test_nan_loss_stops_with_the_utterances(tmp_path):
    with pytest.raises(NotFinite, match="utt0 utt1"):
        fit(Regression(), Batches(bad_epoch=2), Batches(), CONFIG, tmp_path)


def test_average_is_the_mean_and_leaves_integers():
    states = [
        {"w": torch.tensor([1.0, 3.0]), "n": torch.tensor(7)},
        {"w": torch.tensor([2.0, 5.0]), "n": torch.tensor(9)},
    ]
    mean = average_states(states)
    assert mean["w"].tolist() == [1.5, 4.0] and mean["n"] == 7
    assert states[0]["w"].tolist() == [1.0, 3.0]
