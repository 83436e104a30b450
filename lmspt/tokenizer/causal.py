"""What a network needs that hears no future: looking back instead of around, and memory between the pieces of a stream."""

from __future__ import annotations

from collections.abc import Hashable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Memory = dict[Hashable, Tensor]  # of one stream: what each part heard last, by the part


def look_back(x: Tensor, n: int, memory: Memory | None, key: Hashable, fill: float = 0.0) -> Tensor:
    """``x`` (..., T) behind the ``n`` values that came before it: (..., n + T).

    Args:
        x: all of a recording, or the next piece of a stream.
        n: values.
        memory: of the stream, in which the last ``n`` values are kept for its next piece; ``None``: ``x`` is all.
        key: of these values in ``memory``.
        fill: what comes before the beginning.
    """
    past = None if memory is None else memory.get(key)
    x = F.pad(x, (n, 0), value=fill) if past is None else torch.cat([past, x], dim=-1)
    if memory is not None:
        memory[key] = x[..., x.shape[-1] - n :]
    return x


class TimeConv(nn.Conv1d):
    """A convolution over time that gives a frame for every ``stride`` of its input.

    Args:
        dim_in, dim_out: channels.
        kernel_size: frames that it spans; less ``stride``, even unless ``causal``.
        stride: frames of the input to one of the output.
        groups: as of ``nn.Conv1d``.
        causal: it spans a frame's own input and what was before, not what is around.
    """

    def __init__(self, dim_in: int, dim_out: int, kernel_size: int, stride: int = 1, groups: int = 1, causal: bool = False) -> None:
        reach = kernel_size - stride
        super().__init__(dim_in, dim_out, kernel_size, stride, padding=0 if causal else reach // 2, groups=groups)
        self.behind = reach if causal else 0

    def forward(self, x: Tensor, memory: Memory | None = None) -> Tensor:
        """``x`` (B, dim_in, T) -> (B, dim_out, T / stride); of a causal one ``x`` may be the next piece of a stream."""
        return super().forward(look_back(x, self.behind, memory, self) if self.behind else x)
