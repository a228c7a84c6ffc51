"""Characters: a name, a photo, a voice and a personality, owned by one account."""
