"""The API of Charafy over HTTP: typed, synchronous; `charafy.client` shows what is for callers."""
