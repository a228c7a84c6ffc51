"""Every route of the API answers every mistake in the one shape, with the status of the contract.

The walk goes over the app's own routes: a new route is tested by being there.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from charafy.house import House
from charafy.kernel.errors import CharafyError
from charafy.reference.openapi import build, operations
from tests.contract.conftest import Developer
from tests.support import contract
from tests.support.routes import API, Route, routes

SHAPE = {"error", "code", "param", "request_id"}
PUBLIC = {f"GET {API}/voices/{{voice_id}}/sample.mp3", f"GET {API}/openapi.json"}
"""Routes without a key."""
TOKENS = {f"{method} {API}/conversation/connect" for method in ("OPTIONS", "POST", "PATCH")}
"""Routes that the token of a conversation opens, not a key."""
SIGNED = {f"POST {API}/stripe/webhook"}
"""Routes that Stripe's signature opens, not a key."""
WRONG_KEYS = ("nonsense", "ck_live_", "ck_live_" + "a" * 43, "ck_test_" + "é" * 8, "x" * 5_000)
NOT_OBJECTS = ("[]", "null", '"text"', "5", "true", "[[[]]]")
MALFORMED = ("", "{", '{"text": }', "\x00", '{"a": NaN', "[" * 20_000, "not json")
WRONG_VALUES: tuple[Any, ...] = (5, -1, 1e308, True, "", "x" * 20_001, [], [1], {}, {"a": 1}, None)
NO_SUCH = (str(uuid.UUID(int=0)), "abc", "%00", "..%2f..", "x" * 3_000, "%F0%9F%98%80", "'--")


def check(answer: Any, *statuses: int) -> None:
    """The answer has one of the statuses and the one shape of errors."""
    said = f"{answer.request.method} {answer.request.url.path[:80]}: {answer.text[:300]}"
    assert answer.status_code in statuses, f"{answer.status_code}, not {statuses}: {said}"
    assert answer.headers["content-type"] == "application/json", said
    body = answer.json()
    assert set(body) == SHAPE, said
    assert isinstance(body["error"], str), said
    assert body["error"].endswith("."), said
    assert body["error"][0].strip(), said
    assert body["code"].replace("_", "").isalpha(), said
    assert body["param"] is None or isinstance(body["param"], str), said
    assert body["request_id"] == answer.headers["x-request-id"], said
    for leak in ("Traceback", "sqlalchemy", "pydantic", "site-packages", ".py"):
        assert leak not in answer.text, said


@pytest.fixture(scope="session")
def app(http: TestClient) -> FastAPI:
    assert isinstance(http.app, FastAPI)
    return http.app


@pytest.fixture(scope="session")
def api_routes(app: FastAPI) -> list[Route]:
    found = [route for route in routes(app) if route.is_api]
    assert len(found) >= 25
    return found


@pytest.fixture(scope="session")
def guarded(api_routes: list[Route]) -> list[Route]:
    return [route for route in api_routes if str(route) not in PUBLIC | SIGNED | TOKENS]


@pytest.fixture(scope="session")
def with_body(app: FastAPI, shared_house: House) -> list[tuple[Route, list[str]]]:
    """Guarded routes that take a JSON body, and the names of its fields."""
    document = build(app, shared_house.settings)
    found = []
    for path, method, operation in operations(document):
        media = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if media:
            name = media["schema"]["$ref"].rpartition("/")[2]
            fields = list(document["components"]["schemas"][name]["properties"])
            found.append((Route(method.upper(), path), fields))
    assert len(found) >= 10
    return found


def url_of(route: Route, value: str = NO_SUCH[0]) -> str:
    return route.url(**dict.fromkeys(route.parameters, value))


def test_without_a_key_every_guarded_route_answers_401(
    http: TestClient, guarded: list[Route]
) -> None:
    for route in guarded:
        check(http.request(route.method, url_of(route)), 401)


def test_with_a_wrong_key_every_guarded_route_answers_401(
    http: TestClient, guarded: list[Route]
) -> None:
    for route in guarded:
        for key in WRONG_KEYS:
            for headers in ({"x-api-key": key}, {"authorization": f"Bearer {key}"}):
                encoded = {name.encode(): value.encode() for name, value in headers.items()}
                check(http.request(route.method, url_of(route), headers=encoded), 401)


@pytest.mark.parametrize("header", ["Basic YWJj", "Bearer", "Bearer ", "bearer", ""])
def test_an_authorization_that_holds_no_key_is_401(http: TestClient, header: str) -> None:
    check(http.get(f"{API}/credits", headers={"authorization": header}), 401)


def test_a_body_that_is_no_json_object_is_400(
    http: TestClient, operator: Developer, with_body: list[tuple[Route, list[str]]]
) -> None:
    for route, _ in with_body:
        for content in (*MALFORMED, *NOT_OBJECTS):
            headers = {**operator.headers, "content-type": "application/json"}
            answer = http.request(
                route.method, url_of(route), content=content.encode(), headers=headers
            )
            check(answer, 400)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_body_of_another_content_type_is_400(
    http: TestClient,
    operator: Developer,
    with_body: list[tuple[Route, list[str]]],
    content_type: str,
) -> None:
    for route, _ in with_body:
        headers = {**operator.headers, "content-type": content_type}
        answer = http.request(route.method, url_of(route), content=b"a=b", headers=headers)
        check(answer, 400)


