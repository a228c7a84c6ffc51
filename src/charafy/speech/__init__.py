"""Speech: text in, paid audio out, streamed while it is made."""
