"""The pages for people: in, out, characters, keys, credits, and the operator's desk."""
