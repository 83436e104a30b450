"""The grid: every code is a point, points are codes again, gradients pass."""

from __future__ import annotations

import torch

from lmspt.tokenizer.fsq import FiniteScalarQuantizer

LEVELS = [4, 3, 5]


def identity():
    """Projections that are identities, so that the test sees the grid."""
    quantizer = FiniteScalarQuantizer(3, LEVELS)
    with torch.no_grad():
        for layer in (quantizer.project_in, quantizer.project_out):
            layer.weight.copy_(torch.eye(3)), layer.bias.zero_()
    return quantizer


def test_codes_are_the_grid_from_corner_to_corner():
    grid = identity().lookup(torch.arange(60)[None])[0]
    assert len(grid.unique(dim=0)) == 60
    assert grid[0].tolist() == [-1, -1, -1] and grid[-1].tolist() == [1, 1, 1]
    assert torch.allclose(grid[1], torch.tensor([-1 / 3, -1, -1])) and grid[4].tolist() == [-1, 0, -1]


def test_every_code_comes_back():
    quantizer = identity()
    codes = torch.arange(60)[None]
    levels = (quantizer.lookup(codes) + 1) / 2  # in [0, 1]
    assert torch.equal(quantizer.encode(levels.clamp(0.01, 0.99).logit()), codes)


def test_rounding_in_training_is_the_lookup_and_gradients_pass():
    quantizer = identity()
    latents = torch.randn(2, 7, 3, requires_grad=True)
    quantized, codes, loss = quantizer(latents, torch.ones(2, 7, 1))
    assert torch.allclose(quantized, quantizer.lookup(codes), atol=1e-6) and loss.abs().sum() == 0
    quantized.sum().backward()
    squashed = latents.detach().sigmoid()
    assert torch.allclose(latents.grad, 2 * squashed * (1 - squashed), atol=1e-6)
