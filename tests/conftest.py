"""Tests use no network: what they need is installed, or they make it."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # huggingface_hub reads it once, when it is imported


def pytest_addoption(parser) -> None:
    parser.addoption("--kills", type=int, default=5, help="SIGKILLs of the adversarial training in test_kill.py")
