"""Discriminators of speech: by periods and scales of the waveform (ESPnet's HiFi-GAN ones), and by complex STFTs.

ESPnet's STFT discriminators need torchaudio and fix the channels of the banded one; here one class is both kinds.
"""

from __future__ import annotations

import torch
from espnet2.gan_tts.hifigan.hifigan import HiFiGANMultiPeriodDiscriminator, HiFiGANMultiScaleDiscriminator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

BANDS = ((0.0, 0.1), (0.1, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0))  # shares of the spectrum; DAC
PERIOD = {  # ESPnet's defaults, spelt out because ``small`` changes two of them
    "in_channels": 1,
    "out_channels": 1,
    "kernel_sizes": [5, 3],
    "channels": 32,
    "downsample_scales": [3, 3, 3, 3, 1],
    "max_downsample_channels": 1024,
    "bias": True,
    "nonlinear_activation": "LeakyReLU",
    "nonlinear_activation_params": {"negative_slope": 0.1},
    "use_weight_norm": True,
    "use_spectral_norm": False,
}


class STFTDiscriminator(nn.Module):
    """Convolutions over a complex spectrogram, each band by its own stack, and one score for all bands together.

    With ``BANDS`` it is DAC's (Kumar et al. 2023); with one band, dilations and ``normalized`` EnCodec's and
    SpeechTokenizer's (Défossez et al. 2022, MS-STFT).

    Args:
        window: samples of a Hann window; the hop is a quarter of it.
        channels: of every layer.
        bands: shares of the spectrum, (from, to).
        dilations: in time, of the three layers that halve the frequencies.
        slope: of the leaky ReLUs below zero.
        normalized: divide the spectrogram by the norm of the window.
    """

    def __init__(
        self,
        window: int,
        channels: int,
        bands: tuple[tuple[float, float], ...] = ((0.0, 1.0),),
        dilations: tuple[int, int, int] = (1, 1, 1),
        slope: float = 0.1,
        normalized: bool = False,
    ) -> None:
        super().__init__()
        self.window_length, self.slope = window, slope
        bins = window // 2 + 1
        self.bands = [(int(low * bins), int(high * bins)) for low, high in bands]
        hann = torch.hann_window(window)
        self.register_buffer("window", hann, persistent=False)
        self.scale = 1 / hann.square().sum().sqrt().item() if normalized else 1.0
        self.stacks = nn.ModuleList(_stack(channels, dilations) for _ in bands)
        self.score = weight_norm(nn.Conv2d(channels, 1, (3, 3), padding=1))

    def forward(self, wav: Tensor) -> list[Tensor]:
        """``wav`` (B, 1, T), T over half a window -> maps (B, channels, frames, bins) of each layer and band, the scores last."""
        spectrum = torch.stft(
            wav[:, 0], self.window_length, self.window_length // 4, window=self.window, pad_mode="reflect", return_complex=True
        )
        parts = torch.view_as_real(spectrum * self.scale).permute(0, 3, 2, 1)
        maps, ends = [], []
        for stack, (low, high) in zip(self.stacks, self.bands, strict=True):
            x = parts[..., low:high]
            for layer in stack:
                x = F.leaky_relu(layer(x), self.slope)
                maps.append(x)
            ends.append(x)
        return [*maps, self.score(torch.cat(ends, dim=-1))]


def _stack(channels: int, dilations: tuple[int, int, int]) -> nn.ModuleList:
    layers = [nn.Conv2d(2, channels, (3, 9), padding=(1, 4))]
    for d in dilations:
        layers.append(nn.Conv2d(channels, channels, (3, 9), stride=(1, 2), dilation=(d, 1), padding=(d, 4)))
    layers.append(nn.Conv2d(channels, channels, (3, 3), padding=1))
    return nn.ModuleList(weight_norm(layer) for layer in layers)


class Discriminators(nn.Module):
    """Several discriminators beside each other.

    Args:
        members: each maps wav (B, 1, T) to its layers' maps, scores last, or to a list of such lists.
        level: remove the DC and bring every wav to a peak of 0.8 first, so that loudness gives nothing away.
    """

    def __init__(self, members: list[nn.Module], level: bool) -> None:
        super().__init__()
        self.members, self.level = nn.ModuleList(members), level

    def forward(self, wav: Tensor) -> list[list[Tensor]]:
        """``wav`` (B, T) -> of each discriminator the maps of its layers, scores last."""
        if self.level:
            wav = wav - wav.mean(dim=-1, keepdim=True)
            wav = 0.8 * wav / (wav.abs().amax(dim=-1, keepdim=True) + 1e-9)
        judged = []
        for member in self.members:
            maps = member(wav[:, None])
            judged += maps if isinstance(maps[0], list) else [maps]
        return judged


def build_discriminators(kind: str) -> Discriminators:
    """The set named ``v2``, ``v1`` or ``small``.

    ``v2``: periods and banded STFTs (the released model). The last kernel of ESPnet's period discriminator is 2
    where DAC's is 3. ``v1``: periods, three scales and five STFTs (SpeechTokenizer). ``small``: three thin period
    discriminators and one thin STFT, 0.17 M parameters, which double a CPU-size tokenizer's time a step at the most.
    """
    if kind == "v2":
        bands = [STFTDiscriminator(window, 64, BANDS) for window in (2048, 1024, 512)]
        return Discriminators([HiFiGANMultiPeriodDiscriminator(discriminator_params=PERIOD), *bands], level=True)
    if kind == "v1":
        periods = HiFiGANMultiPeriodDiscriminator(discriminator_params=PERIOD)
        scales = HiFiGANMultiScaleDiscriminator(follow_official_norm=True)
        stfts = [STFTDiscriminator(w, 32, dilations=(1, 2, 4), slope=0.2, normalized=True) for w in (2048, 1024, 512, 256, 128)]
        return Discriminators([periods, scales, *stfts], level=False)
    thin = {**PERIOD, "channels": 8, "max_downsample_channels": 64}
    periods = HiFiGANMultiPeriodDiscriminator(periods=[2, 3, 5], discriminator_params=thin)
    return Discriminators([periods, STFTDiscriminator(1024, 8)], level=True)
