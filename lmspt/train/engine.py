"""The training engine: ESPnet's trainer steps and reporter inside an epoch loop that resumes exactly.

ESPnet's ``Trainer.run`` writes its checkpoint in place (a kill while it writes loses the training) and reads it with
arbitrary unpickling; its inner loops, schedulers and reporter are used here as they are. Every epoch starts from
random states that are a function of (seed, epoch, rank) alone, so a training that was killed and rerun from its last
whole checkpoint ends with the same weights, bit for bit on a CPU, as one that was not.

A model may train against an adversary. ``GANTrainer`` takes turns, a forward pass and a step for each side, and cannot
accumulate gradients. Here both sides' losses are parts of one loss, each with a gradient for its own side only: one
forward pass, one backward pass, one ``DistributedDataParallel`` around both, so no side can be left out of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import humanfriendly
import torch
from espnet2.torch_utils.device_funcs import force_gatherable
from espnet2.torch_utils.set_all_random_seed import set_all_random_seed
from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.reporter import Reporter
from espnet2.train.trainer import Trainer, TrainerOptions
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from lmspt.cpu import n_threads
from lmspt.device import device_of, has_bfloat16
from lmspt.errors import InputError
from lmspt.files import atomic, remove_leftovers, write_json
from lmspt.train.average import MovingAverage, average_states
from lmspt.train.checkpoint import CheckpointStore
from lmspt.train.config import TrainConfig
from lmspt.train.history import best_epochs, history, over_ranks, plain
from lmspt.train.ranks import gather, rank, wait_for_all, world_size

Batch = tuple[list[str], dict[str, torch.Tensor]]
AfterValidation = Callable[[int], dict[str, float]]


class BatchSource(Protocol):
    """Batches of an epoch as a pure function of (seed, epoch, rank); ranks share none of them."""

    def build_iter(self, epoch: int) -> Iterable[Batch]:
        """Batches ``(utterance ids, tensors for model.forward)`` of ``epoch`` (from 1)."""
        ...


@dataclass
class Adversary:
    """What learns against a model: a module that the model calls, and its peak learning rate. It is saved and resumed
    with the model and is no part of what is returned. The model must not hold it as a submodule."""

    module: torch.nn.Module
    lr: float


class NotFinite(RuntimeError):
    """The loss became NaN or infinite; the message names the utterances of the batch."""


def fit(
    model: torch.nn.Module,
    train: BatchSource,
    valid: BatchSource,
    config: TrainConfig,
    out: Path,
    after_validation: AfterValidation | None = None,
    adversary: Adversary | None = None,
) -> dict[str, torch.Tensor]:
    """Train ``model``, or go on with it, and return the state dict of the ``keep_nbest`` best epochs' mean.

    Args:
        model: ``model(**tensors) -> (loss scalar, stats dict, weight tensor)``.
        train: batches of each training epoch.
        valid: batches of each validation.
        config: schedule and options.
        out: experiment folder; gets ``checkpoint.pth``, ``<n>epoch.pth``, ``history.json``, ``tensorboard/``, ``images/``.
            With many ranks it lies on a disk that all of them see.
        after_validation: called on every rank with the epoch after its validation; what it returns joins the validation's
            stats. It raises, on every rank, to stop a training that went wrong.
        adversary: trained with ``model``, its gradient clipped by itself.

    Raises:
        NotFinite: NaN or infinite loss, with the batch's utterance ids; or no finite gradient in a whole epoch.
        InputError: no readable checkpoint, one from a model of another shape, steps that do not fill an
            accumulation, GPUs that want ranks or are not there, or shards of a model that has none.
    """
    if config.ngpu > 1:
        raise InputError(
            f"ngpu {config.ngpu}: a process has one GPU; start 'torchrun --nproc_per_node {config.ngpu}' with --ngpu 1"
        )
    if config.steps_per_epoch % config.accum_grad:
        raise InputError(f"steps_per_epoch {config.steps_per_epoch}: must be a multiple of accum_grad {config.accum_grad}")
    if config.shard:
        from lmspt.train.sharded import check_shardable  # takes a second

        check_shardable(model, adversary)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.num_threads or n_threads())
    training = _Training(model, adversary, config, out)
    if rank() == 0:
        remove_leftovers(out)
    first, started = training.resume() + 1, time.perf_counter()
    for epoch in range(first, config.max_epoch + 1):
        left = (time.perf_counter() - started) / max(epoch - first, 1) * (config.max_epoch - epoch + 1)
        ends = f", about {humanfriendly.format_timespan(left)} left" if epoch > first else ""
        logging.info("%s: epoch %d/%d started%s", out.name, epoch, config.max_epoch, ends)
        training.run_epoch(epoch, train, valid, after_validation)
    best = training.finish()
    logging.info("%s: trained %d epochs; final weights are the mean of epochs %s", out.name, config.max_epoch, best)
    states = (torch.load(out / f"{epoch}epoch.pth", map_location="cpu", weights_only=True) for epoch in best)
    return average_states(states, {name for name, _ in model.named_parameters(remove_duplicate=False)})


class _Training:
    """All that a checkpoint holds, and one epoch of it."""

    def __init__(self, model: torch.nn.Module, adversary: Adversary | None, config: TrainConfig, out: Path) -> None:
        self.sharded, device = None, device_of(config.ngpu)
        if config.shard and world_size() > 1:
            from lmspt.train import sharded

            self.sharded = sharded
            model = sharded.in_shards(model, device)
        self.model, self.config, self.out = model, config, out
        in_bfloat16 = config.use_amp and has_bfloat16(device)
        if config.use_amp and not in_bfloat16:
            logging.warning("%s: no bfloat16 on this %s: it is float32 in spite of use_amp", out.name, device.type)
        self.learner = _Learner(model, None if adversary is None else adversary.module, in_bfloat16)
        self.learner.to(device)
        self.optimizer = build_optimizer(model, adversary, config)
        self.scheduler = one_cycle(self.optimizer, config)
        self.average = MovingAverage(model, config.ema_decay) if config.ema_decay else None
        self.reporter, self.store, self.best = Reporter(), CheckpointStore(out), []
        parts = {"model": model, "adversary": self.learner.adversary, "average": self.average}
        parts |= {"optimizer": self.optimizer, "scheduler": self.scheduler}
        self.parts = {name: part for name, part in parts.items() if part is not None}
        if self.sharded:
            self.parts = self.sharded.on_disk(self.parts)
        self.options = _trainer_options(config, out)
        if adversary is not None:
            self.options.grad_clip = float("inf")  # of both sides together; _clip_each does it for each
            self.optimizer.register_step_pre_hook(self._clip_each)
        if self.average is not None:
            self.optimizer.register_step_post_hook(lambda *_: self.average.update())
        names = ("train", "valid") if rank() == 0 else ()
        self.writers = {name: SummaryWriter(str(out / "tensorboard" / name)) for name in names}

    def resume(self) -> int:
        """Take up the newest whole checkpoint and return its epoch, 0 where there is none."""
        states = self.store.load()
        if states is not None:
            _load(self.parts, states, self.store.current)
            self.reporter.load_state_dict(states["reporter"])
            self.best = best_epochs(self.reporter, self.config)
            logging.info("resumed after epoch %d from %s", self.reporter.get_epoch(), self.out)
        self.ranked = self.learner
        if world_size() > 1 and not self.sharded:
            # Not every loss reaches every parameter: a plain codec has no use for its aux decoder.
            self.ranked = DistributedDataParallel(self.learner, find_unused_parameters=True)
        return self.reporter.get_epoch()

    def run_epoch(self, epoch: int, train: BatchSource, valid: BatchSource, after_validation: AfterValidation | None) -> None:
        """Train, validate, save."""
        set_all_random_seed(self.config.seed + epoch + 1_000_003 * rank())
        self.reporter.set_epoch(epoch)
        self._train(epoch, train)
        with self.average.applied() if self.average else nullcontext():
            with self.sharded.gathered(self.model) if self.sharded else nullcontext():
                self._validate(epoch, valid)
            if after_validation is not None:
                self.reporter.stats[epoch]["valid"].update(after_validation(epoch))
            weights = self.parts["model"].state_dict()
            if rank() == 0:
                # To a file, not to a path, whose name (of this process) torch would keep: the same weights are the same bytes.
                with atomic(self.out / f"{epoch}epoch.pth") as temporary, temporary.open("wb") as file:
                    torch.save(weights, file)
        logging.info(self.reporter.log_message())
        states = {name: part.state_dict() for name, part in self.parts.items()}
        if rank() == 0:
            for name, writer in self.writers.items():
                self.reporter.tensorboard_add_scalar(writer, key1=name)
            self.store.save({**states, "reporter": plain(self.reporter)})
            write_json(self.out / "history.json", history(self.reporter))
            best = best_epochs(self.reporter, self.config)
            _forget_all_but({*best, *self.best}, self.out)  # the previous checkpoint can be taken up, too
            self.best = best

    def finish(self) -> list[int]:
        """Close the logs, draw the curves, and return the best epochs."""
        if rank() == 0:
            for writer in self.writers.values():
                writer.close()
            self.reporter.matplotlib_plot(self.out / "images")
        wait_for_all()
        return best_epochs(self.reporter, self.config)

    def _train(self, epoch: int, source: BatchSource) -> None:
        title = f"{self.out.name} {epoch}/{self.config.max_epoch}"
        bar = tqdm(source.build_iter(epoch), title, disable=None if rank() == 0 else True, leave=False, mininterval=2)
        ranks = DistributedOption(distributed=world_size() > 1, ngpu=self.config.ngpu)
        with self.reporter.observe("train") as self.observed:
            in_vain = Trainer.train_one_epoch(
                self.ranked,
                bar,
                [self.optimizer],
                [self.scheduler],
                None,
                self.observed,
                self.writers.get("train"),
                self.options,
                ranks,
            )
        if in_vain:
            raise NotFinite(f"{self.out}: the gradient was NaN or infinite in every step of epoch {epoch}; lower lr")

    def _validate(self, epoch: int, source: BatchSource) -> None:
        """Each rank validates its share without waiting for others; the means are joined afterwards."""
        self.learner.seen = 0.0
        with self.reporter.observe("valid") as observed:
            alone = DistributedOption(ngpu=self.config.ngpu)
            Trainer.validate_one_epoch(self.learner, source.build_iter(epoch), observed, self.options, alone)
        if world_size() > 1:
            self.reporter.stats[epoch]["valid"].update(over_ranks(self.reporter.stats[epoch]["valid"], self.learner.seen))

    def _clip_each(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            self.observed.register({f"{group['name']}_grad_norm": clip_grad_norm_(group["params"], self.config.grad_clip)})


class _Learner(torch.nn.Module):
    """The model and its adversary as ESPnet's loops and ``DistributedDataParallel`` want them: one module, in the chosen
    precision. It stops at the first loss that is not finite, naming the batch; ESPnet would skip the update and go on."""

    def __init__(self, model: torch.nn.Module, adversary: torch.nn.Module | None, in_bfloat16: bool) -> None:
        super().__init__()
        self.model, self.adversary, self.in_bfloat16 = model, adversary, in_bfloat16
        self.seen = 0.0  # weight of what was validated

    def forward(self, utt_id: list[str], **batch: torch.Tensor) -> tuple:
        device = next(iter(batch.values())).device
        with torch.autocast(device.type, torch.bfloat16, enabled=self.in_bfloat16):
            loss, stats, weight = self.model(**batch)
        if not torch.isfinite(loss):
            raise NotFinite(f"loss is {loss.item()}: {_numbers(stats)}; utterances {' '.join(utt_id)}")
        if not self.training:
            self.seen += float(weight)
        elif world_size() > 1:
            # ESPnet joins each number by itself, and would wait for ever for what a rank's batch had none of.
            names = set.intersection(*map(set, gather(list(stats))))
            stats = {name: value for name, value in stats.items() if name in names}
            return force_gatherable((loss, stats, weight), device)
        return loss, stats, weight


def build_optimizer(model: torch.nn.Module, adversary: Adversary | None, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW over the model and, as a group with a learning rate of its own, the adversary."""
    learning = [p for p in model.parameters() if p.requires_grad]
    groups: list[Any] = learning
    if adversary is not None:
        groups = [{"name": "model", "params": learning}]
        groups += [{"name": "adversary", "params": list(adversary.module.parameters()), "lr": adversary.lr}]
    return torch.optim.AdamW(groups, lr=config.lr, betas=(config.beta1, config.beta2), weight_decay=config.weight_decay, fused=True)


