"""Train an LM-SPT tokenizer: its network, its objective, its losses and its data meet the engine here."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from lmspt.data.audio import Utterances
from lmspt.data.datadir import DataDir
from lmspt.device import device_of
from lmspt.errors import InputError
from lmspt.files import write_json
from lmspt.tokenizer.adversarial import Critic, build_critic
from lmspt.tokenizer.batches import Crops, WholeUtterances
from lmspt.tokenizer.config import AdversarialConfig, LossConfig
from lmspt.tokenizer.health import Health, health
from lmspt.tokenizer.losses import MultiResolutionMel, wave_distance
from lmspt.tokenizer.model import LMSPT
from lmspt.tokenizer.objectives import build_objective
from lmspt.train.engine import Adversary, fit
from lmspt.train.ranks import rank, sum_over_ranks


class TokenizerTraining(nn.Module):
    """The network and its objective as the engine wants them: batch in, loss and stats out.

    Args:
        model: the network.
        objective: what makes its semantic tokens semantic, or None.
        loss: weights.
        distill_weight: of the objective.
        adversarial: weights of what the critic says.
        critic: of the main decoder's speech in training, or None. It learns from the same loss and is no part of this module.
    """

    def __init__(
        self,
        model: LMSPT,
        objective: nn.Module | None,
        loss: LossConfig,
        distill_weight: float,
        adversarial: AdversarialConfig,
        critic: Critic | None,
    ) -> None:
        super().__init__()
        self.model, self.objective = model, objective
        self.loss, self.distill_weight = loss, distill_weight
        self.adversarial, self.opponents = adversarial, (critic,)  # a tuple keeps the critic out of the state dict
        self.mel = MultiResolutionMel(model.config.sample_rate, loss.mel_windows, loss.mel_bins, loss.mel_linear_weight)
        self.counts = [torch.zeros(stream.size, dtype=torch.long) for stream in model.streams]  # since the last reading

    def forward(self, wav: Tensor, lengths: Tensor) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """``wav`` (B, T), ``lengths`` (B,) samples -> loss, its parts, batch size."""
        aux = self.objective is not None and self.objective.hears_aux
        output = self.model(wav, lengths, self._acoustic_codebooks(len(wav), wav.device), aux)
        mel = self.mel(output.wav, wav, lengths)
        loss = self.loss.mel_weight * mel + self.loss.commitment_weight * output.commitment
        stats = {"mel": mel.detach(), "commitment": output.commitment.detach()}
        if self.loss.wave_weight:
            distance = wave_distance(output.wav, wav, lengths)
            loss = loss + self.loss.wave_weight * distance
            stats["wave"] = distance.detach()
        if self.objective is not None:
            distance = self.objective(wav, lengths, output)
            loss = loss + self.distill_weight * distance
            stats["distill"] = distance.detach()
        if self.training and self.loss.diversity_weight:
            with torch.autocast(wav.device.type, enabled=False):
                diversity = self.model.semantic_quantizer.diversity(output.z_semantic, output.mask)
            loss = loss - self.loss.diversity_weight * diversity
            stats["diversity"] = diversity.detach()
        if not self.training:
            self._count(output.codes, output.mask)
        stats = {"loss": loss.detach(), **stats}
        if self.training:
            loss = loss + self._criticised(wav, output.wav, lengths, stats)
        return loss, stats, torch.tensor(len(wav), device=wav.device)

    def _criticised(self, wav: Tensor, spoken: Tensor, lengths: Tensor, stats: dict[str, Tensor]) -> Tensor | float:
        """Both sides' losses of the adversarial training; ``stats`` gets their parts."""
        (critic,) = self.opponents
        verdict = None if critic is None else critic(wav, spoken, lengths)
        if verdict is None:
            return 0.0
        stats |= {name: part.detach() for name, part in vars(verdict).items()}
        weights = self.adversarial
        ours = weights.adversarial_weight * verdict.adversarial + weights.feature_weight * verdict.feature
        return ours + verdict.real + verdict.fake

    def read_health(self) -> list[Health]:
        """Health of each stream over the validation, of all ranks, since the last reading."""
        measured = [health(sum_over_ranks(count.to(self.device)).cpu().numpy()) for count in self.counts]
        for count in self.counts:
            count.zero_()
        return measured

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.model.parameters()).device

    def _acoustic_codebooks(self, batch_size: int, device: torch.device) -> Tensor:
        every = self.model.config.acoustic_codebooks
        keep = torch.full((batch_size,), every, device=device)
        if self.training:
            n = int(self.loss.quantizer_dropout * batch_size)
            keep[:n] = torch.randint(0, every + 1, (n,), device=device)
        return keep

    def _count(self, codes: Tensor, mask: Tensor) -> None:
        real = mask[..., 0].bool()
        for count, row in zip(self.counts, codes.unbind(1), strict=True):
            count += torch.bincount(row[real], minlength=len(count)).cpu()


