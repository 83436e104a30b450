"""A frozen Whisper encoder, differentiable in the waveform, that looks at a crop of any length.

Two things the usual way gets wrong for distillation are right here: the log-mel floor is each utterance's own maximum
(a batch-wide one gives a quiet clip a constant offset), and the encoder runs on the crop's own length with its positions
sliced, instead of on a 30 s window of which a crop fills a fraction. The window is there as an option, to be compared.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import WhisperConfig
from transformers.audio_utils import mel_filter_bank
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from lmspt.data.weights import find_weights
from lmspt.errors import InputError
from lmspt.teacher.ctranslate import HEAD, whisper_encoder_state

N_FFT, HOP = 400, 160
FLOOR = -10.0  # decades of power, as of Whisper
WINDOW = 30 * 16000  # samples, of the published model


class WhisperTeacher(nn.Module):
    """Features of a frozen Whisper encoder at 50 Hz.

    Args:
        encoder: transformers' ``WhisperEncoder``; its weights are frozen here.
        name: what the contract of a result calls it.
        window: ``30s`` pads every utterance with zeros to 30 s and calls all 1500 frames real, so that a mean over frames
            counts the silence, too: the released LM-SPT trainer's way, but for its log-mel floor, which stays each
            utterance's own (there it is the batch's for the resynthesis and the utterance's for the original).

    Attributes:
        sample_rate, frame_rate, dim, n_layers, max_seconds, name: see :class:`lmspt.teacher.interface.Teacher`.
    """

    sample_rate = 16000
    frame_rate = 50.0

    def __init__(self, encoder: WhisperEncoder, name: str, window: Literal["crop", "30s"] = "crop") -> None:
        super().__init__()
        self.encoder = encoder.eval().requires_grad_(False)
        self.name, self.in_30s = name, window == "30s"
        self.dim = encoder.config.d_model
        self.n_layers = len(encoder.layers)
        self.max_seconds = encoder.config.max_source_positions / self.frame_rate
        mel = mel_filter_bank(1 + N_FFT // 2, encoder.config.num_mel_bins, 0.0, 8000.0, 16000, norm="slaney", mel_scale="slaney")
        self.register_buffer("mel", torch.from_numpy(mel).float(), persistent=False)
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)

    def log_mel(self, wav: Tensor, lengths: Tensor) -> Tensor:
        """Whisper's log-mel of each utterance by itself.

        Args:
            wav: (B, T) at 16 kHz, zero beyond ``lengths``.
            lengths: (B,) samples.

        Returns:
            (B, T // 160, n_mels); frames past an utterance's end hold its floor.
        """
        wav = F.pad(F.pad(wav[:, None], (N_FFT // 2, 0), mode="reflect")[:, 0], (0, N_FFT // 2))
        power = torch.stft(wav, N_FFT, HOP, window=self.window, center=False, return_complex=True).abs().square()
        with torch.autocast(wav.device.type, enabled=False):
            mel = (power[..., :-1].transpose(1, 2) @ self.mel).clamp_min(10.0**FLOOR).log10()
        inside = torch.arange(mel.shape[1], device=wav.device) < (lengths // HOP)[:, None]
        top = mel.detach().masked_fill(~inside[..., None], FLOOR).amax(dim=(1, 2), keepdim=True)
        mel = torch.maximum(mel, top - 8.0).where(inside[..., None], top - 8.0)
        return (mel + 4.0) / 4.0

    def forward(self, wav: Tensor, lengths: Tensor, layers: list[int]) -> tuple[list[Tensor], Tensor]:
        """Hidden states after the given layers.

        Args:
            wav: (B, T) at 16 kHz, zero beyond ``lengths``, at most 30 s.
            lengths: (B,) samples.
            layers: 1-based layer numbers; the last layer's output passes the final norm, as Whisper's decoder sees it.

        Returns:
            Features, each (B, T // 320, dim), and the mask of real frames (B, T // 320); T is 30 s with that window.
        """
        if self.in_30s:
            wav, lengths = F.pad(wav, (0, max(0, WINDOW - wav.shape[1]))), torch.full_like(lengths, WINDOW)
        hidden = self.log_mel(wav, lengths).transpose(1, 2)
        hidden = hidden[..., : hidden.shape[-1] // 2 * 2]
        frame_lengths = lengths // (2 * HOP)
        # Zeroing past the end before each convolution makes a padded utterance equal to itself alone.
        fine = torch.arange(hidden.shape[-1], device=wav.device) < (2 * frame_lengths)[:, None]
        hidden = F.gelu(self.encoder.conv1(hidden * fine[:, None])) * fine[:, None]
        hidden = F.gelu(self.encoder.conv2(hidden)).transpose(1, 2)
        n_frames = hidden.shape[1]
        if n_frames > self.encoder.config.max_source_positions:
            raise InputError(f"teacher {self.name}: {n_frames / self.frame_rate:.1f} s of audio; it sees at most 30 s, cut it")
        hidden = hidden + self.encoder.embed_positions.weight[:n_frames]
        mask = torch.arange(n_frames, device=wav.device) < frame_lengths[:, None]
        attend = None if bool(mask.all()) else mask[:, None, None, :]
        features = []
        for number, layer in enumerate(self.encoder.layers[: max(layers)], 1):
            hidden = layer(hidden, attend)
            if number in layers:
                features.append(self.encoder.layer_norm(hidden) if number == self.n_layers else hidden)
        return features, mask


def load_converted_whisper(name: str, window: Literal["crop", "30s"] = "crop") -> WhisperTeacher:
    """A teacher from CTranslate2 weights: a known name or a folder (see :func:`lmspt.data.weights.find_weights`).

    Raises:
        InputError: not found, or damaged.
    """
    state = whisper_encoder_state(find_weights(name) / "model.bin")
    d_model, n_mels, _ = state["conv1.weight"].shape
    n_layers = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("layers."))
    config = WhisperConfig(
        d_model=d_model,
        num_mel_bins=n_mels,
        encoder_layers=n_layers,
        encoder_attention_heads=d_model // HEAD,
        encoder_ffn_dim=4 * d_model,
        max_source_positions=state["embed_positions.weight"].shape[0],
    )
    encoder = WhisperEncoder(config)
    encoder.load_state_dict(state)
    return WhisperTeacher(encoder, name, window)


def load_whisper(name: str, window: Literal["crop", "30s"] = "crop") -> WhisperTeacher:
    """A teacher from transformers' weights of any size: a folder or an id on the Hugging Face hub. The decoder stays on disk.

    Raises:
        InputError: the weights are not to be had.
    """
    try:
        encoder, report = WhisperEncoder.from_pretrained(
            name,
            dtype=torch.float32,
            attn_implementation="sdpa",
            key_mapping={r"^(model\.)?encoder\.": ""},
            output_loading_info=True,
        )
    except (OSError, ValueError) as error:
        raise InputError(f"teacher '{name}': cannot be loaded ({error}); give a whole folder or a hub id") from None
    if report["missing_keys"]:
        raise InputError(f"teacher '{name}': no {', '.join(sorted(report['missing_keys'])[:3])} ... in its weights; fetch it again")
    return WhisperTeacher(encoder, name, window)
