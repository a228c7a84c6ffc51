"""Every operation of the OpenAPI file, asked in ways nobody would: the answers keep to the file.

CHARAFY_TEST_EXAMPLES says how many requests of each kind an operation gets. The seed is fixed: what
fails here fails again.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from charafy.app import build_app
from charafy.first_start import first_start
from charafy.house import build_house
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from charafy.voices.service import preset_id
from tests.support.images import jpeg
from tests.support.speech import serving

EXAMPLES: Final = int(os.environ.get("CHARAFY_TEST_EXAMPLES", "6"))
FILE: Final = Path(__file__).parents[2] / "docs" / "openapi.json"
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
UNAVAILABLE: Final = {502, 503}
"""Without Stripe, without a talk process: said in our own words, checked below."""

SCHEMA: Final = schemathesis.openapi.from_path(str(FILE))
OPERATIONS: Final = {
    f"{operation.method.upper()} {operation.path}": operation
    for operation in (found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok))
}
ASKED: Final = [
    (name, mode)
    for name, operation in OPERATIONS.items()
    for mode in GenerationMode
    # With nothing to send, nothing wrong can be sent.
    if not mode.is_negative or operation.body or operation.query or operation.headers
]


def test_each_operation_of_the_file_is_asked() -> None:
    declared = json.loads(FILE.read_text())["paths"]
    assert len(OPERATIONS) == sum(len(methods) for methods in declared.values()) > 50


@dataclass(frozen=True)
class Target:
    url: str
    session: requests.Session
    known: Mapping[str, str]
    """What parameters and fields are to be so that they lead to something."""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server whose owner has one of each, behind a real socket."""
    home = tmp_path_factory.mktemp("asked") / "home"
    house = build_house(
        Settings(home=home, voice_engine="scripted", portrait_engine="still", demo=False)
    )
    try:
        migrate(house.db)
        first = first_start(house)
        assert first is not None
        with serving(build_app(house)) as url, requests.Session() as session:
            session.headers["x-api-key"] = first.api_key
            yield furnished(url, session)
    finally:
        house.close()


def furnished(url: str, session: requests.Session) -> Target:
    def post(path: str, **body: Any) -> Any:
        answer = session.post(f"{url}/api/v1{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    voice = preset_id("af_heart")
    photo = base64.b64encode(jpeg()).decode()
    image = f"data:image/jpeg;base64,{photo}"
    character = post("/characters", name="Aria", image=image, voice_id=voice)
    character_id = character["character_id"]
    video = post("/video", character_id=character_id, text="Hello.")
    talk = post("/conversation/token", character_id=character_id)
    endpoint = post("/webhooks", url="https://example.com/told", events=["video.completed"])
    known = {
        "character_id": character_id,
        "voice_id": voice,
        "image": image,
        "video_id": video["video_id"],
        "conversation_id": talk["conversation_id"],
        "endpoint_id": endpoint["endpoint_id"],
    }
    return Target(url, session, known)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "mode"), ASKED, ids=lambda value: getattr(value, "value", value))
def test_an_answer_keeps_to_the_file(name: str, mode: GenerationMode, target: Target) -> None:
    operation = OPERATIONS[name]

    @hypothesis.seed(7)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @given(case=operation.as_strategy(mode), real=st.booleans())
    def ask(case: Case[Any], real: bool) -> None:
        if real:
            case = pointed(case, target)
        answer = case.call(target.url, target.session, timeout=60)
        if answer.status_code in UNAVAILABLE:
            assert json.loads(answer.content)["code"], answer.content
            return
        case.validate_response(answer, CHECKS)

    ask()


def pointed(case: Case[Any], target: Target) -> Case[Any]:
    """The same, about what there is."""
    if case.method != "DELETE":
        for name in target.known.keys() & case.path_parameters.keys():
            case.path_parameters[name] = target.known[name]
    if isinstance(case.body, dict):
        for name in target.known.keys() & case.body.keys():
            case.body[name] = target.known[name]
    return case
