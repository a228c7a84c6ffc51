"""Webhooks: telling an account's own servers what happened, signed as Standard Webhooks says."""
