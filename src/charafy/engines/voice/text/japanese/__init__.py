"""Japanese: written text -> readings in kana -> phonemes, as Kokoro's voices were trained."""
