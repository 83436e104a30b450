"""Error rates, audio metrics, token probes, bootstrap: what is measured; sees only files."""