def one_cycle(optimizer: torch.optim.Optimizer, config: TrainConfig) -> torch.optim.lr_scheduler.OneCycleLR:
    """Cosine up over ``warmup_steps``, cosine down to ``final_lr_ratio`` of the peak over the rest of the training."""
    total = max(config.max_epoch * config.steps_per_epoch // config.accum_grad, 2)
    start_ratio = 1 / 25
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=total + 1,
        pct_start=min(max(config.warmup_steps, 1) / total, 0.5),
        cycle_momentum=False,
        div_factor=1 / start_ratio,
        final_div_factor=start_ratio / config.final_lr_ratio,
    )


def _numbers(stats: dict[str, Any]) -> str:
    return ", ".join(f"{name}={float(value):.4g}" for name, value in stats.items())


def _load(parts: dict[str, Any], states: dict[str, Any], path: Path) -> None:
    """Give each part its state.

    Raises:
        InputError: the checkpoint has other parts, a model of another shape, or a schedule of another length.
    """
    mend = "choose another --tok_tag/--slm_tag or delete the folder"
    for name in ("adversary", "average"):
        if (name in parts) != (name in states):
            raise InputError(f"{path}: belongs to a training {'without' if name in parts else 'with'} {name}; {mend}")
    theirs, ours = states["scheduler"]["total_steps"], parts["scheduler"].total_steps
    if theirs != ours:  # a schedule that has ended cannot go on
        raise InputError(f"{path}: belongs to a training of {theirs - 1} steps, this one has {ours - 1}; {mend}")
    try:
        for name in ("model", "adversary"):
            if name in parts:
                parts[name].load_state_dict(states[name])
    except RuntimeError as error:
        detail = str(error).splitlines()[1].strip()
        raise InputError(f"{path}: belongs to a model of another shape ({detail}); {mend}") from None
    for name in ("optimizer", "scheduler", "average"):
        if name in parts:
            parts[name].load_state_dict(states[name])


def _forget_all_but(epochs: set[int], out: Path) -> None:
    for path in out.glob("*epoch.pth"):
        if int(path.name.removesuffix("epoch.pth")) not in epochs:
            path.unlink()


def _trainer_options(config: TrainConfig, out: Path) -> TrainerOptions:
    """ESPnet's options: ours where we have them, its inert values elsewhere."""
    return TrainerOptions(
        ngpu=config.ngpu,
        resume=False,
        use_amp=False,  # _Learner chooses the precision: ESPnet's autocast is CUDA's
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
