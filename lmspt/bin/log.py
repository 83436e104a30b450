"""What the commands share: the log line of ESPnet's scripts."""

from __future__ import annotations

import logging


def start_log() -> None:
    """Log to stderr."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s (%(module)s:%(lineno)d) %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
        force=True,
    )
