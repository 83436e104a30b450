"""Text units: SentencePiece trained on the transcripts, or the tokenizer of a pretrained language model."""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Protocol

import sentencepiece

from lmspt.errors import InputError
from lmspt.files import atomic


class TextUnits(Protocol):
    """Text to unit numbers (from 0) and back."""

    def __len__(self) -> int: ...

    def encode(self, text: str) -> list[int]:
        """Unit numbers of a text."""
        ...

    def decode(self, units: list[int]) -> str:
        """Text of unit numbers."""
        ...


class SentencePieces:
    """Units of a SentencePiece model."""

    def __init__(self, path: Path) -> None:
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))

    def __len__(self) -> int:
        return self.pieces.get_piece_size()

    def encode(self, text: str) -> list[int]:
        """Unit numbers of a text."""
        return self.pieces.encode(text)

    def decode(self, units: list[int]) -> str:
        """Text of unit numbers."""
        return self.pieces.decode(units)


class PretrainedUnits:
    """Units of a pretrained language model's own tokenizer (a folder that its ``save_pretrained`` wrote)."""

    def __init__(self, path: Path) -> None:
        from transformers import AutoTokenizer  # takes a second; SentencePiece users do not wait for it

        self.tokenizer = AutoTokenizer.from_pretrained(path)

    def __len__(self) -> int:
        return len(self.tokenizer)

    def encode(self, text: str) -> list[int]:
        """Unit numbers of a text."""
        return self.tokenizer.encode(text, add_special_tokens=False)

    def decode(self, units: list[int]) -> str:
        """Text of unit numbers, on one line: there are units of line breaks, too."""
        return " ".join(self.tokenizer.decode(units, skip_special_tokens=True).split())


INSTRUCTIONS = {"asr": "Transcribe this speech: ", "tts": "Read this text aloud: "}
HERE = "<<HERE>>"  # where in a turn stands what the task reads


def chat_turns(units: TextUnits) -> dict[str, list[list[int]]]:
    """Text units before and after what a task reads, by task, as the tokenizer's chat template puts them around a user's
    turn and before the answer.

    Raises:
        InputError: there is no chat template.
    """
    tokenizer = getattr(units, "tokenizer", None)
    if getattr(tokenizer, "chat_template", None) is None:
        raise InputError("prompt: chat wants a backbone whose tokenizer has a chat template; choose an instruct model or 'plain'")
    turns = {}
    for task, instruction in INSTRUCTIONS.items():
        talk = [{"role": "user", "content": instruction + HERE}]
        text = tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
        turns[task] = [units.encode(part) for part in text.split(HERE)]
    return turns


def train_pieces(texts: Iterable[str], n_units: int, path: Path) -> None:
    """Train a SentencePiece unigram model of at most ``n_units`` units, case folded, every character of the texts covered.

    Raises:
        InputError: there is no text, or it has more characters than units.
    """
    texts = list(texts)
    if not any(texts):
        raise InputError(f"{path}: no text to learn units from; is the training set's text file empty?")
    model = BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            vocab_size=n_units,
            max_sentence_length=max(len(text.encode()) for text in texts),  # it leaves longer ones out
            hard_vocab_limit=False,
            model_type="unigram",
            character_coverage=1.0,
            normalization_rule_name="nmt_nfkc_cf",
            bos_id=-1,
            eos_id=-1,
            minloglevel=2,
        )
    except RuntimeError as error:
        if not (needed := re.search(r"required_chars\. \d+ vs (\d+)", str(error))):
            raise
        raise InputError(
            f"{path}: the texts have more characters than text_units ({n_units}); set it to more than {needed[1]}: --slm_args "
            f"'--text_units {2 * int(needed[1])}'"
        ) from None
    with atomic(path) as temporary:
        temporary.write_bytes(model.getvalue())


def load_units(folder: Path) -> TextUnits:
    """Text units of a data or experiment folder: its ``text.model`` (SentencePiece) or ``text/`` (pretrained)."""
    if (folder / "text.model").is_file():
        return SentencePieces(folder / "text.model")
    if (folder / "text").is_dir():
        return PretrainedUnits(folder / "text")
    raise InputError(f"{folder}: neither text.model nor text/ is there; run stage 7 (slm_data) first")
