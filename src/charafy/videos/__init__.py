"""Videos: a character says a text, or speaks with a given voice, in a film of its own."""
