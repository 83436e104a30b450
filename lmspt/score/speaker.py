"""Speaker similarity: cosine of GE2E embeddings, from the weights that the package resemblyzer brings.

The network is three LSTM layers over mel power (not its logarithm), read in stretches of 1.6 s. Wan et al., "Generalized
end-to-end loss for speaker verification", ICASSP 2018. The package trims silence with a voice activity detector first; we
do not, so that what is compared is what was saved (100 clips of ten speakers of LibriSpeech: equal error rate 0.4 % either way).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmspt.data.datadir import DataDir
from lmspt.data.subset import choose_utts
from lmspt.score.measure import model_in
from lmspt.score.mel import mel_power
from lmspt.score.speech import RATE, Speech

WEIGHTS = ("pretrained.pt", "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e")
N_FFT, HOP, N_MELS, DIM = 400, 160, 40, 256
STRETCH = 160  # frames, 1.6 s
STEP = 77  # frames from one stretch to the next: 1.3 a second
FILLED = 0.75  # of the last stretch that speech must fill, or it is left out
LOUDNESS = 10 ** (-30 / 20)  # RMS that quieter speech is raised to
N_REFERENCES = 10


class SpeakerEncoder(nn.Module):
    """GE2E embeddings.

    Raises:
        NotRun: resemblyzer is not installed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N_MELS, DIM, 3, batch_first=True)
        self.linear = nn.Linear(DIM, DIM)
        state = torch.load(model_in("resemblyzer", *WEIGHTS), map_location="cpu", weights_only=True)["model_state"]
        self.load_state_dict({name: value for name, value in state.items() if not name.startswith("similarity")})
        self.eval()

    @staticmethod
    def contract() -> dict[str, Any]:
        """What a similarity depends on."""
        return {
            "name": "GE2E of resemblyzer, silence not trimmed",
            "sha256": WEIGHTS[1],
            "reference": f"mean of up to {N_REFERENCES} other utterances of the speaker, no recording in common",
        }

    def forward(self, mels: Tensor) -> Tensor:
        """Mel power (B, F, 40) -> unit vectors (B, 256)."""
        _, (hidden, _) = self.lstm(mels)
        return F.normalize(torch.relu(self.linear(hidden[-1])), dim=1)

    @torch.no_grad()
    def embed(self, wav: np.ndarray) -> np.ndarray:
        """Unit vector (256,) of an utterance (T,) at 16 kHz; NaN when there is no sound in it."""
        loudness = float(np.sqrt(np.mean(np.square(wav, dtype=np.float64)))) if len(wav) else 0.0
        if loudness == 0.0:
            return np.full(DIM, np.nan)
        starts = _starts(len(wav))
        wav = np.pad(wav * max(1.0, LOUDNESS / loudness), (0, max(0, (starts[-1] + STRETCH) * HOP - len(wav))))
        mel = mel_power(wav, N_FFT, HOP, N_MELS, RATE).astype(np.float32)
        mean = self(torch.from_numpy(np.stack([mel[i : i + STRETCH] for i in starts]))).mean(dim=0)
        return F.normalize(mean, dim=0).double().numpy()


def _starts(n_samples: int) -> list[int]:
    """First frames of the stretches."""
    n_frames = -(-(n_samples + 1) // HOP)
    starts = list(range(0, max(1, n_frames - STRETCH + STEP + 1), STEP))
    filled = (n_samples / HOP - starts[-1]) / STRETCH
    return starts[:-1] if filled < FILLED and len(starts) > 1 else starts


def references_of(data: DataDir, utt: str) -> list[str]:
    """Up to ten utterances of the same speaker that share no recording with ``utt``, the same for every system."""
    own = set(data.recordings_of(utt))
    speaker = data.utt2spk[utt]
    others = (u for u in data.utts if data.utt2spk[u] == speaker and u != utt and own.isdisjoint(data.recordings_of(u)))
    return choose_utts(others, N_REFERENCES)


def similarities(encoder: SpeakerEncoder, data: DataDir, utts: list[str], spoken: Speech, real: Speech) -> list[float]:
    """Cosine of each utterance to the mean embedding of its references.

    Args:
        encoder: the model.
        data: the set, for speakers and recordings.
        utts: what is scored.
        spoken: audio of ``utts``.
        real: audio of ``data``.

    Returns:
        NaN where the utterance has no sound or its speaker no other utterance.
    """
    references = {utt: references_of(data, utt) for utt in utts}
    known = {utt: encoder.embed(real[utt]) for utt in sorted({u for others in references.values() for u in others})}
    return [_cosine(encoder.embed(spoken[utt]), [known[u] for u in references[utt]]) for utt in utts]


def _cosine(embedding: np.ndarray, references: list[np.ndarray]) -> float:
    if not references:
        return float("nan")
    mean = np.mean(references, axis=0)
    return float(embedding @ mean / np.linalg.norm(mean))
