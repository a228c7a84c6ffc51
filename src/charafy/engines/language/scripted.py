"""A scripted `Chat`, labelled as such: it knows no language, it says back what it was told.

For tests, and for whoever builds against a server without a model.
"""

from __future__ import annotations

from collections.abc import Iterator

from charafy.engines.language import Asked


class ScriptedChat:
    """Answers with the words it was asked with: always the same, at once."""

    def reply(self, asked: Asked) -> Iterator[str]:
        said = next((m.content for m in reversed(asked.messages) if m.role == "user"), "")
        if asked.language == "ja":
            answer = f"「{said.strip('。 ')}」と聞こえました。もっと聞かせてください。"
        else:
            answer = f"I heard: {said.strip(' .')}. Please tell me more."
        for at in range(0, len(answer), 4):
            yield answer[at : at + 4]

    def warm(self, asked: Asked) -> None:
        """Nothing to read."""
