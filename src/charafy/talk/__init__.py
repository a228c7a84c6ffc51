"""Live conversations: what runs in the process that carries media.

`run` is its composition root; `session` is one conversation over one connection; `dialogue` decides
who speaks when; `reply`, `playout` and `history` make, play and remember what the character says.
"""
