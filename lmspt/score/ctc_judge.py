"""A second judge that shares nothing with Whisper: a small CTC recogniser of words, for corpora of a closed vocabulary.

It is trained here, in a minute or two of a CPU, on the recordings of the training set alone, and hears log-mel spectra whose
mean and spread are the same in every utterance: level and channel are not what it is to judge. It can write no word but those
of the training set. How far it can be trusted stands beside its every score: what it makes of the recordings of the test set.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import ctc_loss, log_softmax
from tqdm import tqdm

from lmspt.data.audio import Utterances, read_header
from lmspt.data.datadir import DataDir
from lmspt.data.variation import VariationConfig
from lmspt.errors import InputError
from lmspt.files import atomic, sha256_of, write_json
from lmspt.score.mel import mel_power
from lmspt.score.reading import Reading
from lmspt.score.speech import RATE

N_MELS, N_FFT, HOP = 40, 400, 160
RANGE = 1e-7  # of power, below the loudest band and frame of an utterance
WORDS = 100  # distinct ones, at most
BLANK = 0
UTTERANCES = 2500  # that it is trained on, each heard in one variation
STEPS, BATCH, LR = 1000, 16, 2e-3  # so many steps, but for whole epochs
NOISE_DB = (15.0, 50.0)  # signal to noise, drawn
SEED = 20260104
DESCRIPTION = "judge.json"


class Recogniser(nn.Module):
    """Log-mel (B, F, 40) at 100 Hz to log-probabilities (B, F / 4, words + 1).

    Args:
        n_words: besides the blank.
    """

    def __init__(self, n_words: int) -> None:
        super().__init__()
        dim = 96
        self.convs = nn.Sequential(
            nn.Conv1d(N_MELS, dim, 5, stride=2, padding=2), nn.GELU(), nn.Conv1d(dim, dim, 5, stride=2, padding=2), nn.GELU()
        )
        self.gru = nn.GRU(dim, dim, num_layers=2, bidirectional=True, batch_first=True)
        self.out = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * dim, n_words + 1))

    def forward(self, mels: Tensor) -> Tensor:
        """See the class."""
        return log_softmax(self.out(self.gru(self.convs(mels.mT).mT)[0]), dim=-1)


class CtcJudge:
    """A judge that :func:`train_judge` left in a folder.

    Raises:
        InputError: no such judge.
    """

    def __init__(self, folder: Path, num_threads: int) -> None:
        if not is_ctc_judge(folder):
            raise InputError(f"{folder}: no judge here; train it with python -m lmspt.bin.judge_train")
        torch.set_num_threads(num_threads)
        self.name, self.sha256 = "ctc", sha256_of(folder / "model.safetensors")
        self.description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        self.model = Recogniser(len(self.description["words"])).eval()
        self.model.load_state_dict(load_file(folder / "model.safetensors"))

    def contract(self) -> dict[str, Any]:
        """What its readings depend on."""
        return {"name": self.name, "sha256": self.sha256, **{key: self.description[key] for key in ("trained_on", "words")}}

    @torch.no_grad()
    def read(self, speech: Mapping[str, np.ndarray], utts: Iterable[str]) -> dict[str, Reading]:
        """Read utterances, one at a time: the likeliest word or blank of each frame, repeated ones once.

        Args:
            speech: waveforms by utterance, each (T,) at 16 kHz; one without samples reads as nothing.
            utts: which ones.
        """
        return {utt: Reading(self._read(speech[utt]), looped=False) for utt in tqdm(utts, "ctc judge", disable=None, mininterval=2)}

    def _read(self, wav: np.ndarray) -> str:
        if not len(wav):
            return ""
        best = self.model(torch.from_numpy(log_mel(wav))[None])[0].argmax(-1)
        words = torch.unique_consecutive(best).tolist()
        return " ".join(self.description["words"][word - 1] for word in words if word != BLANK)


def is_ctc_judge(folder: Path) -> bool:
    """Is there a judge of this kind in the folder?"""
    return (folder / DESCRIPTION).is_file()


def train_judge(data: DataDir, out: Path, num_threads: int) -> float:
    """Train a judge on a formatted training set and save it; returns the loss of the last epoch.

    Raises:
        InputError: more distinct words than a judge of words can know.
    """
    words = sorted({word for text in data.text.values() for word in text.split()})
    if len(words) > WORDS:
        raise InputError(
            f"{data.folder}/text: {len(words)} distinct words, and this judge is for at most {WORDS}; leave --second_judge out"
        )
    torch.set_num_threads(num_threads)
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    utts = [data.utts[i] for i in sorted(rng.permutation(len(data.utts))[:UTTERANCES])]
    _, rate = read_header(next(iter(data.wav_scp.values())))
    audio = Utterances(data, rate)
    mels = [log_mel(heard(audio, utt, rng)) for utt in tqdm(utts, "features", disable=None, mininterval=2)]
    targets = [torch.tensor([1 + words.index(word) for word in data.text[utt].split()]) for utt in utts]
    model = Recogniser(len(words)).train()
    loss = _fit(model, mels, targets, rng)
    with atomic(out / "model.safetensors") as temporary:
        save_file(model.state_dict(), temporary)
    write_json(out / DESCRIPTION, {"words": words, "trained_on": f"{len(utts)} utterances of {data.folder.name}", "loss": loss})
    return loss


def heard(audio: Utterances, utt: str, rng: np.random.Generator) -> np.ndarray:
    """An utterance as it might be heard, (T,) at 16 kHz: varied, and with noise."""
    wav = audio.varied(utt, VariationConfig(), rng)
    if audio.sample_rate != RATE:
        wav = soxr.resample(wav, audio.sample_rate, RATE, quality="HQ")
    level = np.sqrt(np.square(wav).mean()) * 10 ** (-rng.uniform(*NOISE_DB) / 20)
    return (wav + level * rng.standard_normal(len(wav))).astype(np.float32)


def log_mel(wav: np.ndarray) -> np.ndarray:
    """(T,) at 16 kHz to (F, 40) float32 at 100 Hz, each band without its mean over time, all with spread one."""
    power = mel_power(wav, N_FFT, HOP, N_MELS, RATE)
    log = np.log(np.maximum(power, max(power.max() * RANGE, 1e-12)))
    log -= log.mean(axis=0)
    return (log / max(log.std(), 1e-3)).astype(np.float32)


def _fit(model: Recogniser, mels: list[np.ndarray], targets: list[Tensor], rng: np.random.Generator) -> float:
    n_batches = -(-len(mels) // BATCH)
    epochs = max(1, round(STEPS / n_batches))
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=epochs * n_batches, pct_start=0.2)
    mean = 0.0
    for epoch in range(1, epochs + 1):
        # batches of like length, in a new order each time
        order = sorted(range(len(mels)), key=lambda i: len(mels[i]) * rng.uniform(0.9, 1.1))
        batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        losses = []
        for batch in (batches[i] for i in rng.permutation(len(batches))):
            loss = _loss(model, [_masked(mels[i], rng) for i in batch], [targets[i] for i in batch])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        mean = float(np.mean(losses))
        logging.info("judge: epoch %d of %d, loss %.3f", epoch, epochs, mean)
    return mean


def _loss(model: Recogniser, mels: list[np.ndarray], targets: list[Tensor]) -> Tensor:
    padded = nn.utils.rnn.pad_sequence([torch.from_numpy(mel) for mel in mels], batch_first=True)
    frames = torch.tensor([-(-len(mel) // 4) for mel in mels])
    log_probs = model(padded).transpose(0, 1)
    return ctc_loss(log_probs, torch.cat(targets), frames, torch.tensor([len(t) for t in targets]), BLANK, zero_infinity=True)


def _masked(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``mel`` (F, 40) without up to 8 bands and up to 10 frames (SpecAugment, Park et al., 2019)."""
    masked = mel.copy()
    band, frame = rng.integers(N_MELS), rng.integers(len(mel))
    masked[:, band : band + rng.integers(9)] = 0.0
    masked[frame : frame + rng.integers(11)] = 0.0
    return masked
