"""What the commands share: the log line of ESPnet's scripts."""

from __future__ import annotations

import logging
import os


def start_log(path: str | None = None) -> None:
    """Log to stderr, and to ``path`` as well when given."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if path is not None:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        handlers.append(logging.FileHandler(path))
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s (%(module)s:%(lineno)d) %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
        handlers=handlers,
        force=True,
    )
