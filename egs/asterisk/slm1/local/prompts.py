"""The prompts of Asterisk's core sounds: what is recorded, and what is said in it.

An archive holds ``<name>.g722`` files in one tree for a voice, e.g. ``digits/7.g722``, and the list
``core-sounds-<lang>.txt`` (gzipped in Debian's packages) with a line ``<name>: <what is said>`` for most of them.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from lmspt.data.audio import write_wav
from lmspt.errors import InputError

SAMPLE_RATE = 16000  # Hz, of G.722
VOICES = {"en": "allison", "es": "allison", "fr": "june", "it": "carlo", "ru": "ivrvoice"}

# English: slips of the pen, words that the list writes in two ways, signs that are said.
SPELLING = {
    "exclaimation-point": "exclamation point",
    "fourtieth": "fortieth",
    "mail box": "mailbox",
    "rerecord": "re-record",
    "represenatives": "representatives",
    "touch tone": "touchtone",
    "umute": "unmute",
    "Un-indentified": "Unidentified",
    "witheld": "withheld",
    "#": "pound",
    "*": "star",
}
# English: where the speaker did not keep to the list. Two recognisers say so, and find the list's words less likely.
HEARD = {
    "demo-nogo": ("I am afraid", "I'm afraid"),
    "dir-instr": ("you are looking", "you're looking"),
    "followme/pls-hold-while-try": ("you are calling", "you're calling"),
    "followme/sorry": ("you are calling", "you're calling"),
    "invalid": ("I am sorry, that's", "I'm sorry, that is"),
    "pbx-invalid": ("sorry, that's", "sorry, but that's"),
    "pbx-invalidpark": ("sorry, there is", "sorry, but there is"),
    "vm-forwardoptions": ("prepend a message", "prepend the message"),
}


@dataclass(frozen=True)
class Prompt:
    """One recording.

    Attributes:
        lang: a key of ``VOICES``.
        name: in the archive, e.g. ``digits/7``.
        text: what is said.
        path: the G.722 file.
    """

    lang: str
    name: str
    text: str
    path: Path

    @property
    def voice(self) -> str:
        """Who speaks."""
        return VOICES[self.lang]

    @property
    def utt(self) -> str:
        """Id of utterance and recording: voice, language, name."""
        return f"{self.voice}-{self.lang}-{self.name.replace('/', '_')}"

    @property
    def seconds(self) -> float:
        """Length: G.722 has a byte for two samples."""
        return 2 * self.path.stat().st_size / SAMPLE_RATE


def read_prompts(folder: Path, lang: str) -> tuple[list[Prompt], dict[str, tuple[str, str]]]:
    """Prompts of one language that are speech with a known text.

    Args:
        folder: where its archives are unpacked.
        lang: a key of ``VOICES``.

    Returns:
        The prompts by name, and (reason, transcript) of each one that was dropped.

    Raises:
        InputError: the archives are not there.
    """
    recordings, listed = _recordings(folder), _listed(folder, lang)
    prompts, dropped = [], {}
    for name in sorted(recordings.keys() | listed.keys()):
        texts = listed.get(name, [])
        written = " | ".join(texts)
        text = _said(written, name, lang)
        if reason := _why_not(name in recordings, texts, text):
            dropped[name] = (reason, written)
        else:
            prompts.append(Prompt(lang, name, text, recordings[name]))
    return prompts, dropped


def decode(prompt: Prompt, path: Path) -> None:
    """Write a prompt's recording as ``path``, if it is not there already.

    Raises:
        InputError: the recording is not whole G.722.
    """
    if path.exists():
        return
    try:
        with av.open(str(prompt.path), format="g722") as container:
            blocks = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    except av.error.FFmpegError as error:
        raise InputError(f"{prompt.path}: cannot be decoded ({error}); remove its downloads/ folder and run again") from None
    write_wav(path, np.concatenate(blocks).astype(np.float32) / 32768.0, SAMPLE_RATE)


def _recordings(folder: Path) -> dict[str, Path]:
    root = next((path.parent.parent for path in sorted(folder.rglob("digits/1.g722"))), None)
    if root is None:
        raise InputError(f"{folder}: no digits/1.g722 below it; remove the folder and run local/data.sh again")
    return {path.relative_to(root).with_suffix("").as_posix(): path for path in root.rglob("*.g722")}


def _listed(folder: Path, lang: str) -> dict[str, list[str]]:
    """Transcripts by name; a list, since a name may be there twice."""
    path = next(iter(sorted(folder.rglob(f"core-sounds-{lang}.txt*"))), None)
    if path is None:
        raise InputError(f"{folder}: no core-sounds-{lang}.txt below it; remove the folder and run local/data.sh again")
    listed: dict[str, list[str]] = {}
    with gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else open(path, encoding="utf-8-sig") as lines:
        for line in lines:
            name, colon, text = line.partition(":")
            if colon and not line.startswith(";"):
                listed.setdefault(name.strip(), []).append(" ".join(text.split()))
    return listed


def _said(text: str, name: str, lang: str) -> str:
    """A transcript without its notes: "at [@]", "IAX (note: ...)", the prompt's own name, quotes around it all."""
    text = text.removeprefix(f"{name}:")
    text = re.sub(r"\[.?\]", "", text)
    text = re.sub(r"(?<=\S)\s*\([^()]*\)\s*\.?$", "", text)
    text = re.sub(r"^[“\"](.*)[”\"]$", r"\1", " ".join(text.split()))
    if lang == "en":
        for written, mended in SPELLING.items():
            text = re.sub(rf"(?<!\w){re.escape(written)}(?!\w)", mended, text)
        text = text.replace(*HEARD.get(name, ("", "")))
    return text


def _why_not(recorded: bool, texts: list[str], text: str) -> str:
    """Why a prompt is of no use, or nothing."""
    if not recorded:
        return "no recording"
    if len(texts) > 1:
        return "two transcripts"
    if not re.search(r"\w", text):
        return "no transcript"
    if re.fullmatch(r"\[.*\]|\(.*\)|<.*>", text):
        return "not speech"
    return "part of the transcript is in brackets" if re.search(r"[][()<>]", text) else ""
