"""How torch computes attention where one of its ways is slow."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

SHORT = 128  # steps


def attention_of(hidden: Tensor) -> AbstractContextManager[None]:
    """Where a transformer reads ``hidden`` (B, T, D): of short sequences a CPU computes attention as it is written, since a
    training step with torch's fused attention takes longer there in bfloat16 (``tools/bench_attention.py``)."""
    if hidden.device.type == "cpu" and hidden.shape[1] < SHORT:
        return sdpa_kernel(SDPBackend.MATH)
    return nullcontext()
