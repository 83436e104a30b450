"""Attention as it is written, of short sequences on a CPU, is no other attention."""

from __future__ import annotations

import pytest
import torch

from lmspt.slm import attention
from lmspt.slm.attention import attention_of
from lmspt.slm.packing import pad_sequences
from tests.slm.test_model import SEQUENCES
from tests.slm.toy import toy_model


@pytest.mark.parametrize(("device", "length", "fused"), [("cpu", 127, False), ("cpu", 128, True), ("meta", 127, True)])
def test_who_is_fused(device: str, length: int, fused: bool) -> None:
    with attention_of(torch.zeros(2, length, 4, device=device)):
        assert torch.backends.cuda.flash_sdp_enabled() == fused  # a switch of all devices, whatever its name
    assert torch.backends.cuda.flash_sdp_enabled()


def test_no_other_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    gradients = []
    for short in (0, 128):
        monkeypatch.setattr(attention, "SHORT", short)
        model = toy_model()
        model(**pad_sequences(SEQUENCES))[0].backward()
        gradients.append(torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]))
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)
