"""Losses of both sides against their formulas; each side hears its own only; no padding is judged; published shapes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lmspt.tokenizer.adversarial import Critic, build_critic, windows
from lmspt.tokenizer.config import AdversarialConfig
from lmspt.tokenizer.discriminators import Discriminators, STFTDiscriminator, build_discriminators


class Gain(nn.Module):
    """Two discriminators of one layer each: the map is a gain times the wav, the score its half."""

    def __init__(self, *gains: float) -> None:
        super().__init__()
        self.gains = nn.Parameter(torch.tensor(gains))

    def forward(self, wav):
        return [[gain * wav, 0.5 * gain * wav] for gain in self.gains]


def noise(*shape, seed=0):
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_losses_by_hand():
    real, fake = torch.tensor([[1.0, 3.0]]), torch.tensor([[2.0, -2.0]])
    judged = Critic(Gain(1.0, 2.0))(real, fake, torch.tensor([2]))
    # scores of the first: real 0.5, 1.5, fake 1, -1; of the second: real 1, 3, fake 2, -2
    assert judged.real.item() == pytest.approx((0.5**2 + 0.5**2) / 2 + (0 + 2**2) / 2)
    assert judged.fake.item() == pytest.approx((1 + 1) / 2 + (4 + 4) / 2)
    assert judged.adversarial.item() == pytest.approx((0 + 2**2) / 2 + (1 + 3**2) / 2)
    assert judged.feature.item() == pytest.approx((1 + 5) / 2 + (2 + 10) / 2)  # maps, not scores


@pytest.mark.parametrize("kind", ["small", "v1", "v2"])
def test_each_side_has_its_own_gradient(kind):
    torch.manual_seed(0)
    critic = Critic(build_discriminators(kind))
    real, fake = noise(1, 3000), noise(1, 3000, seed=1).requires_grad_()
    judged = critic(real, fake, torch.tensor([3000]))
    (judged.adversarial + judged.feature).backward(retain_graph=True)
    assert all(p.grad is None for p in critic.parameters())
    assert fake.grad.abs().sum() > 0
    fake.grad = None
    (judged.real + judged.fake).backward()
    assert fake.grad is None
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in critic.parameters())


def test_the_decoder_waits_for_its_critic():
    critic = Critic(Gain(1.0), start=2)
    wav, lengths = noise(1, 8), torch.tensor([8])
    assert critic(wav, wav, lengths) is None and critic(wav, wav, lengths) is None
    later = Critic(Gain(1.0), start=2)
    later.load_state_dict(critic.state_dict())  # what was waited for survives a checkpoint
    assert later(wav, wav, lengths) is not None


def test_windows_hold_no_padding_and_are_the_same_places():
    lengths = torch.tensor([3, 10, 9, 8])
    real = torch.arange(1.0, 11.0).repeat(4, 1) * (torch.arange(10) < lengths[:, None])
    seen = set()
    for seed in range(20):
        torch.manual_seed(seed)
        of_real, of_fake = windows(real, -real, lengths)
        assert of_real.shape == (3, 8)  # 3 x 8 samples are more than 4 x 3, 2 x 9 or 10
        assert (of_real > 0).all() and torch.equal(of_fake, -of_real)
        assert torch.equal(of_real.diff(dim=1), torch.ones(3, 7))
        seen.add(of_real[0, 0].item())
    assert seen == {1.0, 2.0, 3.0}


def test_loudness_and_dc_give_nothing_away():
    torch.manual_seed(0)
    discriminators = build_discriminators("small")
    wav = noise(1, 4000)
    for a, b in zip(discriminators(wav), discriminators(0.01 * wav + 0.3), strict=True):
        assert torch.allclose(a[-1], b[-1], atol=1e-4)


def test_published_sizes():
    def millions(module):
        return sum(p.numel() for p in module.parameters()) / 1e6

    with torch.device("meta"):
        band = STFTDiscriminator(1024, 64, ((0.0, 0.5), (0.5, 1.0)))
    # a band: 2 -> 64 (3, 9), three 64 -> 64 (3, 9), 64 -> 64 (3, 3); the score (3, 3); weight norm adds a gain a channel
    layers = 2 * 64 * 27 + 3 * 64 * 64 * 27 + 64 * 64 * 9 + 5 * 64 * 2
    assert sum(p.numel() for p in band.parameters()) == 2 * layers + 64 * 9 + 2
    assert millions(build_discriminators("small")) < 1.0
    assert len(build_discriminators("v2")(noise(1, 2000))) == 5 + 3
    assert len(build_discriminators("v1")(noise(1, 2000))) == 5 + 3 + 5


def test_an_stft_discriminator_sees_the_complex_spectrum():
    torch.manual_seed(0)
    discriminator = STFTDiscriminator(512, 4, normalized=True)
    spectra = []
    discriminator.stacks[0][0].register_forward_pre_hook(lambda _, inputs: spectra.append(inputs[0]))
    wav = noise(1, 1, 2048)
    discriminator(wav)
    window = torch.hann_window(512)
    frame = torch.fft.rfft(wav[0, 0, 512 - 256 : 512 + 256] * window) / window.square().sum().sqrt()  # centred on sample 512
    (seen,) = spectra
    assert seen.shape == (1, 2, 17, 257)
    assert torch.allclose(torch.complex(seen[0, 0, 4], seen[0, 1, 4]), frame, atol=1e-5)


def test_none_is_none_and_the_others_are_critics():
    assert build_critic(AdversarialConfig()) is None
    critic = build_critic(AdversarialConfig(discriminator="small", adversarial_start=3))
    assert isinstance(critic.discriminators, Discriminators) and critic.start == 3
