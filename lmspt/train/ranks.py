"""Many processes, one training: what ``torchrun`` started joins here; alone, a process is rank 0 of 1."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import distributed

Item = TypeVar("Item")


@contextmanager
def joined_ranks(ngpu: int) -> Iterator[None]:
    """Within it the processes of one ``torchrun`` train together, over NCCL with GPUs and gloo without.

    Args:
        ngpu: GPUs of a process, 0 or 1. Each takes the one of its local rank.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    if ngpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if ngpu else "gloo")
    if rank() > 0:
        logging.getLogger().setLevel(logging.WARNING)
    yield
    distributed.destroy_process_group()  # not after an error: over NCCL it may wait for ranks that wait for this one


def rank() -> int:
    """Which of the processes this is; rank 0 writes."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def world_size() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def my_share(items: Sequence[Item]) -> list[Item]:
    """Every n-th of ``items``, n being the ranks; their shares are disjoint and together all of them."""
    return list(items[rank() :: world_size()])


def gather(value: Any) -> list[Any]:
    """``value`` of every rank, in their order, on every rank."""
    if world_size() == 1:
        return [value]
    values: list[Any] = [None] * world_size()
    distributed.all_gather_object(values, value)
    return values


def wait_for_all() -> None:
    """Return once every rank is here."""
    if world_size() > 1:
        distributed.barrier()


def sum_over_ranks(tensor: torch.Tensor) -> torch.Tensor:
    """The sum of every rank's ``tensor``, in place."""
    if world_size() > 1:
        distributed.all_reduce(tensor)
    return tensor


def from_first_rank(tensor: torch.Tensor) -> torch.Tensor:
    """Rank 0's ``tensor``, in place."""
    if world_size() > 1:
        distributed.broadcast(tensor, 0)
    return tensor
