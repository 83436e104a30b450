"""Batches of speech for tokenizer training: crops of varied utterances, a pure function of (seed, epoch, rank)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from lmspt.data.audio import Utterances
from lmspt.data.variation import VariationConfig
from lmspt.errors import InputError
from lmspt.tokenizer.config import BatchConfig
from lmspt.train.ranks import my_share, rank, world_size


class Crops:
    """Training batches: random crops of random utterances, each heard under a random variation.

    Each rank draws from its own share of the utterances.

    Raises:
        InputError: no utterance for this rank.
    """

    def __init__(
        self,
        audio: Utterances,
        utts: Sequence[str],
        config: BatchConfig,
        variation: VariationConfig,
        steps: int,
        seed: int,
    ) -> None:
        self.audio, self.utts, self.config, self.variation = audio, my_share(utts), config, variation
        if not self.utts:
            raise InputError(f"{len(utts)} utterances for {world_size()} ranks: start fewer, or train on more")
        self.steps, self.seed = steps, seed
        self.n_samples = int(config.segment_seconds * audio.sample_rate)

    def build_iter(self, epoch: int) -> Iterator[tuple[list[str], dict[str, torch.Tensor]]]:
        """``steps`` batches of wav (B, T), lengths (B,)."""
        rng = np.random.default_rng([self.seed, epoch, rank()])  # a trailing 0 changes nothing
        n = self.config.batch_size
        order = _endless_permutations(len(self.utts), rng)
        for _ in range(self.steps):
            utts = [self.utts[next(order)] for _ in range(n)]
            yield utts, pad([self._crop(self.audio.varied(utt, self.variation, rng), rng) for utt in utts])

    def _crop(self, wav: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        start = rng.integers(0, len(wav) - self.n_samples + 1) if len(wav) > self.n_samples else 0
        return wav[start : start + self.n_samples]


class WholeUtterances:
    """Validation batches: every utterance once and whole, in batches of like length, each on one of the ranks."""

    def __init__(self, audio: Utterances, utts: Sequence[str], batch_seconds: float = 30.0) -> None:
        self.audio = audio
        self.batches = by_length({utt: audio.num_samples(utt) for utt in utts}, int(batch_seconds * audio.sample_rate))

    def build_iter(self, epoch: int) -> Iterator[tuple[list[str], dict[str, torch.Tensor]]]:
        """Batches of wav (B, T), lengths (B,); the same in every epoch."""
        for utts in my_share(self.batches):
            yield utts, pad([self.audio[utt] for utt in utts])


def by_length(num_samples: dict[str, int], batch_samples: int) -> list[list[str]]:
    """Utterances sorted by length in batches of at most ``batch_samples`` padded samples (a longer one is alone)."""
    batches: list[list[str]] = []
    for utt in sorted(num_samples, key=lambda u: (num_samples[u], u)):
        if batches and (len(batches[-1]) + 1) * num_samples[utt] <= batch_samples:
            batches[-1].append(utt)
        else:
            batches.append([utt])
    return batches


def pad(wavs: Sequence[np.ndarray]) -> dict[str, torch.Tensor]:
    """Zero-padded wav (B, T) and lengths (B,) in samples."""
    wav = np.zeros((len(wavs), max(len(w) for w in wavs)), np.float32)
    for row, samples in zip(wav, wavs, strict=True):
        row[: len(samples)] = samples
    return {"wav": torch.from_numpy(wav), "lengths": torch.tensor([len(w) for w in wavs])}


def _endless_permutations(n: int, rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield from rng.permutation(n)
