"""The module as files: small, plain, typed as the API is, and packed for npm."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import charafy
from charafy.kernel.http.errors import install_error_handlers
from charafy.web import client_package, player_files
from tests.support.npm import install, unpacked
from tests.web.conftest import STATIC

FOLDER: Final = STATIC / "client"
MODULES: Final = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.js"))}
TYPES: Final = (FOLDER / "charafy-client.d.ts").read_text("utf-8")
SHAPES: Final = (FOLDER / "types.d.ts").read_text("utf-8")
OPENAPI: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "docs" / "openapi.json").read_text("utf-8")
)
INTERFACE = re.compile(r"^export interface (\w+)(?: extends (\w+))? \{\n(.*?)^\}", re.M | re.S)
ELSEWHERE: Final = {
    "/admin": "operators have their pages",
    "/audio": "OpenAI's clients speak with it",
    "/models": "OpenAI's clients ask for it",
    "/conversation/connect": "pages connect, with charafy-conversation.js",
    "/voices/{voice_id}/sample.mp3": "a link that every voice has",
    "DELETE /account": "a program should not",
    "PATCH /account": "a program should not",
}
"""Operations that the module leaves to others, and why."""


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(player_files.router())
    return TestClient(app)


def shapes() -> dict[str, dict[str, bool]]:
    """The fields of each interface of `types.d.ts` -> whether they may be left out."""
    found: dict[str, dict[str, bool]] = {}
    for name, base, body in INTERFACE.findall(SHAPES):
        fields = {field: bool(may) for field, may in re.findall(r"^  (\w+)(\?)?: ", body, re.M)}
        found[name] = found.get(base, {}) | fields
    return found


def schema_of(content: dict[str, Any]) -> dict[str, Any]:
    """The schema of a body or an answer, by its reference."""
    reference = next(iter(content.values()))["schema"]["$ref"]
    found: dict[str, Any] = OPENAPI["components"]["schemas"][reference.rpartition("/")[2]]
    return found


def operations() -> dict[str, dict[str, Any]]:
    """`METHOD path` -> operation, of all that the module is to know."""
    found = {}
    for path, methods in OPENAPI["paths"].items():
        for method, about in methods.items():
            name = f"{method.upper()} {path.removeprefix('/api/v1')}"
            if not any(name.startswith(other) or f" {other}" in name for other in ELSEWHERE):
                found[name] = about
    return found


def calls() -> dict[str, tuple[str, str]]:
    """`METHOD path` as the module asks for it -> resource and method, such as `Videos`, `get`."""
    found = {}
    for resource, body in re.findall(
        r"^export class (\w+) extends Resource \{\n(.*?)^\}", MODULES["resources.js"], re.M | re.S
    ):
        for method, code in re.findall(
            r"^  (?:async )?(\w+)\([^)]*.*?\) \{\n(.*?)^  \}", body, re.M | re.S
        ):
            asked = re.search(
                r'this\.(?:api\.json\("(\w+)", |api\.(media)\(|(pages)\()(?:at)?["`]([^"`]+)["`]',
                code,
            )
            if asked:
                verb = asked[1] or ("POST" if asked[2] else "GET")
                path = re.sub(r"\$\{\w+\}", "{}", asked[4])
                found[f"{verb} {path}"] = (resource, method)
    return found


def promised(resource: str, method: str) -> str:
    """The declaration of a method in the types."""
    body = next(body for name, _, body in INTERFACE.findall(TYPES) if name == resource)
    found = re.search(rf"^  {method}\(.*?;\n", body, re.M | re.S)
    assert found, f"{resource}.{method} has no type"
    return found[0]


def test_all_modules_together_are_small() -> None:
    assert len(gzip.compress("\n".join(MODULES.values()).encode())) <= 10 * 1024


def test_modules_import_nothing_but_each_other_and_all_are_used() -> None:
    imported = {"./charafy-client.js"}
    for name, source in MODULES.items():
        found = set(re.findall(r'from "([^"]+)"', source))
        assert all(path.removeprefix("./") in MODULES for path in found), name
        imported |= found
    assert {path.removeprefix("./") for path in imported} == set(MODULES)
    assert re.findall(r'await import\("([^"]+)"\)', "".join(MODULES.values())) == ["node:crypto"]


def test_every_operation_of_the_api_is_there() -> None:
    assert set(calls()) == {re.sub(r"\{\w+\}", "{}", name) for name in operations()}


def test_every_method_is_typed_with_what_the_api_takes_and_answers() -> None:
    known, asked = shapes(), calls()
    for name, about in operations().items():
        resource, method = asked[re.sub(r"\{\w+\}", "{}", name)]
        typed = promised(resource, method)
        if "requestBody" in about:
            schema = schema_of(about["requestBody"]["content"])
            body = re.search(r"body: api\.(\w+)", typed)
            assert body, typed
            needed = set(schema.get("required", ()))
            assert known[body[1]] == {each: each not in needed for each in schema["properties"]}
        answer = re.search(r"(Promise|List)<api\.(\w+)", typed)
        if answer is None:
            assert "Promise<Media>" in typed, name
            continue
        schema = schema_of(about["responses"]["200"]["content"])
        if answer[1] == "List":
            schema = item_of(schema)
        assert list(known[answer[2]]) == list(schema["properties"]), name


def item_of(page: dict[str, Any]) -> dict[str, Any]:
    """The schema of what a page's answer lists."""
    (items,) = [each["items"] for each in page["properties"].values() if "items" in each]
    found: dict[str, Any] = OPENAPI["components"]["schemas"][items["$ref"].rpartition("/")[2]]
    return found


