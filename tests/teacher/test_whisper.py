"""The teacher hears what Whisper hears, at any length, at any level, alone or padded."""

from __future__ import annotations

import pytest
import torch
from transformers import WhisperFeatureExtractor

from lmspt.data.weights import find_weights
from lmspt.errors import InputError
from lmspt.teacher.ctranslate import read_variables
from lmspt.teacher.whisper import load_whisper


@pytest.fixture(scope="module")
def teacher():
    torch.set_num_threads(1)
    return load_whisper("whisper-tiny.en")


@pytest.fixture(scope="module")
def speech():
    generator = torch.Generator().manual_seed(0)
    envelope = torch.sin(torch.linspace(0, 20, 32000)).clamp_min(0)
    return 0.1 * envelope * torch.randn(32000, generator=generator)


def view(teacher, wav, layers=(4,)):
    return teacher(wav[None], torch.tensor([len(wav)]), list(layers))[0][-1]


def test_log_mel_is_whispers(teacher, speech):
    padded = torch.zeros(1, 480000)
    padded[0, : len(speech)] = speech
    theirs = WhisperFeatureExtractor()(speech.numpy(), sampling_rate=16000, return_tensors="pt").input_features
    ours = teacher.log_mel(padded, torch.tensor([480000])).transpose(1, 2)
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_padded_equals_alone(teacher, speech):
    batch = torch.zeros(2, 48000)
    batch[0, :32000] = speech
    batch[1] = 0.1 * torch.randn(48000)
    (features,), mask = teacher(batch, torch.tensor([32000, 48000]), [4])
    assert mask.sum(1).tolist() == [100, 150]
    assert torch.allclose(features[0, :100], view(teacher, speech)[0], atol=1e-4)


def test_a_loud_neighbour_does_not_move_a_quiet_utterance(teacher, speech):
    """40 dB quieter: a floor taken from the whole batch would cut into it."""
    quiet = 0.01 * speech
    (together,), _ = teacher(torch.stack([quiet, speech]), torch.tensor([32000, 32000]), [4])
    assert torch.allclose(together[0], view(teacher, quiet)[0], atol=1e-4)


def test_gradient_reaches_the_waveform_and_not_the_weights(teacher, speech):
    wav = speech.clone().requires_grad_()
    view(teacher, wav).square().mean().backward()
    assert torch.isfinite(wav.grad).all() and wav.grad.abs().sum() > 0
    assert all(p.grad is None for p in teacher.parameters())


def test_too_long_is_refused(teacher):
    with pytest.raises(InputError, match="at most 30 s"):
        teacher(torch.zeros(1, 31 * 16000), torch.tensor([31 * 16000]), [1])


def test_truncated_weights_are_refused(tmp_path):
    data = (find_weights("whisper-tiny.en") / "model.bin").read_bytes()
    (tmp_path / "model.bin").write_bytes(data[:1_000_000])
    with pytest.raises(InputError, match="cut off"):
        read_variables(tmp_path / "model.bin")


def test_unknown_teacher_names_the_known_ones():
    with pytest.raises(InputError, match=r"whisper-tiny\.en"):
        load_whisper("no/such-teacher")
