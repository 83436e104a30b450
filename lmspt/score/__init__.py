"""Error rates, audio metrics, bootstrap, reports; sees only files."""
