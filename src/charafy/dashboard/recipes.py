"""Requests to paste, in curl, Python and JavaScript, that name somebody's own character."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from charafy.characters.service import Character
from charafy.dashboard.quick_start import KEY_PLACEHOLDER

Code = Literal["curl", "python", "javascript"]

_HELLO: Final = MappingProxyType(
    {"en": "Hello! It is good to hear you.", "ja": "こんにちは！お会いできてうれしいです。"}
)
_METHODS: Final = MappingProxyType(
    {
        "speak": "speech.create",
        "video": "videos.create",
        "talk": "conversations.createToken",
        "credits": "credits.get",
    }
)
"""Of the JavaScript client."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One thing to do; `name` ends the keys of its words among the pages'."""

    name: str
    title: str
    """Of the block: a file's name or a language's."""
    code: str


@dataclass(frozen=True, slots=True)
class _Call:
    url: str
    key: str
    body: dict[str, Any] | None = None
    """None: a GET."""
    file: str | None = None
    """Where an answer that is sound goes."""


def recipes(
    base_url: str, person: Character | None, code: Code, key: str | None = None
) -> tuple[Recipe, ...]:
    """From the first sound to the bill; without a character there is only the bill."""
    api, key = f"{base_url}/api/v1", key or KEY_PLACEHOLDER
    bill = _recipe("credits", code, _Call(f"{api}/credits", key))
    if person is None:
        return (bill,)
    said = {"character_id": person.character_id, "text": _HELLO[person.language]}
    call = {"character_id": person.character_id, "mode": "audio-only"}
    frame = (
        f'<iframe\n  src="{base_url}/embed/{person.character_id}"\n'
        '  width="400"\n  height="600"\n  allow="microphone"\n></iframe>'
    )
    return (
        _recipe("speak", code, _Call(f"{api}/tts", key, said, "hello.mp3")),
        _recipe("video", code, _Call(f"{api}/video", key, said)),
        _recipe("talk", code, _Call(f"{api}/conversation/token", key, call)),
        Recipe("embed", "HTML", frame),
        bill,
    )


def _recipe(name: str, code: Code, call: _Call) -> Recipe:
    match code:
        case "curl":
            return Recipe(name, "curl", _curl(call))
        case "python":
            return Recipe(name, f"{name}.py", _python(call))
        case "javascript":
            return Recipe(name, f"{name}.mjs", _javascript(name, call))


def _curl(call: _Call) -> str:
    lines = [f"curl {call.url}", f'  -H "x-api-key: {call.key}"']
    if call.body is not None:
        lines[0] = f"curl -X POST {call.url}"
        # No apostrophe is in our bodies: a shell's quotes need no escape.
        lines += ['  -H "Content-Type: application/json"', f"  -d '{_json(call.body)}'"]
    if call.file:
        lines.append(f"  --output {call.file}")
    return " \\\n".join(lines)


def _python(call: _Call) -> str:
    method = "get" if call.body is None else "post"
    lines = ["import httpx", "", f"response = httpx.{method}("]
    lines += [f'    "{call.url}",', f'    headers={{"x-api-key": "{call.key}"}},']
    if call.body is not None:
        fields = [f'        "{name}": {_json(value)},' for name, value in call.body.items()]
        lines += ["    json={", *fields, "    },"]
    lines += ["    timeout=60,", ")", "response.raise_for_status()"]
    if call.file:
        keep = f'Path("{call.file}").write_bytes(response.content)'
        return "\n".join(["from pathlib import Path", "", *lines, keep])
    return "\n".join([*lines, "print(response.json())"])


def _javascript(name: str, call: _Call) -> str:
    """With the client that this server gives away."""
    base_url = call.url.partition("/api/v1")[0]
    head = [
        f"// npm install {base_url}/charafy-client.tgz",
        'import { Charafy } from "charafy-client";',
        "",
        f'const charafy = new Charafy({{ apiKey: "{call.key}", baseUrl: "{base_url}" }});',
    ]
    given = ""
    if call.body is not None:
        fields = [f"  {field}: {_json(value)}," for field, value in call.body.items()]
        given = "\n".join(["{", *fields, "}"])
    asked = f"await charafy.{_METHODS[name]}({given})"
    if call.file is not None:
        head.insert(1, 'import { writeFile } from "node:fs/promises";')
        work = [f"const speech = {asked};", f'await writeFile("{call.file}", speech.stream);']
    elif name == "video":
        wait = "const video = await charafy.videos.wait(video_id);"
        work = [f"const {{ video_id }} = {asked};", wait, "console.log(video.output_url);"]
    else:
        work = [f"console.log({asked});"]
    return "\n".join([*head, *work])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
