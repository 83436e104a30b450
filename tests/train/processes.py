"""Processes that start without importing torch again, alone or as the ranks of one training."""

from __future__ import annotations

import multiprocessing
import os
import socket
from multiprocessing.process import BaseProcess

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["lmspt.tokenizer.training"])


def start(target, *args) -> BaseProcess:
    """A process that runs ``target(*args)``."""
    process = CONTEXT.Process(target=target, args=args, daemon=True)
    process.start()
    return process


def start_ranks(n: int, target, *args) -> list[BaseProcess]:
    """``n`` processes with the environment that torchrun would give them."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    return [start(_as_rank, rank, n, port, target, *args) for rank in range(n)]


def _as_rank(rank: int, n: int, port: int, target, *args) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(n)}
    os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
    target(*args)
