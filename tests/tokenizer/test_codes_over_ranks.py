"""Two processes that hear different speech hold the same codes, and codes and scales of the statistics of both."""

from __future__ import annotations

import torch
from torch import distributed, multiprocessing

from lmspt.tokenizer.gradient_quantizer import GradientQuantizer
from lmspt.tokenizer.quantizer import VectorQuantizer
from lmspt.tokenizer.standardize import Standardize

STEPS = 12  # with a revival after the tenth


def speech(rank, step):
    return torch.randn(1, 30, 8, generator=torch.Generator().manual_seed(100 * step + rank)) + rank


def books(kind):
    torch.manual_seed(0)
    return VectorQuantizer(8, 16, 4) if kind == "ema" else GradientQuantizer(8, 16, 4)


def follow(rank, n_ranks, folder):
    """One process of the training: the codebooks after some steps on its own speech."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=n_ranks)
    ends = {}
    for kind in ("ema", "gradient"):
        quantizer = books(kind)
        torch.manual_seed(rank)  # what a rank draws is its own
        for step in range(STEPS):
            quantizer(speech(rank, step), torch.ones(1, 30, 1))
        ends[kind] = {name: tensor.detach() for name, tensor in quantizer.state_dict().items()}
    scale = Standardize(1, 8, n_places=20)
    for step in range(STEPS):
        heard = speech(rank, step)[:, : 30 - rank]  # the longest of a batch is another on each rank
        scale.follow([heard], torch.ones(heard.shape[:2], dtype=torch.bool))
    ends["scale"] = scale.state_dict()
    torch.save(ends, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def test_codes_are_the_same_on_every_rank(tmp_path):
    multiprocessing.spawn(follow, (2, tmp_path), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    for kind, names in {"ema": ("codebook", "count", "total"), "gradient": ("codebook", "count")}.items():
        for name in names:
            assert torch.equal(first[kind][name], second[kind][name]), (kind, name)
    assert all(torch.equal(first["scale"][name], second["scale"][name]) for name in ("count", "sums"))
    assert first["scale"]["count"].sum() == (30 + 29) * STEPS
    # vectors of both ranks: 60 a step in the running mean, and three steps of them since the last revival at 160
    assert 59.9 < first["ema"]["count"].sum() < 75
    assert first["gradient"]["count"].sum() == 180
