"""Encoders, quantizers, decoders, distillation objectives: the speech tokenizer."""
