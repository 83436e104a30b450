"""The speech language model: any causal transformer of the transformers library between one embedding and one output table.

A step's input is the sum of its streams' embeddings. Each stream's next code is read off the same hidden state, among the
ids that are legal there (:meth:`lmspt.slm.vocab.Vocabulary.legal`), in training as in generation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModel, AutoModelForCausalLM, LlamaConfig, PretrainedConfig

from lmspt.errors import InputError
from lmspt.slm.config import SLMConfig
from lmspt.slm.vocab import ASR, PAD, TTS, Vocabulary

TASKS = {ASR: "asr", TTS: "tts"}


class SpeechLM(nn.Module):
    """A causal language model over text units, speakers and codes.

    Args:
        config: shape and weights of the tasks.
        vocab: the joint vocabulary.
        backbone: configuration of the transformer; see :func:`scratch_backbone` and :meth:`from_pretrained`.
    """

    def __init__(self, config: SLMConfig, vocab: Vocabulary, backbone: PretrainedConfig) -> None:
        super().__init__()
        self.config, self.vocab = config, vocab
        self.n_streams = len(vocab.streams)
        self.backbone = AutoModel.from_config(backbone)
        self.backbone.set_input_embeddings(nn.Identity())  # ours is the embedding; theirs would be dead weight
        dim = backbone.hidden_size
        self.embedding = nn.Embedding(vocab.size, dim, padding_idx=PAD)
        self.head = nn.Linear(dim, vocab.size, bias=False)
        for table in (self.embedding.weight, self.head.weight):
            nn.init.normal_(table, std=0.02)
        with torch.no_grad():
            self.embedding.weight[PAD] = 0.0
        place = torch.zeros(vocab.size, dtype=torch.long)  # of an id among the legal ones of its stream
        for task in TASKS:
            for stream in range(1 if task == ASR else self.n_streams):
                legal = torch.from_numpy(vocab.legal(task, stream))
                self.register_buffer(f"legal_{TASKS[task]}_{stream}", legal, persistent=False)
                place[legal] = torch.arange(len(legal))
        self.register_buffer("place", place, persistent=False)
        weights = config.stream_weights
        self.stream_weights = [weights[min(stream, len(weights) - 1)] for stream in range(self.n_streams)]

    def embed(self, ids: Tensor) -> Tensor:
        """Steps (B, T, K) -> (B, T, D)."""
        return self.embedding(ids).sum(dim=2)

    def logits(self, hidden: Tensor, task: int, stream: int) -> Tensor:
        """Hidden states (..., D) -> scores (..., n) of the n legal ids of a stream."""
        legal = self.get_buffer(f"legal_{TASKS[task]}_{stream}")
        return hidden @ self.head.weight[legal].T

    def legal(self, task: int, stream: int) -> Tensor:
        """The legal ids (n,) of a stream, in the order of :meth:`logits`."""
        return self.get_buffer(f"legal_{TASKS[task]}_{stream}")

    def forward(self, ids: Tensor, predict: Tensor, task: Tensor) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Loss of a padded batch.

        Args:
            ids: (B, T, K), <pad> past the end.
            predict: (B, T, K) bool.
            task: (B,) task ids.

        Returns:
            Weighted sum of the tasks' mean losses, stats, batch size.
        """
        # padding is at the end, where a causal model sees it from no real step: no mask is needed
        hidden = self.backbone(inputs_embeds=self.embed(ids), use_cache=False).last_hidden_state[:, :-1]
        ids, predict = ids[:, 1:], predict[:, 1:]
        stats, losses = {}, {}
        for number, name in TASKS.items():
            streams = []
            for stream in range(1 if number == ASR else self.n_streams):
                wanted = predict[..., stream] & (task == number)[:, None]
                if not wanted.any():
                    continue
                scores, target = self.logits(hidden[wanted], number, stream), self.place[ids[..., stream][wanted]]
                streams.append(self.stream_weights[stream] * F.cross_entropy(scores, target))
                if stream == 0:
                    stats[f"acc_{name}"] = (scores.detach().argmax(-1) == target).float().mean()
            if streams:
                losses[name] = torch.stack(streams).sum() / sum(self.stream_weights[: len(streams)])
                stats[f"loss_{name}"] = losses[name].detach()
        weights = {"asr": self.config.asr_weight, "tts": self.config.tts_weight}
        loss = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        return loss, {"loss": loss.detach(), **stats}, torch.tensor(len(ids), device=ids.device)


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


def from_pretrained(config: SLMConfig, vocab: Vocabulary) -> SpeechLM:
    """A speech language model whose transformer and text embeddings are those of ``config.backbone``.

    Embeddings of all other ids start as draws around the mean text embedding, at the text embeddings' spread.

    Raises:
        InputError: nothing of that name, or another number of text units than the vocabulary has.
    """
    try:
        pretrained = AutoModelForCausalLM.from_pretrained(config.backbone, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise InputError(
            f"backbone '{config.backbone}': no such folder, and not in the Hugging Face cache or hub ({error})"
        ) from None
    slm = SpeechLM(config, vocab, pretrained.config)
    tables = (pretrained.get_input_embeddings().weight.detach(), pretrained.get_output_embeddings().weight.detach())
    text = slice(vocab.text.begin, vocab.text.begin + vocab.text.size)
    for ours, theirs in zip((slm.embedding.weight, slm.head.weight), tables, strict=True):
        if len(theirs) < vocab.text.size:
            raise InputError(f"backbone '{config.backbone}': {len(theirs)} embeddings for {vocab.text.size} text units")
        with torch.no_grad():
            ours.copy_(theirs.mean(0) + theirs.std(0) * torch.randn_like(ours))
            ours[text] = theirs[: vocab.text.size]
    with torch.no_grad():
        slm.embedding.weight[PAD] = 0.0
    backbone = pretrained.base_model
    backbone.set_input_embeddings(nn.Identity())
    slm.backbone = backbone
    return slm
