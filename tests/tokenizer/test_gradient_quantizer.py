"""Trained codes: the losses against their formula, the straight-through gradient, revival."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lmspt.tokenizer.gradient_quantizer import GradientQuantizer
from lmspt.tokenizer.quantizer import ResidualQuantizer, mean_of_frames


@pytest.fixture
def quantizer():
    torch.manual_seed(0)
    return GradientQuantizer(6, 8, 3).eval()


def test_loss_and_its_gradients_by_hand(quantizer):
    latents, mask = torch.randn(1, 5, 6), torch.tensor([1.0, 1, 1, 0, 0])[None, :, None]
    quantized, codes, loss = quantizer(latents, mask)
    vectors = quantizer.project_in(latents)[0].detach()
    chosen = quantizer.codebook[codes[0]].detach()
    nearest = F.cosine_similarity(vectors[:, None], quantizer.codebook[None], dim=-1).argmax(1)
    assert torch.equal(codes[0], nearest)
    distance = (vectors - chosen)[:3].square().mean()  # commitment and codebook loss are the same number
    loss = mean_of_frames(loss, mask)
    assert loss.item() == pytest.approx(5 * distance.item(), rel=1e-5)
    assert torch.allclose(quantized, quantizer.lookup(codes), atol=1e-6)
    loss.backward()
    by_hand = torch.zeros(8, 3)  # the codebook hears its own loss, four times the commitment
    for vector, code in zip(vectors[:3], codes[0, :3], strict=True):
        by_hand[code] += 4 * 2 * (quantizer.codebook[code].detach() - vector) / 9
    assert torch.allclose(quantizer.codebook.grad, by_hand, atol=1e-6)


def test_speech_reaches_the_vectors_and_not_the_codes(quantizer):
    latents = torch.randn(1, 5, 6, requires_grad=True)
    quantized, _, _ = quantizer(latents, torch.ones(1, 5, 1))
    quantized.sum().backward()
    straight = quantizer.project_out(quantizer.project_in(latents))
    (expected,) = torch.autograd.grad(straight.sum(), latents)
    assert torch.allclose(latents.grad, expected, atol=1e-6) and quantizer.codebook.grad is None


def test_dead_codes_are_revived_on_data_when_enough_has_been_seen(quantizer):
    quantizer.train()
    with torch.no_grad():  # data on one side of the sphere, half of the codes on the other
        quantizer.codebook[:4] = torch.tensor([1.0, 0, 0]) + 0.1 * torch.randn(4, 3)
        quantizer.codebook[4:] = -quantizer.codebook[:4]
        quantizer.project_in.bias.copy_(torch.tensor([5.0, 0, 0]))
    mask = torch.ones(1, 40, 1)
    mask[0, 35:] = 0  # padding is not counted
    for _ in range(2):
        quantizer(torch.randn(1, 40, 6), mask)
    assert quantizer.count.sum() == 70 and quantizer.count[4:].sum() == 0
    quantizer(torch.randn(1, 40, 6), mask)
    quantizer(torch.randn(1, 40, 6), mask)  # 105 vectors have gone by, 80 were asked for
    assert (quantizer.codebook[4:, 0] > 0).all() and quantizer.count.sum() == 35
    quantizer.eval()
    quantizer.count += 100
    kept = quantizer.codebook.detach().clone()
    quantizer(torch.randn(1, 40, 6), mask)
    assert torch.equal(quantizer.codebook, kept)


def test_residual_losses_are_summed():
    torch.manual_seed(0)
    residual = ResidualQuantizer(6, 3, 8, 3, "gradient").eval()
    latents, mask = torch.randn(2, 5, 6), torch.ones(2, 5, 1)
    _, _, total = residual(latents, mask, torch.tensor([3, 3]))
    losses = []
    for stage in residual.stages:
        quantized, _, loss = stage(latents, mask)
        losses.append(loss.mean())
        latents = latents - quantized
    assert total.item() == pytest.approx(sum(losses).item(), rel=1e-6)


def test_codebooks_that_an_utterance_drops_cost_nothing():
    torch.manual_seed(0)
    stack, latents, mask = ResidualQuantizer(6, 3, 8, 3, "gradient").eval(), torch.randn(2, 5, 6), torch.ones(2, 5, 1)
    costs = {keep: stack(latents, mask, torch.tensor(keep))[2].item() for keep in ((0, 0), (3, 0), (0, 3), (3, 3), (1, 0))}
    assert costs[0, 0] == 0 and 0 < costs[1, 0] < costs[3, 0]
    assert costs[3, 3] == pytest.approx(costs[3, 0] + costs[0, 3], rel=1e-5)
