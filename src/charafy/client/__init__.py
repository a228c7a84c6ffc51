"""Talks to characters from Python: `charafy.client.conversation`. Needs nothing of the server."""
