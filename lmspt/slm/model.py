"""The speech language model: any causal transformer of the transformers library between one embedding and one output table.

A step's input is the sum of its streams' embeddings. Each stream's next code is read off the same hidden state, among the
ids that are legal there (:meth:`lmspt.slm.vocab.Vocabulary.legal`), in training as in generation; only ``coarse_first`` has
a model of depth for the acoustic ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModel, LlamaConfig, PretrainedConfig, PreTrainedModel

from lmspt.slm.attention import attention_of
from lmspt.slm.config import SLMConfig
from lmspt.slm.depth import DepthModel
from lmspt.slm.pattern import make_pattern
from lmspt.slm.sequence import Layout
from lmspt.slm.vocab import ASR, PAD, SPEECH_ONLY, TEXT_ONLY, TTS, WRITE_TEXT, Vocabulary

TASKS = {ASR: "asr", TTS: "tts", TEXT_ONLY: "text", SPEECH_ONLY: "speech"}


class SpeechLM(nn.Module):
    """A causal language model over text units, speakers and codes.

    Args:
        config: shape and weights of the tasks.
        vocab: the joint vocabulary.
        backbone: the transformer, or its configuration; see :func:`scratch_backbone` and
            :func:`lmspt.slm.pretrained.from_pretrained`.

    Attributes:
        layout: how utterances become sequences.
        tied: is the output table the embedding, as in the pretrained model?
    """

    def __init__(self, config: SLMConfig, vocab: Vocabulary, backbone: PretrainedConfig | PreTrainedModel) -> None:
        super().__init__()
        self.config, self.vocab = config, vocab
        self.n_streams = len(vocab.streams)
        pattern = make_pattern(config.pattern, self.n_streams)
        self.layout = Layout(vocab, pattern, int(config.voice_seconds * vocab.frame_rate))
        self.backbone = backbone if isinstance(backbone, PreTrainedModel) else AutoModel.from_config(backbone)
        self.backbone.set_input_embeddings(nn.Identity())  # ours is the embedding; theirs would be dead weight
        if config.gradient_checkpointing:
            self.backbone.gradient_checkpointing_enable({"use_reentrant": False})
        shape = self.backbone.config
        self.embedding = nn.Embedding(vocab.size, shape.hidden_size, padding_idx=PAD)
        self.head = nn.Linear(shape.hidden_size, vocab.size, bias=False)
        for table in (self.embedding.weight, self.head.weight):
            nn.init.normal_(table, std=0.02)
        with torch.no_grad():
            self.embedding.weight[PAD] = 0.0
        self.tied = bool(config.backbone) and shape.tie_word_embeddings
        if self.tied:
            self.head.weight = self.embedding.weight
        self.depth = None
        if config.pattern == "coarse_first" and self.n_streams > 1:
            self.depth = DepthModel(vocab, shape.hidden_size, config.depth_dim, config.depth_layers)
        self._lay_tables()
        weights = config.stream_weights
        self.stream_weights = [weights[min(stream, len(weights) - 1)] for stream in range(self.n_streams)]
        if config.freeze_backbone_steps:
            self.register_buffer("steps", torch.tensor(0))

    def _lay_tables(self) -> None:
        """Buffers: the legal ids of text and of each stream, an id's place among them, and the stream that it belongs to."""
        place = torch.zeros(self.vocab.size, dtype=torch.long)
        stream_of = torch.zeros(self.vocab.size, dtype=torch.long)
        for name, task, stream in [("text", ASR, 0), *((str(k), TTS, k) for k in range(self.n_streams))]:
            legal = torch.from_numpy(self.vocab.legal(task, stream))
            self.register_buffer(f"legal_{name}", legal, persistent=False)
            place[legal] = torch.arange(len(legal))
            stream_of[legal] = stream
        self.register_buffer("place", place, persistent=False)
        self.register_buffer("stream_of", stream_of, persistent=False)

    def embed(self, ids: Tensor) -> Tensor:
        """Steps (B, T, W) -> (B, T, D)."""
        return self.embedding(ids).sum(dim=2)

    def read(self, ids: Tensor, position: Tensor | None = None) -> Tensor:
        """Steps (B, T, W) -> hidden states (B, T, D); ``position`` as of :meth:`forward`."""
        # Padding is at the end, where a causal model sees it from no real step: no mask is needed. Where positions begin
        # again, transformers lets no step look back further, as long as there is no mask and no cache
        # (masking_utils.find_packed_sequence_indices).
        positions = {} if position is None else {"position_ids": position}
        embedded = self.embed(ids)
        # checkpointed layers are computed again in the backward pass, where the choice would be another
        with nullcontext() if self.config.gradient_checkpointing else attention_of(embedded):
            return self.backbone(inputs_embeds=embedded, use_cache=False, **positions).last_hidden_state

    def legal(self, task: int, stream: int) -> Tensor:
        """The legal ids (n,) of a stream, in the order of :meth:`logits`."""
        return self.get_buffer("legal_text" if task in WRITE_TEXT else f"legal_{stream}")

    def table(self, task: int, stream: int) -> Tensor:
        """Output rows (n, D) of the legal ids of a stream."""
        return self.head.weight[self.legal(task, stream)]

    def logits(self, hidden: Tensor, task: int, stream: int) -> Tensor:
        """Hidden states (..., D) -> scores (..., n) of the n legal ids of a stream."""
        return hidden @ self.table(task, stream).T

    def forward(
        self, ids: Tensor, predict: Tensor, task: Tensor, position: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Loss of a batch of sequences, padded or packed.

        Args:
            ids: (B, T, W), <pad> past the end.
            predict: (B, T, W) bool.
            task: (B, T) task ids.
            position: (B, T), from 0 in each of the sequences that share a row; ``None`` where none do.

        Returns:
            Weighted sum of the tasks' mean losses, stats, batch size.
        """
        if self.training and self.config.freeze_backbone_steps:
            self._freeze_or_thaw()
        hidden = self.read(ids, position)[:, :-1]
        ids, predict, task = ids[:, 1:], predict[:, 1:], task[:, 1:]
        stats, losses = {}, {}
        for number, name in TASKS.items():
            streams, weights = [], []
            for stream, scores, target in self.scores(hidden, ids, predict & (task == number)[..., None], number):
                streams.append(self.stream_weights[stream] * F.cross_entropy(scores, target))
                weights.append(self.stream_weights[stream])
                if stream == 0:
                    stats[f"acc_{name}"] = (scores.detach().argmax(-1) == target).float().mean()
            if streams:
                losses[name] = torch.stack(streams).sum() / sum(weights)
                stats[f"loss_{name}"] = losses[name].detach()
        loss = torch.stack([getattr(self.config, f"{name}_weight") * value for name, value in losses.items()]).sum()
        return loss, {"loss": loss.detach(), **stats}, torch.tensor(len(ids), device=ids.device)

    def scores(self, hidden: Tensor, ids: Tensor, predict: Tensor, task: int) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Each stream of a task that is to be predicted: its number, scores (N, n) and places (N,) among the legal ids."""
        states = None
        for stream in range(1 if task in WRITE_TEXT else self.n_streams):
            wanted = predict & (self.stream_of[ids] == stream)
            if not wanted.any():
                continue
            target, steps = self.place[ids[wanted]], wanted.any(-1)
            if self.depth is None or stream == 0:
                yield stream, self.logits(hidden[steps], task, stream), target
                continue
            if states is None:  # all acoustic streams are wanted in the same steps
                states = self.depth(hidden[steps], ids[steps][:, 1:-1])
            yield stream, self.depth.logits(states[:, stream - 1], stream), target

    def layers(self) -> list[nn.Module]:
        """The backbone's layers, as transformers names their class: what a sharded training gathers one after the other."""
        names = set(self.backbone._no_split_modules or ())
        return [module for module in self.backbone.modules() if type(module).__name__ in names]

    def _freeze_or_thaw(self) -> None:
        """The backbone has no gradient, and so takes no optimizer step, in the first ``freeze_backbone_steps`` batches."""
        if not hasattr(self, "_tuned"):
            self._tuned = [p for p in self.backbone.parameters() if p.requires_grad]
        for parameter in self._tuned:
            parameter.requires_grad_(bool(self.steps >= self.config.freeze_backbone_steps))
        self.steps += 1


def scratch_backbone(config: SLMConfig) -> PretrainedConfig:
    """A small Llama."""
    return LlamaConfig(
        vocab_size=1,
        hidden_size=config.dim,
        num_hidden_layers=config.n_layers,
        num_attention_heads=config.n_heads,
        num_key_value_heads=config.n_heads,
        intermediate_size=config.ff_dim,
        max_position_embeddings=4096,
        bos_token_id=None,
        eos_token_id=None,
    )
