"""The pages of characters: making one from a picture, changing it, its face, letting it go."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from charafy.characters.service import Character
from charafy.kernel.ids import new_id
from tests.dashboard.conftest import Open, Site, account_id, credits_of
from tests.support import faces
from tests.support.browser import Browser
from tests.support.images import jpeg, portrait

NEW = "/dashboard/characters/new"
CHECK = "/dashboard/characters/check"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
PLACED = {
    "left_eye": {"x": 0.36, "y": 0.4, "width": 0.1, "height": 0.05},
    "right_eye": {"x": 0.54, "y": 0.4, "width": 0.1, "height": 0.05},
    "mouth": {"x": 0.44, "y": 0.56, "width": 0.12, "height": 0.05},
    "chin": {"x": 0.5, "y": 0.68},
}


def own(site: Site) -> list[Character]:
    return list(site.house.characters.list(account_id(site)))


def send(browser: Browser, picture: bytes | None, action: str = NEW, **fields: str) -> Any:
    """Send the form of the page, or parts of it to another `action`; without a picture none is
    chosen."""
    form = browser.forms()[action if action in browser.forms() else NEW]
    typed = form | {"system_prompt": ""} | fields
    typed.pop("image", None)
    browser.page = browser.client.post(
        action,
        data=typed,
        files={"image": ("me.jpg" if picture is not None else "", picture or b"")},
        headers={"accept-language": "en"},
    )
    return browser.page


@pytest.fixture
def sora(site: Site) -> Browser:
    browser = site.member()
    browser.open(NEW)
    return browser


def made(site: Site, browser: Browser, **fields: str) -> Character:
    """A character of hers with a still face, at its page."""
    browser.open(NEW)
    send(browser, portrait(), **{"name": "Mia", "avatar_type": "none", **fields})
    assert browser.path.startswith("/dashboard/characters/"), browser.html
    return own(site)[0]


def test_nobody_is_there_at_first_and_every_voice_can_be_heard_where_one_is_chosen(
    site: Site, sora: Browser
) -> None:
    assert len(re.findall(r"/sample\.mp3", sora.html)) == 33
    sora.open("/dashboard/characters")
    assert "Nobody is here yet" in sora.html
    assert f'href="{NEW}"' in sora.html
    made(site, sora)
    sora.open("/dashboard/characters", "ja")
    assert "いま1人います" in sora.html


def test_a_character_is_made_with_all_that_was_typed(site: Site, sora: Browser) -> None:
    voice = next(v for v in site.house.voices.available("") if v.language == "ja")
    send(
        sora,
        portrait(),
        name="Mia",
        language="ja",
        voice_id=voice.voice_id,
        system_prompt="You keep a\nlighthouse.",
        avatar_type="none",
    )
    [mia] = own(site)
    assert (mia.name, mia.language, mia.voice_id) == ("Mia", "ja", voice.voice_id)
    assert mia.system_prompt == "You keep a\nlighthouse."
    assert sora.path == f"/dashboard/characters/{mia.character_id}"
    assert "Mia is here. Say hello." in sora.html
    assert credits_of(site) == 100, "a still face is free"


def test_a_face_that_moves_is_paid_once_however_often_the_form_is_sent(
    site: Site, sora: Browser
) -> None:
    number = sora.forms()[NEW]["form"]
    for _ in range(2):
        assert send(sora, portrait(), name="Mia", form=number).status_code == 200
        sora.open(NEW)
    [mia] = own(site)
    assert site.house.avatars.flags(mia).motion
    assert credits_of(site) == 92
    rig = sora.client.get(f"/dashboard/characters/{mia.character_id}/rig").json()["rig"]
    assert sora.client.get(rig).status_code == 200


@pytest.mark.parametrize(
    ("picture", "fields", "says"),
    [
        (None, {}, "Choose a picture first"),
        (b"no picture", {}, "no picture that can be read"),
        (portrait(), {"name": " "}, "between 1 and 100 characters"),
        (portrait(), {"voice_id": new_id()}, "voice is not there any more"),
        (portrait(), {"language": "fr"}, "Choose a language"),
        (portrait(), {"system_prompt": "x" * 10_001}, "At most 10,000 characters"),
        (portrait(), {"anchors": "{"}, "not placed as in a face"),
        (portrait(), {"anchors": json.dumps(PLACED | {"chin": {"x": 0.5, "y": 0.1}})}, "chin"),
        (jpeg(), {"avatar_type": "motion"}, "No face was found"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_what_was_typed_stays(
    site: Site, sora: Browser, picture: bytes | None, fields: dict[str, str], says: str
) -> None:
    persona = "Remembers everything."
    sent = {"name": "Mia", "avatar_type": "none", "system_prompt": persona, **fields}
    assert send(sora, picture, **sent).status_code == 400
    assert says in html.unescape(sora.html)
    if "system_prompt" not in fields:
        assert persona in sora.html
    assert own(site) == []
    assert credits_of(site) == 100
    assert site.house.storage.keys("characters/") == []


def test_a_script_is_told_where_to_go_or_what_was_wrong(site: Site, sora: Browser) -> None:
    form = {**sora.forms()[NEW], "name": "Mia", "avatar_type": "none"}
    del form["image"]
    path = f"{NEW}?part=answer"
    refused = sora.client.post(path, data=form)
    assert refused.status_code == 400
    assert refused.json()["param"] == "image"
    assert refused.json()["error"] == "Choose a picture first."
    done = sora.client.post(path, data=form, files={"image": ("me.jpg", portrait())})
    [mia] = own(site)
    assert done.json() == {"location": f"/dashboard/characters/{mia.character_id}?made=1"}


def test_without_enough_credits_no_character_is_made(open_site: Open) -> None:
    site = open_site(sign_up_credits=7)
    browser = site.member()
    browser.open(NEW)
    assert "too few for a face that moves" in browser.html
    assert send(browser, portrait(), name="Mia").status_code == 402
    assert "enough credits" in html.unescape(browser.html)
    assert own(site) == []


def test_the_plan_says_how_many_there_may_be(open_site: Open) -> None:
    from charafy.kernel.settings import Plan

    site = open_site(plans={"free": Plan(max_characters=1), "standard": Plan(max_characters=1)})
    browser = site.member()
    made(site, browser)
    browser.open(NEW)
    assert send(browser, portrait(), name="Two", avatar_type="none").status_code == 403
    assert "as many characters as your plan allows" in browser.html
    browser.open("/dashboard/characters")
    assert f'href="{NEW}"' not in browser.html


def test_a_picture_is_checked_before_anything_is_paid(site: Site, sora: Browser) -> None:
    form = {"csrf_token": sora.forms()[NEW]["csrf_token"], "kind": "auto"}

    def check(picture: bytes, **more: str) -> str:
        answer = sora.client.post(
            f"{CHECK}?part=report", data=form | more, files={"image": ("me", picture)}
        )
        assert answer.status_code == 200
        assert "<html" not in answer.text
        return html.unescape(answer.text)

    good = check(portrait())
    assert 'data-usable="yes"' in good
    found = json.loads(re.search(r'data-anchors="([^>]*?)" data-face', good)[1])  # type: ignore[index]
    assert found["left_eye"]["x"] < found["right_eye"]["x"]
    assert "No face was found" in check(jpeg())
    assert "no picture that can be read" in check(b"nothing")
    assert 'data-usable="yes"' in check(faces.heic())
    by_hand = check(portrait(), anchors=json.dumps(PLACED))
    assert '"chin":{"x":0.5,"y":0.68}' in by_hand
    assert credits_of(site) == 100
    send(sora, portrait(), CHECK, name="Mia")
    assert "This face can speak." in sora.html
    assert 'value="Mia"' in sora.html


def test_a_picture_that_few_browsers_know_comes_back_in_a_form_that_all_show(
    sora: Browser,
) -> None:
    form = {"csrf_token": sora.forms()[NEW]["csrf_token"]}
    path = "/dashboard/characters/picture"
    answer = sora.client.post(path, data=form, files={"image": ("me.heic", faces.heic())})
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8\xff")
    refused = sora.client.post(path, data=form, files={"image": ("me.heic", b"nothing")})
    assert refused.status_code == 400
    assert "no picture that can be read" in refused.json()["error"]


def test_checking_is_counted(sora: Browser) -> None:
    form = {"csrf_token": sora.forms()[NEW]["csrf_token"]}
    for _ in range(30):
        sora.client.post(f"{CHECK}?part=report", data=form)
    last = sora.client.post(f"{CHECK}?part=report", data=form)
    assert "That was a bit fast" in last.text


def test_who_somebody_is_can_be_changed(site: Site, sora: Browser) -> None:
    mia = made(site, sora)
    address = f"/dashboard/characters/{mia.character_id}"
    form = sora.forms()[address] | {"name": "Maria", "language": "en", "system_prompt": "Sings."}
    sora.page = sora.client.post(address, data=form)
    assert "Saved." in sora.html
    [now] = own(site)
    assert (now.name, now.system_prompt) == ("Maria", "Sings.")
    assert now.photo_key == mia.photo_key
    sora.page = sora.client.post(address, data=form | {"name": "", "system_prompt": "Kept."})
    assert sora.page.status_code == 400
    assert "Kept." in sora.html
    assert own(site)[0].name == "Maria"
    told = sora.client.post(f"{address}?part=answer", data=form | {"name": ""}).json()
    assert told["param"] == "name"


def test_a_face_is_made_with_eyes_and_mouth_placed_by_hand(site: Site, sora: Browser) -> None:
    mia = made(site, sora)
    address = f"/dashboard/characters/{mia.character_id}/face"
    form = sora.forms()[address] | {"anchors": json.dumps(PLACED), "avatar_type": "motion"}
    del form["image"]
    sora.page = sora.client.post(address, data=form)
    assert "The face is made." in sora.html
    avatar = site.house.avatars.get(account_id(site), mia.character_id)
    assert avatar.examined is not None
    assert avatar.examined.anchors is not None
    assert avatar.examined.anchors.chin == pytest.approx((0.5, 0.68), abs=1e-3)
    assert credits_of(site) == 92


def test_another_picture_replaces_the_one_before_only_if_a_face_can_be_made_of_it(
    site: Site, sora: Browser
) -> None:
    mia = made(site, sora)
    address = f"/dashboard/characters/{mia.character_id}/face"
    form = sora.forms()[address] | {"avatar_type": "motion"}
    del form["image"]
    for picture in (jpeg(), b"nothing"):
        answer = sora.client.post(address, data=form, files={"image": ("me", picture)})
        assert answer.status_code == 400
    assert own(site)[0].photo_key == mia.photo_key
    assert credits_of(site) == 100
    sora.page = sora.client.post(
        address, data=form, files={"image": ("me", faces.file("obama.jpg"))}
    )
    assert "The face is made." in sora.html
    assert own(site)[0].photo_key != mia.photo_key
    assert credits_of(site) == 92


def test_a_failed_form_s_address_leads_back_to_the_page(site: Site, sora: Browser) -> None:
    mia = made(site, sora)
    sora.open(f"/dashboard/characters/{mia.character_id}/face")
    assert sora.path == f"/dashboard/characters/{mia.character_id}"
    sora.open(CHECK)
    assert sora.path == NEW


def test_letting_go_is_for_good(site: Site, sora: Browser) -> None:
    mia = made(site, sora)
    sora.submit(f"/dashboard/characters/{mia.character_id}/delete")
    assert sora.path == "/dashboard/characters"
    assert own(site) == []
    assert site.house.storage.keys("characters/") == []
    assert sora.open(f"/dashboard/characters/{mia.character_id}").status_code == 404


def test_nobody_reaches_the_characters_of_others(site: Site, sora: Browser) -> None:
    mia = made(site, sora)
    riku = site.member("riku@example.com")
    token = {"csrf_token": riku.forms()["/sign-out"]["csrf_token"]}
    address = f"/dashboard/characters/{mia.character_id}"
    for path in (address, f"{address}/rig"):
        assert riku.client.get(path).status_code == 404
    for path in (address, f"{address}/face", f"{address}/delete"):
        assert riku.client.post(path, data=token).status_code == 404
    assert own(site) == [mia]


def test_what_people_call_and_tell_their_characters_stays_text(site: Site, sora: Browser) -> None:
    mia = made(site, sora, name=HOSTILE, system_prompt=f"</textarea>{HOSTILE}")
    assert mia.name == HOSTILE
    for path in (
        "/dashboard/characters",
        f"/dashboard/characters/{mia.character_id}",
        "/dashboard/speech",
        "/dashboard/videos",
        f"/try/{mia.character_id}",
        "/dashboard",
    ):
        sora.open(path)
        assert "alert(1)" in sora.html, path
        assert "<script>alert" not in sora.html, path
        assert "<img src=x" not in sora.html, path
