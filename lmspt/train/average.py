"""Means of weights: over the epochs that did best, and over the steps of a training."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


def average_states(states: Iterable[dict[str, Tensor]], parameters: Collection[str]) -> dict[str, Tensor]:
    """Mean of state dicts: ``parameters`` averaged in double. All else is the last one's: a mean of codes that were moved, and
    revived, from epoch to epoch is no code.

    ESPnet 202511's ``average_nbest_models`` sums into the first state in place, which is wrong for more than one
    criterion; hence this.
    """
    states = list(states)
    mean = {}
    for name, last in states[-1].items():
        if name in parameters:
            mean[name] = (sum(state[name].double() for state in states) / len(states)).to(last.dtype)
        else:
            mean[name] = last
    return mean


class MovingAverage:
    """Exponential moving average of a module's parameters over the steps; buffers are the module's own, as they are.

    Early steps weigh more than ``decay`` says, ``min(decay, (1 + n) / (10 + n))`` at step n, so that the initial weights
    are forgotten in a short training too.
    """

    def __init__(self, module: torch.nn.Module, decay: float) -> None:
        self.decay, self.n_steps = decay, 0
        self.parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
        self.mean = {name: p.detach().clone() for name, p in self.parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the module's present parameters."""
        self.n_steps += 1
        decay = min(self.decay, (1 + self.n_steps) / (10 + self.n_steps))
        torch._foreach_lerp_(list(self.mean.values()), list(self.parameters.values()), 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within it the module has the averaged parameters."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, parameter in self.parameters.items():
            present = parameter.clone()
            parameter.copy_(self.mean[name])
            self.mean[name].copy_(present)

    def state_dict(self) -> dict[str, Any]:
        """Steps and means, for a checkpoint."""
        return {"n_steps": self.n_steps, "mean": self.mean}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.n_steps = state["n_steps"]
        for name, mean in self.mean.items():
            mean.copy_(state["mean"][name])
