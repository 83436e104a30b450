"""The network: rates, lengths, and codes that do not depend on the company an utterance is in."""

from __future__ import annotations

import pytest
import torch

from lmspt.errors import InputError
from lmspt.tokenizer.config import ModelConfig
from lmspt.tokenizer.decoder import InverseSTFT
from lmspt.tokenizer.model import LMSPT


def tiny(**kw):
    torch.manual_seed(0)
    layers = {"encoder_layers": 2, "slow_layers": 1, "decoder_layers": 1}
    dims = {"dim": 48, "decoder_dim": 48, "aux_dim": 32, "code_dim": 8}
    return LMSPT(ModelConfig(**{"semantic_size": 64, "acoustic_size": 64, **layers, **dims, **kw})).eval()


def wavs(*lengths):
    generator = torch.Generator().manual_seed(1)
    return [0.1 * torch.randn(n, generator=generator) for n in lengths]


def padded(items):
    wav = torch.zeros(len(items), max(map(len, items)))
    for row, item in zip(wav, items, strict=True):
        row[: len(item)] = item
    return wav, torch.tensor([len(item) for item in items])


@pytest.mark.parametrize("frame_rate", [25.0, 12.5, 6.25])
def test_rates_and_lengths(frame_rate):
    model = tiny(frame_rate=frame_rate)
    codes, lengths = model.encode(*padded(wavs(16000, 20001)))
    assert lengths.tolist() == [-(-16000 // model.hop_length), -(-20001 // model.hop_length)]
    assert codes.shape == (2, 4, lengths.max())
    wav, samples = model.decode(codes, lengths)
    assert samples.tolist() == (lengths * model.hop_length).tolist() and wav.shape[1] == samples.max()


def test_codes_alone_equal_codes_in_any_batch():
    model = tiny()
    items = wavs(9000, 31000, 16000, 12345, 1280, 1)
    together, _ = model.encode(*padded(items))
    shuffled, _ = model.encode(*padded(items[::-1]))
    for i, item in enumerate(items):
        alone, n = model.encode(*padded([item]))
        assert torch.equal(alone[0], together[i, :, : n[0]])
        assert torch.equal(alone[0], shuffled[-1 - i, :, : n[0]])


def test_speech_alone_equals_speech_in_a_batch():
    model = tiny()
    codes, lengths = model.encode(*padded(wavs(9000, 31000)))
    together, _ = model.decode(codes, lengths)
    alone, n = model.decode(codes[:1, :, : lengths[0]], lengths[:1])
    assert torch.allclose(alone[0], together[0, : n[0]], atol=1e-5)
    assert together[0, n[0] :].abs().max() == 0


def test_semantic_codes_do_not_hear_the_level():
    model = tiny()
    (wav,) = wavs(16000)
    assert torch.equal(model.encode(*padded([wav]))[0][:, 0], model.encode(*padded([0.25 * wav]))[0][:, 0])


def test_semantic_stream_alone_can_be_decoded():
    model = tiny()
    codes, lengths = model.encode(*padded(wavs(16000)))
    wav, _ = model.decode(codes[:, :1], lengths)
    assert torch.isfinite(wav).all()


def test_istft_inverts_an_stft():
    """Frames of a real signal, windowed as the overlap-add expects them, come back as the signal."""
    istft = InverseSTFT(320)
    signal = torch.randn(1, 320 * 20)
    edge = (istft.n_fft - 320) // 2
    frames = torch.nn.functional.pad(signal, (edge, edge)).unfold(1, istft.n_fft, 320) * istft.window
    restored = istft(torch.fft.rfft(frames))
    assert torch.allclose(restored[:, edge:-edge], signal[:, edge:-edge], atol=1e-4)


def test_impossible_rate_is_refused():
    with pytest.raises(InputError, match=r"25, 12\.5, 6\.25"):
        tiny(frame_rate=13.0)
