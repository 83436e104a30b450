"""Checkpoints that are whole or absent: atomic writes, the previous one kept, no unpickling of arbitrary objects."""

from __future__ import annotations

import datetime
import logging
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from lmspt.errors import InputError
from lmspt.files import atomic

# ESPnet's reporter keeps each epoch's duration as a timedelta; everything else in a checkpoint is plain or a tensor.
torch.serialization.add_safe_globals([datetime.timedelta])


class CheckpointStore:
    """``checkpoint.pth`` and its predecessor ``checkpoint.previous.pth`` in one folder.

    Args:
        folder: the experiment folder.
    """

    def __init__(self, folder: Path) -> None:
        self.current = folder / "checkpoint.pth"
        self.previous = folder / "checkpoint.previous.pth"
        self.damaged = False  # is the present one? Then it does not take the place of a whole one

    def save(self, states: dict[str, Any]) -> None:
        """Write a new checkpoint; the present one becomes the previous one only once the new one is whole."""
        with atomic(self.current) as temporary:
            torch.save(states, temporary)
            if self.current.exists() and not self.damaged:
                os.replace(self.current, self.previous)
        self.damaged = False

    def load(self) -> dict[str, Any] | None:
        """The newest whole checkpoint, or None at the start of a training.

        Raises:
            InputError: checkpoints exist and none of them can be read.
        """
        candidates = [path for path in (self.current, self.previous) if path.exists()]
        for path in candidates:
            try:
                _check_sums(path)
                return torch.load(path, map_location="cpu", weights_only=True)
            except (RuntimeError, EOFError, ValueError, OSError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
                self.damaged |= path == self.current
                logging.error("%s is damaged and is NOT used (%s)", path, str(error).splitlines()[0] if str(error) else error)
        if candidates:
            raise InputError(f"{self.current.parent}: no readable checkpoint; delete checkpoint*.pth to start again from nothing")
        return None


def _check_sums(path: Path) -> None:
    """PyTorch writes a checksum for each tensor and reads without looking at it."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"wrong checksum of {damaged}")
