"""Live conversations: their tokens, their money, their transcripts, and who leads them."""
