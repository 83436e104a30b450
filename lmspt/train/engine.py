"""The training engine: ESPnet's trainer steps and reporter inside an epoch loop that resumes exactly.

ESPnet's ``Trainer.run`` writes its checkpoint in place (a kill while it writes loses the training) and reads it with
arbitrary unpickling; its inner loops, schedulers and reporter are used here as they are. Every epoch starts from
random states that are a function of (seed, epoch) alone, so a training that was killed and rerun from its last whole
checkpoint ends with the same weights, bit for bit on a CPU, as one that was not.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import humanfriendly
import numpy as np
import torch
from espnet2.torch_utils.set_all_random_seed import set_all_random_seed
from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.reporter import Reporter
from espnet2.train.trainer import Trainer, TrainerOptions
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from lmspt.errors import InputError
from lmspt.files import atomic, write_json
from lmspt.train.checkpoint import CheckpointStore, average_states
from lmspt.train.config import TrainConfig

Batch = tuple[list[str], dict[str, torch.Tensor]]
AfterValidation = Callable[[int], dict[str, float]]


class BatchSource(Protocol):
    """Batches of an epoch as a pure function of (seed, epoch)."""

    def build_iter(self, epoch: int) -> Iterable[Batch]:
        """Batches ``(utterance ids, tensors for model.forward)`` of ``epoch`` (from 1)."""
        ...


class NotFinite(RuntimeError):
    """The loss became NaN or infinite; the message names the utterances of the batch."""


def fit(
    model: torch.nn.Module,
    train: BatchSource,
    valid: BatchSource,
    config: TrainConfig,
    out: Path,
    after_validation: AfterValidation | None = None,
) -> dict[str, torch.Tensor]:
    """Train ``model``, or go on with it, and return the state dict of the ``keep_nbest`` best epochs' mean.

    Args:
        model: ``model(**tensors) -> (loss scalar, stats dict, weight tensor)``.
        train: batches of each training epoch.
        valid: batches of each validation.
        config: schedule and options.
        out: experiment folder; gets ``checkpoint.pth``, ``<n>epoch.pth``, ``history.json``, ``tensorboard/``, ``images/``.
        after_validation: called with the epoch after its validation; what it returns joins the validation's stats. It
            raises to stop a training that went wrong.

    Raises:
        NotFinite: NaN or infinite loss, with the batch's utterance ids.
        InputError: no readable checkpoint, or one from a model of another shape.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.num_threads)
    device = torch.device("cuda" if config.ngpu else "cpu")
    model.to(device)
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad],
        lr=config.lr,
        betas=(config.beta1, config.beta2),
        weight_decay=config.weight_decay,
    )
    scheduler = one_cycle(optimizer, config)
    scaler = torch.cuda.amp.GradScaler() if config.use_amp else None
    reporter = Reporter()
    store = CheckpointStore(out)
    _resume(store, model, optimizer, scheduler, scaler, reporter)
    writers = {name: SummaryWriter(str(out / "tensorboard" / name)) for name in ("train", "valid")}
    options, distributed = _trainer_options(config, out), DistributedOption(ngpu=config.ngpu)
    guarded = _FiniteLoss(model)
    first, started = reporter.get_epoch() + 1, time.perf_counter()

    for epoch in range(first, config.max_epoch + 1):
        left = (time.perf_counter() - started) / max(epoch - first, 1) * (config.max_epoch - epoch + 1)
        ends = f", about {humanfriendly.format_timespan(left)} left" if epoch > first else ""
        logging.info("%s: epoch %d/%d started%s", out.name, epoch, config.max_epoch, ends)
        set_all_random_seed(config.seed + epoch)
        reporter.set_epoch(epoch)
        bar = tqdm(train.build_iter(epoch), f"{out.name} {epoch}/{config.max_epoch}", disable=None, leave=False, mininterval=2)
        with reporter.observe("train") as observed:
            Trainer.train_one_epoch(
                guarded, bar, [optimizer], [scheduler], scaler, observed, writers["train"], options, distributed
            )
        with reporter.observe("valid") as observed:
            Trainer.validate_one_epoch(guarded, valid.build_iter(epoch), observed, options, distributed)
        if after_validation is not None:
            reporter.stats[epoch]["valid"].update(after_validation(epoch))
        logging.info(reporter.log_message())
        for name, writer in writers.items():
            reporter.tensorboard_add_scalar(writer, key1=name)
        with atomic(out / f"{epoch}epoch.pth") as temporary:
            torch.save(model.state_dict(), temporary)
        store.save(
            {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "scheduler": scheduler.state_dict(),
                "scaler": scaler.state_dict() if scaler else None,
                "reporter": _plain(reporter),
            }
        )
        write_json(out / "history.json", _history(reporter))
        _forget_all_but(_best_epochs(reporter, config), out)

    for writer in writers.values():
        writer.close()
    reporter.matplotlib_plot(out / "images")
    best = _best_epochs(reporter, config)
    logging.info("%s: trained %d epochs; final weights are the mean of epochs %s", out.name, config.max_epoch, best)
    return average_states(torch.load(out / f"{epoch}epoch.pth", map_location="cpu", weights_only=True) for epoch in best)


