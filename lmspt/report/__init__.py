"""What was measured, read from its files, pooled, compared, and shown in tables, pictures and a page."""
