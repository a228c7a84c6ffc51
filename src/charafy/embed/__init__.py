"""Embedding: which web pages may show a character, and how much of it they may use."""
