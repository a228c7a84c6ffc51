"""Avatars: what a character's photo becomes so that it can speak; its files, and what they cost."""