def train(configs: tuple, train_dir: Path, valid_dir: Path, out: Path) -> LMSPT:
    """Train, or go on training, the tokenizer of ``configs`` (instances of ``CONFIGS``) in ``out``.

    Raises:
        InputError: bad data, or a semantic codebook that collapsed.
    """
    model_config, objective_config, loss_config, adversarial_config, batch_config, variation_config, train_config = configs
    torch.manual_seed(train_config.seed)
    model = LMSPT(model_config)
    objective = build_objective(objective_config, model_config)
    critic = build_critic(adversarial_config)
    task = TokenizerTraining(model, objective, loss_config, objective_config.distill_weight, adversarial_config, critic)
    for teacher in () if objective is None else objective.frozen:
        teacher.to(device_of(train_config.ngpu))
    logging.info("%s: %.2f M parameters", out.name, _millions(model))
    adversary = None
    if critic is not None:
        logging.info("%s: %.2f M parameters of discriminators", out.name, _millions(critic))
        adversary = Adversary(critic, adversarial_config.discriminator_lr)
    train_data, valid_data = DataDir(train_dir), DataDir(valid_dir)
    crops = Crops(
        Utterances(train_data, model_config.sample_rate),
        train_data.utts,
        batch_config,
        variation_config,
        train_config.steps_per_epoch,
        train_config.seed,
    )
    whole = WholeUtterances(Utterances(valid_data, model_config.sample_rate), valid_data.utts)
    state = fit(task, crops, whole, train_config, out, _HealthCheck(task, loss_config, out), adversary)
    task.load_state_dict(state)
    return model.eval()


def _millions(module: nn.Module) -> float:
    return sum(p.numel() for p in module.parameters()) / 1e6


class _HealthCheck:
    """After each validation: the codebooks' health into the log and ``health.json``; a collapsed one stops the training."""

    def __init__(self, task: TokenizerTraining, config: LossConfig, out: Path) -> None:
        self.task, self.config, self.out = task, config, out

    def __call__(self, epoch: int) -> dict[str, float]:
        streams = {stream.name: h for stream, h in zip(self.task.model.streams, self.task.read_health(), strict=True)}
        if rank() == 0:
            write_json(self.out / "health.json", {name: asdict(h) for name, h in streams.items()})
        semantic = streams["semantic"]
        possible = min(1.0, semantic.n_frames / self.task.model.streams[0].size)  # share of the codes that could be in use
        if epoch >= self.config.collapse_patience and semantic.use < self.config.collapse_use * possible:
            raise InputError(
                f"{self.out}: the semantic codebook has collapsed: {semantic.use:.1%} of its codes in use on the validation set "
                f"after epoch {epoch}. Raise diversity_weight, lower lr, or take a smaller semantic_size"
            )
        table = ", ".join(f"{name} use {h.use:.0%} perplexity {h.perplexity:.0f} dead {h.dead}" for name, h in streams.items())
        logging.info("%s: codebooks on the validation set: %s", self.out.name, table)
        return {f"{name}_{key}": getattr(h, key) for name, h in streams.items() for key in ("use", "perplexity")}
