"""Windows: the codes and the speech of a recording in one piece, with the loudness of the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lmspt.config import load_config
from lmspt.tokenizer.checkpoint import TrainedLMSPT
from lmspt.tokenizer.config import CONFIGS
from lmspt.tokenizer.long import CONTEXT_SECONDS, WINDOW_SECONDS, _windows, decode_long, encode_long
from lmspt.tokenizer.model import LMSPT
from tests.tokenizer.corpus import voiced

CONFIG = Path(__file__).resolve().parents[2] / "egs/TEMPLATE/slm1/conf/tok/resynthesis_12.5hz.yaml"
NARROW = ["dim=48", "decoder_dim=48", "aux_dim=32"]


@pytest.fixture(scope="module")
def tokenizer():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config, *_ = load_config(CONFIG, NARROW, *CONFIGS)
    return TrainedLMSPT(config, LMSPT(config).state_dict(), "narrow-00000000")


@pytest.fixture(scope="module")
def recording():
    """Half a minute of voices of very different loudness, so that no two windows have the level of the whole."""
    parts = [gain * voiced(5.0, 100 + 25 * i, i) for i, gain in enumerate((0.05, 0.3, 0.1, 1.0, 0.02, 0.2))]
    return torch.from_numpy(np.concatenate(parts).astype(np.float32))[: 30 * 16000 - 77]


def test_codes_are_those_of_one_piece(tokenizer, recording):
    whole, _ = tokenizer.encode(recording[None], torch.tensor([len(recording)]))
    pieces = encode_long(tokenizer, recording, window=4.0, context=1.5)
    assert whole[0].unique(dim=1).shape[1] > 20, "a tokenizer that says little would pass"
    assert torch.equal(pieces, whole[0])


def test_the_level_is_that_of_all_that_is_heard(tokenizer, recording):
    """To the last sample: what is loudest may stand in the last, begun, 10 ms."""
    clicked = recording.clone()
    clicked[-20:] = 1.0
    whole, _ = tokenizer.encode(clicked[None], torch.tensor([len(clicked)]))
    assert torch.equal(encode_long(tokenizer, clicked, window=4.0, context=1.5), whole[0])


def test_what_a_whisper_can_hear_is_one_piece():
    assert len(list(_windows(375, 12.5, WINDOW_SECONDS, CONTEXT_SECONDS))) == 1
    assert len(list(_windows(376, 12.5, WINDOW_SECONDS, CONTEXT_SECONDS))) > 1


def test_a_window_at_its_own_level_has_other_codes(tokenizer, recording):
    """Why the level of the whole recording goes with each window."""
    quiet = recording[None, : 4 * 16000]
    own, _ = tokenizer.encode(quiet, torch.tensor([quiet.shape[1]]))
    whole, _ = tokenizer.encode(recording[None], torch.tensor([len(recording)]))
    assert (own[0, 1:, :40] != whole[0, 1:, :40]).float().mean() > 0.1


def test_without_context_codes_differ_at_the_seams_only(tokenizer, recording):
    whole, _ = tokenizer.encode(recording[None], torch.tensor([len(recording)]))
    pieces = encode_long(tokenizer, recording, window=4.0, context=0.0)
    differ = (pieces != whole[0]).any(0).nonzero()[:, 0]
    assert len(differ) > 0
    from_seam = np.abs((differ.numpy()[:, None] + 0.5) - np.arange(50, 375, 50)).min(1)
    assert from_seam.max() < 12, "nothing farther than a second from a seam"


def test_speech_is_that_of_one_piece(tokenizer, recording):
    codes, lengths = tokenizer.encode(recording[None], torch.tensor([len(recording)]))
    (whole,), _ = tokenizer.decode(codes, lengths)
    pieces = decode_long(tokenizer, codes[0], window=4.0, context=1.5)
    assert pieces.shape == whole.shape and torch.allclose(pieces, whole, atol=1e-5)


def test_windows_take_each_frame_once():
    for n_frames in (1, 49, 90, 91, 137, 400):
        windows = list(_windows(n_frames, 12.5, 4.0, 1.6))
        assert [frame for begin, end, *_ in windows for frame in range(begin, end)] == list(range(n_frames))
        assert len(windows) == (1 if n_frames <= 90 else -(-n_frames // 50))
        for begin, end, first, last in windows:
            assert first == max(0, begin - 20) and last == min(n_frames, end + 20)
