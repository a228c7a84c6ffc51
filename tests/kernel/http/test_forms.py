"""Forms with files, names that people give, and errors that say more than a sentence."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Form, UploadFile
from fastapi.testclient import TestClient

from charafy.kernel.errors import BadRequest
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.http.forms import multipart
from charafy.kernel.http.schema import Body
from charafy.kernel.http.words import no_zero_bytes, printable_name


class Letter(Body):
    photo: UploadFile
    title: str


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    install_error_handlers(app)

    @app.post("/letters")
    def letters(
        _form: Annotated[None, Depends(multipart)],
        body: Annotated[Letter, Form(media_type="multipart/form-data")],
    ) -> str:
        return f"{body.title}: {len(body.photo.file.read())}"

    @app.get("/refused")
    def refused() -> None:
        raise BadRequest("It is too dark.", code="dark", details={"seen": {"level": 3}})

    return TestClient(app)


def test_a_form_with_a_file_is_read(client: TestClient) -> None:
    answer = client.post("/letters", files={"photo": ("a", b"123")}, data={"title": "Hi"})
    assert answer.json() == "Hi: 3"


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/x-www-form-urlencoded", "multipart/mixed", "image/png", ""],
)
def test_a_body_of_another_kind_is_told_so_before_its_fields_are_missed(
    client: TestClient, kind: str
) -> None:
    answer = client.post("/letters", content=b"{}", headers={"content-type": kind})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("The body must be multipart/form-data")
    assert answer.json()["param"] is None


@pytest.mark.parametrize("kind", ["multipart/form-data", "Multipart/Form-Data"])
def test_what_names_itself_a_form_is_taken_at_its_word(client: TestClient, kind: str) -> None:
    answer = client.post("/letters", content=b"", headers={"content-type": f"{kind}; boundary=x"})
    assert (answer.status_code, answer.json()["param"]) == (400, "photo")


def test_text_where_a_file_belongs_is_one_clear_sentence(client: TestClient) -> None:
    answer = client.post("/letters", files={"photo": (None, "abc"), "title": (None, "Hi")})
    assert answer.json()["error"] == "photo: must be sent as a file."


def test_an_error_may_say_more_behind_the_one_shape(client: TestClient) -> None:
    body = client.get("/refused").json()
    assert list(body) == ["error", "code", "param", "request_id", "seen"]
    assert body["seen"] == {"level": 3}


@pytest.mark.parametrize(
    "name", ["", "  ", "a\nb", "a\0", "\u202egnp", "\u2066x", "\ue000", "a\u2028"]
)
def test_what_no_page_could_show_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="must not"):
        printable_name(name)


def test_names_lose_the_spaces_around_them() -> None:
    assert printable_name("  ひなた 2 ") == "ひなた 2"


def test_zero_bytes_are_in_no_text() -> None:
    assert no_zero_bytes("a\nb") == "a\nb"
    with pytest.raises(ValueError, match="zero bytes"):
        no_zero_bytes("a\0b")
