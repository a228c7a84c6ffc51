"""The demo world: characters that are there on the first start, so that something speaks."""
