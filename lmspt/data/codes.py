"""Codes of single files: ``<name>.npy`` in a folder whose ``tokenizer.json`` says whose they are, or a token store."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lmspt.data.collect import collect
from lmspt.data.tokens import MANIFEST, TokenStore, TokenWriter
from lmspt.errors import InputError
from lmspt.files import atomic, write_json

META = "tokenizer.json"


@contextmanager
def code_writer(
    folder: Path, meta: dict[str, Any], kind: str
) -> Iterator[tuple[Collection[str], Callable[[str, np.ndarray], None]]]:
    """The names that ``folder`` holds for good, and a function that writes a name's codes (K, F).

    Args:
        folder: where to; made if missing.
        meta: of the tokenizer, see :func:`lmspt.tokenizer.interface.store_meta`.
        kind: ``arrow``: a token store, which goes on where it was; ``npy``: files, which are replaced.

    Raises:
        InputError: the folder holds codes of another tokenizer.
    """
    if kind == "arrow":
        with TokenWriter(folder, meta) as store:
            yield store.done, store.add
        return
    if (folder / META).is_file() and (found := _meta_of(folder)) != meta:
        if not found:
            raise InputError(f"{folder / META}: is another program's; choose another folder")
        raise InputError(f"{folder}: holds codes of '{found['tok_id']}', not of '{meta['tok_id']}'; choose another folder")
    write_json(folder / META, meta)

    def write(name: str, codes: np.ndarray) -> None:
        with atomic(folder / f"{name}.npy") as temporary, open(temporary, "wb") as file:
            np.save(file, codes.astype(np.int32))

    yield (), write


def read_codes(inputs: list[Path], tok_id: str) -> Iterator[tuple[str, np.ndarray]]:
    """Names and codes (K, F) of token stores, ``.npy`` files, and folders of them.

    Raises:
        InputError: codes of another tokenizer than ``tok_id``, or files that are not codes.
    """
    for folder in (path for path in inputs if (path / MANIFEST).is_file()):
        store = TokenStore(folder, tok_id)
        yield from ((name, store[name]) for name in store)
    paths = [path for path in inputs if not (path / MANIFEST).is_file()]
    for name, path in collect(paths, (".npy",)).items():
        found = next((meta["tok_id"] for folder in path.parents if (meta := _meta_of(folder))), tok_id)
        if found != tok_id:
            raise InputError(f"{path}: codes of '{found}', but the model is '{tok_id}'")
        yield name, _load(path)


def _load(path: Path) -> np.ndarray:
    try:
        codes = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: not readable as .npy ({error})") from None
    if codes.ndim != 2 or codes.dtype.kind not in "iu":
        raise InputError(f"{path}: holds {codes.dtype} of shape {codes.shape}; codes are whole numbers (streams, frames)")
    return codes


def _meta_of(folder: Path) -> dict[str, Any]:
    """What a folder says of its codes; nothing if it has none. Hugging Face's models have a file of that name, too."""
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return meta if isinstance(meta, dict) and "tok_id" in meta else {}
