"""A model, what learns against it, and their batches, for tests of the engine; importable by the processes they start."""

from __future__ import annotations

import torch

from lmspt.train.ranks import my_share


class Copier(torch.nn.Module):
    """Learns to copy vectors (B, 4), and that its judge should score them 1 as it scores the originals."""

    def __init__(self, judge: torch.nn.Module | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.unused, self.opponents = torch.nn.Linear(4, 4), torch.nn.Linear(2, 2), (judge,)

    def forward(self, x):
        copied = self.linear(x)
        loss = (copied - x).square().mean()
        stats = {"loss": loss.detach()}
        (judge,) = self.opponents
        if judge is not None and self.training:
            frozen = {name: p.detach() for name, p in judge.named_parameters()}
            fooled = (1 - torch.func.functional_call(judge, frozen, (copied,))).square().mean()
            told = (1 - judge(x)).square().mean() + judge(copied.detach()).square().mean()
            stats["told"] = told.detach()
            loss = loss + fooled + told
        return loss, stats, torch.tensor(len(x))


def judge() -> torch.nn.Module:
    torch.manual_seed(1)
    return torch.nn.Linear(4, 1)


class Vectors:
    """``steps`` batches of ``size`` vectors an epoch, of which each rank has its share."""

    def __init__(self, steps: int, size: int = 8) -> None:
        self.steps, self.size = steps, size

    def build_iter(self, epoch):
        generator = torch.Generator().manual_seed(epoch)
        for _ in range(self.steps):
            x = torch.randn(self.size, 4, generator=generator)
            rows = my_share(range(self.size))
            yield [f"utt{i}" for i in rows], {"x": x[rows]}
