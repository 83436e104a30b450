"""Where models compute: what a command's ``--ngpu`` means, for trainings and for all that uses a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from lmspt.errors import InputError


def device_of(ngpu: int) -> torch.device:
    """The CPU (0), or the GPU that CUDA counts first (1): of those in ``CUDA_VISIBLE_DEVICES``, which job runners set.

    Raises:
        InputError: torch has no GPU here.
    """
    if not ngpu:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        why = "was built without CUDA (tools/setup.sh says how to choose another)"
        if torch.version.cuda is not None:
            why = "finds no GPU (does nvidia-smi, and what does CUDA_VISIBLE_DEVICES say?)"
        raise InputError(f"--ngpu {ngpu}: torch {torch.__version__} {why}; --ngpu 0 computes on the CPU")
    return torch.device("cuda")


def inference_device(ngpu: int, num_threads: int) -> torch.device:
    """:func:`device_of` for what trains nothing: so many threads of a CPU, whole float32 on a GPU.

    There convolutions would be in TF32, 10 bits of a number's digits, and more codes would differ from the CPU's than by rounding.
    """
    device = device_of(ngpu)
    torch.set_num_threads(num_threads)
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    return device


def has_bfloat16(device: torch.device) -> bool:
    """Does it multiply in bfloat16? A processor, or a GPU, that does not imitates it in several times the time."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    path = Path("/proc/cpuinfo")
    flags = path.read_text(encoding="utf-8").split() if path.exists() else []
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags)


def on_device(function: Callable[..., Any], device: str | torch.device) -> Callable[..., Any]:
    """``function``, which gets its tensors on ``device`` and whose results come back to the CPU: callers need not know where
    it computes."""

    def call(*args: Any, **kwargs: Any) -> Any:
        there = {name: _moved(value, device) for name, value in kwargs.items()}
        return _moved(function(*_moved(args, device), **there), "cpu")

    return call


def _moved(value: Any, device: str | torch.device) -> Any:
    """A tensor, or a tuple or list of them, on ``device``; what is no tensor stays."""
    if isinstance(value, (tuple, list)):
        return type(value)(_moved(item, device) for item in value)
    return value.to(device) if isinstance(value, torch.Tensor) else value