def test_a_field_of_a_wrong_type_is_400_or_names_nothing(
    http: TestClient, operator: Developer, with_body: list[tuple[Route, list[str]]]
) -> None:
    """On an id that doesn't exist: a value that happens to be valid then is a 404 at most."""
    for route, fields in with_body:
        for field in fields:
            for value in WRONG_VALUES:
                body = {field: value}
                answer = http.request(
                    route.method, url_of(route), json=body, headers=operator.headers
                )
                if answer.status_code != 200:
                    check(answer, 400, 403, 404, *([401] if str(route) in TOKENS else []))


@pytest.fixture(scope="session")
def forms(app: FastAPI, shared_house: House) -> list[tuple[Route, list[str]]]:
    """Guarded routes that take a form with files, and the names of its fields."""
    document = build(app, shared_house.settings)
    found = []
    for path, method, operation in operations(document):
        media = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data")
        if media:
            name = media["schema"]["$ref"].rpartition("/")[2]
            fields = list(document["components"]["schemas"][name]["properties"])
            found.append((Route(method.upper(), path), fields))
    assert len(found) >= 2
    return found


def test_where_a_form_is_wanted_everything_else_is_400(
    http: TestClient, operator: Developer, forms: list[tuple[Route, list[str]]]
) -> None:
    kinds = ("application/json", "text/plain", "application/x-www-form-urlencoded", "")
    for route, _ in forms:
        for kind in (*kinds, "multipart/form-data", "multipart/form-data; boundary=x"):
            for content in (*MALFORMED, *NOT_OBJECTS, "a=b", "--x", "--x--"):
                headers = {**operator.headers, "content-type": kind}
                answer = http.request(
                    route.method, url_of(route), content=content.encode(), headers=headers
                )
                check(answer, 400)


def test_a_field_of_a_form_that_makes_no_sense_is_400(
    http: TestClient, operator: Developer, forms: list[tuple[Route, list[str]]]
) -> None:
    for route, fields in forms:
        for field in fields:
            for value in ("", " ", "\x00", "\u202e", "x" * 20_001, "[]", "😀"):
                for part in ((None, value), ("a file", value), ("a file", value, "audio/wav")):
                    answer = http.request(
                        route.method, url_of(route), files={field: part}, headers=operator.headers
                    )
                    check(answer, 400)


def test_an_unknown_id_in_the_path_is_404(
    http: TestClient, operator: Developer, app: FastAPI, shared_house: House
) -> None:
    document = build(app, shared_house.settings)
    examples = {
        (method.upper(), path): operation.get("requestBody", {})
        .get("content", {})
        .get("application/json", {})
        .get("example", {})
        for path, method, operation in operations(document)
    }
    examples["POST", f"{API}/admin/accounts/{{account_id}}/credits"] = {"amount": 1}
    walked = 0
    for (method, path), body in examples.items():
        route = Route(method, path)
        for value in NO_SUCH if route.parameters else ():
            sent = {"json": body} if body else {}
            answer = http.request(method, url_of(route, value), headers=operator.headers, **sent)
            # A slash in the value makes it another address, which has nothing either.
            check(answer, 404)
            walked += 1
    assert walked >= 60


@pytest.mark.parametrize("value", [*NO_SUCH[:2], "x" * 100, "\x00", "\u202e", "😀", "' OR 1=1 --"])
@pytest.mark.parametrize("path", ["/tts", "/tts/timestamps"])
def test_an_unknown_character_is_404(
    http: TestClient, developer: Developer, path: str, value: str
) -> None:
    body = {"character_id": value, "text": "Hello!"}
    check(http.post(f"{API}{path}", json=body, headers=developer.headers), 404)


@pytest.mark.parametrize("value", [*NO_SUCH[:2], "x" * 100, "\x00", "😀"])
def test_an_unknown_voice_is_400_or_404_and_names_the_field(
    http: TestClient, developer: Developer, photo: str, value: str
) -> None:
    body = {"name": "Emma", "image": photo, "voice_id": value}
    answer = http.post(f"{API}/characters", json=body, headers=developer.headers)
    check(answer, 400, 404)
    assert answer.json()["param"] == "voice_id"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/characters", "limit=x"),
        ("/characters", "limit=0"),
        ("/characters", "limit=101"),
        ("/characters", "limit=99999999999999999999"),
        ("/characters", "cursor=%00"),
        ("/characters", "cursor=nonsense"),
        ("/characters", f"cursor={'x' * 300}"),
        ("/credits/transactions", "limit=201"),
        ("/credits/transactions", "limit=1e3"),
        ("/credits/transactions", f"cursor={'x' * 100}"),
    ],
)
def test_a_query_that_makes_no_sense_is_400(
    http: TestClient, developer: Developer, path: str, query: str
) -> None:
    check(http.get(f"{API}{path}?{query}", headers=developer.headers), 400)


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/v1/characters", "/tts/", "/characters//"])
def test_an_address_without_anything_is_404(
    http: TestClient, developer: Developer, path: str
) -> None:
    answer = http.get(f"{API}{path}", headers=developer.headers, follow_redirects=False)
    check(answer, 404, 405)


