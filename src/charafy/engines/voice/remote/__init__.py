"""Voices that other services clone and speak, over HTTP.

`openai`: servers with an OpenAI-compatible speech endpoint that take a recording along (vLLM-Omni
with Qwen3-TTS and others) or keep one (also Chatterbox servers). `elevenlabs`: ElevenLabs' API and
what imitates it. Both send one clause at a time, so that sound starts early, and mark its words and
phonemes themselves (`voice.alignment`): neither service tells when its phonemes sound.
"""
