"""Sequences to tensors: padded at the end, or packed, several in a row, none of which sees another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from lmspt.errors import InputError
from lmspt.slm.model import SpeechLM
from lmspt.slm.sequence import Sequence
from lmspt.slm.vocab import PAD, SPEECH, TEXT

Keyed = tuple[str, Sequence]  # with the utterance that it is of
OPEN_ROWS = 32


def pack(sequences: Iterable[Keyed], length: int) -> Iterator[list[Keyed]]:
    """Rows of sequences that fill ``length`` steps: each goes where it leaves the least room, among so many open rows.

    Raises:
        InputError: a sequence longer than a row.
    """
    rows: list[tuple[int, list[Keyed]]] = []  # room that is left, fullest row first
    for key, sequence in sequences:
        n_steps = len(sequence)
        if n_steps > length:
            raise InputError(f"'{key}' takes {n_steps} steps, and pack_length is {length}; raise it, or lower --max_seconds")
        number = next((i for i, (room, _) in enumerate(rows) if room >= n_steps), None)
        if number is None:
            if len(rows) == OPEN_ROWS:
                yield rows.pop(0)[1]
            room, row = length, []
        else:
            room, row = rows.pop(number)
        row.append((key, sequence))
        rows.append((room - n_steps, row))
        rows.sort(key=lambda held: held[0])
    for _, row in rows:
        yield row


def by_budget(sequences: Iterable[Keyed], n_steps: int) -> list[list[Keyed]]:
    """Batches of like length, each at most ``n_steps`` long in all when padded; a longer sequence is a batch of its own."""
    batches: list[list[Keyed]] = []
    for key, sequence in sorted(sequences, key=lambda keyed: len(keyed[1])):
        if not batches or (len(batches[-1]) + 1) * len(sequence) > n_steps:
            batches.append([])
        batches[-1].append((key, sequence))
    return batches


@torch.no_grad()
def check_packing(model: SpeechLM) -> None:
    """Raises InputError if the backbone sees, in a packed row, what stands in front of a sequence."""
    device = model.head.weight.device
    ids = torch.full((2, 8, model.layout.pattern.width), TEXT, device=device)
    ids[1, :4] = SPEECH
    first, second = model.read(ids, torch.arange(8, device=device).remainder(4).expand(2, 8))[:, 4:]
    if not torch.allclose(first, second, atol=1e-3):
        raise InputError(f"backbone '{model.config.backbone}' sees across packed sequences; set pack_length to 0")


def pad_sequences(sequences: list[Sequence]) -> dict[str, torch.Tensor]:
    """ids (B, T, W) padded at the end, predict (B, T, W), task (B, T)."""
    batch = pack_sequences([[sequence] for sequence in sequences], max(map(len, sequences)))
    del batch["position"]
    return batch


def pack_sequences(rows: list[list[Sequence]], length: int) -> dict[str, torch.Tensor]:
    """As :func:`pad_sequences`, with the sequences of a row one after the other, T = ``length``; position (B, T)."""
    width = rows[0][0].ids.shape[1]
    ids = np.full((len(rows), length, width), PAD, dtype=np.int64)
    predict = np.zeros(ids.shape, dtype=bool)
    task, position = (np.zeros(ids.shape[:2], dtype=np.int64) for _ in range(2))
    for i, row in enumerate(rows):
        begin = 0
        for sequence in row:
            here = slice(begin, begin + len(sequence))
            ids[i, here], predict[i, here], task[i, here] = sequence.ids, sequence.predict, sequence.task
            position[i, here] = np.arange(len(sequence))
            begin = here.stop
    arrays = {"ids": ids, "predict": predict, "task": task, "position": position}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
