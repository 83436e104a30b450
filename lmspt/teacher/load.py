"""Teachers by name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from transformers import AutoConfig

from lmspt.data.weights import SOURCES
from lmspt.errors import InputError
from lmspt.teacher.interface import Teacher
from lmspt.teacher.logmel import LogMelTeacher
from lmspt.teacher.self_supervised import FAMILIES, load_self_supervised
from lmspt.teacher.wakehubert import load_wakehubert
from lmspt.teacher.whisper import load_converted_whisper, load_whisper


def load_teacher(name: str, window: Literal["crop", "30s"] = "crop") -> Teacher:
    """The frozen encoder ``name``: a known one, a folder, or an id on the Hugging Face hub.

    Args:
        name: a key of ``lmspt.data.weights.SOURCES``; ``logmel``; the folder of a CTranslate2 Whisper or of WakeHuBERT; or whatever
            transformers opens: a Whisper of any size, HuBERT, WavLM, wav2vec2.
        window: how a Whisper is shown a crop, see :class:`lmspt.teacher.whisper.WhisperTeacher`.

    Raises:
        InputError: nothing of that name, a folder without weights, a model of another kind, or a 30 s window for what is
            no Whisper.
    """
    kind = _kind_of(name)
    if kind == "ctranslate2":
        return load_converted_whisper(name, window)
    if kind == "whisper":
        return load_whisper(name, window)
    if window != "crop":
        raise InputError(f"teacher_window {window}: '{name}' is a {kind}; only a whisper has a window, set crop")
    if kind == "logmel":
        return LogMelTeacher()
    if kind == "wakehubert":
        return load_wakehubert(name)
    if kind in FAMILIES:
        return load_self_supervised(name)
    raise InputError(f"teacher '{name}' is a {kind}; choose a whisper, {', '.join(FAMILIES)}")


def _kind_of(name: str) -> str:
    folder = Path(name)
    if name == "logmel":
        return "logmel"
    if name == "wakehubert-tiny" or (folder / SOURCES["wakehubert-tiny"].file).is_file():
        return "wakehubert"
    if name in SOURCES or (folder / "model.bin").is_file():
        return "ctranslate2"
    try:
        return AutoConfig.from_pretrained(name).model_type
    except (OSError, ValueError) as error:
        raise InputError(f"teacher '{name}': not one of {', '.join(SOURCES)}, no folder, not on the hub ({error})") from None
