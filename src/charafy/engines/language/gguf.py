"""A `Chat` on this machine: any chat model in GGUF that speaks ChatML, by llama.cpp.

One reply at a time: on a few cores two would both be late. What conversations begin with stays in
the model's cache, so that a turn costs what was said last.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from charafy.engines.language import Asked, ChatFailed, ChatStalled, Language, Message, Role

_CONTEXT: Final = 4096
"""Tokens."""
_LEAST_MOVED: Final = 16
"""Tokens in a row that are moved within the model's cache when what stood before them is gone,
instead of being read anew: forgetting half a conversation cost four seconds."""
_MOST_TOLD: Final = 7_500
_MOST_SAID: Final = 3_500
"""Bytes of UTF-8, of which a token is three or four in either language: what the model is told at
the beginning, and what was said last. A small model reads some hundred tokens a second."""
_TURN_S: Final = 30.0
"""How long a reply waits for the one before it."""
_READ_S: Final = 60.0
"""For the first word: a long beginning that was not read ahead takes its time."""
_STALLED_S: Final = 10.0
_STARTS_S: Final = 0.04
"""The voice begins with a clause within this of being given it, or has something else to do."""
_PAUSED_S: Final = 6.0
"""No voice needs longer for a clause; then the model goes on beside it."""
_POLL_S: Final = 0.01
_STOPS: Final = ("<|im_end|>", "<|im_start|>", "<|endoftext|>", "\n\n")
_BREAKS: Final[dict[Language, str]] = {"en": ".!?;:,", "ja": "。！？、"}
_LEAST: Final[dict[Language, int]] = {"en": 14, "ja": 6}
"""Characters after which a clause may make room for the voice."""


class EmbeddedChat:
    """Thread-safe; loads the model at the first reply."""

    def __init__(
        self,
        model: Callable[[], Path],
        *,
        threads: int = 2,
        pause: Callable[[], bool] = lambda: False,
        temperature: float = 0.6,
        seed: int = -1,
    ) -> None:
        """`model` answers the path of the file, and may have to fetch it.

        While `pause` is true the model waits at the end of a clause: the voice has the cores.
        """
        self._model = model
        self._threads = threads
        self._pause = pause
        self._sampling = {
            "temperature": temperature,
            "top_p": 0.9,
            "min_p": 0.05,
            "repeat_penalty": 1.1,
            "seed": seed,
        }
        self._turn = threading.Lock()
        self._server: Any = None

    def reply(self, asked: Asked) -> Iterator[str]:
        """See `Chat.reply`. Raises `ChatStalled`, `ChatFailed`."""
        self._take_turn()
        try:
            prompt, said, left = chatml(asked), "", asked.max_tokens
            while left > 0:
                clause = ""
                run = _Run(self._ready(), prompt + said, left, self._sampling)
                with closing(run.deltas()) as deltas:
                    for delta in deltas:
                        clause, said, left = clause + delta, said + delta, left - 1
                        yield delta
                        if _breathes(clause, asked.language) and self._pauses(_STARTS_S):
                            break
                    else:
                        return
                self._wait()
        finally:
            self._turn.release()

    def warm(self, asked: Asked) -> None:
        """See `Chat.warm`. Raises what `reply` raises."""
        self._take_turn()
        try:
            for _ in _Run(self._ready(), chatml(asked, next_="user"), 0, self._sampling).deltas():
                pass
        finally:
            self._turn.release()

    def _take_turn(self) -> None:
        if not self._turn.acquire(timeout=_TURN_S):
            raise ChatStalled("The language model is busy with another reply.")

    def _pauses(self, within_s: float) -> bool:
        """Whether there is to be a pause, or will be `within_s`. The model goes on meanwhile."""
        until = time.monotonic() + within_s
        while not (pauses := self._pause()) and time.monotonic() < until:
            time.sleep(_POLL_S)
        return pauses

    def _wait(self) -> None:
        until = time.monotonic() + _PAUSED_S
        while self._pause() and time.monotonic() < until:
            time.sleep(_POLL_S)

    def _ready(self) -> Any:
        if self._server is None:
            try:
                path = self._model()
            except OSError as error:
                raise ChatFailed("The language model's file is missing.") from error
            self._server = _load(path, self._threads)
        return self._server


class _Run:
    """One generation, in a thread of its own since the library calls back."""

    def __init__(self, server: Any, prompt: str, tokens: int, sampling: dict[str, Any]) -> None:
        self._server = server
        self._body = {
            "prompt": prompt,
            "n_predict": tokens,
            "stream": True,
            "cache_prompt": True,
            "stop": list(_STOPS),
            **sampling,
        }
        self._stopped = threading.Event()
        self._pieces: queue.SimpleQueue[str | Exception | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._generate, name="llama", daemon=True)

    def deltas(self) -> Generator[str]:
        """What is generated. Closing it ends the generation."""
        wait_s = _READ_S
        self._thread.start()
        try:
            while True:
                try:
                    piece = self._pieces.get(timeout=wait_s)
                except queue.Empty as error:
                    raise ChatStalled("The language model did not go on in time.") from error
                if piece is None:
                    return
                if isinstance(piece, Exception):
                    raise ChatFailed("The language model broke off.") from piece
                wait_s = _STALLED_S
                yield piece
        finally:
            self._stopped.set()
            self._thread.join(_STALLED_S)

    def _generate(self) -> None:
        try:
            self._server.handle_completions(self._body, self._take)
        except Exception as error:  # noqa: BLE001 - raised again by who waits for the pieces
            self._pieces.put(error)
        else:
            self._pieces.put(None)

    def _take(self, chunk: Any) -> bool:
        """Whether to stop."""
        if isinstance(chunk, str | bytes):
            chunk = json.loads(chunk)
        if chunk.get("error"):
            self._pieces.put(RuntimeError(str(chunk["error"])))
            return True
        text = chunk.get("content")
        if text is None and chunk.get("choices"):
            text = chunk["choices"][0].get("text")
        if text and self._body["n_predict"]:
            self._pieces.put(str(text))
        return self._stopped.is_set()


def chatml(asked: Asked, *, next_: Role = "assistant") -> str:
    """The conversation as such models were taught to read it, up to where `next_` begins.

    As much of it as a model has room for: of what is told the two ends, of what was said the last.
    """
    messages = _fitting(asked.messages)
    turns = (f"<|im_start|>{m.role}\n{_plain(m.content)}<|im_end|>\n" for m in messages)
    return "".join(turns) + f"<|im_start|>{next_}\n"


def _fitting(messages: tuple[Message, ...]) -> list[Message]:
    """What is told stays where it stands; of what was said, the oldest is left out."""
    said = [m for m in messages if m.role != "system"]
    share = _MOST_TOLD // max(1, len(messages) - len(said))
    left, full, kept = _MOST_SAID, False, list[Message]()
    for message in reversed(messages):
        if message.role == "system":
            kept.append(Message("system", _cut(message.content, share)))
            continue
        size = len(message.content.encode())
        full = full or (message is not said[-1] and size > left)
        if not full:
            kept.append(Message(message.role, _cut(message.content, _MOST_SAID)))
            left -= size
    return kept[::-1]


def _cut(text: str, most: int) -> str:
    """At most so many bytes: its beginning, and its end, where instructions stand."""
    data = text.encode()
    if len(data) <= most:
        return text
    end = most // 4
    return data[: most - end].decode(errors="ignore") + data[-end:].decode(errors="ignore")


def _plain(text: str) -> str:
    """Nobody's words end a turn."""
    return text.replace("<|", "< |")


def _breathes(clause: str, language: Language) -> bool:
    return len(clause) >= _LEAST[language] and clause.rstrip().endswith(tuple(_BREAKS[language]))


def _load(path: Path, threads: int) -> Any:
    import secrets

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = _CONTEXT
    params.n_parallel = 1
    params.warmup = False
    params.verbosity = 0
    params.cache_ram_mib = 128
    params.n_cache_reuse = _LEAST_MOVED
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    # Its server listens on this machine: nobody but us may ask it.
    params.api_keys = [secrets.token_urlsafe(24)]
    try:
        return xllamacpp.Server(params)
    except Exception as error:
        raise ChatFailed("The language model could not be loaded.") from error