def test_the_types_have_every_method_and_no_other() -> None:
    for resource, body in re.findall(
        r"^export class (\w+) extends Resource \{\n(.*?)^\}", MODULES["resources.js"], re.M | re.S
    ):
        methods = re.findall(r"^  (?:async )?(\w+)\(", body, re.M)
        typed = next(body for name, _, body in INTERFACE.findall(TYPES) if name == resource)
        assert sorted(re.findall(r"^  (\w+)\(", typed, re.M)) == sorted(methods)
        assert f"readonly {resource.lower()}: {resource};" in TYPES


def test_the_types_name_what_the_module_exports() -> None:
    entry = MODULES["charafy-client.js"]
    exported = set(re.findall(r"^export class (\w+)", entry, re.M))
    for names in re.findall(r"^export \{(.*?)\}", entry, re.M | re.S):
        exported |= set(re.findall(r"\w+", names))
    typed = set(re.findall(r"^export (?:declare )?(?:class|function) (\w+)", TYPES, re.M))
    assert typed == exported


def test_errors_stand_in_the_types_as_in_the_module() -> None:
    errors = re.findall(r"^export class (\w+) extends (\w+)", MODULES["errors.js"], re.M)
    typed = re.findall(r"^export class (\w+) extends (\w+)", TYPES, re.M)
    assert sorted(errors) == sorted(typed)
    named = TYPES[TYPES.index("/** The API's, or") : TYPES.index("readonly code: string;")]
    codes = set(re.findall(r'code: "(\w+)"', "".join(MODULES.values())))
    assert codes == set(re.findall(r"\w+_\w+|timeout", named))


def test_any_program_may_read_the_module(client: TestClient) -> None:
    for name in (*MODULES, "charafy-client.d.ts", "types.d.ts"):
        answer = client.get(f"/static/client/{name}", headers={"origin": "https://a.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.text == (FOLDER / name).read_text("utf-8")
    assert client.get("/static/client/package.json").status_code == 404


def package(client: TestClient) -> dict[str, bytes]:
    """What npm would unpack."""
    answer = client.get("/charafy-client.tgz")
    assert answer.headers["content-type"] == "application/gzip"
    return unpacked(answer.content)


def test_npm_gets_all_of_it_as_a_package(client: TestClient) -> None:
    files = package(client)
    about = json.loads(files.pop("package/package.json"))
    assert files == {f"package/{path.name}": path.read_bytes() for path in FOLDER.iterdir()}
    assert (about["name"], about["version"]) == ("charafy-client", charafy.__version__)
    entry = about["exports"]["."]
    assert {f"package/{path.removeprefix('./')}" for path in entry.values()} <= set(files)
    assert "dependencies" not in about


def test_the_package_is_the_same_each_time(client: TestClient) -> None:
    first = client.get("/charafy-client.tgz").content
    client_package.client_package.cache_clear()
    assert client.get("/charafy-client.tgz").content == first


def test_node_imports_the_package_where_there_is_one(client: TestClient, tmp_path: Path) -> None:
    """Chromium runs the other tests, since nothing here installs Node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node on the PATH; the tests with Chromium cover the module")
    install(client.get("/charafy-client.tgz").content, tmp_path)
    program = """
        import { Charafy, verifyWebhook } from "charafy-client";
        const baseUrl = "http://127.0.0.1:9"; // where nobody is
        const charafy = new Charafy({ apiKey: "ck_test_x", baseUrl, maxRetries: 0 });
        const codes = [];
        await charafy.speech.create({}).catch((error) => codes.push(error.code));
        const headers = {
          "webhook-id": "1",
          "webhook-timestamp": String(Date.now() / 1000),
          "webhook-signature": "v1,eA==",
        };
        await verifyWebhook("whsec_eA==", headers, "{}").catch((error) => codes.push(error.code));
        console.log(codes.join());
    """
    found = subprocess.run(
        [node, "--input-type=module", "-e", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.stdout.strip() == "connection_failed,signature_wrong", found.stderr
