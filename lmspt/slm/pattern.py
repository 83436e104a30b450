"""How the streams of a frame share the steps of a language model: the delay pattern (Copet et al. 2023, MusicGen).

Stream k comes k steps late, so that a code is written when the codes of the streams before it, in the same frame, are known:

    step       0    1    2    3    4   ...  F-1   F    F+1  F+2
    semantic   s0   s1   s2   s3   s4       s-1   end  end  end
    acoustic1  .    a0   a1   a2   a3       .     a-1  .    .
    acoustic2  .    .    b0   b1   b2       .     .    b-1  .
"""

from __future__ import annotations

import numpy as np


def delay(codes: np.ndarray, end: int, pad: int) -> np.ndarray:
    """``codes`` (K, F) -> steps (F + K, K): the end is written in stream 0 from step F on, ``pad`` where nothing stands."""
    n_streams, n_frames = codes.shape
    steps = np.full((n_frames + n_streams, n_streams), pad, dtype=np.int64)
    for stream, row in enumerate(codes):
        steps[stream : stream + n_frames, stream] = row
    steps[n_frames:, 0] = end
    return steps


def undelay(steps: np.ndarray, n_frames: int) -> np.ndarray:
    """Steps (T, K), T >= ``n_frames`` + K - 1, -> codes (K, ``n_frames``)."""
    return np.stack([steps[stream : stream + n_frames, stream] for stream in range(steps.shape[1])])
