"""Adversarial training of a decoder: what discriminators make of its speech beside the recording.

Both sides' losses come from one call and may share one backward pass: the discriminators' has no gradient for the speech,
the decoder's none for the discriminators. Both sides then step at once, where the published trainings let the
discriminators go first; the maps of the recordings are computed once instead of twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from espnet2.gan_tts.hifigan.loss import DiscriminatorAdversarialLoss, FeatureMatchLoss, GeneratorAdversarialLoss
from torch import Tensor, nn
from torch.func import functional_call

from lmspt.tokenizer.config import AdversarialConfig
from lmspt.tokenizer.discriminators import build_discriminators


@dataclass
class Verdict:
    """Scalars: losses of the discriminators (on recordings and on speech), and of the decoder."""

    real: Tensor
    fake: Tensor
    adversarial: Tensor
    feature: Tensor


class Critic(nn.Module):
    """Discriminators and their losses: least squares (Mao et al. 2017) and feature matching (Larsen et al. 2016), summed
    over discriminators and, the latter, over all layers but the scores.

    Args:
        discriminators: wav (B, T) -> maps of each one's layers, scores last.
        start: calls that return nothing, while the decoder trains alone.
    """

    def __init__(self, discriminators: nn.Module, start: int = 0) -> None:
        super().__init__()
        self.discriminators, self.start = discriminators, start
        self.register_buffer("n_calls", torch.zeros((), dtype=torch.long))
        self.discriminator_loss = DiscriminatorAdversarialLoss(average_by_discriminators=False)
        self.adversarial_loss = GeneratorAdversarialLoss(average_by_discriminators=False)
        self.feature_loss = FeatureMatchLoss(average_by_layers=False, average_by_discriminators=False)

    def forward(self, real: Tensor, fake: Tensor, lengths: Tensor) -> Verdict | None:
        """Recordings and speech (B, T), ``lengths`` (B,) samples -> the losses, or None before ``start``."""
        self.n_calls += 1
        if self.n_calls <= self.start:
            return None
        real, fake = windows(real, fake, lengths)
        of_real, of_fake = self.discriminators(real), self.discriminators(fake.detach())
        frozen = {name: weight.detach() for name, weight in self.discriminators.named_parameters()}
        judged = functional_call(self.discriminators, frozen, (fake,))
        loss_real, loss_fake = self.discriminator_loss(of_fake, of_real)
        return Verdict(loss_real, loss_fake, self.adversarial_loss(judged), self.feature_loss(judged, of_real))


def windows(real: Tensor, fake: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Windows of one length without padding, at the same random places of both wavs.

    Utterances shorter than the window are left out; the window is the one that keeps the most samples.

    Args:
        real: (B, T).
        fake: (B, T).
        lengths: (B,) samples.

    Returns:
        (B', T') each.
    """
    ordered = lengths.sort(descending=True).values
    size = int(ordered[(ordered * torch.arange(1, len(ordered) + 1, device=ordered.device)).argmax()])
    kept = torch.nonzero(lengths >= size)[:, 0]
    starts = (torch.rand(len(kept), device=lengths.device) * (lengths[kept] - size + 1)).long()
    places = starts[:, None] + torch.arange(size, device=lengths.device)
    return real[kept].gather(1, places), fake[kept].gather(1, places)


def build_critic(config: AdversarialConfig) -> Critic | None:
    """The configured discriminators, or None without any."""
    if config.discriminator == "none":
        return None
    return Critic(build_discriminators(config.discriminator), config.adversarial_start)
