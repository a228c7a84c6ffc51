"""Stock names go to the stock voice, clones to whoever their file names."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from charafy.engines.voice import Language, SpeechChunk, VoiceFailed
from charafy.engines.voice.cloning.clonefile import BadClone, pack
from charafy.engines.voice.deferred import DeferredVoice
from charafy.engines.voice.router import CloneShelf, VoiceRouter
from charafy.engines.voice.scripted import ScriptedVoice

KOKORO = "voices/a1/clone-11.json"
SCRIPTED = "voices/a2/clone-22.json"
REMOTE = "voices/a3/clone-33.json"
GONE = "voices/a4/clone-44.json"


class Files:
    """Clone files as storage has them."""

    def __init__(self, **files: bytes) -> None:
        self.files = {
            KOKORO: pack("kokoro", {"pitch": 1.1}),
            SCRIPTED: pack("scripted", {}),
            REMOTE: pack("elevenlabs", {"voice_id": "x1"}),
            **files,
        }
        self.read: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, name: str) -> bytes:
        self.read.append(name)
        self.gate.wait(10)
        return self.files[name]


class Stock:
    """Remembers by which name it was to speak."""

    voices = ("af_heart",)

    def __init__(self) -> None:
        self.spoken: list[tuple[str, str, Language, float]] = []

    def speak(
        self, text: str, voice: str, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        if voice not in (*self.voices, KOKORO, SCRIPTED):
            raise KeyError(voice)
        self.spoken.append((text, voice, language, speed))
        return iter([SpeechChunk(np.zeros(10, np.float32), (), len(text))])


class Speaker:
    """Remembers what it was to speak with."""

    def __init__(self) -> None:
        self.spoken: list[tuple[Mapping[str, Any], str, Language, float]] = []

    def speak(
        self, data: Mapping[str, Any], text: str, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        self.spoken.append((data, text, language, speed))
        return iter([SpeechChunk(np.ones(10, np.float32), (), len(text))])


def test_a_stock_voice_speaks_without_any_file_being_read() -> None:
    stock, files = Stock(), Files()
    router = VoiceRouter(stock, {}, CloneShelf(files))
    assert [c.chars_done for c in router.speak("Hello", "af_heart", "en", 1.5)] == [5]
    assert stock.spoken == [("Hello", "af_heart", "en", 1.5)]
    assert router.voices == ("af_heart",)
    assert files.read == []


@pytest.mark.parametrize("name", [KOKORO, SCRIPTED])
def test_clones_of_the_house_are_spoken_by_the_stock_voice_under_their_name(name: str) -> None:
    stock = Stock()
    list(VoiceRouter(stock, {}, CloneShelf(Files())).speak("Hello", name, "ja", 0.8))
    assert stock.spoken == [("Hello", name, "ja", 0.8)]


def test_clones_of_a_service_are_spoken_by_it_with_their_file() -> None:
    stock, speaker = Stock(), Speaker()
    router = VoiceRouter(stock, {"elevenlabs": speaker}, CloneShelf(Files()))
    chunks = list(router.speak("Hello", REMOTE, "en", 1.25))
    assert chunks[0].pcm.all()
    [(data, *rest)] = speaker.spoken
    assert data["voice_id"] == "x1"
    assert rest == ["Hello", "en", 1.25]
    assert stock.spoken == []


def test_a_service_that_is_no_longer_set_up_is_named_as_the_reason() -> None:
    router = VoiceRouter(Stock(), {}, CloneShelf(Files()))
    with pytest.raises(VoiceFailed, match="not set up"):
        router.speak("Hello", REMOTE, "en")


@pytest.mark.parametrize(
    ("name", "waits"), [("af_heart", False), (KOKORO, False), (REMOTE, True), (GONE, False)]
)
def test_speaking_is_mostly_waiting_when_a_service_does_it(name: str, waits: bool) -> None:
    assert VoiceRouter(Stock(), {}, CloneShelf(Files())).waits(name) is waits


@pytest.mark.parametrize("name", [GONE, "voices/", "af_nobody"])
def test_unknown_names_are_key_errors(name: str) -> None:
    router = VoiceRouter(Stock(), {}, CloneShelf(Files()))
    with pytest.raises(KeyError):
        router.speak("Hello", name, "en")


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"\xff\xfe", b'{"format":"charafy-clone","version":99,"engine":"x"}']
)
def test_a_damaged_file_is_no_voice(data: bytes) -> None:
    router = VoiceRouter(Stock(), {}, CloneShelf(Files(**{GONE: data})))
    with pytest.raises(BadClone):
        router.speak("Hello", GONE, "en")


def test_a_file_beyond_all_size_is_not_even_parsed() -> None:
    huge = pack("openai", {"audio": "A" * (5 * 1024 * 1024)})
    with pytest.raises(BadClone, match="larger"):
        CloneShelf(Files(**{GONE: huge})).read(GONE)


def test_the_model_is_loaded_for_clones_only_when_they_speak() -> None:
    """Whether the engine has a clone is for the engine to say."""
    deferred = DeferredVoice(("af_heart",), lambda: ScriptedVoice(["af_heart"]))
    router = VoiceRouter(deferred, {}, CloneShelf(Files()))
    assert not deferred.loaded
    assert len(list(router.speak("Hello", SCRIPTED, "en"))) > 0
    assert deferred.loaded


def test_scripted_clones_have_tones_of_their_own() -> None:
    voice = ScriptedVoice(["af_heart"])
    one, other, stock = (
        np.concatenate([c.pcm for c in voice.speak("Hello", name, "en")])
        for name in (SCRIPTED, KOKORO, "af_heart")
    )
    assert not np.allclose(one, other)
    assert not np.allclose(one, stock)


def test_a_file_is_read_once_however_often_it_is_spoken_with() -> None:
    files = Files()
    shelf = CloneShelf(files)
    assert [shelf.read(REMOTE)[0] for _ in range(5)] == ["elevenlabs"] * 5
    assert files.read == [REMOTE]


def test_the_file_used_longest_ago_makes_room() -> None:
    files = Files()
    shelf = CloneShelf(files, size=2)
    for name in (KOKORO, SCRIPTED, KOKORO, REMOTE, KOKORO, SCRIPTED):
        shelf.read(name)
    assert files.read == [KOKORO, SCRIPTED, REMOTE, SCRIPTED]


def test_a_removed_voice_can_be_taken_off_the_shelf() -> None:
    files = Files()
    shelf = CloneShelf(files)
    shelf.read(REMOTE)
    del files.files[REMOTE]
    assert shelf.read(REMOTE)
    shelf.forget(REMOTE)
    with pytest.raises(KeyError):
        shelf.read(REMOTE)


def test_who_else_keeps_what_it_read_is_told_what_was_taken_off() -> None:
    shelf = CloneShelf(Files())
    told: list[str] = []
    shelf.tell(told.append)
    shelf.read(REMOTE)
    shelf.forget(REMOTE)
    shelf.forget(GONE)
    assert told == [REMOTE, GONE]


def at_once(threads: int, work: Callable[[int], Any]) -> list[Any]:
    """Results, or the exceptions instead."""

    def guarded(number: int) -> Any:
        try:
            return work(number)
        except Exception as error:  # noqa: BLE001 - they are what is looked at
            return error

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(guarded, range(threads)))


def test_threads_that_want_the_same_file_wait_for_one_reading_of_it() -> None:
    files = Files()
    files.gate.clear()
    shelf = CloneShelf(files)

    def read(number: int) -> str:
        if number == 7:  # the last to come
            files.gate.set()
        return shelf.read(REMOTE)[0]

    assert at_once(8, read) == ["elevenlabs"] * 8
    assert files.read == [REMOTE]


def test_one_slow_file_keeps_no_other_waiting() -> None:
    files = Files()
    slow, quick = threading.Event(), Files()

    def load(name: str) -> bytes:
        if name == REMOTE:
            assert slow.wait(10)
        return quick(name)

    shelf = CloneShelf(load)
    waiting = threading.Thread(target=shelf.read, args=(REMOTE,))
    waiting.start()
    assert shelf.read(KOKORO)[0] == "kokoro"
    slow.set()
    waiting.join(10)
    assert not waiting.is_alive()
    assert files.read == []


def test_a_failed_reading_fails_those_who_waited_and_is_tried_again() -> None:
    files = Files()
    del files.files[REMOTE]
    shelf = CloneShelf(files)
    failures = at_once(6, lambda _: shelf.read(REMOTE))
    assert all(isinstance(failure, KeyError) for failure in failures)
    files.files[REMOTE] = pack("elevenlabs", {})
    assert shelf.read(REMOTE)[0] == "elevenlabs"


def test_many_threads_over_few_places_always_read_the_right_file() -> None:
    names = [f"voices/v{number}/clone-0.json" for number in range(12)]
    files = Files(**{name: pack("openai", {"voice": name}) for name in names})
    shelf = CloneShelf(files, size=3)

    def read(number: int) -> bool:
        order = names[number:] + names[:number]
        return all(shelf.read(name)[1]["voice"] == name for name in order * 5)

    assert at_once(8, read) == [True] * 8
