"""Language models in shards by two ranks: they train as whole ones do, and their checkpoints know no shards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook
from transformers import LlamaConfig, LlamaForCausalLM

from lmspt.errors import InputError
from lmspt.slm.config import SLMBatchConfig, SLMConfig
from lmspt.slm.examples import prepare
from lmspt.slm.training import train
from lmspt.train.config import TrainConfig
from lmspt.train.engine import Adversary, fit
from lmspt.train.ranks import joined_ranks, rank
from tests.slm.test_pretrained import SHAPE
from tests.slm.toy import CONFIG, write_corpus
from tests.train.processes import start_ranks
from tests.train.toy import Copier, Vectors, judge

SCHEDULE = TrainConfig(max_epoch=2, steps_per_epoch=4, lr=5e-3, warmup_steps=2, grad_clip=0.5, num_threads=1)
PACKED = SLMBatchConfig(batch_tokens=40, pack_length=40, tts_ratio=0.3)  # drawn by seed 5, rank 1 thrice has nothing to speak


def cases(backbone: str) -> dict[str, tuple]:
    """Trainings that differ in what shards could get wrong."""
    tied, by_twos = SLMConfig(backbone=backbone), SLMBatchConfig(batch_size=2)  # five examples of dev: two batches, and one
    return {
        "averaged": (CONFIG, by_twos, replace(SCHEDULE, ema_decay=0.9, accum_grad=2)),
        "depth": (replace(CONFIG, pattern="coarse_first"), PACKED, replace(SCHEDULE, seed=5)),
        "frozen": (replace(tied, freeze_backbone_steps=5, gradient_checkpointing=True), by_twos, SCHEDULE),
        "lora": (replace(tied, lora_rank=1), by_twos, SCHEDULE),  # matrices of one row: a rank has nothing of them
    }


def in_shards(configs: tuple) -> tuple:
    return (*configs[:2], replace(configs[2], shard=True))


@contextmanager
def noted() -> Iterator[list[tuple[int, int]]]:
    """Within it, of each step: numbers of this rank, and of all, in parameters, gradients and moments."""
    steps = []

    def note(optimizer, *_):
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        held = [*parameters, *(p.grad for p in parameters if p.grad is not None)]
        held += [moment for state in optimizer.state.values() for name, moment in state.items() if name != "step"]
        steps.append((sum(tensor.to_local().numel() for tensor in held), sum(tensor.numel() for tensor in held)))

    hook = register_optimizer_step_post_hook(note)
    try:
        yield steps
    finally:
        hook.remove()


def train_all(folder: Path) -> None:
    """Each case whole and in shards; the first also killed after an epoch, and gone on with in the other way."""
    with joined_ranks(0):
        for name, configs in cases(str(folder / "backbone")).items():
            train(configs, folder / "data", folder / name / "whole")
            with noted() as held:
                model = train(in_shards(configs), folder / "data", folder / name / "sharded")
            torch.save({"model": model.state_dict(), "held": held}, folder / name / f"{rank()}.pth")
        for way, goes_on in {"sharded": in_shards, "whole": tuple}.items():
            out = folder / "averaged" / f"{way}_from_shards"
            if rank() == 0:
                killed_after_an_epoch(folder / "averaged/sharded", out)
            torch.distributed.barrier()
            train(goes_on(cases("")["averaged"]), folder / "data", out)


def killed_after_an_epoch(source: Path, out: Path) -> None:
    out.mkdir()
    shutil.copy(source / "checkpoint.previous.pth", out / "checkpoint.pth")
    if (source / "1epoch.pth").exists():
        shutil.copy(source / "1epoch.pth", out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sharded")
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(vocab_size=20, tie_word_embeddings=True, **SHAPE)).save_pretrained(folder / "backbone")
    write_corpus(folder, n=5, n_train=40)
    prepare(CONFIG, folder / "tokens", folder / "raw", "train", "dev", folder / "data")
    for process in start_ranks(2, train_all, folder):
        process.join(600)
        assert process.exitcode == 0
    return folder


def checkpoint(out: Path) -> dict:
    return torch.load(out / "checkpoint.pth", weights_only=True)


def losses(out: Path) -> list[float]:
    return [row[phase]["loss"] for row in json.loads((out / "history.json").read_text()) for phase in ("train", "valid")]


@pytest.mark.parametrize("name", cases(""))
def test_shards_train_as_whole_models_do(folder, name):
    whole, sharded = (checkpoint(folder / name / way) for way in ("whole", "sharded"))
    assert whole["model"].keys() == sharded["model"].keys()
    for key, value in whole["model"].items():
        assert torch.allclose(value, sharded["model"][key], atol=1e-4), key
    assert losses(folder / name / "sharded") == pytest.approx(losses(folder / name / "whole"), rel=1e-4)


@pytest.mark.parametrize("name", cases(""))
def test_a_checkpoint_of_shards_is_one_of_a_whole_model(folder, name):
    whole, sharded = (checkpoint(folder / name / way) for way in ("whole", "sharded"))
    assert whole.keys() == sharded.keys() and whole["optimizer"]["param_groups"] == sharded["optimizer"]["param_groups"]
    assert whole["scheduler"] == sharded["scheduler"]
    states, others = (checkpoint["optimizer"]["state"] for checkpoint in (whole, sharded))
    assert states.keys() == others.keys()
    for number, state in states.items():
        assert all(torch.allclose(value, others[number][name], atol=1e-4) for name, value in state.items())
    sizes = [(folder / name / way / "checkpoint.pth").stat().st_size for way in ("whole", "sharded")]
    assert sizes[1] < 1.05 * sizes[0]  # tied tables are there once


def ranks(out: Path) -> list[dict]:
    return [torch.load(out / f"{number}.pth", weights_only=True) for number in range(2)]


def test_a_rank_holds_its_share_of_parameters_gradients_and_moments(folder):
    for name in cases(""):
        first, second = (ended["held"] for ended in ranks(folder / name))
        for (mine, every), (others, _) in zip(first, second, strict=True):
            assert mine + others == every and others <= mine < 0.55 * every


def test_every_rank_returns_the_same_whole_model(folder):
    for name in cases(""):
        first, second = (ended["model"] for ended in ranks(folder / name))
        assert all(type(value) is torch.Tensor and torch.equal(value, second[key]) for key, value in first.items())


def test_a_killed_training_of_shards_ends_the_same(folder):
    ended, resumed = (checkpoint(folder / "averaged" / way) for way in ("sharded", "sharded_from_shards"))
    for part in ("model", "average"):
        tensors, others = (state[part].get("mean", state[part]) for state in (ended, resumed))
        assert all(torch.equal(value, others[key]) for key, value in tensors.items())


def test_what_shards_began_a_whole_model_ends(folder):
    ended, resumed = (checkpoint(folder / "averaged" / way) for way in ("sharded", "whole_from_shards"))
    assert all(torch.allclose(value, resumed["model"][key], atol=1e-4) for key, value in ended["model"].items())


def test_one_rank_goes_on_alone_and_has_nothing_to_share(folder, tmp_path):
    killed_after_an_epoch(folder / "averaged/sharded", tmp_path / "exp")
    train(in_shards(cases("")["averaged"]), folder / "data", tmp_path / "exp")
    assert len(losses(tmp_path / "exp")) == 4


def test_models_that_cannot_be_sharded(tmp_path):
    opponent = judge()
    for adversary in (None, Adversary(opponent, 1e-2)):
        with pytest.raises(InputError, match="shard true: a Copier is trained whole on each rank; set shard: false"):
            fit(Copier(opponent), Vectors(4), Vectors(4), TrainConfig(shard=True), tmp_path, adversary=adversary)
