"""LM-SPT: speech tokenizers trained by semantic speech-resynthesis distillation, judged by the speech LM they feed."""

__version__ = "0.1.0"
__all__ = ["SpeechLM", "Tokenizer"]


def __getattr__(name: str) -> type:
    """Models for use, imported when they are asked for: data and scoring commands do not wait for torch."""
    if name in __all__:
        from lmspt import inference

        return getattr(inference, name)
    raise AttributeError(f"module 'lmspt' has no attribute '{name}'")
