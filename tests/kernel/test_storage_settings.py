"""Where media are kept, by settings: whole or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from charafy.kernel.settings import Settings

WHOLE: dict[str, Any] = {
    "storage_url": "s3://media-of-charafy/eu/",
    "storage_endpoint": "https://s3.example.com:9000/",
    "storage_access_key": "AKIA1",
    "storage_secret_key": "hunter2",
}


def test_media_lie_in_the_data_folder_unless_a_place_is_named(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).media == tmp_path / "media"
    assert Settings(home=tmp_path).bucket is None
    for url in ("/srv/media", "file:///srv/media"):
        assert Settings(home=tmp_path, storage_url=url).media == Path("/srv/media")


def test_a_bucket_is_named_by_an_address_and_keys_beside_it() -> None:
    bucket = Settings(**WHOLE).bucket
    assert bucket is not None
    assert (bucket.name, bucket.prefix, str(bucket)) == (
        "media-of-charafy",
        "eu/",
        "s3://media-of-charafy/eu/",
    )
    assert (bucket.endpoint, bucket.region) == ("https://s3.example.com:9000", "us-east-1")
    assert (bucket.access_key, bucket.secret_key, bucket.by_host) == ("AKIA1", "hunter2", False)


def test_amazon_s_own_servers_are_asked_by_host() -> None:
    bucket = Settings(**WHOLE | {"storage_endpoint": None, "storage_region": "eu-west-1"}).bucket
    assert bucket is not None
    assert (bucket.endpoint, bucket.region, bucket.by_host) == (None, "eu-west-1", True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"storage_access_key": None}, "set CHARAFY_STORAGE_ACCESS_KEY."),
        ({"storage_secret_key": None}, "set CHARAFY_STORAGE_SECRET_KEY."),
        ({"storage_endpoint": None}, "set CHARAFY_STORAGE_REGION for Amazon's, or"),
        ({"storage_endpoint": "s3.example.com"}, "CHARAFY_STORAGE_ENDPOINT is no address"),
        ({"storage_endpoint": "https://me:hunter2@s3.example"}, "CHARAFY_STORAGE_ENDPOINT is no"),
        ({"storage_endpoint": "https://s3.example:http"}, "CHARAFY_STORAGE_ENDPOINT is no"),
        ({"storage_public_endpoint": "ftp://s3.example"}, "CHARAFY_STORAGE_PUBLIC_ENDPOINT is no"),
        ({"storage_url": None}, "CHARAFY_STORAGE_URL names no bucket"),
        ({"storage_url": "/srv/media"}, "CHARAFY_STORAGE_URL names no bucket"),
        ({"storage_url": "s3://"}, "names no bucket that can be"),
        ({"storage_url": "s3://Bucket_1"}, "names no bucket that can be"),
        ({"storage_url": "s3://AKIA1:hunter2@bucket/eu"}, "names no bucket that can be"),
        ({"storage_url": "s3://bucket/../other"}, "names no bucket that can be"),
        ({"storage_url": "s3://bucket?region=x"}, "names no bucket that can be"),
        ({"storage_url": "gs://bucket/eu"}, "is no place for media"),
        ({"storage_url": "media"}, "is no place for media"),
        ({"storage_url": "file://media"}, "is no place for media"),
        ({"storage_url": "http://[hunter2"}, "CHARAFY_STORAGE_URL is no address"),
    ],
)
def test_half_of_it_stops_the_start_in_a_sentence(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Settings(**WHOLE | changes)
    [error] = raised.value.errors()
    assert says in error["msg"]
    assert "hunter2" not in str(raised.value)


def test_the_secret_does_not_show() -> None:
    settings = Settings(**WHOLE)
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in repr(settings.bucket)
