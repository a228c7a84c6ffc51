"""Accounts: who may use this server, how they prove it, and how all of it goes away again."""
