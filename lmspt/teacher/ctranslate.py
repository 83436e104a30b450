"""Read CTranslate2's ``model.bin`` and name its tensors as transformers' Whisper does.

File format (CTranslate2's ``ModelSpec.save``, little-endian): uint32 version; spec name string and uint32 revision; uint32
count; for each variable a name, uint8 rank, uint32 shape, uint8 dtype, uint32 byte count, raw data; then aliases. A string is
a uint16 length, its closing NUL included, and the bytes.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import torch

from lmspt.errors import InputError

HEAD = 64  # channels of an attention head in every published size
DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read_variables(path: Path) -> dict[str, np.ndarray]:
    """All float variables of a ``model.bin`` (version 4 or newer) by name, as float32.

    Raises:
        InputError: truncated file, older version, or int8 weights (a teacher wants the float ones).
    """
    data = memoryview(path.read_bytes())
    position = 0

    def take(layout: str) -> tuple:
        nonlocal position
        values = struct.unpack_from(layout, data, position)
        position += struct.calcsize(layout)
        return values

    def string() -> str:
        nonlocal position
        (length,) = take("<H")
        text = bytes(data[position : position + length - 1]).decode("utf-8")
        position += length
        return text

    try:
        (version,) = take("<I")
        if version < 4:
            raise InputError(f"{path}: CTranslate2 file version {version}; convert the model again with version 3 or newer of it")
        string(), take("<I")  # spec name and revision
        variables = {}
        (count,) = take("<I")
        for _ in range(count):
            name = string()
            (rank,) = take("<B")
            shape = take(f"<{rank}I")
            dtype, n_bytes = take("<BI")
            if dtype not in DTYPES or position + n_bytes > len(data):
                raise InputError(f"{path}: variable '{name}' is cut off or of an unknown type ({dtype}); fetch the file again")
            array = np.frombuffer(data[position : position + n_bytes], DTYPES[dtype]).reshape(shape)
            if name.endswith("_scale"):
                raise InputError(f"{path}: int8 weights; a teacher needs the float16 or float32 conversion")
            variables[name] = array.astype(np.float32) if array.dtype.kind == "f" else array
            position += n_bytes
    except struct.error:
        raise InputError(f"{path}: cut off at byte {position}; fetch the file again") from None
    return variables


def whisper_encoder_state(path: Path) -> dict[str, torch.Tensor]:
    """State dict of transformers' ``WhisperEncoder`` from a CTranslate2 Whisper ``model.bin``."""
    return _half(read_variables(path), "encoder")


def whisper_state(path: Path) -> dict[str, torch.Tensor]:
    """State dict of transformers' ``WhisperForConditionalGeneration`` from a CTranslate2 Whisper ``model.bin``, without the output
    layer, which has the embeddings' weights."""
    variables = read_variables(path)
    return {f"model.{half}.{k}": v for half in ("encoder", "decoder") for k, v in _half(variables, half).items()}


def whisper_shape(state: dict[str, torch.Tensor]) -> dict[str, int]:
    """What transformers' ``WhisperConfig`` must be told for :func:`whisper_state` to fit."""
    vocab_size, d_model = state["model.decoder.embed_tokens.weight"].shape
    layers = {
        half: len({k.split(".")[3] for k in state if k.startswith(f"model.{half}.layers.")}) for half in ("encoder", "decoder")
    }
    return {
        "vocab_size": vocab_size,
        "d_model": d_model,
        "num_mel_bins": state["model.encoder.conv1.weight"].shape[1],
        "max_source_positions": len(state["model.encoder.embed_positions.weight"]),
        "max_target_positions": len(state["model.decoder.embed_positions.weight"]),
        **{f"{half}_layers": n for half, n in layers.items()},
        **{f"{half}_attention_heads": d_model // HEAD for half in layers},
        **{f"{half}_ffn_dim": 4 * d_model for half in layers},
    }


def _half(variables: dict[str, np.ndarray], half: str) -> dict[str, torch.Tensor]:
    """The encoder or the decoder, named as in transformers."""
    source = {k.removeprefix(f"{half}/"): torch.from_numpy(v.copy()) for k, v in variables.items() if k.startswith(f"{half}/")}
    state = {
        "embed_positions.weight": source["position_encodings/encodings"],
        "layer_norm.weight": source["layer_norm/gamma"],
        "layer_norm.bias": source["layer_norm/beta"],
    }
    if half == "decoder":
        state["embed_tokens.weight"] = source["embeddings/weight"]
    else:
        state |= {f"conv{i}.{p}": source[f"conv{i}/{p}"] for i in (1, 2) for p in ("weight", "bias")}
    for i in range(sum(name.endswith("self_attention/linear_0/weight") for name in source)):
        layer = {k.removeprefix(f"layer_{i}/"): v for k, v in source.items() if k.startswith(f"layer_{i}/")}
        state |= {f"layers.{i}.{name}": value for name, value in _layer(layer).items()}
    return state


def _layer(source: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """One transformer layer. Where q, k and v, or k and v, lie stacked in one matrix, k's part of the stacked bias is zero:
    Whisper's k has none."""
    names = {
        "self_attention/linear_1": "self_attn.out_proj",
        "self_attention/layer_norm": "self_attn_layer_norm",
        "ffn/linear_0": "fc1",
        "ffn/linear_1": "fc2",
        "ffn/layer_norm": "final_layer_norm",
    }
    state = _projections(source["self_attention/linear_0/weight"], source["self_attention/linear_0/bias"], "self_attn", "qkv")
    if "attention/linear_0/weight" in source:  # a decoder's attention to the encoder
        names |= {
            "attention/linear_0": "encoder_attn.q_proj",
            "attention/linear_2": "encoder_attn.out_proj",
            "attention/layer_norm": "encoder_attn_layer_norm",
        }
        state |= _projections(source["attention/linear_1/weight"], source["attention/linear_1/bias"], "encoder_attn", "kv")
    parts = {"weight": "gamma", "bias": "beta"}
    for theirs, ours in names.items():
        state |= {f"{ours}.{p}": source[f"{theirs}/{parts[p] if 'layer_norm' in theirs else p}"] for p in parts}
    return state


def _projections(weight: torch.Tensor, bias: torch.Tensor, attention: str, names: str) -> dict[str, torch.Tensor]:
    weights = dict(zip(names, weight.chunk(len(names)), strict=True))
    biases = dict(zip(names, bias.chunk(len(names)), strict=True))
    state = {f"{attention}.{name}_proj.weight": value for name, value in weights.items()}
    return state | {f"{attention}.{name}_proj.bias": value for name, value in biases.items() if name != "k"}
