"""Published tokenizers, one file a kind: the name of the file is the value of a config's key ``tokenizer``.

What a file holds is in :class:`lmspt.tokenizer.adapter.Codec`.
"""
