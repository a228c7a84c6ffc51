"""Stored files: kept whole, found again, reached only through a signed link."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from charafy.kernel.errors import NotFound
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.http.files import router
from charafy.kernel.s3 import BucketStore
from charafy.kernel.storage import Storage
from charafy.kernel.stores import FolderStore, Store
from tests.support.clock import ManualClock

KEY = "characters/0b6f/photo-0123.jpg"
DATA = bytes(range(256)) * 5
BASE = "http://testserver"


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Both of them keep the same promises."""
    if request.param == "folder":
        return FolderStore(tmp_path / "media")
    return BucketStore(request.getfixturevalue("bucket"))


@pytest.fixture
def storage(store: Store, clock: ManualClock) -> Storage:
    kept = Storage(store, b"s" * 32, BASE, clock)
    kept.put(KEY, DATA, "image/jpeg")
    return kept


@pytest.fixture
def client(storage: Storage) -> TestClient:
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(router(storage))
    return TestClient(app)


def test_a_file_comes_back_as_it_was_put(storage: Storage) -> None:
    assert storage.get(KEY) == (DATA, "image/jpeg")
    assert storage.stat(KEY).size == len(DATA)
    assert b"".join(storage.stream(KEY, 3, 700)) == DATA[3:700]


def test_a_file_as_large_as_a_film_is_put_in_pieces(storage: Storage, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(range(256)) * 50_000)  # 12.8 MB, more than one part
    storage.put_file("videos/0b6f/video-1.mp4", film, "video/mp4")
    assert film.exists()
    assert storage.stat("videos/0b6f/video-1.mp4").size == 12_800_000
    assert (
        b"".join(storage.stream("videos/0b6f/video-1.mp4", 255, 12_800_000))
        == film.read_bytes()[255:]
    )


def test_only_files_older_than_a_moment_are_named(storage: Storage) -> None:
    now = datetime.now(UTC)
    assert storage.keys("characters/", older_than=now - timedelta(minutes=5)) == []
    assert storage.keys("characters/", older_than=now + timedelta(minutes=5)) == [KEY]


def test_a_check_leaves_nothing(storage: Storage, store: Store) -> None:
    storage.check()
    assert storage.keys("probe/") == []


def test_nothing_but_the_file_is_left_on_disk(tmp_path: Path, clock: ManualClock) -> None:
    storage = Storage(FolderStore(tmp_path / "media"), b"s" * 32, BASE, clock)
    storage.put(KEY, DATA[::-1], "image/jpeg")
    files = [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["photo-0123.jpg"]
    storage.delete(KEY)
    assert list((tmp_path / "media").rglob("*")) == []


def test_a_file_that_is_gone_is_not_found_and_may_be_deleted_again(storage: Storage) -> None:
    storage.delete(KEY)
    storage.delete(KEY)
    assert not storage.exists(KEY)
    for read in (storage.get, storage.stat, lambda key: storage.stream(key, 0, 1)):
        with pytest.raises(NotFound):
            read(KEY)


def test_deleting_a_folder_leaves_its_neighbours(storage: Storage) -> None:
    storage.put("characters/0b6f/photo-2.png", b"2", "image/png")
    storage.put("characters/0b6f0/photo-3.png", b"3", "image/png")
    storage.delete_prefix("characters/0b6f/")
    assert storage.keys("characters/") == ["characters/0b6f0/photo-3.png"]


def test_an_ending_that_belies_the_type_is_a_mistake_of_ours(storage: Storage) -> None:
    with pytest.raises(ValueError, match="must end accordingly"):
        storage.put("a/b.png", b"", "image/jpeg")


@pytest.mark.parametrize(
    "key",
    [
        "../secret.jpg",
        "a/../../secret.jpg",
        "/etc/passwd.jpg",
        "a/./b.jpg",
        "a//b.jpg",
        "a\\..\\b.jpg",
        "a/b\x00.jpg",
        "a/b.jpg\n",
        "a/%2e%2e/b.jpg",
        "a/.hidden.jpg",
        "b.jpg",
        "a/page.html",
        "a/b",
        "",
    ],
)
def test_what_cannot_be_a_key_names_no_file_even_when_signed(
    storage: Storage, client: TestClient, key: str
) -> None:
    with pytest.raises(NotFound):
        storage.get(key)
    with pytest.raises(NotFound):
        storage.put(key, b"", "image/jpeg")
    answer = client.get("/files/" + quote(key), params={"sig": storage._sign(key, None)})
    assert answer.status_code in (403, 404)


def test_a_link_opens_the_file_for_anyone(storage: Storage, client: TestClient) -> None:
    answer = client.get(storage.url(KEY))
    assert answer.status_code == 200
    assert answer.content == DATA
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-length"] == str(len(DATA))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == 'inline; filename="photo-0123.jpg"'


def test_a_link_without_expiry_works_years_later(
    storage: Storage, client: TestClient, clock: ManualClock
) -> None:
    link = storage.url(KEY)
    clock.advance(10 * 365 * 86_400)
    assert client.get(link).status_code == 200


def test_a_link_with_expiry_ends(storage: Storage, client: TestClient, clock: ManualClock) -> None:
    link = storage.url(KEY, ttl_s=60)
    clock.advance(59)
    assert client.get(link).headers["cache-control"] == "private, max-age=1"
    clock.advance(1)
    answer = client.get(link)
    assert (answer.status_code, answer.json()["code"]) == (403, "link_expired")


@pytest.mark.parametrize(
    "tamper",
    [
        lambda link: link.split("?")[0],
        lambda link: link[:-1] + ("A" if link[-1] != "A" else "B"),
        lambda link: link + "%C3%A9",
        lambda link: link.replace("exp=", "exp=9"),
        lambda link: link.replace("exp=", "exq="),
        lambda link: link.replace("photo-0123", "photo-0124"),
    ],
)
def test_a_link_that_was_changed_opens_nothing(
    storage: Storage, client: TestClient, tamper: object
) -> None:
    assert callable(tamper)
    answer = client.get(tamper(storage.url(KEY, ttl_s=60)))
    assert (answer.status_code, answer.json()["code"]) == (403, "link_invalid")


def test_another_servers_signature_opens_nothing(
    client: TestClient, tmp_path: Path, clock: ManualClock
) -> None:
    other = Storage(FolderStore(tmp_path / "other"), b"t" * 32, BASE, clock)
    assert client.get(other.url(KEY)).status_code == 403


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 1280),
        ("bytes=100-199", 100, 200),
        ("bytes=1200-9999", 1200, 1280),
        ("bytes=-10", 1270, 1280),
        ("bytes=-9999", 0, 1280),
    ],
)
def test_a_player_gets_the_part_it_asks_for(
    storage: Storage, client: TestClient, asked: str, start: int, end: int
) -> None:
    answer = client.get(storage.url(KEY), headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == DATA[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/1280"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=0-1,5-6", "bytes=-", "lines=1-2", "bytes=a-b", "bytes=-1-2"]
)
def test_a_range_that_makes_no_sense_is_ignored(
    storage: Storage, client: TestClient, asked: str
) -> None:
    answer = client.get(storage.url(KEY), headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, DATA)


