"""A character's own language model at its page: given, changed, taken away; its key never seen."""

from __future__ import annotations

import pytest

from charafy.characters.service import Character
from charafy.kernel.ids import new_id
from tests.dashboard.conftest import Site, account_id
from tests.support.browser import Browser

URL = "https://llm.example.com/v1"
KEY = "sk-very-secret"


def person(site: Site) -> Character:
    return site.house.characters.list(account_id(site))[0]


def page_of(site: Site) -> str:
    return f"/dashboard/characters/{person(site).character_id}"


def think(site: Site, browser: Browser, **fields: str) -> None:
    """Send the form of the model; what isn't named stays as the page shows it."""
    browser.open(page_of(site))
    browser.submit(f"{page_of(site)}/model", **fields)


@pytest.fixture
def sora(site: Site) -> Browser:
    browser = site.member()
    browser.submit("/dashboard/demo")
    return browser


def test_a_model_is_given_with_a_key_that_no_page_shows(site: Site, sora: Browser) -> None:
    think(site, sora, llm_base_url=f" {URL}/ ", llm_model=" my-model ", llm_api_key=f"{KEY} ")
    assert sora.path == page_of(site) and "thinks with your model" in sora.html
    assert f'value="{URL}"' in sora.html and 'value="my-model"' in sora.html
    assert "Set. It is never shown" in sora.html
    assert KEY not in sora.html
    model = site.house.characters.own_model(person(site))
    assert model and (model.base_url, model.model, model.api_key) == (URL, "my-model", KEY)


def test_an_empty_key_keeps_it_and_another_address_forgets_it(site: Site, sora: Browser) -> None:
    think(site, sora, llm_base_url=URL, llm_model="one", llm_api_key=KEY)
    think(site, sora, llm_model="two")
    model = site.house.characters.own_model(person(site))
    assert model and (model.model, model.api_key) == ("two", KEY)
    think(site, sora, llm_base_url="https://other.example.com/v1")
    model = site.house.characters.own_model(person(site))
    assert model and model.api_key is None
    assert "Set. It is never shown" not in sora.html


def test_a_model_can_be_taken_away(site: Site, sora: Browser) -> None:
    think(site, sora, llm_base_url=URL, llm_model="one", llm_api_key=KEY)
    sora.submit(f"{page_of(site)}/model/remove")
    assert "this server’s model again" in sora.html
    assert f"{page_of(site)}/model/remove" not in sora.forms()
    assert site.house.characters.own_model(person(site)) is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"llm_base_url": ""}, "Enter the address of the model"),
        ({"llm_base_url": "http://llm.example.com/v1"}, "Nothing is ever sent to that address"),
        ({"llm_base_url": "https://127.0.0.1/v1"}, "Nothing is ever sent to that address"),
        ({"llm_base_url": f"{URL}?a=b"}, "nothing behind the path"),
        ({"llm_base_url": f"https://{'a' * 2_100}"}, "Enter the address of the model"),
        ({"llm_model": ""}, "Enter the name of the model"),
        ({"llm_model": "m" * 201}, "Enter the name of the model"),
        ({"llm_api_key": "ключ"}, "That is no key"),
    ],
)
def test_a_bad_field_is_explained_beside_it_and_nothing_changes(
    site: Site, sora: Browser, fields: dict[str, str], said: str
) -> None:
    typed = {"llm_base_url": URL, "llm_model": "one", "llm_api_key": KEY, **fields}
    think(site, sora, **typed)
    assert sora.page.status_code == 400
    assert said in sora.html and 'class="wrong"' in sora.html
    shown = sora.forms()[f"{page_of(site)}/model"]
    assert shown["llm_base_url"] == typed["llm_base_url"]
    assert not shown["llm_api_key"] and typed["llm_api_key"] not in sora.html
    assert site.house.characters.own_model(person(site)) is None


def test_the_page_s_script_hears_which_field_is_wrong(site: Site, sora: Browser) -> None:
    sora.open(page_of(site))
    form = sora.forms()[f"{page_of(site)}/model"] | {"llm_base_url": URL}
    answer = sora.client.post(f"{page_of(site)}/model?part=answer", data=form)
    assert answer.status_code == 400
    assert answer.json()["param"] == "llm_model"


def test_nobody_gives_anothers_character_a_model(site: Site, sora: Browser) -> None:
    riku = site.member("riku@example.com")
    token = {"csrf_token": riku.forms()["/sign-out"]["csrf_token"]}
    form = token | {"llm_base_url": URL, "llm_model": "one"}
    for address in (page_of(site), f"/dashboard/characters/{new_id()}"):
        assert riku.client.post(f"{address}/model", data=form).status_code == 404
        assert riku.client.post(f"{address}/model/remove", data=token).status_code == 404
    assert site.house.characters.own_model(person(site)) is None
