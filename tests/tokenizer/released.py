"""Tensors of the names and shapes that the released LM-SPT has, at any width."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from lmspt.tokenizer.official import FILE

DOWN, UP, AUX = (4, 5, 6, 8, 2), (2, 8, 6, 5, 4), (8, 8, 5, 4)


def released(
    encoder_dim: int, dim: int, decoder_dim: int, aux_dim: int, semantic_size: int, acoustic_size: int, make: Callable
) -> dict[str, Tensor]:
    """The released names, each with ``make(*shape)``."""
    state = {}

    def conv(name, n_out, n_in, taps, transposed=False):
        shape = (n_in, n_out, taps) if transposed else (n_out, n_in, taps)
        state[f"{name}.weight_v"], state[f"{name}.weight_g"] = make(*shape), make(shape[0], 1, 1).abs()
        state[f"{name}.bias"] = make(n_out)

    def units(name, first, width):
        for unit in range(first, first + 3):
            for place, taps in ((1, 7), (3, 1)):
                state[f"{name}.{unit}.block.{place - 1}.alpha"] = make(1, width, 1).abs()
                conv(f"{name}.{unit}.block.{place}", width, width, taps)

    for stream in ("semantic", "acoustic"):
        name, width = f"{stream}_encoder.block", encoder_dim
        conv(f"{name}.0", width, 1, 7)
        for block, stride in enumerate(DOWN, 1):
            units(f"{name}.{block}.block", 0, width)
            state[f"{name}.{block}.block.3.alpha"] = make(1, width, 1).abs()
            conv(f"{name}.{block}.block.4", 2 * width, width, 2 * stride)
            width *= 2
        state[f"{name}.6.alpha"] = make(1, width, 1).abs()
        conv(f"{name}.7", dim, width, 3)
    for name, width, strides in (("decoder.model", decoder_dim, UP), ("aux_decoder.model", aux_dim, AUX)):
        conv(f"{name}.0", width, dim, 7)
        for block, stride in enumerate(strides, 1):
            state[f"{name}.{block}.block.0.alpha"] = make(1, width, 1).abs()
            conv(f"{name}.{block}.block.1", width // 2, width, 2 * stride, transposed=True)
            width //= 2
            units(f"{name}.{block}.block", 2, width)
        state[f"{name}.{len(strides) + 1}.alpha"] = make(1, width, 1).abs()
        conv(f"{name}.{len(strides) + 2}", 1, width, 7)
    for name, size in [("rvq_first.quantizers.0", semantic_size), *((f"rvq_rest.quantizers.{n}", acoustic_size) for n in range(7))]:
        conv(f"quantizer.{name}.in_proj", 8, dim, 1)
        conv(f"quantizer.{name}.out_proj", dim, 8, 1)
        state[f"quantizer.{name}.codebook.weight"] = make(size, 8)
    state["quantizer.semantic_vocab_usage"] = make(1, semantic_size)
    state["quantizer.acoustic_vocab_usage"] = make(7, acoustic_size)
    return state


def small_release(folder: Path) -> Path:
    """``folder`` with a released file of a small width and random weights."""
    generator = torch.Generator().manual_seed(0)
    folder.mkdir(exist_ok=True)
    save_file(released(4, 32, 64, 16, 64, 32, lambda *shape: 0.5 * torch.randn(*shape, generator=generator)), folder / FILE)
    return folder
