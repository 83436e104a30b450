"""Convolutional encoder and decoder: lengths with odd strides, and an utterance that is deaf to the batch it is in."""

from __future__ import annotations

import pytest
import torch

from lmspt.tokenizer.dac import DacDecoder, DacEncoder, Snake, fold

STRIDES = [2, 3, 5]  # 30 samples a frame, two odd ones


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return DacEncoder(16, 4, STRIDES)


@pytest.fixture(scope="module")
def decoder():
    torch.manual_seed(0)
    return DacDecoder(16, 32, STRIDES[::-1])


def test_snake_by_hand():
    snake = Snake(1)
    torch.nn.init.constant_(snake.alpha, 2.0)
    x = torch.tensor([[[0.0, 1.0, -0.5]]])
    assert torch.allclose(snake(x), x + (2 * x).sin() ** 2 / 2)


def test_snake_without_gradient_is_the_same():
    snake, x = Snake(3), torch.randn(2, 3, 50)
    torch.nn.init.uniform_(snake.alpha, 0.5, 2.0)
    before = x.clone()
    with torch.no_grad():
        fast = snake(x)
    assert torch.equal(fast, snake(x)) and torch.equal(x, before)


def test_latents_alone_equal_latents_in_a_batch(encoder):
    torch.manual_seed(1)
    wav, lengths = torch.randn(3, 300), torch.tensor([300, 61, 150])
    for row, n in zip(wav, lengths, strict=True):
        row[n:] = 0
    together, frames = encoder(wav, lengths)
    assert frames.tolist() == [10, 3, 5] and together.shape == (3, 10, 16)
    for row, n, f in zip(wav, lengths.tolist(), frames.tolist(), strict=True):
        alone, _ = encoder(row[None, :n], torch.tensor([n]))
        same = together[:1] if n == 300 else together[[61, 150].index(n) + 1][None]
        assert torch.allclose(alone[0], same[0, :f], atol=1e-6)
        assert same[0, f:].abs().sum() == 0


def test_speech_alone_equals_speech_in_a_batch(decoder):
    torch.manual_seed(1)
    latents, lengths = torch.randn(2, 9, 16), torch.tensor([9, 4])
    together = decoder(latents, lengths)
    alone = decoder(latents[1:, :4], lengths[1:])
    assert together.shape == (2, 270) and alone.shape == (1, 120)
    assert torch.allclose(alone[0], together[1, :120], atol=1e-6)
    assert together[1, 120:].abs().sum() == 0


@torch.no_grad()
def test_folded_parts_keep_channels_last_and_say_the_same():
    torch.manual_seed(0)
    encoder, decoder = DacEncoder(16, 4, STRIDES), DacDecoder(16, 32, STRIDES[::-1])
    wav, lengths = torch.randn(2, 300), torch.tensor([300, 150])
    wav[1, 150:] = 0
    latents, frames = encoder(wav, lengths)
    spoken = decoder(latents, frames)
    layouts = []
    for part in (encoder, decoder):
        for module in part.modules():
            fold(module)
            if isinstance(module, Snake):
                module.register_forward_hook(lambda module, args, y: layouts.append(y.transpose(1, 2).is_contiguous()))
    assert torch.allclose(encoder(wav, lengths)[0], latents, atol=1e-6)
    assert torch.allclose(decoder(latents, frames), spoken, atol=1e-6)
    assert len(layouts) == 2 * (3 * 7 + 1) and all(layouts)


def test_odd_strides_lose_samples_at_the_end_only(decoder):
    wav = decoder(torch.randn(1, 9, 16), torch.tensor([9]))[0]
    # strides 5, 3, 2 of 9 frames: 45 - 1, 44 * 3 - 1, 131 * 2
    assert wav.shape == (270,) and wav[:262].ne(0).all() and wav[262:].eq(0).all()


def test_without_the_mask_padding_would_be_heard(encoder, monkeypatch):
    wav = torch.randn(1, 90)
    alone, _ = encoder(wav, torch.tensor([90]))
    monkeypatch.setattr("lmspt.tokenizer.dac._mask", lambda lengths, x: torch.ones(1, 1, x.shape[2]))
    unmasked, _ = encoder(torch.nn.functional.pad(wav, (0, 300)), torch.tensor([90]))
    assert (unmasked[0, :3] - alone[0]).abs().max() > 1e-3
