"""Pretrained backbones: their text embeddings stay, the rest starts like them; tied tables, chat prompts, LoRA, freezing, GGUF."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gguf
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PhiConfig,
    PhiForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from lmspt.errors import InputError
from lmspt.slm.checkpoint import load_slm, save_slm
from lmspt.slm.config import SLMBatchConfig, SLMConfig
from lmspt.slm.packing import pad_sequences
from lmspt.slm.pretrained import PACKAGES, add_lora, convert_gguf, find_backbone, from_pretrained, merge_lora
from lmspt.slm.text import chat_turns, load_units
from lmspt.train.config import TrainConfig
from tests.slm.test_model import sequences
from tests.slm.test_vocab import toy

SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2, "intermediate_size": 32}
TEMPLATE = "{% for m in messages %}<user> {{ m['content'] }} <stop>{% endfor %}{% if add_generation_prompt %} <answer>{% endif %}"


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory) -> dict[bool, Path]:
    """Tied and untied Llamas with 12 embeddings, of which 10 are text."""
    folders = {}
    for tied in (False, True):
        torch.manual_seed(0)
        folders[tied] = tmp_path_factory.mktemp("tied" if tied else "untied")
        model = LlamaForCausalLM(LlamaConfig(vocab_size=12, tie_word_embeddings=tied, **SHAPE))
        model.get_input_embeddings().weight.data += torch.linspace(-1, 1, 32)
        model.save_pretrained(folders[tied])
    return folders


@pytest.mark.parametrize("tied", [False, True])
def test_text_embeddings_are_kept(pretrained, tied):
    theirs = LlamaForCausalLM.from_pretrained(pretrained[tied])
    model = from_pretrained(SLMConfig(backbone=str(pretrained[tied])), toy()).eval()
    begin, size = model.vocab.text.begin, model.vocab.text.size
    assert torch.equal(model.embedding.weight[begin : begin + size], theirs.get_input_embeddings().weight[:size])
    assert torch.equal(model.head.weight[begin : begin + size], theirs.get_output_embeddings().weight[:size])
    assert model.tied == tied and (model.head.weight is model.embedding.weight) == tied
    units = torch.tensor([[3, 1, 4]])
    hidden = model.backbone(inputs_embeds=model.embed(torch.stack([begin + units, units * 0, units * 0], -1))).last_hidden_state
    assert torch.allclose(hidden, theirs.model(input_ids=units).last_hidden_state, atol=1e-6)


@pytest.mark.parametrize("tied", [False, True])
def test_it_comes_back_from_disk(pretrained, tmp_path, tied):
    config = SLMConfig(backbone=str(pretrained[tied]))
    model = from_pretrained(config, toy()).eval()
    save_slm(tmp_path, model, (config, SLMBatchConfig(), TrainConfig()), Path("exp/tok_toy"))
    again = load_slm(tmp_path)
    batch = pad_sequences(sequences(model.layout))
    assert again.tied == tied and torch.equal(model(**batch)[0], again(**batch)[0])


def test_new_embeddings_start_like_the_text(pretrained):
    torch.manual_seed(1)
    around_text, around_zero = (
        from_pretrained(SLMConfig(backbone=str(pretrained[True]), init_embeddings=init), toy()).embedding.weight[268:]
        for init in ("text_statistics", "normal")
    )
    assert around_text[:, -1].mean() > 0.9 and abs(around_zero[:, -1].mean()) < 0.02


def gemma() -> PreTrainedModel:
    shape = {**SHAPE, "head_dim": 16, "vocab_size": 12, "layer_types": ["full_attention"] * 2}
    return Gemma3ForCausalLM(Gemma3TextConfig(**shape))


def phi() -> PreTrainedModel:
    return PhiForCausalLM(PhiConfig(**SHAPE, vocab_size=12))


@pytest.mark.parametrize(
    ("make", "message"), [(gemma, "its Gemma3TextScaledWordEmbedding does more than look up"), (phi, "its head has a bias")]
)
def test_what_would_be_lost_is_refused(tmp_path, make, message):
    make().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=message):
        from_pretrained(SLMConfig(backbone=str(tmp_path)), toy())


def test_unknown_backbone(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="backbone '/no/such/model'"):
        from_pretrained(SLMConfig(backbone="/no/such/model"), toy())


def test_lora_trains_little_and_is_merged(pretrained):
    model = from_pretrained(SLMConfig(backbone=str(pretrained[False]), lora_rank=2), toy())
    before, n_all = {n: p.clone() for n, p in model.named_parameters()}, sum(p.numel() for p in model.backbone.parameters())
    add_lora(model)
    trained = [p for p in model.backbone.parameters() if p.requires_grad]
    assert 0 < sum(p.numel() for p in trained) < 0.2 * n_all and model.embedding.weight.requires_grad
    batch = pad_sequences(sequences(model.layout))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(5):
        loss, *_ = model(**batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    last = model.eval()(**batch)[0].item()
    merge_lora(model)
    assert model(**batch)[0].item() == pytest.approx(last, rel=1e-5)
    assert {n for n, _ in model.named_parameters()} == before.keys()
    assert not torch.equal(before["backbone.layers.0.mlp.up_proj.weight"], model.backbone.layers[0].mlp.up_proj.weight)


def test_a_frozen_backbone_thaws_after_its_steps(pretrained):
    model = from_pretrained(SLMConfig(backbone=str(pretrained[False]), freeze_backbone_steps=2), toy()).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
    batch, weight = pad_sequences(sequences(model.layout)), model.backbone.layers[0].mlp.up_proj.weight
    moved = []
    for _ in range(4):
        was = weight.detach().clone()
        optimizer.zero_grad()
        model(**batch)[0].backward()
        optimizer.step()
        moved.append(not torch.equal(was, weight))
    assert moved == [False, False, True, True] and int(model.state_dict()["steps"]) == 4


def test_gradient_checkpointing_changes_no_gradient(pretrained):
    gradients = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        model = from_pretrained(SLMConfig(backbone=str(pretrained[False]), gradient_checkpointing=checkpointing), toy()).train()
        model(**pad_sequences(sequences(model.layout)))[0].backward()
        assert model.backbone.is_gradient_checkpointing == checkpointing
        gradients.append([p.grad for p in model.parameters()])
    assert all(torch.allclose(a, b, atol=1e-7) for a, b in zip(*gradients, strict=True))


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    words = ["<unk>", "<user>", "<stop>", "<answer>", "Transcribe", "this", "speech:", "Read", "text", "aloud:"]
    model = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    model.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=model, unk_token="<unk>", chat_template=TEMPLATE)


def test_chat_turns(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path / "chat/text")
    turns = chat_turns(load_units(tmp_path / "chat"))
    assert turns == {"asr": [[1, 4, 5, 6], [2, 3]], "tts": [[1, 7, 5, 8, 9], [2, 3]]}
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tmp_path / "chat/text")
    tokenizer.chat_template = None
    tokenizer.save_pretrained(tmp_path / "plain/text")
    with pytest.raises(InputError, match="chat template"):
        chat_turns(load_units(tmp_path / "plain"))


def test_what_is_written_is_one_line(tmp_path):
    model = Tokenizer(WordLevel({word: i for i, word in enumerate(["<unk>", "one", "\n\n", "two"])}, unk_token="<unk>"))
    PreTrainedTokenizerFast(tokenizer_object=model, unk_token="<unk>").save_pretrained(tmp_path / "text")
    assert load_units(tmp_path).decode([2, 1, 2, 3, 2]) == "one two"


def test_a_package_is_asked_only_when_the_cache_has_nothing(monkeypatch, tmp_path):
    name = next(iter(PACKAGES))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(PACKAGES, name, replace(PACKAGES[name], module="no_such_module"))
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    assert find_backbone(name) == name  # left to the hub
    (tmp_path / "lmspt/weights/SmolLM2-135M-Instruct").mkdir(parents=True)
    assert find_backbone(name) == str(tmp_path / "lmspt/weights/SmolLM2-135M-Instruct")
    assert find_backbone(str(tmp_path)) == str(tmp_path)


def write_gguf(path: Path, state: dict[str, torch.Tensor]) -> None:
    """A two-layer Llama with 12 byte-pair units, as llama.cpp stores it."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("toy")
    writer.add_context_length(64)
    writer.add_embedding_length(SHAPE["hidden_size"])
    writer.add_block_count(SHAPE["num_hidden_layers"])
    writer.add_feed_forward_length(SHAPE["intermediate_size"])
    writer.add_head_count(SHAPE["num_attention_heads"])
    writer.add_head_count_kv(SHAPE["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(12)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(["<unk>", "a", "b", "ab", "c", "d", "e", "f", "g", "h", "i", "j"])
    writer.add_token_merges(["a b"])
    writer.add_unk_token_id(0)
    for name, tensor in state.items():
        writer.add_tensor(name, tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_gguf_becomes_a_folder(tmp_path):
    torch.manual_seed(0)
    n, ff = SHAPE["hidden_size"], SHAPE["intermediate_size"]
    shapes = {"attn_norm.weight": (n,), "ffn_norm.weight": (n,), "ffn_gate.weight": (ff, n), "ffn_up.weight": (ff, n)}
    shapes |= {"ffn_down.weight": (n, ff)} | {f"attn_{name}.weight": (n, n) for name in ("q", "k", "v", "output")}
    state = {f"blk.{layer}.{name}": torch.randn(shape) for layer in range(2) for name, shape in shapes.items()}
    state |= {"token_embd.weight": torch.randn(12, n), "output_norm.weight": torch.randn(n)}
    write_gguf(tmp_path / "toy.gguf", state)
    convert_gguf(tmp_path / "toy.gguf", tmp_path / "toy")
    model = from_pretrained(SLMConfig(backbone=str(tmp_path / "toy")), toy())
    begin = model.vocab.text.begin
    assert torch.equal(model.embedding.weight[begin : begin + 10], state["token_embd.weight"][:10])
    assert torch.equal(model.backbone.layers[1].mlp.down_proj.weight, state["blk.1.ffn_down.weight"])
    assert (tmp_path / "toy/model.safetensors").is_file() and not list(tmp_path.glob(".toy*"))
