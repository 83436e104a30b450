"""One thin command a stage: parse, call, write."""
