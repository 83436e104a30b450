"""The Transformer at the token rate: deaf to padding, to what is out of its window, and to where the clock starts."""

from __future__ import annotations

import pytest
import torch

from lmspt.tokenizer.transformer import Transformer


@pytest.fixture(scope="module")
def transformer():
    torch.manual_seed(0)
    return Transformer(64, 2, window=3)


def test_padding_is_not_heard(transformer):
    x = torch.randn(1, 8, 64)
    mask = torch.ones(1, 8, 1)
    alone = transformer(x, mask)
    padded = transformer(torch.nn.functional.pad(x, (0, 0, 0, 5), value=3.0), torch.nn.functional.pad(mask, (0, 0, 0, 5)))
    assert torch.allclose(padded[:, :8], alone, atol=1e-6) and padded[:, 8:].abs().sum() == 0


def test_attention_ends_at_the_window(transformer):
    x = torch.randn(1, 20, 64)
    changed = x.clone()
    changed[0, 0] = 3 * torch.randn(64)
    moved = (transformer(changed, torch.ones(1, 20, 1)) - transformer(x, torch.ones(1, 20, 1))).abs().amax(2)[0]
    assert moved[6] > 1e-4 and moved[7:].max() < 1e-6  # two layers of three frames


def test_positions_are_relative(transformer):
    x = torch.randn(1, 12, 64)
    later = transformer(torch.cat([torch.zeros(1, 30, 64), x], dim=1), torch.ones(1, 42, 1))
    whole = transformer(x, torch.ones(1, 12, 1))
    assert torch.allclose(later[:, 30 + 6 :], whole[:, 6:], atol=1e-5)
    assert not torch.allclose(transformer(x.flip(1), torch.ones(1, 12, 1)).flip(1), whole, atol=1e-3)  # but do matter
