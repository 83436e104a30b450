"""Batches of examples as a pure function of (seed, epoch, rank)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, islice

import numpy as np
import torch

from lmspt.data.tokens import TokenStore, base_key
from lmspt.errors import InputError
from lmspt.slm.config import SLMBatchConfig
from lmspt.slm.examples import Example
from lmspt.slm.packing import Keyed, by_budget, pack, pack_sequences, pad_sequences
from lmspt.slm.sequence import Layout, Sequence
from lmspt.slm.vocab import ANY_SPEAKER, ASR, MASK, PAD, SPEECH_ONLY, TEXT_ONLY, TTS
from lmspt.train.ranks import gather, my_share

Batch = tuple[list[str], dict[str, torch.Tensor]]
POOL = 64  # batches of like length are cut from so many batches' worth of sequences


class SLMBatches:
    """Training batches: utterances as sequences of each task, in the ratios of the config.

    Args:
        examples: of the training set; each rank takes its share of them.
        tokens: their store.
        layout: how an utterance becomes a sequence.
        config: sizes, ratios and blur.
        steps: batches an epoch; ``None`` goes through all examples once, unblurred (validation).
        seed: of order and blur.

    Raises:
        InputError: sizes or ratios that make no batch.
    """

    def __init__(
        self, examples: list[Example], tokens: TokenStore, layout: Layout, config: SLMBatchConfig, steps: int | None, seed: int
    ) -> None:
        self.examples, self.tokens, self.layout, self.config = my_share(examples), tokens, layout, config
        self.steps, self.seed = steps, seed
        if not self.examples:
            raise InputError(f"{tokens.folder}: {len(examples)} examples, too few for every rank to have one")
        if config.pack_length > config.batch_tokens:
            raise InputError(f"pack_length {config.pack_length}: set batch_tokens to as much at least, it is {config.batch_tokens}")
        self.ratios = {
            ASR: config.asr_ratio,
            TTS: config.tts_ratio,
            TEXT_ONLY: config.text_ratio,
            SPEECH_ONLY: config.speech_ratio,
        }
        if not any(self.ratios.values()):
            raise InputError("asr_ratio, tts_ratio, text_ratio and speech_ratio are all 0: there is nothing to learn")
        self.held = np.zeros(3, np.int64)  # frames heard, frames spoken, positions, of this rank since an epoch began
        self.of_speaker: dict[str, list[str]] = defaultdict(list)
        for example in self.examples:
            self.of_speaker[example.speaker].append(example.key)

    def build_iter(self, epoch: int) -> Iterator[Batch]:
        """Batches (keys, {ids (B, T, W), predict (B, T, W), task (B, T), where packed position (B, T)})."""
        rng = None if self.steps is None else np.random.default_rng([self.seed, epoch])
        if not self.config.batch_tokens:
            batches = self._by_count(rng)
        else:
            batches = islice(self._packed(rng) if self.config.pack_length else self._by_tokens(rng), self.steps)
        self.held[:] = 0
        for keys, batch in batches:
            self._count(batch)
            yield keys, batch

    def amounts(self) -> dict[str, float]:
        """What the batches of this epoch held, all ranks together.

        Returns:
            ``heard_seconds`` and ``spoken_seconds`` of speech that was read by ASR and that was to be predicted; ``positions``,
            steps without padding.
        """
        heard, spoken, positions = np.sum(gather(self.held), axis=0).tolist()
        rate = self.layout.vocab.frame_rate
        return {"heard_seconds": heard / rate, "spoken_seconds": spoken / rate, "positions": float(positions)}

    def _count(self, batch: dict[str, torch.Tensor]) -> None:
        first, semantic = batch["ids"][..., 0], self.layout.vocab.streams[0]
        codes = (first >= semantic.begin) & (first < semantic.begin + semantic.size) | (first == MASK)
        parts = codes & (batch["task"] == ASR), codes & batch["predict"][..., 0], (batch["ids"] != PAD).any(-1)
        self.held += [int(part.sum()) for part in parts]

    def _by_count(self, rng: np.random.Generator | None) -> Iterator[Batch]:
        """``batch_size`` utterances of like length, and all their sequences."""
        drawn, size = np.arange(len(self.examples)), self.config.batch_size
        if rng is not None:
            wanted = self.steps * size
            rounds = -(-wanted // len(self.examples))
            drawn = np.concatenate([rng.permutation(len(self.examples)) for _ in range(rounds)])[:wanted]
        order = sorted(drawn, key=lambda i: self.examples[i].n_frames)
        batches = [[self.examples[i] for i in order[start : start + size]] for start in range(0, len(order), size)]
        for i in range(len(batches)) if rng is None else rng.permutation(len(batches)):
            sequences = [sequence for example in batches[i] for sequence in self._sequences(example, rng)]
            if not sequences:  # ratios below 1 may draw nothing from a small batch, which a step needs
                task = max(self.ratios, key=lambda task: self.ratios[task])
                sequences = [self._sequence(task, batches[i][0], rng)]
            yield [example.key for example in batches[i]], pad_sequences(sequences)

    def _by_tokens(self, rng: np.random.Generator | None) -> Iterator[Batch]:
        """``batch_tokens`` steps of sequences of like length."""
        stream = self.sequences(rng)
        while pool := _take(stream, POOL * self.config.batch_tokens):
            batches = by_budget(pool, self.config.batch_tokens)
            for i in range(len(batches)) if rng is None else rng.permutation(len(batches)):
                yield [key for key, _ in batches[i]], pad_sequences([sequence for _, sequence in batches[i]])

    def _packed(self, rng: np.random.Generator | None) -> Iterator[Batch]:
        """``batch_tokens`` steps in rows of ``pack_length``."""
        rows, length = pack(self.sequences(rng), self.config.pack_length), self.config.pack_length
        while batch := list(islice(rows, max(1, self.config.batch_tokens // length))):
            keys = [key for row in batch for key, _ in row]
            yield keys, pack_sequences([[sequence for _, sequence in row] for row in batch], length)

    def sequences(self, rng: np.random.Generator | None) -> Iterator[Keyed]:
        """Sequences of all examples in random order, again and again; without ``rng`` once, in order."""
        while True:
            for i in range(len(self.examples)) if rng is None else rng.permutation(len(self.examples)):
                for sequence in self._sequences(self.examples[i], rng):
                    yield self.examples[i].key, sequence
            if rng is None:
                return

    def _sequences(self, example: Example, rng: np.random.Generator | None) -> Iterator[Sequence]:
        for task, ratio in self.ratios.items():
            whole, part = divmod(ratio, 1.0)
            if rng is None:
                whole = ratio > 0
            elif part:
                whole += rng.random() < part
            for _ in range(int(whole)):
                yield self._sequence(task, example, rng)

    def _sequence(self, task: int, example: Example, rng: np.random.Generator | None) -> Sequence:
        if task == TEXT_ONLY:
            return self.layout.text(example.units)
        codes = self.tokens[example.key]
        if task == ASR:
            heard = self.layout.asr(codes[0], example.units)
            if rng is not None:
                hidden = heard.heard + np.flatnonzero(rng.random(codes.shape[1]) < self.config.mask_tokens)
                heard.ids[hidden, 0] = MASK
            return heard
        speaker = self.layout.vocab.speaker(example.speaker)
        if rng is not None and rng.random() < self.config.any_speaker:
            speaker = ANY_SPEAKER
        if task == SPEECH_ONLY:
            return self.layout.speech(codes, speaker)
        return self.layout.tts(codes, example.units, speaker, self._voice(example, rng))

    def _voice(self, example: Example, rng: np.random.Generator | None) -> np.ndarray | None:
        """Codes of another utterance of the speaker, if voices are shown and there is one."""
        if not self.layout.voice_frames:
            return None
        keys, utt = self.of_speaker[example.speaker], base_key(example.key)
        first = 0 if rng is None else int(rng.integers(len(keys)))
        other = next((key for key in chain(islice(keys, first, None), keys) if base_key(key) != utt), None)
        return None if other is None else self.tokens[other]


def _take(sequences: Iterator[Keyed], n_steps: int) -> list[Keyed]:
    """Sequences of ``n_steps`` steps in all, or what is left."""
    taken, held = [], 0
    while held < n_steps and (keyed := next(sequences, None)) is not None:
        taken.append(keyed)
        held += len(keyed[1])
    return taken
