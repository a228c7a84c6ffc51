"""What the client does when something goes wrong: with answers, with lines, with time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

import charafy.client as charafy
from charafy.client import (
    ApiError,
    BadAnswer,
    Client,
    ConnectionFailed,
    RateLimited,
    ServerError,
    TimedOut,
    VideoNotReady,
)
from charafy.client.api.videos import Video
from tests.client.api.lines import Cut, Line, balance, error

KINDS = {
    400: charafy.InvalidRequest,
    401: charafy.AuthenticationError,
    402: charafy.InsufficientCredits,
    403: charafy.PermissionDenied,
    404: charafy.NotFound,
    409: charafy.Conflict,
    418: ApiError,
    429: RateLimited,
    500: ServerError,
    502: charafy.UpstreamFailed,
    503: ServerError,
}
RESET = httpx.ReadError("reset")
LOST = httpx.ConnectError("refused")


@pytest.mark.parametrize(("status", "kind"), KINDS.items())
def test_each_status_has_its_error(status: int, kind: type[ApiError]) -> None:
    line = Line(error(status, "the_code", retry_after="3"), max_retries=0)
    with pytest.raises(ApiError) as raised:
        line.client.credits.get()
    told = raised.value
    assert type(told) is kind
    assert (told.status, told.code, told.message) == (status, "the_code", "A sentence.")
    assert (told.param, told.request_id, told.retry_after_s) == ("text", "r1", 3.0)
    assert told.details == {"more": 7}
    assert len(line.requests) == 1


@pytest.mark.parametrize("body", [b"<html>no</html>", b"[1]", b"", b'{"error": 5}', b"[" * 90_000])
def test_an_answer_of_somebody_else_is_told_by_its_status(body: bytes) -> None:
    line = Line(httpx.Response(504, content=body), max_retries=0)
    with pytest.raises(ServerError, match="answered 504") as raised:
        line.client.credits.get()
    assert raised.value.code == "http_504"


def test_a_redirect_is_not_followed_with_the_key() -> None:
    line = Line(httpx.Response(307, headers={"location": "http://elsewhere.test/"}))
    with pytest.raises(ApiError) as raised:
        line.client.credits.get()
    assert (raised.value.status, len(line.requests)) == (307, 1)


def test_a_file_is_followed_to_where_it_lies_without_the_key() -> None:
    line = Line(
        httpx.Response(307, headers={"location": "http://store.test/film.mp4?signed"}),
        httpx.Response(200, content=b"film", headers={"content-type": "video/mp4"}),
    )
    film = line.client.videos.open(_finished("http://charafy.test/files/film.mp4?sig=s"))
    assert film.read() == b"film"
    assert [request.url.host for request in line.requests][-1] == "store.test"
    assert all("x-api-key" not in request.headers for request in line.requests)


@pytest.mark.parametrize(
    "body", [b"no json", b"[]", b'{"credits_held": 1}', b'{"credits_remaining": "5"}']
)
def test_a_success_that_is_none_is_a_bad_answer(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        Line(httpx.Response(200, content=body)).client.credits.get()


@pytest.mark.parametrize("first", [RESET, LOST, error(503), error(500), error(408), error(429)])
def test_what_passes_is_tried_again_under_the_same_key(first: object) -> None:
    answer = httpx.Response(200, content=b"sound", headers={"content-type": "audio/mpeg"})
    line = Line(first, first, answer)  # type: ignore[arg-type]
    assert line.client.speech.create("c", "Hello").audio == b"sound"
    assert line.keys == ["key-1"] * 3
    assert line.wall.slept == [0.5, 1.0]


def test_another_request_has_another_key_and_the_callers_own_is_kept() -> None:
    line = Line(httpx.Response(200, content=b""))
    for key in (None, None, "mine"):
        line.client.speech.create("c", "Hello", idempotency_key=key)
    assert line.keys == ["key-1", "key-2", "mine"]


def test_what_asks_for_nothing_has_no_key() -> None:
    line = Line(RESET, balance)
    assert line.client.credits.get().credits_remaining == 5
    assert line.keys == [None, None]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409])
def test_what_stays_as_it_is_is_not_tried_again(status: int) -> None:
    line = Line(error(status))
    with pytest.raises(ApiError):
        line.client.conversations.create_token("c")
    assert len(line.requests) == 1 and line.wall.slept == []


def test_retry_after_is_respected_in_seconds_and_as_a_date() -> None:
    date = "Thu, 01 Jan 1970 00:17:10 GMT"  # 1,030 s; two have been slept by then
    line = Line(error(429, retry_after="2"), error(503, retry_after=date), balance)
    line.client.credits.get()
    assert line.wall.slept == [2.0, 28.0]


def test_who_asks_for_more_than_a_minute_is_not_waited_for() -> None:
    line = Line(error(429, retry_after="3600"))
    with pytest.raises(RateLimited) as raised:
        line.client.credits.get()
    assert raised.value.retry_after_s == 3600 and line.wall.slept == []


def test_the_last_error_is_told_when_patience_ends() -> None:
    line = Line(RESET, error(502), error(503, "last"))
    with pytest.raises(ServerError) as raised:
        line.client.credits.get()
    assert raised.value.code == "last" and len(line.requests) == 3


def test_a_first_try_that_still_runs_is_waited_for_but_not_for_ever() -> None:
    busy = error(409, "idempotency_in_flight", retry_after="2")
    answer = httpx.Response(200, content=b"sound")
    line = Line(RESET, *[busy] * 10, answer, timeout_s=60)
    assert line.client.speech.create("c", "Hello").audio == b"sound"
    for_ever = Line(busy, timeout_s=9)
    with pytest.raises(charafy.Conflict):
        for_ever.client.speech.create("c", "Hello")
    assert sum(for_ever.wall.slept) == 10


def test_silence_is_told_as_such() -> None:
    line = Line(httpx.ReadTimeout("late"), max_retries=0, timeout_s=7)
    with pytest.raises(TimedOut, match="7 s") as raised:
        line.client.credits.get()
    assert isinstance(raised.value, ConnectionFailed)


def test_an_answer_that_drips_ends_with_its_time() -> None:
    line = Line(lambda _r: httpx.Response(200, stream=dripping), max_retries=0, timeout_s=5)

    class Dripping(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                line.wall.sleep(1)
                yield b" "

    dripping = Dripping()
    with pytest.raises(TimedOut):
        line.client.credits.get()
    assert sum(line.wall.slept) == 6


def test_with_options_has_limits_of_its_own() -> None:
    line = Line(RESET)
    with pytest.raises(ConnectionFailed):
        line.client.with_options(max_retries=0, timeout_s=3).credits.get()
    assert len(line.requests) == 1
    assert line.requests[0].extensions["timeout"]["read"] == 3


def test_speech_that_was_cut_off_goes_on_where_it_broke() -> None:
    cut = httpx.Response(200, stream=Cut(b"abc", b"de", failure=RESET))
    kept = Cut(b"abcd", b"ef", b"gh")
    line = Line(cut, httpx.Response(200, stream=kept, headers={"idempotent-replayed": "true"}))
    assert list(line.client.speech.stream("c", "Hello")) == [b"abc", b"de", b"f", b"gh"]
    assert line.keys == ["key-1", "key-1"] and kept.closed


def test_speech_made_anew_is_not_glued_to_the_first_half() -> None:
    cut = Cut(b"abc", failure=RESET)
    anew = Cut(b"xyz")
    line = Line(httpx.Response(200, stream=cut), httpx.Response(200, stream=anew))
    with pytest.raises(ConnectionFailed):
        line.client.speech.create("c", "Hello")
    assert cut.closed and anew.closed


def test_half_a_file_is_no_file(tmp_path: Path) -> None:
    line = Line(lambda _r: httpx.Response(200, stream=Cut(b"abc", failure=RESET)), max_retries=0)
    with pytest.raises(ConnectionFailed):
        line.client.speech.stream("c", "Hello").save(tmp_path / "hello.mp3")
    assert list(tmp_path.iterdir()) == []


def test_who_leaves_a_stream_leaves_the_line() -> None:
    stream = Cut(b"abc", b"def")
    with Line(httpx.Response(200, stream=stream)).client.speech.stream("c", "Hi") as media:
        assert next(iter(media)) == b"abc"
    assert stream.closed


def test_a_video_that_takes_too_long_is_not_waited_for() -> None:
    line = Line(lambda _r: httpx.Response(200, json=VIDEO))
    with pytest.raises(VideoNotReady):
        line.client.videos.wait("v", patience_s=20)
    assert sum(line.wall.slept) <= 20 and line.wall.slept[:2] == [0.5, 0.75]
    assert max(line.wall.slept) == 5
    with pytest.raises(VideoNotReady):
        line.client.videos.open("v")


def test_a_file_elsewhere_is_fetched_without_the_key() -> None:
    done = {**VIDEO, "status": "completed", "output_url": "https://files.test/v.mp4?sig=1"}
    line = Line(httpx.Response(200, json=done), httpx.Response(200, content=b"film"))
    assert line.client.videos.open("v").read() == b"film"
    assert "x-api-key" not in line.requests[1].headers
    assert line.requests[1].headers["user-agent"].startswith("charafy-python/")


def test_an_id_is_one_step_of_the_path() -> None:
    line = Line(error(404))
    with pytest.raises(charafy.NotFound):
        line.client.videos.get("../credits?x=1#y")
    assert line.requests[0].url.raw_path == b"/api/v1/video/..%2Fcredits%3Fx%3D1%23y"
    for missing in ("", ".", ".."):
        with pytest.raises(ValueError, match="id is missing"):
            line.client.videos.get(missing)


@pytest.mark.parametrize(
    "given", ["http://h:1", "http://h:1/", "http://h:1/api", "http://h:1/api/v1/", " http://h:1 "]
)
def test_the_address_may_be_written_in_several_ways(given: str) -> None:
    with Client(given, "ck_live_x") as client:
        assert client._transport.root == "http://h:1/api/v1"


@pytest.mark.parametrize("given", ["h:1", "ftp://h", "http://", "http://[", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        Client(given, "ck_live_x")


def test_without_a_key_or_an_address_there_is_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHARAFY_BASE_URL", "CHARAFY_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="CHARAFY_BASE_URL"):
        Client(None, "ck_live_x")
    with pytest.raises(ValueError, match="CHARAFY_API_KEY"):
        Client("http://h")
    with pytest.raises(ValueError, match="characters that no key has"):
        Client("http://h", "ck_live_ x\ny")


def test_a_key_is_shown_by_no_client() -> None:
    client = Line(balance).client
    assert "secret" not in repr(client) + repr(client._transport) + repr(client.speech)


VIDEO = {
    "video_id": "v",
    "status": "processing",
    "output_url": None,
    "created_at": "2025-01-01T00:00:00Z",
    "completed_at": None,
    "character_id": "c",
    "progress": 0.5,
    "queue_position": None,
    "duration_s": None,
    "width": 512,
    "height": 512,
    "fps": 25,
    "format": "mp4",
    "subtitles": None,
    "credits_used": 6,
    "error": None,
    "error_code": None,
    "expires_at": None,
    "text": "Hello",
}


def _finished(url: str) -> Video:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Video(
        video_id="v",
        status="completed",
        output_url=url,
        created_at=now,
        completed_at=now,
        character_id="c",
        progress=1.0,
        queue_position=None,
        duration_s=1.0,
        width=512,
        height=512,
        fps=25,
        format="mp4",
        subtitles=None,
        credits_used=6,
        error=None,
        error_code=None,
        expires_at=None,
        text=None,
    )
