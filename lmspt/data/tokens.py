"""The token store: codes of a set in memory-mapped Arrow shards, with their tokenizer's id and checksums.

Layout of a store: ``manifest.json`` (meta, shards with row counts and sha256) and ``shard-00000.arrow`` ... (Arrow IPC files
with columns ``key`` and ``codes``, the codes of an utterance flattened from ``(K, F)``). A shard is renamed into place
whole and then entered into the manifest, so a killed dump continues after its last whole shard. A store that several jobs
write is joined from their shares, ``<n>_of_<shares>/``, each a store by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lmspt.errors import InputError
from lmspt.files import atomic, remove_leftovers, sha256_of, write_json

MANIFEST = "manifest.json"
SCHEMA = pa.schema([("key", pa.string()), ("codes", pa.list_(pa.int32()))])


def base_key(key: str) -> str:
    """Utterance id of a store key: ``utt#2`` (the third heard variant) -> ``utt``."""
    return re.sub(r"#\d+\Z", "", key)


class TokenStore:
    """Codes by utterance, read through memory maps.

    Args:
        folder: a store written by :class:`TokenWriter`.

    Raises:
        InputError: no finished manifest, a shard missing, or tokens of another tokenizer than ``tok_id``.
    """

    def __init__(self, folder: str | Path, tok_id: str | None = None) -> None:
        self.folder = Path(folder)
        manifest = _read_manifest(self.folder)
        if manifest is None:
            raise InputError(f"{self.folder}: no token store here; run stage 5 (tok_dump) first")
        if not manifest["finished"]:
            raise InputError(f"{self.folder}: the token dump was not finished; run stage 5 (tok_dump) again, it continues")
        self.meta: dict[str, Any] = manifest["meta"]
        if tok_id is not None and self.meta["tok_id"] != tok_id:
            raise InputError(f"{self.folder}: tokens of '{self.meta['tok_id']}', but '{tok_id}' is wanted; dump them again")
        self.shards = manifest["shards"]
        self.n_streams = len(self.meta["streams"])
        self._where: dict[str, tuple[int, int]] = {}
        self._values: list[np.ndarray] = []
        self._offsets: list[np.ndarray] = []
        for number, shard in enumerate(self.shards):
            table = _open_shard(self.folder / shard["file"])
            column = table.column("codes").chunk(0)
            self._values.append(column.values.to_numpy(zero_copy_only=True))
            self._offsets.append(column.offsets.to_numpy(zero_copy_only=True))
            for row, key in enumerate(table.column("key").to_pylist()):
                self._where[key] = (number, row)

    def __len__(self) -> int:
        return len(self._where)

    def __contains__(self, key: str) -> bool:
        return key in self._where

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def keys(self) -> list[str]:
        """All keys, in dump order."""
        return list(self._where)

    def __getitem__(self, key: str) -> np.ndarray:
        """Codes of one utterance, ``(K, F)`` int32, a view of the file."""
        try:
            shard, row = self._where[key]
        except KeyError:
            raise InputError(f"{self.folder}: no tokens for utterance '{key}'; run stage 5 (tok_dump) again") from None
        start, stop = self._offsets[shard][row : row + 2]
        return self._values[shard][start:stop].reshape(self.n_streams, -1)

    def verify(self) -> None:
        """Compare every shard with its checksum.

        Raises:
            InputError: naming the shard that differs.
        """
        for shard in self.shards:
            if sha256_of(self.folder / shard["file"]) != shard["sha256"]:
                raise InputError(f"{self.folder / shard['file']}: does not match its checksum; delete the folder and dump again")


def share_of(folder: Path, share: int, shares: int) -> Path:
    """Where one of several writers of a store puts its share, a store by itself."""
    return folder / f"{share}_of_{shares}"