def one_cycle(optimizer: torch.optim.Optimizer, config: TrainConfig) -> torch.optim.lr_scheduler.OneCycleLR:
    """Cosine up over ``warmup_steps``, cosine down to ``lr / 100`` over the rest of the training."""
    total = max(config.max_epoch * config.steps_per_epoch // config.accum_grad, 2)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=config.lr,
        total_steps=total + 1,
        pct_start=min(max(config.warmup_steps, 1) / total, 0.5),
        cycle_momentum=False,
        div_factor=25.0,
        final_div_factor=4.0,
    )


class _FiniteLoss(torch.nn.Module):
    """Stops at the first loss that is not finite, naming the batch; ESPnet would skip the update and go on."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, utt_id: list[str], **batch: torch.Tensor) -> tuple:
        loss, stats, weight = self.model(**batch)
        if not torch.isfinite(loss):
            raise NotFinite(f"loss is {loss.item()}: {_numbers(stats)}; utterances {' '.join(utt_id)}")
        return loss, stats, weight


def _numbers(stats: dict[str, Any]) -> str:
    return ", ".join(f"{name}={float(value):.4g}" for name, value in stats.items())


def _resume(store: CheckpointStore, model, optimizer, scheduler, scaler, reporter: Reporter) -> None:
    states = store.load()
    if states is None:
        return
    try:
        model.load_state_dict(states["model"])
    except RuntimeError as error:
        raise InputError(
            f"{store.current}: belongs to a model of another shape ({str(error).splitlines()[1].strip()}); "
            "choose another --tok_tag/--slm_tag or delete the folder"
        ) from None
    optimizer.load_state_dict(states["optimizer"])
    scheduler.load_state_dict(states["scheduler"])
    if scaler is not None:
        scaler.load_state_dict(states["scaler"])
    reporter.load_state_dict(states["reporter"])
    logging.info("resumed after epoch %d from %s", reporter.get_epoch(), store.current.parent)


def _plain(reporter: Reporter) -> dict[str, Any]:
    """The reporter's state without NumPy scalars, which a safe load would refuse."""
    stats = {
        epoch: {
            phase: {k: v.item() if isinstance(v, np.generic) else v for k, v in values.items()} for phase, values in phases.items()
        }
        for epoch, phases in reporter.stats.items()
    }
    return {"stats": stats, "epoch": reporter.get_epoch()}


def _history(reporter: Reporter) -> list[dict[str, Any]]:
    """Every epoch's means as plain numbers: ``{"epoch", "train": {...}, "valid": {...}}``."""
    rows = []
    for epoch, phases in reporter.stats.items():
        row: dict[str, Any] = {"epoch": epoch}
        for phase, values in phases.items():
            numbers = {k: v.total_seconds() if k == "time" else float(v) for k, v in values.items()}
            row[phase] = {k: v for k, v in numbers.items() if math.isfinite(v)}
        rows.append(row)
    return rows


def _best_epochs(reporter: Reporter, config: TrainConfig) -> list[int]:
    return sorted(reporter.sort_epochs("valid", config.best_metric, config.best_mode)[: config.keep_nbest])


def _forget_all_but(best: list[int], out: Path) -> None:
    for path in out.glob("*epoch.pth"):
        if int(path.name.removesuffix("epoch.pth")) not in best:
            path.unlink()


def _trainer_options(config: TrainConfig, out: Path) -> TrainerOptions:
    """ESPnet's options: ours where we have them, its inert values elsewhere."""
    return TrainerOptions(
        ngpu=config.ngpu,
        resume=False,
        use_amp=config.use_amp,
        train_dtype="float32",
        grad_noise=False,
        accum_grad=config.accum_grad,
        grad_clip=config.grad_clip,
        grad_clip_type=2.0,
        log_interval=config.log_interval,
        no_forward_run=False,
        use_matplotlib=False,
        use_tensorboard=True,
        use_wandb=False,
        adapter="lora",
        use_adapter=False,
        save_strategy="all",
        output_dir=out,
        max_epoch=config.max_epoch,
        seed=config.seed,
        sharded_ddp=False,
        patience=None,
        keep_nbest_models=config.keep_nbest,
        nbest_averaging_interval=0,
        early_stopping_criterion=(),
        best_model_criterion=(),
        val_scheduler_criterion=(),
        unused_parameters=False,
        wandb_model_log_interval=-1,
        create_graph_in_tensorboard=False,
        gradient_as_bucket_view=False,
        ddp_comm_hook=None,
    )
