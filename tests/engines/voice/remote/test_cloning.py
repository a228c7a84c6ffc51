"""A recording becomes a voice elsewhere: tried before it is a clone, gone when it is forgotten."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import numpy as np
import pytest

from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.engines.voice.cloning import Clone, Cloner, CloningFailed, Unclonable
from charafy.engines.voice.cloning.clonefile import pack, unpack
from charafy.engines.voice.remote.cloner import CLONING_S, FORGETTING_S
from charafy.engines.voice.remote.elevenlabs import ElevenLabsCloner, Options
from charafy.engines.voice.remote.openai import (
    CHATTERBOX,
    VLLM_OMNI,
    Dialect,
    OpenAICloner,
    Upload,
)
from charafy.engines.voice.remote.service import Service, Waits
from charafy.engines.voice.remote.speaking import Speaking
from charafy.engines.voice.router import MAX_FILE_BYTES
from charafy.engines.voice.text import TextFrontEnd
from charafy.kernel.media.recordings import read_recording
from tests.engines.voice.remote.conftest import HASTY, MakeRemote, Remote, recording
from tests.support.fake_voice_services import KEY

UPLOADED = {"vllm-omni": VLLM_OMNI, "chatterbox": CHATTERBOX}


def same(sent: bytes, pcm: Pcm) -> bool:
    """Whether a sound file holds these samples, but for rounding to 16 bits."""
    return bool(np.abs(read_recording(sent) - pcm).max() < 1e-4)


def test_a_clone_says_how_it_was_made(remote: Remote) -> None:
    clone = remote.clone()
    assert (clone.method, clone.refined, clone.similarity) == ("cloning", False, None)
    assert unpack(clone.data)[0] == remote.kind
    assert (remote.cloner.method, remote.cloner.refines) == ("cloning", False)
    assert remote.cloner.refine(recording(), clone, lambda _: None) is None


def test_no_key_and_no_address_is_in_the_file(remote: Remote) -> None:
    data = remote.clone().data
    assert KEY.encode() not in data
    assert b"127.0.0.1" not in data


def test_the_longest_recording_makes_a_file_that_can_be_read(remote: Remote) -> None:
    noise = np.random.default_rng(1).normal(0, 0.2, 30 * SAMPLE_RATE).astype(np.float32)
    loud = recording()
    clone = remote.cloner.clone(type(loud)(np.clip(noise, -1, 1), "en"), "Noise", lambda _: None)
    assert len(clone.data) < MAX_FILE_BYTES


def test_progress_rises_to_the_end(remote: Remote) -> None:
    shares: list[float] = []
    remote.cloner.clone(recording(), "Mio", shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_similarity_is_what_was_measured_between_recording_and_speech(remote: Remote) -> None:
    given: list[tuple[Pcm, Pcm]] = []

    def score(one: Pcm, other: Pcm) -> float:
        given.append((one, other))
        return 0.81

    assert remote.but(score=score).clone().similarity == 0.81
    [(reference, spoken)] = given
    assert np.array_equal(reference, recording().pcm)
    assert len(spoken) > SAMPLE_RATE
    assert remote.but(score=lambda *_: None).clone().similarity is None


def test_a_recording_goes_inline_with_every_request(make_remote: MakeRemote) -> None:
    remote = make_remote("openai", dialect=Dialect(model="Qwen3-TTS-12Hz-1.7B-Base"))
    remote.speak("Hello there, my friend.", "en")
    [request] = remote.fake.asked
    kind, _, audio = request.fields["ref_audio"].partition(",")
    assert kind == "data:audio/flac;base64"
    assert same(base64.b64decode(audio, validate=True), recording().pcm)
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert {name: value for name, value in request.fields.items() if name != "ref_audio"} == {
        "model": "Qwen3-TTS-12Hz-1.7B-Base",
        "input": "Hello there, my friend.",
        "response_format": "wav",
        "stream_format": "audio",
        "language": "English",
        "task_type": "Base",
        "x_vector_only_mode": True,
    }
    assert remote.fake.voices == {}


def test_the_words_of_the_recording_go_along_when_they_are_known(make_remote: MakeRemote) -> None:
    remote = make_remote("openai", words="It was the best of times.")
    remote.speak("おはようございます。", "ja")
    fields = remote.fake.asked[0].fields
    assert fields["ref_text"] == "It was the best of times."
    assert fields["language"] == "Japanese"
    assert "x_vector_only_mode" not in fields
    assert "model" not in fields


def test_names_of_fields_can_be_those_of_another_server(make_remote: MakeRemote) -> None:
    dialect = Dialect(
        audio_field="audio_prompt",
        text_field="prompt_text",
        data_uri=False,
        fields={"task_type": None, "language": None, "exaggeration": 0.4},
    )
    remote = make_remote("openai", dialect=dialect, words="Hm.")
    remote.speak("Hello there, my friend.")
    fields = remote.fake.asked[0].fields
    assert same(base64.b64decode(fields["audio_prompt"], validate=True), recording().pcm)
    assert fields["prompt_text"] == "Hm."
    assert fields["exaggeration"] == 0.4
    assert not {"ref_audio", "ref_text", "task_type", "language"} & fields.keys()


def test_at_most_half_a_minute_is_sent(remote: Remote) -> None:
    clone = remote.clone(seconds=44.0)
    if remote.kind == "openai":
        sent = base64.b64decode(unpack(clone.data)[1]["audio"])
    else:
        [sent] = remote.fake.voices.values()
    assert len(read_recording(sent)) == 30 * SAMPLE_RATE


@pytest.mark.parametrize("server", UPLOADED)
def test_servers_that_keep_recordings_are_sent_one_once(
    make_remote: MakeRemote, server: str
) -> None:
    upload: Upload = UPLOADED[server]
    remote = make_remote("openai", dialect=Dialect(upload=upload), words="Hm.")
    clone = remote.clone(language="ja")
    form = remote.fake.asked[0]
    [(voice, sent)] = remote.fake.voices.items()
    assert form.path == f"/v1{upload.path}"
    assert form.fields[upload.name] == voice
    assert form.files[upload.audio] == (f"{voice}.wav", sent)
    assert same(sent, recording().pcm)
    assert form.fields.get("ref_text") == ("Hm." if server == "vllm-omni" else None)
    assert form.fields.get("language") == ("ja" if server == "chatterbox" else None)
    remote.fake.asked.clear()
    list(remote.speaker.speak(unpack(clone.data)[1], "Hello there, my friend.", "en"))
    [request] = remote.fake.asked
    assert request.fields["voice"] == voice
    assert "ref_audio" not in request.fields
    assert len(clone.data) < 500


def test_two_voices_of_one_recording_are_two(make_remote: MakeRemote) -> None:
    remote = make_remote("openai", dialect=Dialect(upload=VLLM_OMNI))
    first, second = remote.clone(), remote.clone()
    remote.cloner.forget(first.data)
    assert len(remote.fake.voices) == 1
    assert list(remote.speaker.speak(unpack(second.data)[1], "Hello there.", "en"))


def test_elevenlabs_is_sent_a_form_and_keeps_the_voice(make_remote: MakeRemote) -> None:
    remote = make_remote("elevenlabs", options=Options(clean=True))
    clone = remote.cloner.clone(recording(), f"  {'Mio' * 80} ", lambda _: None)
    form = remote.fake.asked[0]
    assert form.path == "/v1/voices/add"
    assert form.headers["xi-api-key"] == KEY
    assert form.fields == {"name": ("Mio" * 80)[:100], "remove_background_noise": "true"}
    [(voice_id, sent)] = remote.fake.voices.items()
    assert same(sent, recording().pcm)
    fields = unpack(clone.data)[1]
    assert (fields["voice_id"], fields["model"]) == (voice_id, "eleven_multilingual_v2")


def test_elevenlabs_is_asked_for_samples_with_what_was_said_before(make_remote: MakeRemote) -> None:
    remote = make_remote("elevenlabs")
    remote.speak("Turn left at the bakery, and walk straight until you see the river.")
    first, second = remote.fake.asked
    assert first.query == {"output_format": "pcm_24000"}
    assert first.path.endswith("/stream/with-timestamps")
    assert first.fields == {
        "text": "Turn left at the bakery,",
        "model_id": "eleven_multilingual_v2",
    }
    assert second.fields["previous_text"] == "Turn left at the bakery,"


@pytest.mark.parametrize(
    ("model", "code", "before"),
    [("eleven_flash_v2_5", "ja", True), ("eleven_v3", "ja", False)],
)
def test_elevenlabs_models_are_told_what_they_take(
    make_remote: MakeRemote, model: str, code: str, before: bool
) -> None:
    remote = make_remote("elevenlabs", options=Options(model=model))
    remote.speak("お荷物は昨日届きましたので、受付で受け取れます。", "ja")
    second = remote.fake.asked[1]
    assert second.fields["language_code"] == code
    assert ("previous_text" in second.fields) is before


def test_a_sentence_in_the_other_language_is_sent_as_such(make_remote: MakeRemote) -> None:
    remote = make_remote("openai")
    remote.speak("This is how they say it over there. お荷物は昨日届きました。", "en")
    assert [r.fields["language"] for r in remote.fake.asked] == ["English", "Japanese"]


def forgotten(remote: Remote, clone: Clone) -> None:
    remote.cloner.forget(clone.data)
    assert remote.fake.voices == {}
    remote.cloner.forget(clone.data)  # once more does no harm


def test_a_forgotten_voice_is_gone_from_elevenlabs(make_remote: MakeRemote) -> None:
    remote = make_remote("elevenlabs")
    forgotten(remote, remote.clone())


@pytest.mark.parametrize("upload", UPLOADED.values())
def test_a_forgotten_voice_is_gone_from_a_server_that_kept_it(
    make_remote: MakeRemote, upload: Upload
) -> None:
    remote = make_remote("openai", dialect=Dialect(upload=upload))
    forgotten(remote, remote.clone())


def test_what_another_engine_made_is_left_to_it(remote: Remote) -> None:
    for data in (pack("kokoro", {"voice_id": "x"}), pack("other", {}), b"damaged"):
        remote.cloner.forget(data)
    assert remote.fake.asked == []


def test_forgetting_that_fails_is_told(make_remote: MakeRemote) -> None:
    remote = make_remote("elevenlabs")
    clone = remote.clone()
    remote.fake.statuses = [500]
    with pytest.raises(CloningFailed, match="status 500"):
        remote.cloner.forget(clone.data)
    assert remote.fake.voices


@pytest.mark.parametrize("kind", ["openai", "elevenlabs"])
def test_however_patient_the_settings_are_a_clone_is_waited_for_in_bounded_time(
    kind: str, front_end: TextFrontEnd
) -> None:
    now_s, asked = [0.0], list[tuple[str, float]]()

    def slow(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.extensions["timeout"]["read"]))
        now_s[0] += 100.0
        return httpx.Response(200, content=iter([b'{"voice_id": "v"}']))

    with httpx.Client(transport=httpx.MockTransport(slow)) as client:
        patient = Waits(read_s=600.0, total_s=2_400.0)
        service = Service(
            "http://slow", {}, client=client, waits=patient, monotonic=lambda: now_s[0]
        )
        speaking = Speaking(front_end)
        cloner: Cloner
        if kind == "openai":
            cloner = OpenAICloner(service, Dialect(upload=VLLM_OMNI), speaking)
        else:
            cloner = ElevenLabsCloner(service, Options(), speaking)
        with pytest.raises(CloningFailed, match="in time"):
            cloner.clone(recording(), "Mio", lambda _: None)
    # What it left there is forgotten, which doesn't take long either.
    assert asked == [("POST", CLONING_S), ("POST", CLONING_S - 100), ("DELETE", FORGETTING_S)]


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_recording_that_is_refused_is_unclonable_in_our_words(
    remote: Remote, status: int
) -> None:
    remote.fake.statuses = [status]
    remote.fake.error = {"detail": {"status": "bad_audio", "message": "Upstream says no"}}
    with pytest.raises(Unclonable, match="does not accept this recording") as raised:
        remote.clone()
    assert "Upstream" not in str(raised.value)
    assert "bad_audio" not in str(raised.value)


@pytest.mark.parametrize("reason", ["voice_limit_reached", "can_not_use_instant_voice_cloning"])
def test_a_full_account_is_not_the_recordings_fault(make_remote: MakeRemote, reason: str) -> None:
    remote = make_remote("elevenlabs")
    remote.fake.statuses = [400]
    remote.fake.error = {"detail": {"status": reason, "message": "10 / 10"}}
    with pytest.raises(CloningFailed, match="Our account"):
        remote.clone()


@pytest.mark.parametrize(("status", "words"), [(401, "API key"), (500, "status 500")])
def test_a_failing_service_is_told_as_such(remote: Remote, status: int, words: str) -> None:
    remote.fake.statuses = [status] * 3
    with pytest.raises(CloningFailed, match=words) as raised:
        remote.clone()
    assert KEY not in str(raised.value)


def test_a_busy_service_is_asked_again(remote: Remote) -> None:
    remote.fake.statuses = [429]
    assert remote.clone()


def test_a_voice_is_never_added_twice(make_remote: MakeRemote) -> None:
    """A gateway that broke may have passed the form on."""
    remote = make_remote("elevenlabs")
    remote.fake.statuses = [504]
    with pytest.raises(CloningFailed):
        remote.clone()
    assert len(remote.fake.asked) == 1


@pytest.mark.parametrize("body", [{}, {"voice_id": ""}, {"voice_id": 7}, {"voice_id": "x" * 300}])
def test_an_answer_without_a_voice_is_a_failure(
    make_remote: MakeRemote, body: dict[str, Any]
) -> None:
    remote = make_remote("elevenlabs")
    remote.fake.statuses, remote.fake.error = [201], body
    with pytest.raises(CloningFailed):
        remote.clone()


KEEPING = [
    ("elevenlabs", {}),
    ("openai", {"dialect": Dialect(upload=VLLM_OMNI)}),
    ("openai", {"dialect": Dialect(upload=CHATTERBOX)}),
]


@pytest.mark.parametrize(("kind", "changes"), KEEPING)
@pytest.mark.parametrize("trouble", ["cut off", "no sound", "silent server"])
def test_a_voice_that_can_not_speak_is_no_clone_and_stays_nowhere(
    make_remote: MakeRemote, kind: Any, changes: dict[str, Any], trouble: Any
) -> None:
    remote = make_remote(kind, **changes, waits=HASTY)
    remote.fake.trouble = trouble
    with pytest.raises(CloningFailed):
        remote.clone()
    assert remote.fake.voices == {}


@pytest.mark.parametrize("upload", [VLLM_OMNI, CHATTERBOX])
@pytest.mark.parametrize("answer", ["none", "broken gateway"])
def test_a_recording_that_was_kept_without_saying_so_is_taken_back(
    make_remote: MakeRemote, upload: Upload, answer: Any
) -> None:
    remote = make_remote("openai", dialect=Dialect(upload=upload), waits=HASTY)
    remote.fake.on_keeping = answer
    with pytest.raises(CloningFailed):
        remote.clone()
    assert remote.fake.voices == {}
    assert [request.method for request in remote.fake.asked] == ["POST", "DELETE"]


@pytest.mark.parametrize(("kind", "changes"), KEEPING)
def test_cloning_that_is_stopped_leaves_nothing(
    make_remote: MakeRemote, kind: Any, changes: dict[str, Any]
) -> None:
    remote = make_remote(kind, **changes)

    class Stopped(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0.1:
            raise Stopped

    with pytest.raises(Stopped):
        remote.cloner.clone(recording(), "Mio", stop)
    assert remote.fake.voices == {}


def test_a_voice_that_a_person_must_verify_is_given_back(make_remote: MakeRemote) -> None:
    remote = make_remote("elevenlabs")
    remote.fake.verifies = True
    with pytest.raises(CloningFailed, match="verified"):
        remote.clone()
    assert remote.fake.voices == {}