@pytest.mark.parametrize("asked", ["bytes=1280-", "bytes=1280-1290", "bytes=-0"])
def test_a_range_behind_the_end_is_416_with_the_length(
    storage: Storage, client: TestClient, asked: str
) -> None:
    answer = client.get(storage.url(KEY), headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */1280"


def test_a_reader_that_has_the_file_gets_304(storage: Storage, client: TestClient) -> None:
    etag = client.get(storage.url(KEY)).headers["etag"]
    known = client.get(storage.url(KEY), headers={"If-None-Match": f'"x", W/{etag}'})
    assert (known.status_code, known.content) == (304, b"")
    other = client.get(storage.url(KEY), headers={"If-None-Match": '"x"'})
    assert other.status_code == 200


def test_a_range_of_an_older_file_gets_the_whole_new_one(
    storage: Storage, client: TestClient
) -> None:
    etag = client.get(storage.url(KEY)).headers["etag"]
    asked = {"Range": "bytes=0-9"}
    assert client.get(storage.url(KEY), headers=asked | {"If-Range": etag}).status_code == 206
    assert client.get(storage.url(KEY), headers=asked | {"If-Range": '"x"'}).content == DATA


def test_head_tells_the_size_without_the_bytes(storage: Storage, client: TestClient) -> None:
    answer = client.head(storage.url(KEY))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(DATA))


def test_an_empty_file_is_served(storage: Storage, client: TestClient) -> None:
    storage.put("a/empty.mp3", b"", "audio/mpeg")
    answer = client.get(storage.url("a/empty.mp3"))
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_deleted_file_is_404_through_a_valid_link(storage: Storage, client: TestClient) -> None:
    link = storage.url(KEY)
    storage.delete(KEY)
    assert client.get(link).status_code == 404


FOLDER = "characters/0b6f/avatar-0123/"


def test_files_of_a_signed_folder_are_found_by_relative_links(
    storage: Storage, client: TestClient
) -> None:
    storage.put(f"{FOLDER}rig.json", b"{}", "application/json")
    storage.put(f"{FOLDER}skin.webp", b"pixels", "image/webp")

    start = storage.folder_url(FOLDER).removeprefix(BASE)
    rig = client.get(f"{start}rig.json")

    assert (rig.status_code, rig.content) == (200, b"{}")
    assert rig.headers["access-control-allow-origin"] == "*"
    assert client.get(str(rig.url.join("skin.webp"))).content == b"pixels"
    assert client.get(str(rig.url.join("missing.webp"))).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "characters/0b6f/photo-0123.jpg",
        "characters/0b6f/avatar-0124/rig.json",
        "characters/0b6f/avatar-0123/deeper/rig.json",
        "characters/0b6f/avatar-0123/%2e%2e/photo-0123.jpg",
        "rig.json",
    ],
)
def test_a_folder_s_signature_opens_no_file_elsewhere(
    storage: Storage, client: TestClient, path: str
) -> None:
    for name in ("avatar-0123", "avatar-0124", "avatar-0123/deeper"):
        storage.put(f"characters/0b6f/{name}/rig.json", b"{}", "application/json")
    start = storage.folder_url(FOLDER).removeprefix(BASE).removesuffix(FOLDER)

    assert client.get(f"{start}{path}").status_code in (403, 404)


def test_a_folder_s_signature_is_none_for_a_file_nor_the_other_way_round(
    storage: Storage, client: TestClient
) -> None:
    storage.put(f"{FOLDER}rig.json", b"{}", "application/json")
    signature = storage.folder_url(FOLDER).partition("~")[2].partition("/")[0]
    of_file = storage.url(f"{FOLDER}rig.json").partition("sig=")[2]

    assert client.get(f"/files/{FOLDER}rig.json?sig={signature}").status_code == 403
    assert client.get(f"/files/~{of_file}/{FOLDER}rig.json").status_code == 403
