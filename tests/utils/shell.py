"""Running the shell tools as a user does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UTILS = ROOT / "utils"

Run = Callable[..., subprocess.CompletedProcess[str]]
