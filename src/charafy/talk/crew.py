"""The engines, off the event loop: a few threads that hear, think and speak for every session."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, Generic, Protocol, TypeVar

from charafy.engines.hearing import Melody, Recogniser, Samples, Vad, VadStream
from charafy.engines.language import Asked, Chat
from charafy.engines.voice import Language, SpeechChunk, Voice

T = TypeVar("T")

_AHEAD: Final = 8
"""Pieces that an engine may be ahead of who takes them."""
_STOP_S: Final = 5.0


class Thinker(Protocol):
    """Who thinks for a session; nothing here holds up the event loop."""

    def think(self, asked: Asked) -> AsyncGenerator[str, None]:
        """Deltas of a reply; closing it stops the model."""
        ...

    async def warm(self, asked: Asked) -> None:
        """Let the model read what every turn of a conversation begins with."""
        ...


class Crew(Thinker, Protocol):
    """Who hears, thinks and speaks for every session; nothing here holds up the event loop."""

    def listen(self) -> VadStream:
        """A stream of voice activity that has heard nothing yet."""
        ...

    async def attend(self, work: Callable[[], T]) -> T:
        """Run `work` where sound is listened to: short, in order, for all sessions."""
        ...

    async def hear(self, samples: Samples, language: Language) -> str:
        """What is said in `samples`. Cancelled before its turn, it costs nothing."""
        ...

    async def over(self, samples: Samples) -> float:
        """How likely a turn is over that sounds like `samples`, 0..1."""
        ...

    def speak(self, text: str, voice: str, language: Language) -> AsyncGenerator[SpeechChunk, None]:
        """Speech, piece by piece; closing it stops the voice."""
        ...


class ThreadedCrew:
    """Bounded: `hearers`, `thinkers` and `speakers` threads, however many sessions there are.

    The voice goes first: `speaking` is what a language model on the same cores waits for.
    """

    def __init__(
        self,
        *,
        vad: Vad,
        recogniser: Recogniser,
        voice: Voice,
        melody: Melody | None = None,
        hearers: int = 1,
        thinkers: int = 1,
        speakers: int = 1,
    ) -> None:
        self._vad = vad
        self._recogniser = recogniser
        self._voice = voice
        self._melody = melody
        self._chat: Chat | None = None
        self._hearers = ThreadPoolExecutor(hearers, thread_name_prefix="hear")
        self._thinkers = ThreadPoolExecutor(thinkers, thread_name_prefix="think")
        self._speakers = ThreadPoolExecutor(speakers, thread_name_prefix="speak")
        self._listeners = ThreadPoolExecutor(1, thread_name_prefix="listen")
        self._lock = threading.Lock()
        self._speeches = 0

    def hire(self, chat: Chat) -> None:
        """Let this one think. It is made with `speaking` at hand, so it comes second."""
        self._chat = chat

    def speaking(self) -> bool:
        """Whether a voice is at work right now."""
        return self._speeches > 0

    def listen(self) -> VadStream:
        """A stream of voice activity that has heard nothing yet; loads the model."""
        return self._vad.listen()

    async def attend(self, work: Callable[[], T]) -> T:
        """Run `work` where sound is listened to: short, in order, for all sessions."""
        return await asyncio.get_running_loop().run_in_executor(self._listeners, work)

    async def hear(self, samples: Samples, language: Language) -> str:
        """What is said in `samples`. Cancelled before its turn, it costs nothing."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._hearers, self._recogniser.transcribe, samples, language
        )

    async def over(self, samples: Samples) -> float:
        """See `Crew.over`: beside recognition; 1.0 where nobody can tell."""
        if self._melody is None:
            return 1.0
        return await self.attend(partial(self._melody.over, samples))

    def think(self, asked: Asked) -> AsyncGenerator[str, None]:
        """Deltas of a reply; leaving the iteration stops the model."""
        return relayed(self._thinkers, lambda: self._mind.reply(asked))

    async def warm(self, asked: Asked) -> None:
        """Let the model read what every turn of a conversation begins with."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thinkers, self._mind.warm, asked)

    def speak(self, text: str, voice: str, language: Language) -> AsyncGenerator[SpeechChunk, None]:
        """Speech, piece by piece; leaving the iteration stops the voice."""
        return relayed(self._speakers, lambda: self._spoken(text, voice, language))

    def close(self) -> None:
        """Take no more work; what is under way stops at its next piece."""
        for pool in (self._hearers, self._thinkers, self._speakers, self._listeners):
            pool.shutdown(wait=False, cancel_futures=True)

    @property
    def _mind(self) -> Chat:
        if self._chat is None:
            raise RuntimeError("nobody was hired to think")
        return self._chat

    def _spoken(self, text: str, voice: str, language: Language) -> Iterator[SpeechChunk]:
        with self._lock:
            self._speeches += 1
        try:
            yield from self._voice.speak(text, voice, language)
        finally:
            with self._lock:
                self._speeches -= 1


class _Relay(Generic[T]):
    """Carries what an iterator yields in a thread to an event loop, and back that it is left."""

    def __init__(self, begin: Callable[[], Iterator[T]]) -> None:
        self._begin = begin
        self._loop = asyncio.get_running_loop()
        self._room = threading.Semaphore(_AHEAD)
        self._left = threading.Event()
        self._leave: Callable[[], None] | None = None
        """Ends a wait for the next piece; only some iterators can be left from another thread."""
        self.pieces: asyncio.Queue[tuple[T] | BaseException | None] = asyncio.Queue()

    def work(self) -> None:
        """In a thread: until the iterator ends or is left. It is closed here."""
        try:
            found = self._begin()
            self._leave = getattr(found, "leave", None)
            with contextlib.closing(_closable(found)) as iterator:
                if self._left.is_set():
                    return
                for piece in iterator:
                    self._tell((piece,))
                    if not self._may_go_on():
                        return
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._tell(error)
        else:
            self._tell(None)

    def taken(self) -> None:
        """There is room for one more."""
        self._room.release()

    def leave(self) -> None:
        """Nobody takes any more."""
        self._left.set()
        if self._leave is not None:
            self._leave()
        self._room.release()

    def _may_go_on(self) -> bool:
        while not self._left.is_set():
            if self._room.acquire(timeout=_STOP_S):
                return not self._left.is_set()
        return False

    def _tell(self, piece: tuple[T] | BaseException | None) -> None:
        # The loop may have closed under a thread that was still at work: nobody listens then.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.pieces.put_nowait, piece)


def _closable(iterator: Iterator[T]) -> Generator[T, None, None]:
    """Closing this closes `iterator`, if it can be closed."""
    try:
        yield from iterator
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


async def relayed(
    pool: ThreadPoolExecutor, begin: Callable[[], Iterator[T]]
) -> AsyncGenerator[T, None]:
    """What an iterator yields in a thread of `pool`; it is closed there when this is left."""
    relay = _Relay(begin)
    future = pool.submit(relay.work)
    try:
        while (got := await relay.pieces.get()) is not None:
            if isinstance(got, BaseException):
                raise got
            relay.taken()
            yield got[0]
    finally:
        relay.leave()
        future.cancel()
