"""WakeHuBERT-tiny with its real weights: what onnxruntime computes, put back by its delay."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch

from lmspt.data.weights import find_weights
from lmspt.errors import InputError
from lmspt.teacher.load import load_teacher
from lmspt.teacher.onnx import read_initializers


@pytest.fixture(scope="module")
def teacher():
    return load_teacher("wakehubert-tiny")


@pytest.fixture(scope="module")
def speech():
    generator = torch.Generator().manual_seed(0)
    return 0.1 * torch.sin(torch.linspace(0, 20, 32000)).clamp_min(0) * torch.randn(32000, generator=generator)


def test_equals_onnxruntime(teacher, speech):
    model = str(find_weights("wakehubert-tiny") / "wakehubert.onnx")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (late,) = session.run(None, {"waveform": np.pad(speech.numpy(), (0, 1600))[None]})
    (features,), mask = teacher(speech[None], torch.tensor([32000]), [1])
    assert features.shape == (1, 100, 128) and mask.all()
    assert np.allclose(features[0], late[0, 5:], atol=5e-5)


def test_a_frame_tells_of_its_own_time(teacher):
    """A click at 1 s moves the frames around 50 most, not those 100 ms later."""
    quiet = 1e-3 * torch.randn(1, 32000, generator=torch.Generator().manual_seed(0))
    click = quiet.clone()
    click[0, 16000:16160] += 0.5
    lengths = torch.tensor([32000])
    moved = (teacher(click, lengths, [1])[0][0] - teacher(quiet, lengths, [1])[0][0]).norm(dim=-1)[0]
    assert abs(int(moved.argmax()) - 50) <= 2


def test_padded_equals_alone(teacher, speech):
    batch = torch.stack([torch.nn.functional.pad(speech[:20100], (0, 11900)), speech])
    (together,), mask = teacher(batch, torch.tensor([20100, 32000]), [1])
    (alone,), _ = teacher(batch[:1, :20100], torch.tensor([20100]), [1])
    assert mask.sum(1).tolist() == [62, 100]
    assert torch.allclose(together[0, :62], alone[0], atol=1e-5)


def test_gradient_reaches_the_waveform(teacher, speech):
    wav = speech.clone().requires_grad_()
    teacher(wav[None], torch.tensor([32000]), [1])[0][0].square().mean().backward()
    assert torch.isfinite(wav.grad).all() and wav.grad.abs().sum() > 0


@pytest.mark.parametrize("content", [b"", b"no ONNX file", None])
def test_a_damaged_file_is_refused(tmp_path, content):
    whole = (find_weights("wakehubert-tiny") / "wakehubert.onnx").read_bytes()
    (tmp_path / "wakehubert.onnx").write_bytes(whole[:1_000_000] if content is None else content)
    with pytest.raises(InputError, match="not a whole ONNX file"):
        read_initializers(tmp_path / "wakehubert.onnx")


def test_its_spectrum_is_whole_in_a_training_of_half_precision(teacher):
    """A tone, beside which half precision would put noise into bands that are silent."""
    wav = 0.3 * torch.sin(2 * torch.pi * 1000 * torch.arange(16000) / 16000)[None]
    with torch.autocast("cpu", torch.bfloat16):
        (features,), _ = teacher(wav, torch.tensor([16000]), [1])
    (whole,), _ = teacher(wav, torch.tensor([16000]), [1])
    assert (features.float() - whole).square().mean() / whole.var() < 1e-3
