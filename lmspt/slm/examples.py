"""Stage 7: from tokens and texts to text units, a vocabulary and examples. Imports no torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from lmspt.data.datadir import DataDir
from lmspt.data.scp import in_byte_order
from lmspt.data.tokens import TokenStore, base_key
from lmspt.errors import InputError
from lmspt.files import write_json, write_text
from lmspt.slm.config import SLMConfig
from lmspt.slm.text import TextUnits, chat_turns, load_units, train_pieces
from lmspt.slm.vocab import build_vocabulary


@dataclass(frozen=True)
class Example:
    """A key of the token store, its speaker and its text in units."""

    key: str
    speaker: str
    units: list[int]
    n_frames: int


def make_examples(tokens: TokenStore, data: DataDir, units: TextUnits) -> list[Example]:
    """Every row of a token store with its text.

    Raises:
        InputError: a row without transcript, or a transcript without units.
    """
    known = {utt: units.encode(text) for utt, text in data.text.items()}
    examples = []
    for key in tokens:
        utt = base_key(key)
        if not known.get(utt):
            raise InputError(f"{data.folder}/text: nothing to learn for '{utt}'; write its transcript or remove the utterance")
        examples.append(Example(key, data.utt2spk[utt], known[utt], tokens[key].shape[1]))
    return examples


def frames_a_unit(examples: list[Example]) -> float:
    """The most frames that a text unit took, short texts smoothed by one unit."""
    return max(example.n_frames / (len(example.units) + 1) for example in examples)


def write_examples(folder: Path, split: str, tokens: Path, examples: list[Example]) -> None:
    """``<split>.jsonl``, a line an example, and ``<split>.json``, which names the token store."""
    write_text(folder / f"{split}.jsonl", "".join(json.dumps(asdict(example), ensure_ascii=False) + "\n" for example in examples))
    write_json(folder / f"{split}.json", {"tokens": str(tokens), "n_examples": len(examples)})


def read_examples(folder: Path, split: str, tok_id: str) -> tuple[list[Example], TokenStore]:
    """What :func:`write_examples` wrote, and the opened token store.

    Raises:
        InputError: no such files, or tokens of another tokenizer.
    """
    path = folder / f"{split}.json"
    if not path.is_file():
        raise InputError(f"{path}: no examples here; run stage 7 (slm_data) first")
    tokens = TokenStore(json.loads(path.read_text(encoding="utf-8"))["tokens"], tok_id)
    with open(folder / f"{split}.jsonl", encoding="utf-8") as lines:
        return [Example(**json.loads(line)) for line in lines], tokens


def speakers_of(examples: list[Example]) -> list[str]:
    """Names in byte order."""
    return in_byte_order({example.speaker for example in examples})


def prepare(config: SLMConfig, tokens: Path, raw: Path, train: str, valid: str, out: Path) -> int:
    """Write the text units, ``vocab.json`` and the examples of both sets to ``out``; returns the size of the vocabulary.

    Args:
        config: whose backbone, or number of units, decides the text units.
        tokens: folder of the tokenizer's token stores.
        raw: folder of the formatted sets.
        train, valid: names of the sets.
        out: ``exp/data_<tok tag>_<config>``.
    """
    out.mkdir(parents=True, exist_ok=True)
    data = {name: DataDir(raw / name) for name in (train, valid)}
    if config.backbone:
        from transformers import AutoTokenizer

        from lmspt.slm.pretrained import find_backbone

        AutoTokenizer.from_pretrained(find_backbone(config.backbone)).save_pretrained(out / "text")
    else:
        train_pieces(data[train].text.values(), config.text_units, out / "text.model")
    units = load_units(out)
    stores = {name: TokenStore(tokens / name) for name in (train, valid)}
    for store in stores.values():
        store.verify()
    examples = {name: make_examples(stores[name], data[name], units) for name in (train, valid)}
    for split, name in (("train", train), ("valid", valid)):
        write_examples(out, split, tokens / name, examples[name])
    turns = chat_turns(units) if config.prompt == "chat" else {}
    vocab = build_vocabulary(len(units), speakers_of(examples[train]), stores[train].meta, frames_a_unit(examples[train]), turns)
    vocab.save(out / "vocab.json")
    return vocab.size
