"""Code made from an operation says exactly what its example says, whatever that holds."""

from __future__ import annotations

import ast
import json
import shlex
from typing import Any

import pytest

from charafy.reference.operations import Operation
from charafy.reference.samples import samples

MULTIPART = "multipart/form-data"
AWKWARD: tuple[dict[str, Any], ...] = (
    {"text": "It's 5 o'clock"},
    {"text": 'She said "hello" \\ and left\nat once\t'},
    {"text": "$HOME `id` $(id) ${x} !! %s {0}"},
    {"text": "こんにちは😀\u2028"},
    {"text": "</script><b>&amp;"},
    {
        "on": True,
        "off": False,
        "nothing": None,
        "number": 1.5,
        "list": ["a'b", 2],
        "inner": {"a": "b"},
    },
    {"a" * 40: "b" * 40, "c": {"d" * 30: "e" * 30}},
)


def operation(**changed: Any) -> Operation:
    values: dict[str, Any] = {
        "id": "speak",
        "method": "POST",
        "path": "/api/v1/characters/{character_id}/say",
        "summary": "Say",
        "description": "",
        "scope": "speech:write",
        "parameters": (),
        "body_type": "application/json",
        "body": (),
        "body_example": {},
        "answer_types": ("application/json",),
        "answer": (),
        "answer_example": None,
        "errors": (),
        **changed,
    }
    return Operation(**values)


def code(found: Operation, language: str) -> str:
    made = {sample.language: sample.code for sample in samples(found, "https://example.com")}
    return made[language]


@pytest.mark.parametrize("body", AWKWARD, ids=lambda body: ascii(body)[:30])
def test_curl_sends_the_example(body: dict[str, Any]) -> None:
    words = shlex.split(code(operation(body_example=body), "bash"))

    assert words[:3] == ["curl", "-X", "POST"]
    assert words[3] == "https://example.com/api/v1/characters/CHAR_ID/say"
    assert json.loads(words[words.index("-d") + 1]) == body


@pytest.mark.parametrize("body", AWKWARD, ids=lambda body: ascii(body)[:30])
def test_python_sends_the_example(body: dict[str, Any]) -> None:
    tree = ast.parse(code(operation(body_example=body), "python"))

    sent = [
        ast.literal_eval(keyword.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "json"
    ]
    assert sent == [body]


@pytest.mark.parametrize("body", AWKWARD, ids=lambda body: ascii(body)[:30])
def test_javascript_sends_the_example(body: dict[str, Any]) -> None:
    text = code(operation(body_example=body), "javascript")

    start = text.index("JSON.stringify(") + len("JSON.stringify(")
    assert json.JSONDecoder().raw_decode(text, start)[0] == body


@pytest.mark.parametrize("language", ["bash", "python", "javascript"])
def test_without_a_scope_no_key_is_sent(language: str) -> None:
    assert "YOUR_API_KEY" in code(operation(), language)
    assert "YOUR_API_KEY" not in code(operation(scope=None), language)


@pytest.mark.parametrize("language", ["bash", "python", "javascript"])
def test_audio_goes_into_a_file(language: str) -> None:
    assert "speech.mp3" in code(operation(answer_types=("audio/mpeg", "audio/wav")), language)
    assert "speech.mp3" not in code(operation(), language)


@pytest.mark.parametrize("language", ["bash", "python", "javascript"])
def test_ids_that_only_the_reader_knows_are_placeholders(language: str) -> None:
    body = {"character_id": "7f9c24e5-2f4b-4d6e-9a55-0c1f6a1f3b52", "text": "Hello!"}
    text = code(operation(body_example=body), language)

    assert "7f9c24e5" not in text
    assert text.count("CHAR_ID") == 2


FORM = {"audio": "@voice-sample.mp3", "name": "My Voice", "language": "ja"}


def test_curl_sends_a_form_as_the_contract_s_line_does() -> None:
    words = shlex.split(code(operation(body_type=MULTIPART, body_example=FORM), "bash"))
    sent = [words[at + 1] for at, word in enumerate(words) if word == "-F"]
    assert sent == ["audio=@voice-sample.mp3", "name=My Voice", "language=ja"]
    assert "Content-Type" not in " ".join(words)


def test_python_sends_a_form_with_its_file() -> None:
    text = code(operation(body_type=MULTIPART, body_example=FORM), "python")
    tree = ast.parse(text)
    [call] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and any(k.arg == "files" for k in node.keywords)
    ]
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    assert ast.unparse(given["files"]) == "{'audio': Path('voice-sample.mp3').read_bytes()}"
    assert ast.literal_eval(given["data"]) == {"name": "My Voice", "language": "ja"}
    assert "json" not in given


def test_javascript_sends_a_form_with_its_file() -> None:
    text = code(operation(body_type=MULTIPART, body_example=FORM), "javascript")
    assert 'form.append("audio", new Blob([await readFile("voice-sample.mp3")])' in text
    assert 'form.append("name", "My Voice");' in text
    assert "Content-Type" not in text
    assert "body: form," in text


def test_a_form_may_hold_nothing_but_a_file() -> None:
    text = code(operation(body_type=MULTIPART, body_example={"audio": "@a.mp3"}), "python")
    assert "data=" not in text
