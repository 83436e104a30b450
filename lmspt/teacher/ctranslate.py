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
    source = {
        k.removeprefix("encoder/"): torch.from_numpy(v.copy()) for k, v in read_variables(path).items() if k.startswith("encoder/")
    }
    state = {
        "embed_positions.weight": source["position_encodings/encodings"],
        "layer_norm.weight": source["layer_norm/gamma"],
        "layer_norm.bias": source["layer_norm/beta"],
    }
    for conv in ("conv1", "conv2"):
        state |= {f"{conv}.weight": source[f"{conv}/weight"], f"{conv}.bias": source[f"{conv}/bias"]}
    n_layers = sum(name.endswith("self_attention/linear_0/weight") for name in source)
    for i in range(n_layers):
        ours, theirs = f"layers.{i}", f"layer_{i}"
        # q, k and v lie stacked in one matrix; Whisper's k has no bias, so its part of the stacked bias is zero.
        q, k, v = source[f"{theirs}/self_attention/linear_0/weight"].chunk(3)
        q_bias, _, v_bias = source[f"{theirs}/self_attention/linear_0/bias"].chunk(3)
        state |= {f"{ours}.self_attn.{n}_proj.weight": w for n, w in (("q", q), ("k", k), ("v", v))}
        state |= {f"{ours}.self_attn.q_proj.bias": q_bias, f"{ours}.self_attn.v_proj.bias": v_bias}
        for name, target in (
            ("self_attention/linear_1", "self_attn.out_proj"),
            ("ffn/linear_0", "fc1"),
            ("ffn/linear_1", "fc2"),
        ):
            state |= {f"{ours}.{target}.{p}": source[f"{theirs}/{name}/{p}"] for p in ("weight", "bias")}
        for name, target in (
            ("self_attention/layer_norm", "self_attn_layer_norm"),
            ("ffn/layer_norm", "final_layer_norm"),
        ):
            state |= {
                f"{ours}.{target}.weight": source[f"{theirs}/{name}/gamma"],
                f"{ours}.{target}.bias": source[f"{theirs}/{name}/beta"],
            }
    return state
