"""Give anyone a character that speaks, shows its face and talks back."""

__version__ = "0.1.0"
