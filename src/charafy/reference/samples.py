"""An operation as code that runs when it is pasted: curl, Python, JavaScript."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from charafy.reference.operations import Operation

KEY = "YOUR_API_KEY"
PLACEHOLDERS = (
    ("character_id", "CHAR_ID"),
    ("voice_id", "VOICE_ID"),
    ("video_id", "VIDEO_ID"),
    ("conversation_id", "CONVERSATION_ID"),
    ("key_id", "KEY_ID"),
    ("account_id", "ACCOUNT_ID"),
    ("endpoint_id", "ENDPOINT_ID"),
    ("delivery_id", "DELIVERY_ID"),
    ("model", "kokoro"),
)
"""What stands in the samples for a name in a path or a body."""

_WIDTH = 60
_NARROW = 40
"""Characters of a value that still stands on one line: alone, and inside of a call."""
FILE_MARK = "@"
"""What the example of a field that is a file begins with, as for curl."""
_FORM = "multipart/form-data"
_ENDINGS = (("audio/mpeg", "speech.mp3"), ("audio/", "speech.mp3"))


@dataclass(frozen=True, slots=True)
class Sample:
    language: str
    """`curl`, `python`, `javascript`, or another that a highlighter knows."""
    label: str
    code: str


def samples(operation: Operation, base_url: str) -> tuple[Sample, ...]:
    """The same request three times; ids and the key are placeholders."""
    call = _Call(
        method=operation.method,
        url=base_url + _filled_path(operation.path),
        body=_filled(operation.body_example) if operation.body_type else None,
        is_form=operation.body_type == _FORM,
        file=_file(operation),
        has_key=operation.scope is not None,
    )
    return (
        Sample("bash", "curl", _curl(call)),
        Sample("python", "Python", _python(call)),
        Sample("javascript", "JavaScript", _javascript(call)),
    )


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    url: str
    body: Any
    """None without one; of a form a dict, whose files are named behind `FILE_MARK`."""
    is_form: bool
    file: str | None
    """Where an answer that is not JSON goes."""
    has_key: bool

    @property
    def uploads(self) -> dict[str, str]:
        """Names of files by the field of the form that they go into."""
        return {
            name: value.removeprefix(FILE_MARK)
            for name, value in (self.body.items() if self.is_form else ())
            if value.startswith(FILE_MARK)
        }

    @property
    def fields(self) -> dict[str, str]:
        """The other fields of the form."""
        return {name: value for name, value in self.body.items() if name not in self.uploads}


def _file(operation: Operation) -> str | None:
    if operation.answers_json or not operation.answer_types:
        return None
    kind = operation.answer_types[0]
    return next((name for prefix, name in _ENDINGS if kind.startswith(prefix)), "answer.bin")


def _curl(call: _Call) -> str:
    verb = "" if call.method == "GET" else f"-X {call.method} "
    lines = [f"curl {verb}{call.url}"]
    if call.has_key:
        lines.append(f'  -H "x-api-key: {KEY}"')
    if call.is_form:
        lines += [f'  -F "{name}={value}"' for name, value in call.body.items()]
    elif call.body is not None:
        lines.append('  -H "Content-Type: application/json"')
        quoted = _json(call.body).replace("'", "'\\''")
        lines.append(f"  -d '{quoted}'")
    if call.file:
        lines.append(f"  --output {call.file}")
    return " \\\n".join(lines)


def _python(call: _Call) -> str:
    lines = [f'    "{call.url}",']
    if call.has_key:
        lines.append(f'    headers={{"x-api-key": "{KEY}"}},')
    if call.is_form:
        lines += _python_form(call)
    elif call.body is not None:
        lines.append(f"    json={_python_literal(call.body, 1)},")
    # A whole long text takes a while on a small machine; the default of 5 s is for web pages.
    lines.append("    timeout=60,")
    request = "\n".join([f"response = httpx.{call.method.lower()}(", *lines, ")"])
    imports = "import httpx\n\n"
    if call.file or call.uploads:
        imports = f"from pathlib import Path\n\n{imports}"
    if call.file:
        last = f'Path("{call.file}").write_bytes(response.content)'
    else:
        last = "print(response.json())"
    return f"{imports}{request}\nresponse.raise_for_status()\n{last}"


def _python_form(call: _Call) -> Iterator[str]:
    files = ", ".join(
        f'"{name}": Path({_python_literal(file, 1)}).read_bytes()'
        for name, file in call.uploads.items()
    )
    yield f"    files={{{files}}},"
    if call.fields:
        yield f"    data={_python_literal(call.fields, 1)},"


def _javascript_form(call: _Call) -> Iterator[str]:
    yield 'import { readFile } from "node:fs/promises";'
    yield ""
    yield "const form = new FormData();"
    for name, file in call.uploads.items():
        yield f'form.append("{name}", new Blob([await readFile({_json(file)})]), {_json(file)});'
    for name, value in call.fields.items():
        yield f'form.append("{name}", {_json(value)});'


def _javascript(call: _Call) -> str:
    headers = {"x-api-key": KEY} if call.has_key else {}
    options = [f'  method: "{call.method}",'] if call.method != "GET" else []
    if call.body is not None and not call.is_form:
        headers["Content-Type"] = "application/json"
    if headers:
        options.append(f"  headers: {_json(headers, 1)},")
    if call.is_form:
        options.append("  body: form,")
    elif call.body is not None:
        options.append(f"  body: JSON.stringify({_json(call.body, 1)}),")
    inner = ", {\n" + "\n".join(options) + "\n}" if options else ""
    lines = [f'const response = await fetch("{call.url}"{inner});']
    lines[:0] = _javascript_form(call) if call.is_form else ()
    lines.append("if (!response.ok) throw new Error((await response.json()).error);")
    if call.file:
        lines.insert(0, 'import { writeFile } from "node:fs/promises";\n')
        lines.append(f'await writeFile("{call.file}", Buffer.from(await response.arrayBuffer()));')
    else:
        lines.append("console.log(await response.json());")
    return "\n".join(lines)


def _filled_path(path: str) -> str:
    for name, placeholder in PLACEHOLDERS:
        path = path.replace(f"{{{name}}}", placeholder)
    return path


def _filled(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    return dict(PLACEHOLDERS).get(name, value)


def _json(value: Any, level: int = 0) -> str:
    short = json.dumps(value, ensure_ascii=False)
    if len(short) <= (_NARROW if level else _WIDTH):
        return short
    indented = json.dumps(value, indent=2, ensure_ascii=False)
    return indented.replace("\n", "\n" + "  " * level)


def _python_literal(value: Any, level: int) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(_python_literal(item, level) for item in value)}]"
    if not isinstance(value, dict) or not value:
        return repr(value)
    items = [f'"{key}": {_python_literal(item, level + 1)}' for key, item in value.items()]
    short = "{" + ", ".join(items) + "}"
    if len(short) <= _NARROW and "\n" not in short:
        return short
    pad = "    " * level
    return "{\n" + "".join(f"{pad}    {item},\n" for item in items) + pad + "}"
