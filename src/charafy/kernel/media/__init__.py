"""Media: bytes that play or show, made and checked."""
