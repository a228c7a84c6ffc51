"""Prepaid credits: an append-only ledger, holds on it, and ways to buy more."""
