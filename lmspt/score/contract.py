"""What a number depends on besides the system.

It travels with every result; results that differ in it are not compared.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from lmspt.errors import InputError
from lmspt.score.normalize import Normalizer

SIZES = {"tiny", "base", "small", "medium", "large", "turbo"}
PARTS = {  # of an experiment's contract, by what is scored under them
    "asr": "asr",
    "tts": "speech",
    "tts_second": "second",
    "resynthesis": "speech",
    "resynthesis_second": "second",
}


def text_contract(normalizer: Normalizer) -> dict[str, Any]:
    """Contract of an error rate: the normaliser, and versions of what aligns and of what writes numbers out."""
    packages = ["jiwer"] + (["num2words"] if normalizer.name == "english" else [])
    return {"normalizer": normalizer.name, "normalizer_version": normalizer.version, "versions": versions(packages)}


def versions(packages: list[str]) -> dict[str, str]:
    """Installed versions by package name, read without importing; ``not installed`` where there is none."""
    return {name: _version(name) for name in packages}


def require_same(contracts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The one contract that all results have.

    Args:
        contracts: contract by the name of its result (a path).

    Raises:
        InputError: two results differ; says where and how to mend it.
    """
    (first, contract), *others = contracts.items()
    for name, other in others:
        if other != contract:
            differing = sorted(k for k in contract.keys() | other.keys() if contract.get(k) != other.get(k))
            detail = "; ".join(f"{k}: {contract.get(k)} and {other.get(k)}" for k in differing)
            raise InputError(f"{first} and {name} were scored under different contracts ({detail}); score both again")
    return contract


def relatives(teacher: str, judge: str) -> bool:
    """Are two models of one family, by their names? What the one teaches the other may overrate."""
    return bool(_family(teacher) & _family(judge))


def _family(model: str) -> set[str]:
    """Words of a model's name that are not sizes: ``whisper`` of ``whisper-tiny.en``, ``faster`` and ``whisper`` of others."""
    return set(re.findall("[a-z]{3,}", model.lower())) - SIZES


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
