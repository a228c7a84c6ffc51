"""Media in a bucket: handed out by links that S3 signed, and what happens when S3 fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from charafy.kernel.errors import NotFound
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.http.files import router
from charafy.kernel.s3 import BucketStore
from charafy.kernel.storage import Storage
from charafy.kernel.storage_settings import Bucket, StorageRefused
from charafy.kernel.stores import StorageUnavailable
from tests.support import s3
from tests.support.clock import ManualClock
from tests.support.faulty import Fault, FaultyWay

KEY = "videos/0b6f/video-0b6f.mp4"
FOLDER = "characters/0b6f/avatar-0123/"
DATA = bytes(range(256)) * 4_000  # a megabyte
BASE = "http://testserver"
HASTY_S = 0.5
OURS = {"Sec-Fetch-Site": "same-origin"}
SLOW_DOWN = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: 53\r\n"
    b"Connection: close\r\n\r\n<Error><Code>SlowDown</Code><Message>no</Message></Er>"
)


def storage_in(bucket: Bucket, clock: ManualClock, sent_on_s: int | None = 3_600) -> Storage:
    return Storage(BucketStore(bucket), b"s" * 32, BASE, clock, sent_on_s=sent_on_s)


def client_of(storage: Storage) -> TestClient:
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(router(storage))
    return TestClient(app, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture
def storage(bucket: Bucket, clock: ManualClock) -> Storage:
    kept = storage_in(bucket, clock)
    kept.put(KEY, DATA, "video/mp4")
    return kept


@pytest.fixture
def client(storage: Storage) -> TestClient:
    return client_of(storage)


@pytest.fixture
def way(s3_server: s3.Server) -> Iterator[FaultyWay]:
    with FaultyWay(s3_server.port) as way:
        yield way


@pytest.fixture
def far(storage: Storage, bucket: Bucket, way: FaultyWay, clock: ManualClock) -> Storage:
    """The same files, reached by a way that can fail, by somebody who waits half a second."""
    return storage_in(s3.through(bucket, way.port, timeout_s=HASTY_S), clock)


def test_files_lie_under_the_prefix_and_nowhere_else(
    storage: Storage, bucket: Bucket, s3_server: s3.Server
) -> None:
    assert s3_server.objects(bucket) == [f"media/{KEY}"]
    storage.delete_prefix("videos/0b6f/")
    assert s3_server.objects(bucket) == []


def test_a_reader_is_sent_on_to_s3_which_says_the_same(
    storage: Storage, client: TestClient
) -> None:
    answer = client.get(storage.url(KEY))
    assert answer.status_code == 307
    assert answer.headers["cache-control"] == "private, max-age=1800"
    assert answer.headers["access-control-allow-origin"] == "*"

    there = httpx.get(answer.headers["location"], headers={"Range": "bytes=256-511"})

    assert there.status_code == 206
    assert there.content == DATA[256:512]
    assert there.headers["content-type"] == "video/mp4"
    assert there.headers["content-disposition"] == 'inline; filename="video-0b6f.mp4"'
    assert there.headers["cache-control"] == "private, max-age=86400"


def test_a_link_of_s3_opens_one_file_for_a_time_and_for_reading(
    storage: Storage, client: TestClient
) -> None:
    storage.put("videos/0b6f/video-1.mp4", b"another", "video/mp4")
    link = client.get(storage.url(KEY)).headers["location"]

    assert httpx.get(link.replace("video-0b6f", "video-1")).status_code == 403
    assert httpx.get(link.replace("Expires=3600", "Expires=36000")).status_code == 403
    assert httpx.put(link, content=b"mine now").status_code == 403
    assert httpx.delete(link).status_code == 403
    assert httpx.get(link).content == DATA


def test_a_link_of_s3_outlives_ours_by_nothing(
    storage: Storage, client: TestClient, clock: ManualClock
) -> None:
    link = storage.url(KEY, ttl_s=60)
    clock.advance(20)
    answer = client.get(link)
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["X-Amz-Expires"] == ["40"]
    assert answer.headers["cache-control"] == "private, max-age=20"
    clock.advance(40)
    assert client.get(link).status_code == 403


def test_nobody_is_sent_on_without_our_signature(storage: Storage, client: TestClient) -> None:
    for link in (storage.url(KEY)[:-1] + "!", f"{BASE}/files/{KEY}"):
        answer = client.get(link)
        assert (answer.status_code, answer.json()["code"]) == (403, "link_invalid")


def test_clients_are_sent_to_the_address_at_which_they_reach_s3(
    bucket: Bucket, clock: ManualClock, s3_server: s3.Server
) -> None:
    outside = f"http://localhost:{s3_server.port}"
    storage = storage_in(replace(bucket, public_endpoint=outside), clock)
    storage.put(KEY, DATA, "video/mp4")
    link = client_of(storage).get(storage.url(KEY)).headers["location"]
    assert link.startswith(f"{outside}/{bucket.name}/media/{KEY}?")
    assert httpx.get(link).content == DATA


def test_a_page_of_ours_gets_the_file_itself(storage: Storage, client: TestClient) -> None:
    answer = client.get(storage.url(KEY), headers=OURS | {"Range": "bytes=0-9"})
    assert (answer.status_code, answer.content) == (206, DATA[:10])
    assert answer.headers["vary"] == "Sec-Fetch-Site, Referer"
    plain = client.get(storage.url(KEY), headers={"Referer": f"{BASE}/videos/1"})
    assert (plain.status_code, plain.content) == (200, DATA)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Referer": f"{BASE}/videos/1"},
        {"Sec-Fetch-Site": "none"},
        {"Referer": "https://example.com/"},
        {"Referer": "http://[::"},
    ],
)
def test_anybody_else_s_page_is_sent_on(
    storage: Storage, client: TestClient, headers: dict[str, str]
) -> None:
    answer = client.get(storage.url(KEY), headers=headers)
    assert (answer.status_code, answer.headers["vary"]) == (307, "Sec-Fetch-Site, Referer")


def test_head_and_folders_are_answered_here(storage: Storage, client: TestClient) -> None:
    head = client.head(storage.url(KEY))
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(DATA)))
    storage.put(f"{FOLDER}rig.json", b"{}", "application/json")
    assert client.get(f"{storage.folder_url(FOLDER)}rig.json").content == b"{}"


def test_where_clients_cannot_reach_s3_files_pass_through_here(
    storage: Storage, bucket: Bucket, clock: ManualClock
) -> None:
    client = client_of(storage_in(bucket, clock, sent_on_s=None))
    assert client.get(storage.url(KEY)).content == DATA


def test_the_shell_s_own_aws_settings_change_nothing(
    bucket: Bucket, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody-else")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "theirs")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    storage = storage_in(bucket, clock)
    storage.put(KEY, DATA, "video/mp4")
    assert storage.get(KEY)[0] == DATA


USES: list[Callable[[Storage], object]] = [
    lambda storage: storage.put(KEY, DATA, "video/mp4"),
    lambda storage: storage.get(KEY),
    lambda storage: storage.stat(KEY),
    lambda storage: storage.exists(KEY),
    lambda storage: storage.keys("videos/"),
    lambda storage: storage.stream(KEY, 0, 10),
    lambda storage: storage.delete(KEY),
]


@pytest.mark.parametrize("fault", ["refuses", "silent", SLOW_DOWN])
def test_whatever_fails_is_said_in_time_and_works_again_afterwards(
    far: Storage, way: FaultyWay, fault: Fault | bytes
) -> None:
    way.fault = fault
    for use in USES:
        began = time.monotonic()
        with pytest.raises(StorageUnavailable) as raised:
            use(far)
        assert time.monotonic() - began < 60 * HASTY_S  # a busy machine's; mostly once or twice
        assert (raised.value.status, raised.value.headers["Retry-After"]) == (503, "5")
    way.fault = "none"
    way.drop()
    assert persistently(lambda: far.get(KEY)[0]) == DATA


def persistently(read: Callable[[], bytes]) -> bytes:
    """On a busy machine half a second may not be enough for an answer that is on its way."""
    for _ in range(40):
        with suppress(StorageUnavailable):
            return read()
    return read()


def test_what_fails_once_is_asked_again(bucket: Bucket, way: FaultyWay, clock: ManualClock) -> None:
    far = storage_in(s3.through(bucket, way.port), clock)
    for fault in (SLOW_DOWN, b""):
        way.fault, way.fails_left = fault, 1
        far.put(KEY, DATA, "video/mp4")
        way.drop()
        way.fails_left = 1
        assert far.get(KEY)[0] == DATA
        way.drop()


def test_an_answer_that_is_cut_off_is_no_file(far: Storage, way: FaultyWay) -> None:
    # A body that breaks off is asked on from there, three times.
    way.fault, way.passes = "cut", 20_000
    with pytest.raises(StorageUnavailable):
        far.get(KEY)
    with pytest.raises(StorageUnavailable):
        b"".join(far.stream(KEY, 0, len(DATA)))


def test_a_file_half_sent_is_no_file(
    bucket: Bucket, way: FaultyWay, storage: Storage, clock: ManualClock, tmp_path: Path
) -> None:
    far = storage_in(s3.through(bucket, way.port, timeout_s=5.0), clock)
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(12_000_000))
    far.exists(KEY)
    way.fault = "silent"
    with pytest.raises(StorageUnavailable):
        far.put_file("videos/0b6f/video-2.mp4", film, "video/mp4")
    assert storage.keys("videos/") == [KEY]


@pytest.mark.parametrize(
    "changes",
    [{"secret_key": "hunter2"}, {"access_key": "nobody"}, {"name": "no-such-bucket"}],
)
def test_who_is_refused_is_not_told_that_files_are_gone(
    storage: Storage, bucket: Bucket, clock: ManualClock, changes: dict[str, Any]
) -> None:
    """Or a sweep would take rows for files that are all there."""
    refused = storage_in(replace(bucket, **changes), clock)
    for use in USES:
        if changes.get("name") or changes.get("access_key"):
            continue
        with pytest.raises(StorageUnavailable):
            use(refused)
    for use in (USES[0], USES[1], USES[4], USES[5], USES[6]):
        with pytest.raises(StorageUnavailable):
            use(refused)


def test_what_is_decided_is_not_undone_by_files_that_stay(
    bucket: Bucket, way: FaultyWay, storage: Storage, clock: ManualClock
) -> None:
    del storage  # has written the file
    far = storage_in(s3.through(bucket, way.port, timeout_s=5.0), clock)
    way.fault = "refuses"
    far.forget(KEY)
    far.forget_prefix("videos/0b6f/")
    way.fault = "none"
    assert far.exists(KEY)
    far.forget_prefix("videos/0b6f/", but=[KEY])
    assert far.exists(KEY)
    far.forget(KEY)
    with pytest.raises(NotFound):
        far.stat(KEY)


def test_links_are_answered_while_s3_is_silent(far: Storage, way: FaultyWay) -> None:
    way.fault = "silent"
    client = client_of(far)
    assert client.get(far.url(KEY)).status_code == 307
    answer = client.get(far.url(KEY), headers=OURS)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"secret_key": "hunter2"}, "CHARAFY_STORAGE_SECRET_KEY is wrong"),
        ({"access_key": "nobody"}, "CHARAFY_STORAGE_ACCESS_KEY"),
        ({"name": "no-such-bucket"}, "there is no bucket of that name"),
        ({"region": "mars-1"}, "set CHARAFY_STORAGE_REGION"),
        ({"endpoint": "http://127.0.0.1:9"}, "127.0.0.1:9 can't be reached"),
    ],
)
def test_a_check_says_in_a_sentence_what_is_wrong(
    bucket: Bucket, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(StorageRefused, match=r"^Media can't be kept in s3://.*\.$") as raised:
        BucketStore(replace(bucket, **changes)).check()
    assert says in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert s3.SECRET_KEY not in str(raised.value)


def test_a_bucket_that_holds_another_house_s_media_is_refused(
    bucket: Bucket, clock: ManualClock
) -> None:
    """Or the first start on an empty database would sweep them all as orphans."""
    storage_in(bucket, clock).check()
    storage_in(bucket, clock).check()  # the same house again, or another machine of it
    other = Storage(BucketStore(bucket), b"t" * 32, BASE, clock)
    with pytest.raises(StorageRefused, match="another Charafy"):
        other.check()
    Storage(BucketStore(replace(bucket, prefix="other/")), b"t" * 32, BASE, clock).check()


def test_a_check_of_a_silent_server_ends(bucket: Bucket, way: FaultyWay) -> None:
    way.fault = "silent"
    with pytest.raises(StorageRefused, match="doesn't answer in time"):
        BucketStore(s3.through(bucket, way.port, timeout_s=HASTY_S)).check()
