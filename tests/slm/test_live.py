"""Speech in pieces is speech in one piece, and its first piece comes before the last code."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lmspt.slm.config import SamplingConfig
from lmspt.slm.generate import Frames, speak
from lmspt.slm.live import speak_live
from tests.slm.toy import toy_model


class SmoothTokenizer:
    """Decodes a frame to 40 samples that depend on two frames before and after it."""

    frame_rate, sample_rate = 12.5, 500

    def decode(self, codes: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Codes (1, K, F) -> (1, 40 F)."""
        wav = codes.sum(1, keepdim=True).float().repeat_interleave(40, 2)
        return F.avg_pool1d(wav, 161, stride=1, padding=80, count_include_pad=True)[:, 0], lengths * 40


@pytest.mark.parametrize("pattern", ["delay", "flatten"])
def test_pieces_are_the_whole(pattern):
    model, tokenizer = toy_model(seed=1, pattern=pattern), SmoothTokenizer()  # speaks until it is stopped
    request = ([[1, 2, 3, 4, 5, 6]], [3], [0], SamplingConfig(temperature=0.9))
    ((codes, _),) = speak(model, *request)
    assert codes.shape[1] > 20
    whole, _ = tokenizer.decode(torch.from_numpy(codes)[None], torch.tensor([codes.shape[1]]))
    frames, pieces, known = Frames(model, *request), [], []
    for piece in speak_live(frames, tokenizer, chunk=0.4, context=0.3):
        pieces.append(piece)
        known.append(model.layout.pattern.n_frames(len(frames.rows)))
    assert np.allclose(np.concatenate(pieces), whole[0].numpy(), atol=1e-4)
    assert known[0] == 5 + 3 and len(pieces) > 3
