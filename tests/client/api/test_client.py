"""The client against a real server: everything that the API has."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from charafy.client import (
    AuthenticationError,
    Client,
    ConnectionFailed,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    VideoFailed,
    VideoNotReady,
)
from charafy.client.api.videos import Video
from tests.support import recordings
from tests.support.images import jpeg
from tests.support.server import Server

NOBODY = "5f0c1f0e-58a9-4f3e-9d0a-6c1f6d3f2a11"


@pytest.fixture(scope="module")
def emma(client: Client) -> str:
    return next(c.character_id for c in client.characters.list() if c.name == "Emma")


def test_a_character_lives_from_its_making_to_its_end(client: Client, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg())
    voice = next(v for v in client.voices.list() if v.language == "ja")
    made = client.characters.create(name="Aoi", image=photo, voice_id=voice.voice_id)
    character_id = made.character_id
    assert made.avatars.motion is False

    assert client.characters.get(character_id).language == "ja"
    changed = client.characters.update(character_id, system_prompt="Be kind.", language="en")
    assert (changed.system_prompt, changed.language) == ("Be kind.", "en")
    emptied = client.characters.update(character_id, system_prompt=None, image=jpeg())
    assert (emptied.system_prompt, emptied.language, emptied.name) == (None, "en", "Aoi")

    assert client.characters.delete(character_id).deleted
    with pytest.raises(NotFound) as gone:
        client.characters.get(character_id)
    assert gone.value.request_id and gone.value.status == 404


def test_a_face_is_judged_and_its_avatar_is_there(client: Client, emma: str) -> None:
    made = client.characters.make_avatar(emma, "motion")
    there = client.characters.avatar(emma)
    assert (made.motion_ready, there.motion_ready) == (True, True)
    assert there.anchors and 0 < there.anchors.left_eye.x < there.anchors.right_eye.x < 1
    with pytest.raises(InvalidRequest):
        client.characters.preview_photo(b"no picture")
    judged = client.characters.preview_photo(jpeg())
    assert judged.usable or judged.problems


def test_an_embed_is_limited_and_freed(client: Client, emma: str) -> None:
    limited = client.characters.update_embed(
        emma, embed_enabled=True, allowed_origins=("https://a.example",), embed_max_concurrent=3
    )
    assert limited == client.characters.embed(emma)
    assert (limited.allowed_origins, limited.embed_max_concurrent) == (("https://a.example",), 3)
    freed = client.characters.update_embed(emma, embed_max_concurrent=None, allowed_origins=())
    assert (freed.embed_enabled, freed.embed_max_concurrent) == (True, None)
    assert client.characters.embed_usage(emma).open_sessions == 0


def test_a_voice_is_cloned_with_consent_renamed_and_deleted(client: Client) -> None:
    recording = recordings.written("mp3")
    assert client.voices.preview(recording).usable
    cloned = client.voices.clone(
        recording, name="Mine", language="en", consent="I am the speaker and agree."
    )
    detail = client.voices.get(cloned.voice_id)
    assert detail.consent and detail.consent.statement == "I am the speaker and agree."
    assert (cloned.credits_used, detail.is_preset) == (100, False)
    assert client.voices.sample(cloned.voice_id)[:1] == b"\xff"
    assert client.voices.update(cloned.voice_id, name="Ours").name == "Ours"
    assert client.voices.delete(cloned.voice_id).deleted


def test_speech_comes_whole_in_pieces_and_with_its_times(
    client: Client, emma: str, tmp_path: Path
) -> None:
    whole = client.speech.create(emma, "Hello there!", format="wav")
    assert (whole.audio[:4], whole.content_type, whole.credits_used) == (b"RIFF", "audio/wav", 1)
    streamed = client.speech.stream(emma, "Hello there!", speed=1.5)
    assert streamed.save(tmp_path / "hello.mp3").read_bytes()[:1] == b"\xff"
    timed = client.speech.with_timestamps(emma, "Nice to meet you.", format="wav")
    assert [word.text.strip(".") for word in timed.words] == ["Nice", "to", "meet", "you"]
    assert timed.audio[:4] == b"RIFF" and timed.visemes[-1].end_s <= timed.duration_s + 0.1


def test_the_same_key_is_paid_once(client: Client, emma: str) -> None:
    before = client.credits.get().credits_remaining
    said = [client.speech.create(emma, "Once.", idempotency_key="order-4711") for _ in range(2)]
    assert said[0] == said[1]
    assert client.credits.get().credits_remaining == before - 1


def test_a_video_is_awaited_with_its_progress_and_fetched(
    client: Client, emma: str, tmp_path: Path
) -> None:
    ordered = client.videos.create(emma, "Hello! Shall we begin?", width=128, height=128)
    with pytest.raises(VideoNotReady):
        client.videos.wait(ordered, patience_s=0)
    told: list[Video] = []
    video = client.videos.wait(ordered, on_progress=told.append, patience_s=120)
    assert video == client.videos.get(ordered.video_id) and told[-1] == video
    assert [v.progress for v in told] == sorted(v.progress for v in told)
    with av.open(str(client.videos.download(video, tmp_path / "hello.mp4"))) as film:
        assert {stream.type for stream in film.streams} == {"video", "audio"}
    assert "Shall we begin?" in client.videos.subtitles(video)
    assert client.videos.subtitles(video.video_id, "vtt").startswith("WEBVTT")
    assert ordered.video_id in [v.video_id for v in client.videos.list(character_id=emma)]
    assert client.videos.delete(ordered.video_id).deleted


def test_a_cancelled_video_costs_nothing_and_is_not_waited_for(client: Client, emma: str) -> None:
    before = client.credits.get().credits_remaining
    ordered = client.videos.create(emma, "One two three. " * 20)
    client.videos.cancel(ordered.video_id)
    with pytest.raises(VideoFailed) as failed:
        client.videos.wait(ordered, patience_s=120)
    assert (
        failed.value.video.status == "failed" and failed.value.code == failed.value.video.error_code
    )
    assert client.credits.get().credits_remaining == before


def test_a_conversation_is_prepaid_listed_and_deleted(client: Client, emma: str) -> None:
    token = client.conversations.create_token(emma, mode="audio-only", session_limit_seconds=60)
    assert token.ticket().connect_url.endswith("/conversation/connect")
    detail = client.conversations.get(token.conversation_id)
    assert (detail.status, detail.mode, detail.transcript) == ("minted", "audio-only", ())
    assert token.conversation_id in [c.conversation_id for c in client.conversations.list()]
    assert client.conversations.delete(token.conversation_id).deleted


def test_a_webhook_is_made_changed_tried_and_deleted(client: Client) -> None:
    made = client.webhooks.create("https://example.com/hook", events=["video.completed"])
    assert made.secret and made.secret.startswith("whsec_")
    changed = client.webhooks.update(made.endpoint_id, events=None, description="All")
    assert (changed.events, changed.description) == (None, "All")
    assert client.webhooks.get(made.endpoint_id) == changed
    assert client.webhooks.rotate(made.endpoint_id).secret not in (None, made.secret)
    sent = client.webhooks.test(made.endpoint_id)
    assert sent.event_type == "webhook.test"
    deliveries = client.webhooks.deliveries(made.endpoint_id)
    assert [d.delivery_id for d in deliveries] == [sent.delivery_id]
    assert made.endpoint_id in [e.endpoint_id for e in client.webhooks.list()]
    assert client.webhooks.delete(made.endpoint_id).deleted


def test_lists_are_read_page_by_page_as_far_as_one_wants(client: Client) -> None:
    whole = client.credits.transactions().all()
    small = client.credits.transactions(limit=2)
    assert small.all() == whole and small.all(3) == whole[:3]
    assert len(small.page().items) <= 2
    someone = next(t.character_id for t in whole if t.character_id)
    theirs = client.credits.transactions(character_id=someone, limit=3).all()
    assert theirs == tuple(t for t in whole if t.character_id == someone)


def test_keys_are_shown_once_and_revoked_keys_open_nothing(client: Client, server: Server) -> None:
    made = client.account.create_key("Website", scopes=["speech:write"])
    assert made.key and made.scopes == ("speech:write",)
    with Client(server.base_url, made.key) as poorer, pytest.raises(PermissionDenied):
        poorer.account.get()
    assert client.account.revoke_key(made.key_id).revoked_at
    with Client(server.base_url, made.key) as locked, pytest.raises(AuthenticationError) as no:
        locked.account.get()
    assert no.value.status == 401
    keys = client.account.keys().all()
    assert made.key_id in [key.key_id for key in keys]


def test_an_owner_sees_all_accounts_and_gives_credits(client: Client) -> None:
    mine = client.account.get()
    seen = next(a for a in client.admin.accounts() if a.account_id == mine.account_id)
    given = client.admin.grant(mine.account_id, 25, description="Thanks")
    assert given.credits_remaining == seen.credits_remaining + 25
    assert client.account.update(name=mine.name) == mine


def test_what_is_not_there_is_said_so(client: Client) -> None:
    for ask in (client.videos.get, client.voices.get, client.conversations.get):
        with pytest.raises(NotFound):
            ask(NOBODY)
    with pytest.raises(ValueError, match="id is missing"):
        client.videos.get("")
    with pytest.raises(NotFound):
        client.characters.get("../credits")


def test_an_address_where_nobody_is() -> None:
    with (
        Client("http://127.0.0.1:9", "ck_live_x", max_retries=0) as alone,
        pytest.raises(ConnectionFailed, match="can't be reached"),
    ):
        alone.credits.get()


def test_the_environment_says_where_and_who(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARAFY_BASE_URL", f"{server.base_url}/api/v1/")
    monkeypatch.setenv("CHARAFY_API_KEY", f"{server.api_key}\n")
    with Client() as client:
        assert client.account.get().role == "owner"
