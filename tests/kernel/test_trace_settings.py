"""Where traces go is said wholly, or the start refuses it in a sentence that hides secrets."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from charafy.kernel.settings import Settings


@pytest.mark.parametrize(
    "url",
    ["collector:4318", "grpc://collector:4317", "http://", "http://h:99999", "https://u:hush@host"],
)
def test_what_is_no_address_stops_the_start(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(otlp_url=url)
    assert "CHARAFY_OTLP_URL must be http://host:port" in str(refused.value)
    assert "hush" not in str(refused.value)


def test_headers_without_an_address_or_without_a_value_stop_it_too() -> None:
    with pytest.raises(ValidationError, match="CHARAFY_OTLP_HEADERS is set without"):
        Settings.model_validate({"otlp_headers": "a=hush"})
    with pytest.raises(ValidationError, match="name=value") as refused:
        Settings.model_validate({"otlp_url": "http://host", "otlp_headers": "hush"})
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("https://otlp.example/", "https://otlp.example/v1/traces"),
        ("https://otlp.example/tenant/v1/traces", "https://otlp.example/tenant/v1/traces"),
    ],
)
def test_a_bare_address_gets_the_path_that_collectors_listen_at(url: str, endpoint: str) -> None:
    assert Settings(otlp_url=url).otlp_endpoint == endpoint
