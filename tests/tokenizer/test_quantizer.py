"""Codebooks: straight-through gradient, codes on data, dead ones revived with their statistics."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from lmspt.tokenizer.quantizer import ResidualQuantizer, VectorQuantizer, mean_of_frames


def clusters(n=400, spread=0.02, seed=0):
    generator = torch.Generator().manual_seed(seed)
    centres = F.normalize(torch.randn(8, 16, generator=generator), dim=1)
    pick = torch.randint(0, 8, (n,), generator=generator)
    return (centres[pick] + spread * torch.randn(n, 16, generator=generator))[None], pick


def identity(quantizer):
    """Make the projections identities so that the test sees code space."""
    with torch.no_grad():
        for layer in (quantizer.project_in, quantizer.project_out):
            layer.weight.copy_(torch.eye(16)), layer.bias.zero_()
    return quantizer


def test_codes_find_the_clusters():
    torch.manual_seed(0)
    quantizer = identity(VectorQuantizer(16, 16, 16))
    data, pick = clusters()
    for _ in range(100):
        _, codes, loss = quantizer(data, torch.ones(1, 400, 1))
    # every cluster has codes of its own: no code serves two clusters
    assert all(len(set(pick[codes[0] == code].tolist())) <= 1 for code in range(16))
    assert loss.mean() < 0.02


def test_codes_are_the_nearest_in_the_codebook_that_they_are_looked_up_in():
    """Also in a step that moves it: the first, which puts it on the data, and one that revives dead codes."""
    torch.manual_seed(0)
    quantizer = identity(VectorQuantizer(16, 16, 16))
    for step in range(1, 21):
        data, _ = clusters(seed=step)
        _, codes, loss = quantizer(data, torch.ones(1, 400, 1))
        _, _, nearest = quantizer.eval()(data, torch.ones(1, 400, 1))
        quantizer.train()
        assert torch.equal(codes, quantizer.encode(data)) and torch.equal(loss, nearest), step


def test_dead_codes_are_revived_and_their_statistics_reset():
    torch.manual_seed(0)
    quantizer = identity(VectorQuantizer(16, 16, 16))
    data, _ = clusters()
    mask = torch.ones(1, 400, 1)
    quantizer(data, mask)
    with torch.no_grad():  # push half of the codebook far away, with heavy stale sums
        quantizer.codebook[8:] = F.normalize(-data.mean(1).repeat(8, 1) + 0.01 * torch.randn(8, 16), dim=1)
        quantizer.count[8:], quantizer.total[8:] = 0.0, 0.0
    for _ in range(30):
        quantizer(data, mask)
    _, codes, _ = quantizer.eval()(data, mask)
    assert len(codes.unique()) >= 12


def test_codes_are_running_means_of_their_vectors():
    """By hand: two codes, of which one is chosen twice and the other once in each of two steps."""
    torch.manual_seed(0)
    quantizer = identity(VectorQuantizer(16, 2, 16))
    one, other = torch.eye(16)[0], torch.eye(16)[1]
    data, mask = torch.stack([one, one, other])[None], torch.ones(1, 3, 1)
    quantizer(data, mask)
    quantizer.codebook.copy_(torch.stack([one, other]))
    quantizer.count.copy_(torch.tensor([4.0, 2.0]))
    quantizer.total.copy_(torch.stack([4 * one, 2 * other]))
    tilted = F.normalize(one + 0.5 * other, dim=0)
    _, codes, loss = quantizer(torch.stack([tilted, tilted, other])[None], mask)
    assert codes.tolist() == [[0, 0, 1]]
    assert torch.allclose(quantizer.count, torch.tensor([0.97 * 4 + 0.03 * 2, 0.97 * 2 + 0.03]))
    expected = F.normalize(0.97 * 4 * one + 0.03 * 2 * tilted, dim=0)
    assert torch.allclose(quantizer.codebook[0], expected, atol=1e-6)
    assert torch.allclose(loss[0, 0, 0], (tilted - expected).square().sum(), atol=1e-6), "a sum over channels"


def test_an_even_use_of_real_frames_is_diverse():
    quantizer = identity(VectorQuantizer(16, 16, 16))
    quantizer.codebook.copy_(torch.eye(16))
    every, one = torch.eye(16)[None], torch.eye(16)[:1].repeat(16, 1)[None]
    mask = torch.ones(1, 16, 1)
    assert torch.allclose(quantizer.diversity(every, mask), torch.tensor(16.0).log(), atol=1e-4)
    assert quantizer.diversity(one, mask) < 0.1
    half = torch.cat([one[:, :8], every[:, 8:]], dim=1)
    assert torch.allclose(quantizer.diversity(half, torch.cat([mask[:, :8], 0 * mask[:, :8]], 1)), quantizer.diversity(one, mask))


def test_each_codebook_of_a_stack_answers_for_itself():
    """Of running means: the loss is the mean of theirs, and the second one's does not reach the first one's projections."""
    torch.manual_seed(0)
    stack = ResidualQuantizer(16, 2, 8, 16).eval()
    data, mask, keep = torch.randn(1, 20, 16), torch.ones(1, 20, 1), torch.tensor([2])
    _, _, loss = stack(data, mask, keep)
    first, second = stack.stages
    quantized, _, of_first = first(data, mask)
    _, _, of_second = second(data - quantized, mask)
    assert torch.allclose(loss, (of_first.mean() + of_second.mean()) / 2)
    loss.backward()
    assert first.project_out.weight.grad is None or not first.project_out.weight.grad.any()


def test_gradient_passes_straight_through():
    quantizer = identity(VectorQuantizer(16, 16, 16)).eval()
    data, _ = clusters(n=10)
    data = F.normalize(data, dim=-1).requires_grad_()
    quantized, _, _ = quantizer(data, torch.ones(1, 10, 1))
    weight = torch.randn_like(quantized)
    (quantized * weight).sum().backward()
    # through x / |x| at |x| = 1 the gradient is the part of the weight across x
    expected = weight - (weight * data).sum(-1, keepdim=True) * data
    assert torch.allclose(data.grad, expected.detach(), atol=1e-5)


def test_padding_moves_nothing():
    data, _ = clusters()
    garbage = torch.cat([data, 100 * torch.randn(1, 50, 16)], dim=1)
    mask = torch.cat([torch.ones(1, 400, 1), torch.zeros(1, 50, 1)], dim=1)
    books = []
    for batch, m in ((data, mask[:, :400]), (garbage, mask)):
        torch.manual_seed(0)
        quantizer = identity(VectorQuantizer(16, 16, 16))
        for _ in range(5):
            torch.manual_seed(1)
            _, _, loss = quantizer(batch, m)
        books.append((quantizer.codebook.clone(), mean_of_frames(loss, m)))
    assert torch.allclose(books[0][0], books[1][0], atol=1e-5) and torch.allclose(books[0][1], books[1][1], atol=1e-5)


def test_residual_lookup_is_the_sum_and_keep_drops():
    torch.manual_seed(0)
    quantizer = ResidualQuantizer(16, 3, 8, 4).eval()
    latents = torch.randn(2, 5, 16)
    codes = quantizer.encode(latents)
    total, same, _ = quantizer(latents, torch.ones(2, 5, 1), torch.tensor([3, 0]))
    assert torch.equal(codes, same)
    assert torch.allclose(total[0], quantizer.lookup(codes)[0], atol=1e-6)
    assert total[1].abs().max() == 0
