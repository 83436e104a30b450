"""The small model of depth: within a frame, each acoustic code after those before it (Défossez et al. 2024, Moshi; Lee et al.
2022, RQ-Transformer). It reads the language model's hidden state once a frame and runs along the streams."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import AutoModel, LlamaConfig

from lmspt.slm.vocab import Vocabulary


class DepthModel(nn.Module):
    """A causal transformer over the acoustic streams of a frame.

    Args:
        vocab: whose streams after the first are acoustic.
        hidden_dim: channels of the language model's hidden state.
        dim, n_layers: its own shape.
    """

    def __init__(self, vocab: Vocabulary, hidden_dim: int, dim: int, n_layers: int) -> None:
        super().__init__()
        self.blocks = vocab.streams[1:]
        self.begin = self.blocks[0].begin
        n_codes = sum(block.size for block in self.blocks)
        self.inlet = nn.Linear(hidden_dim, dim)
        self.embedding = nn.Embedding(n_codes, dim)
        self.head = nn.Linear(dim, n_codes, bias=False)
        for table in (self.embedding.weight, self.head.weight):
            nn.init.normal_(table, std=0.02)
        shape = LlamaConfig(
            vocab_size=1,
            hidden_size=dim,
            num_hidden_layers=n_layers,
            num_attention_heads=max(1, dim // 64),
            num_key_value_heads=max(1, dim // 64),
            intermediate_size=4 * dim,
            max_position_embeddings=len(self.blocks),
            bos_token_id=None,
            eos_token_id=None,
        )
        self.layers = AutoModel.from_config(shape)
        self.layers.set_input_embeddings(nn.Identity())

    def forward(self, hidden: Tensor, earlier: Tensor) -> Tensor:
        """States (N, 1 + j, dim), of which number i scores acoustic stream i + 1.

        Args:
            hidden: of the language model (N, D).
            earlier: ids (N, j) of the first j acoustic streams of the frame; <pad>, of speech that is over, scores nothing.
        """
        codes = (earlier - self.begin).clamp_min(0)
        steps = torch.cat([self.inlet(hidden)[:, None], self.embedding(codes)], dim=1)
        return self.layers(inputs_embeds=steps, use_cache=False).last_hidden_state

    def logits(self, states: Tensor, stream: int) -> Tensor:
        """States (N, dim) -> scores (N, n) of the codes of ``stream``, 1 or later."""
        block = self.blocks[stream - 1]
        return states @ self.head.weight[block.begin - self.begin :][: block.size].T