def join_shares(folder: Path, shares: int) -> int:
    """Make one store of its shares, whose files stay where they are; returns the number of its rows.

    Raises:
        InputError: a share is not finished, damaged, or of another tokenizer, or an utterance is in two of them.
    """
    parts = [TokenStore(share_of(folder, share, shares)) for share in range(1, shares + 1)]
    for part in parts:
        part.verify()
    keys = set().union(*parts)
    if len(keys) != sum(map(len, parts)) or any(part.meta != parts[0].meta for part in parts):
        raise InputError(f"{folder}: its {shares} shares do not fit each other; delete the folder and dump again")
    entries = [{**shard, "file": f"{part.folder.name}/{shard['file']}"} for part in parts for shard in part.shards]
    write_json(folder / MANIFEST, {"meta": parts[0].meta, "finished": True, "shards": entries})
    return len(keys)


class TokenWriter:
    """Write a store shard by shard; a second writer of the same folder continues after the last whole shard.

    Args:
        folder: where the store goes.
        meta: ``tok_id``, ``frame_rate`` (Hz), ``sample_rate`` (Hz), ``streams`` (name, size, semantic).
        shard_size: utterances a shard.

    Raises:
        InputError: the folder already holds tokens of another tokenizer.
    """

    def __init__(self, folder: str | Path, meta: dict[str, Any], shard_size: int = 2000) -> None:
        self.folder, self.meta, self.shard_size = Path(folder), meta, shard_size
        remove_leftovers(self.folder)
        manifest = _read_manifest(self.folder)
        if manifest is not None and manifest["meta"] != meta:
            raise InputError(
                f"{self.folder}: holds tokens of '{manifest['meta'].get('tok_id')}'; delete it or choose another folder"
            )
        self.shards: list[dict[str, Any]] = manifest["shards"] if manifest else []
        self.done: set[str] = set()
        for shard in self.shards:
            self.done.update(_open_shard(self.folder / shard["file"]).column("key").to_pylist())
        self._keys: list[str] = []
        self._codes: list[np.ndarray] = []

    def __enter__(self) -> TokenWriter:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        self._flush()  # what is encoded is kept, whatever ended it
        self._write_manifest(finished=kind is None)

    def add(self, key: str, codes: np.ndarray) -> None:
        """Append one utterance's codes, ``(K, F)``; a key that is already there is an error."""
        if key in self.done:
            raise InputError(f"{self.folder}: utterance '{key}' was already dumped")
        if codes.ndim != 2 or codes.shape[0] != len(self.meta["streams"]):
            raise ValueError(f"codes of '{key}' have shape {codes.shape}, wanted ({len(self.meta['streams'])}, F)")
        self.done.add(key)
        self._keys.append(key)
        self._codes.append(np.ascontiguousarray(codes, dtype=np.int32).reshape(-1))
        if len(self._keys) >= self.shard_size:
            self._flush()
            self._write_manifest(finished=False)

    def _flush(self) -> None:
        if not self._keys:
            return
        offsets = np.concatenate([[0], np.cumsum([len(c) for c in self._codes])]).astype(np.int32)
        codes = pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(self._codes)))
        batch = pa.record_batch([pa.array(self._keys, pa.string()), codes.cast(SCHEMA.field("codes").type)], schema=SCHEMA)
        path = self.folder / f"shard-{len(self.shards):05d}.arrow"
        with (
            atomic(path) as temporary,
            pa.OSFile(str(temporary), "wb") as sink,
            pa.ipc.new_file(sink, SCHEMA) as writer,
        ):
            writer.write_batch(batch)
        self.shards.append({"file": path.name, "n": len(self._keys), "sha256": sha256_of(path)})
        self._keys, self._codes = [], []

    def _write_manifest(self, finished: bool) -> None:
        write_json(self.folder / MANIFEST, {"meta": self.meta, "finished": finished, "shards": self.shards})


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    path = folder / MANIFEST
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _open_shard(path: Path) -> pa.Table:
    if not path.is_file():
        raise InputError(f"{path}: shard is missing; delete the folder and run stage 5 (tok_dump) again")
    try:
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a whole Arrow file ({error}); delete the folder and dump again") from None