def test_another_method_is_405(http: TestClient, api_routes: list[Route]) -> None:
    for path in {route.path for route in api_routes}:
        known = {route.method for route in api_routes if answers(route, path)}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - known:
            check(http.request(method, url_of(Route(method, path))), 405)


def answers(route: Route, path: str) -> bool:
    """`/characters/preview-photo` is an address of `/characters/{character_id}` as well."""
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", route.path), path) is not None


def test_pages_answer_nonsense_without_failing(http: TestClient, app: FastAPI) -> None:
    pages = [route for route in routes(app) if not route.is_api]
    assert len(pages) >= 20
    for page in pages:
        for value in NO_SUCH:
            for form in (None, {"csrf_token": "x", "email": value, "amount": value}):
                answer = http.request(
                    page.method,
                    f"{url_of(page, value)}?token={value}&lang={value}&exp={value}&sig={value}",
                    headers={"cookie": f"charafy_session={value[:100]}; charafy_form=x"},
                    follow_redirects=False,
                    data=form,
                )
                # Not ready yet is what /readyz may say.
                assert answer.status_code < 500 or page.path == "/readyz", f"{page} {value[:30]}"
                assert "Traceback" not in answer.text


def test_a_key_without_the_scope_is_403(
    http: TestClient, shared_house: House, developer: Developer, guarded: list[Route]
) -> None:
    no_scopes = shared_house.keys.create(developer.account_id, "nothing", scopes=["voices:read"])
    allowed = {
        f"GET {API}/voices",
        f"GET {API}/voices/{{voice_id}}",
        f"GET {API}/models",
        f"GET {API}/models/{{model}}",
    }
    for route in guarded:
        if str(route) not in allowed:
            answer = http.request(
                route.method, url_of(route), headers={"x-api-key": no_scopes.key}, json={}
            )
            check(answer, 403)


def test_the_operators_routes_are_closed_to_everyone_else(
    http: TestClient, developer: Developer, guarded: list[Route]
) -> None:
    admin = [route for route in guarded if "/admin/" in route.path]
    assert len(admin) >= 5
    for route in admin:
        answer = http.request(route.method, url_of(route), headers=developer.headers, json={})
        check(answer, 403)


def test_too_few_credits_are_402_and_cost_nothing(
    http: TestClient, shared_house: House, photo: str, voice_id: str
) -> None:
    poor = shared_house.accounts.create("poor@example.com", credits=1)
    headers = {"x-api-key": shared_house.keys.create(poor.account_id, "live").key}
    body = {"name": "Emma", "image": photo, "voice_id": voice_id}
    created = http.post(f"{API}/characters", json=body, headers=headers).json()

    speech = {"character_id": created["character_id"], "text": "a" * 101}
    check(http.post(f"{API}/tts", json=speech, headers=headers), 402)

    assert http.get(f"{API}/credits", headers=headers).json()["credits_remaining"] == 1


def test_a_plan_with_too_many_characters_is_403(
    http: TestClient, shared_house: House, photo: str, voice_id: str
) -> None:
    small = shared_house.accounts.create("small@example.com", plan="small")
    headers = {"x-api-key": shared_house.keys.create(small.account_id, "live").key}
    body = {"name": "Emma", "image": photo, "voice_id": voice_id}
    limit = shared_house.settings.plan("small").max_characters
    for _ in range(limit):
        assert http.post(f"{API}/characters", json=body, headers=headers).status_code == 200

    check(http.post(f"{API}/characters", json=body, headers=headers), 403)


def test_too_many_requests_are_429_with_the_time_to_wait(
    http: TestClient, shared_house: House
) -> None:
    hasty = shared_house.accounts.create("hasty@example.com", plan="small")
    headers = {"x-api-key": shared_house.keys.create(hasty.account_id, "live").key}
    quota = shared_house.settings.plan("small").requests_per_minute
    answers = [http.get(f"{API}/voices", headers=headers) for _ in range(quota + 1)]

    if answers[-1].status_code == 200:  # the minute turned in between
        answers = [http.get(f"{API}/voices", headers=headers) for _ in range(quota + 1)]
    check(answers[-1], 429)
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert f"q={quota};w=60" in answers[-1].headers["ratelimit-policy"]
    assert "r=0;" in answers[-1].headers["ratelimit"]


def test_a_body_over_the_cap_is_400(http: TestClient, developer: Developer) -> None:
    body = b'{"image": "' + b"A" * (25 * 1024 * 1024) + b'"}'
    headers = {**developer.headers, "content-type": "application/json"}
    check(http.post(f"{API}/characters", content=body, headers=headers), 400)


def test_every_status_of_the_contract_has_an_error_that_we_raise() -> None:
    def family(kind: type[CharafyError]) -> Iterator[int]:
        yield kind.status
        for child in kind.__subclasses__():
            yield from family(child)

    assert contract.statuses().keys() <= set(family(CharafyError))
