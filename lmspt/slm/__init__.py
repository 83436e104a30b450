"""The speech language model: vocabulary, sequences, patterns, model, generation."""
