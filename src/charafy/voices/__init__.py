"""Voices: which ones an account may give its characters, and how each of them sounds."""
