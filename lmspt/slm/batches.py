"""Batches of examples as a pure function of (seed, epoch)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from lmspt.data.tokens import TokenStore
from lmspt.slm.config import SLMBatchConfig
from lmspt.slm.examples import Example
from lmspt.slm.sequence import Sequence, asr_sequence, tts_sequence
from lmspt.slm.vocab import ANY_SPEAKER, MASK, PAD, Vocabulary


class SLMBatches:
    """Training batches: every utterance once as ASR and once as TTS, in batches of like length.

    Args:
        examples: of the training set.
        tokens: their store.
        vocab: ids.
        config: batch size and blur.
        steps: batches an epoch; ``None`` goes through all examples once, unblurred (validation).
        seed: of order and blur.
    """

    def __init__(
        self, examples: list[Example], tokens: TokenStore, vocab: Vocabulary, config: SLMBatchConfig, steps: int | None, seed: int
    ) -> None:
        self.examples, self.tokens, self.vocab, self.config = examples, tokens, vocab, config
        self.steps, self.seed = steps, seed

    def build_iter(self, epoch: int) -> Iterator[tuple[list[str], dict[str, torch.Tensor]]]:
        """Batches (keys, {ids (B, T, K), predict (B, T, K), task (B,)})."""
        if self.steps is None:
            for batch in self._by_length(np.arange(len(self.examples))):
                yield self._collate(batch, None)
            return
        rng = np.random.default_rng([self.seed, epoch])
        wanted = self.steps * self.config.batch_size
        rounds = -(-wanted // len(self.examples))
        drawn = np.concatenate([rng.permutation(len(self.examples)) for _ in range(rounds)])[:wanted]
        batches = self._by_length(drawn)
        for i in rng.permutation(len(batches)):
            yield self._collate(batches[i], rng)

    def _by_length(self, drawn: np.ndarray) -> list[list[Example]]:
        order = sorted(drawn, key=lambda i: self.examples[i].n_frames)
        size = self.config.batch_size
        return [[self.examples[i] for i in order[start : start + size]] for start in range(0, len(order), size)]

    def _collate(self, batch: list[Example], rng: np.random.Generator | None) -> tuple[list[str], dict[str, torch.Tensor]]:
        sequences = [sequence for example in batch for sequence in self._sequences(example, rng)]
        return [example.key for example in batch], pad_sequences(sequences)

    def _sequences(self, example: Example, rng: np.random.Generator | None) -> tuple[Sequence, Sequence]:
        codes = self.tokens[example.key]
        heard = asr_sequence(self.vocab, codes[0], example.units)
        speaker = self.vocab.speaker(example.speaker)
        if rng is not None:
            hidden = 1 + np.flatnonzero(rng.random(codes.shape[1]) < self.config.mask_tokens)  # after <asr>
            heard.ids[hidden, 0] = MASK
            if rng.random() < self.config.any_speaker:
                speaker = ANY_SPEAKER
        return heard, tts_sequence(self.vocab, codes, example.units, speaker)


def pad_sequences(sequences: list[Sequence]) -> dict[str, torch.Tensor]:
    """ids (B, T, K) padded at the end, predict (B, T, K), task (B,)."""
    longest, n_streams = max(len(s.ids) for s in sequences), sequences[0].ids.shape[1]
    ids = np.full((len(sequences), longest, n_streams), PAD, dtype=np.int64)
    predict = np.zeros(ids.shape, dtype=bool)
    for i, sequence in enumerate(sequences):
        ids[i, : len(sequence.ids)], predict[i, : len(sequence.ids)] = sequence.ids, sequence.predict
    task = torch.tensor([sequence.task for sequence in sequences])
    return {"ids": torch.from_numpy(ids), "predict": torch.from_numpy(predict), "task": task}
