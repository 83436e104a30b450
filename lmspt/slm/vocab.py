"""The joint vocabulary of a speech language model: ids are blocks, and what a reserved id means never changes.

    0-31      general: <pad> <end> <mask> <any speaker>
    32-63     what comes next: <text> <speech> <voice>
    64-127    tasks: <asr> <tts> <text only> <speech only>
    128-255   spare
    256-      blocks: text units, speakers, then the codes of each stream

New reserved ids may be added in the spare places; none is renumbered, so a model stays readable by later versions.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lmspt.errors import InputError
from lmspt.files import write_json

PAD, END, MASK, ANY_SPEAKER = 0, 1, 2, 3
TEXT, SPEECH, VOICE = 32, 33, 34
ASR, TTS, TEXT_ONLY, SPEECH_ONLY = 64, 65, 66, 67
WRITE_TEXT = (ASR, TEXT_ONLY)
RESERVED = 256
VERSION = 2


@dataclass(frozen=True)
class Block:
    """Consecutive ids: ``begin`` to ``begin + size``."""

    name: str
    begin: int
    size: int


@dataclass(frozen=True)
class Vocabulary:
    """Blocks of one speech language model, and the tokenizer whose codes they hold.

    Attributes:
        text, speakers: blocks.
        streams: one block a stream, the semantic one first.
        speaker_names: in the order of their ids.
        tok_id: of the tokenizer.
        frame_rate: of the tokens, Hz.
        frames_a_unit: the most token frames that a text unit took in training; speech much longer than that has gone wrong.
        turns: of a chat model, by task (``asr``, ``tts``): the text units before and after what the task reads.
    """

    text: Block
    speakers: Block
    streams: tuple[Block, ...]
    speaker_names: tuple[str, ...]
    tok_id: str
    frame_rate: float
    frames_a_unit: float
    turns: dict[str, list[list[int]]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Ids in all."""
        return self.streams[-1].begin + self.streams[-1].size

    def speaker(self, name: str) -> int:
        """Id of a speaker's tag; one that was not in training is any speaker."""
        return self.speakers.begin + self.speaker_names.index(name) if name in self.speaker_names else ANY_SPEAKER

    def legal(self, task: int, stream: int) -> np.ndarray:
        """Ids that may come in ``stream`` of what a task writes: text or codes, and in the first stream the end."""
        block = self.text if task in WRITE_TEXT else self.streams[stream]
        ids = np.arange(block.begin, block.begin + block.size)
        return np.concatenate([[END], ids]) if stream == 0 else ids

    def save(self, path: Path) -> None:
        """Write as JSON."""
        write_json(path, {"version": VERSION, "reserved": RESERVED, **asdict(self)})


def build_vocabulary(
    n_units: int,
    speakers: list[str],
    meta: dict[str, Any],
    frames_a_unit: float,
    turns: dict[str, list[list[int]]],
) -> Vocabulary:
    """Lay the blocks out.

    Args:
        n_units: text units.
        speakers: names.
        meta: of the token store (``tok_id``, ``frame_rate``, ``streams``).
        frames_a_unit, turns: see :class:`Vocabulary`.
    """
    blocks, begin = [], RESERVED
    for name, size in (("text", n_units), ("speakers", len(speakers)), *((s["name"], s["size"]) for s in meta["streams"])):
        blocks.append(Block(name, begin, size))
        begin += size
    text, speaker_block, *streams = blocks
    return Vocabulary(
        text,
        speaker_block,
        tuple(streams),
        tuple(sorted(speakers)),
        meta["tok_id"],
        meta["frame_rate"],
        frames_a_unit,
        turns,
    )


def load_vocabulary(path: Path) -> Vocabulary:
    """Read ``vocab.json``.

    Raises:
        InputError: no such file, or one of a later version.
    """
    if not path.is_file():
        raise InputError(f"{path}: no vocabulary here; run stage 7 (slm_data) first")
    values = json.loads(path.read_text(encoding="utf-8"))
    if values.pop("version") > VERSION:
        raise InputError(f"{path}: written by a later version of lmspt; update")
    values.pop("reserved")
    blocks = {name: Block(**values.pop(name)) for name in ("text", "speakers")}
    streams = tuple(Block(**block) for block in values.pop("streams"))
    return Vocabulary(**blocks, streams=streams, speaker_names=tuple(values.pop("speaker_names")), **values)
