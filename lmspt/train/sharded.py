"""A training in shards: parameters, gradients and moments lie over the ranks, and a layer is whole only while it computes
(FSDP2: Zhao et al. 2023, "PyTorch FSDP", by DTensor). Checkpoints know no shards: any number of ranks goes on with them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from lmspt.errors import InputError
from lmspt.train.ranks import rank, world_size


def check_shardable(model: torch.nn.Module, adversary: object | None) -> None:
    """Models that are gathered layer by layer have a method ``layers() -> list of modules``; all else is in their forward pass.

    Raises:
        InputError: another model, or one that trains against an adversary, whose parts are called one by one.
    """
    if adversary is not None or not hasattr(model, "layers"):
        raise InputError(f"shard true: a {type(model).__name__} is trained whole on each rank; set shard: false")


def in_shards(model: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    """A copy of ``model`` on ``device``, each rank with its share of every parameter. The model itself stays whole."""
    model, mesh = copy.deepcopy(model), init_device_mesh(device.type, (world_size(),))
    for module in (*model.layers(), model):
        fully_shard(module, mesh=mesh)
    # What one rank's batch has no use for, another's may. What no batch has use for gets a gradient of zero, and a step.
    model.set_reduce_scatter_unused_params(True)
    return model


@contextmanager
def gathered(model: torch.nn.Module) -> Iterator[None]:
    """Within it every rank has all parameters, for forward passes that wait for no other rank."""
    shards = [module for module in model.modules() if isinstance(module, FSDPModule)]
    _, *layers = shards  # the model itself stays whole after a forward pass anyway
    for layer in layers:
        layer.set_reshard_after_forward(False, recurse=False)
    for module in shards:
        module.unshard()
    try:
        yield
    finally:
        for module in shards:
            module.reshard()  # what was gathered would outlive a change of the shards
        for layer in layers:
            layer.set_reshard_after_forward(True, recurse=False)


class OnDisk:
    """A part of a sharded training as a checkpoint has it: whole, on rank 0; the other ranks, which help, get no tensors.

    Args:
        part: what has ``state_dict`` and ``load_state_dict``.
        like: has a tensor of shards where a state that is loaded shall become one; by default the present state.
        how: for ``part.state_dict``.
    """

    def __init__(self, part: Any, like: dict[str, Any] | None = None, **how: bool) -> None:
        self.part, self.like, self.how = part, like, how

    def state_dict(self) -> dict[str, Any]:
        """Every rank calls it."""
        return _whole(self.part.state_dict(**self.how), {})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Give the part this rank's shards of a whole state, which every rank has read."""
        self.part.load_state_dict(_placed(state, self.part.state_dict(**self.how) if self.like is None else self.like))


def on_disk(parts: dict[str, Any]) -> dict[str, Any]:
    """The parts of a training (``model``, ``optimizer``, which is AdamW, ``average``), where they hold shards as checkpoints
    shall have them."""
    parameters = [p for group in parts["optimizer"].param_groups for p in group["params"]]
    moments = {i: dict.fromkeys(("exp_avg", "exp_avg_sq"), p) for i, p in enumerate(parameters)}
    whole = {
        "model": OnDisk(parts["model"], keep_vars=True),  # tied tables are one tensor, and one on the disk
        "optimizer": OnDisk(parts["optimizer"], {"state": moments}),
    }
    if "average" in parts:
        whole["average"] = OnDisk(parts["average"])
    return {**parts, **whole}


def _whole(value: Any, done: dict[int, torch.Tensor | None]) -> Any:
    """``value`` with all shards put together; ``done`` are those that were met before."""
    if isinstance(value, dict):
        return {name: _whole(item, done) for name, item in value.items()}
    if not isinstance(value, DTensor):
        return value
    if id(value) not in done:
        whole = value.detach().full_tensor()
        done[id(value)] = whole.cpu() if rank() == 0 else None
    return done[id(value)]


def _placed(value: Any, like: Any) -> Any:
    """``value`` in shards where ``like`` is."""
    if isinstance(value, dict) and isinstance(like, dict):
        return {name: _placed(item, like.get(name)) for name, item in value.items()}
    if isinstance(like, DTensor):
        return distribute_tensor(value, like.device_mesh, like.placements, src_data_rank=None)
    return value
