"""Speech that is heard while it is still being written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from lmspt.slm.generate import Frames


@torch.inference_mode()
def speak_live(frames: Frames, tokenizer: Any, chunk: float = 0.5, context: float = 2.0) -> Iterator[np.ndarray]:
    """The speech (T,) of one utterance in pieces, each as soon as its frames and those that follow them are known.

    A piece is decoded with ``context`` seconds around it. Of a tokenizer whose decoder looks no farther, the pieces are the
    speech in one piece; the first comes after ``chunk + context`` seconds of frames.

    Args:
        frames: of one utterance, none written yet.
        tokenizer: a :class:`lmspt.tokenizer.interface.Tokenizer` that can decode.
        chunk: seconds of a piece.
        context: seconds decoded before and after it, and left out.
    """
    around, taken = (max(1, int(seconds * tokenizer.frame_rate)) for seconds in (context, chunk))
    hop = tokenizer.sample_rate / tokenizer.frame_rate
    sent, through = 0, False
    while not through:
        frames.write_step()
        through = frames.are_written()
        if not through and frames.pattern.n_frames(len(frames.rows)) < sent + taken + around:
            continue
        ((codes, _),) = frames.codes()
        end, first = codes.shape[1] if through else sent + taken, max(0, sent - around)
        part = torch.from_numpy(codes[None, :, first : end + around])
        wav, _ = tokenizer.decode(part, torch.tensor([part.shape[2]]))
        yield wav[0, int(sent * hop) - int(first * hop) : int(end * hop) - int(first * hop)].numpy()
        sent = end
