"""Stands for a GPU where there is none: tensors on ``DEVICE`` compute on the CPU, with the same values, but as a GPU's they
meet no tensor of the CPU (of more than one number) and are no arrays before they come back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map, tree_map_only

DEVICE = torch.device("meta")  # a name that torch knows, for nothing that could compute
MOVES = {torch.ops.aten._to_copy, torch.ops.aten.to, torch.ops.aten.copy_}


class Elsewhere(torch.Tensor):
    """A tensor on ``DEVICE``; ``here`` holds its values."""

    @staticmethod
    def __new__(cls, here: Tensor) -> Elsewhere:
        shape = {"strides": here.stride(), "storage_offset": here.storage_offset()}
        with torch.inference_mode(False):  # an inference tensor could be no view of a parameter
            tensor = torch.Tensor._make_wrapper_subclass(cls, here.shape, **shape, dtype=here.dtype, device=DEVICE)
        tensor.here = here.detach()
        return tensor

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return compute(func, args, kwargs or {})


def compute(func: Any, args: tuple, kwargs: dict) -> Any:
    """An operation where its tensors are, or where it is told to leave its result."""
    leaves = tree_leaves((args, kwargs))
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, Elsewhere)]
    if there and func.overloadpacket not in MOVES and any(tensor.dim() for tensor in tensors if not isinstance(tensor, Elsewhere)):
        raise RuntimeError(f"{func}: expected all tensors to be on the same device")
    devices = [leaf for leaf in leaves if isinstance(leaf, torch.device)]
    args, kwargs = tree_map(_here, (args, kwargs))
    result = func(*args, **kwargs)
    stays = devices[0] == DEVICE if devices else bool(there)
    return tree_map_only(Tensor, Elsewhere, result) if stays else result


def _here(value: Any) -> Any:
    if isinstance(value, Elsewhere):
        return value.here
    return torch.device("cpu") if isinstance(value, torch.device) else value


class _Dispatch(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return compute(func, args, kwargs or {})


class _Function(TorchFunctionMode):
    """What torch does not hand over: torch.tensor and new_tensor on ``DEVICE``, which would have no values, and tolist."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.tensor and kwargs.get("device") == DEVICE:
            return torch.tensor(*args, **{**kwargs, "device": "cpu"}).to(DEVICE)
        if func is torch.Tensor.new_tensor and args[0].device == DEVICE:
            return torch.tensor(args[1], dtype=args[0].dtype).to(DEVICE)
        if func is torch.Tensor.tolist and isinstance(args[0], Elsewhere):
            return args[0].here.tolist()
        return func(*args, **kwargs)


@contextmanager
def stand_in() -> Iterator[torch.device]:
    """Within it models and tensors can be moved to the device that it yields."""
    with patch.object(torch, "autocast", lambda *_, **__: nullcontext()), _Function(), _Dispatch():
        yield DEVICE
