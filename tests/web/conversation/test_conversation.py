"""The module in a real browser against a real WebRTC peer: sound both ways, events, and trouble."""

from __future__ import annotations

import json
from typing import Any

from tests.support.chromium import Chromium, Served, Tab
from tests.support.conversing import ConversationPeer
from tests.web.conversation.conftest import SETUP, Desk

FAILURE = "() => talk.connect().then(() => null, ({ code, message }) => [code, message])"


def connect(tab: Tab) -> Any:
    return tab.evaluate("() => talk.connect()")


def seen(tab: Tab, name: str) -> list[Any]:
    told: list[Any] = tab.evaluate(
        "(name) => seen.filter(([n]) => n === name).map(([, d]) => d)", name
    )
    return told


def wait_for(tab: Tab, name: str, count: int = 1) -> list[Any]:
    condition = "([name, count]) => seen.filter(([n]) => n === name).length >= count"
    tab.wait_until(condition, [name, count])
    return seen(tab, name)


def refusal(status: int, code: str, **headers: str) -> Served:
    body = json.dumps({"error": "Not now.", "code": code}).encode()
    return Served(body, "application/json", status, headers)


def test_a_conversation_is_heard_on_both_ends(tab: Tab, desk: Desk, peer: ConversationPeer) -> None:
    about = connect(tab)
    assert about["character"]["name"] == "Emma"
    assert tab.evaluate("() => talk.state") == "listening"
    asked = desk.offers[0]
    assert asked.headers["authorization"] == "Bearer a.b.c" and "cookie" not in asked.headers
    assert peer.offers[0]["type"] == "offer" and "pc_id" not in peer.offers[0]
    assert "m=video" not in peer.offers[0]["sdp"]
    (ready,) = peer.messages("client-ready")
    assert ready["version"] == about["version"]
    peer.wait_until(lambda: peer.loudness(1.0) > 0.003 and peer.pings >= 1)
    tab.wait_until("() => talk.network.playout_s > 0")
    assert tab.evaluate("() => talk.network.playout_s") < 0.5
    tab.evaluate("() => talk.close()")
    assert seen(tab, "ended") == [{"reason": "hang_up"}]
    peer.wait_until(lambda: bool(peer.messages("disconnect-bot")))
    assert tab.evaluate(
        "() => talk.mic.track === null && document.querySelector('#sound').srcObject === null"
    )


def test_what_is_said_arrives_as_events(tab: Tab, peer: ConversationPeer) -> None:
    connect(tab)
    peer.say("user-started-speaking")
    peer.say("user-transcription", text="Hel", final=False, timestamp="")
    peer.say("user-transcription", text="Hello.", final=True, timestamp="")
    peer.say("user-stopped-speaking")
    peer.tell("state", state="thinking")
    peer.tell("state", state="speaking")
    peer.say("bot-started-speaking", reply="r1")
    peer.say("bot-transcription", reply="r1", text="Hi there,")
    peer.say("bot-tts-text", reply="r1", text="Hi")
    peer.say("bot-stopped-speaking", reply="r1")
    peer.say("metrics", turn=1, stages={"total": 0.71})
    peer.tell("limit", remaining_s=60)
    peer.tell("speech-ended", reply="r1", heard="Hi there,", interrupted=False)
    peer.tell("ended", reason="limit")
    assert wait_for(tab, "ended") == [{"reason": "limit"}]
    assert seen(tab, "caption") == [
        {"who": "user", "text": "Hel", "final": False, "reply": None},
        {"who": "user", "text": "Hello.", "final": True, "reply": None},
        {"who": "character", "text": "Hi there,", "final": True, "reply": "r1"},
    ]
    assert seen(tab, "user") == [{"speaking": True}, {"speaking": False}]
    assert seen(tab, "word") == [{"reply": "r1", "text": "Hi"}]
    states = [told["state"] for told in seen(tab, "state")]
    assert states == ["connecting", "listening", "thinking", "speaking", "ended"]
    assert seen(tab, "latency")[0]["stages"] == {"total": 0.71}
    assert seen(tab, "limit") == [{"remaining_s": 60}]
    assert seen(tab, "hush") == []


def test_speech_is_placed_on_the_page_s_clock_and_goes_on_after_a_pause(
    tab: Tab, peer: ConversationPeer
) -> None:
    connect(tab)
    shapes = [["aa", 0.0, 0.4, 1.0], ["sil", 0.4, 0.9, 1.0]]
    piece = {"reply": "r1", "text": "Ah", "words": [["Ah", 0.0, 0.4]]}
    peer.tell("speech", start_s=0.0, duration_s=0.9, visemes=shapes, **piece)
    (first,) = wait_for(tab, "speech")
    late = tab.evaluate("(at) => performance.now() / 1000 - at", first["at"])
    assert -0.5 < late < 2, "its first sample is heard about now"
    assert first["cues"][0] == {"viseme": "aa", "start_s": 0.0, "end_s": 0.4, "weight": 1.0}
    peer.tell("speech-paused", reply="r1", at_s=0.5)
    assert wait_for(tab, "hush") == [{"reply": "r1", "ended": False}]
    peer.tell("speech-resumed", reply="r1", at_s=0.5)
    rest = wait_for(tab, "speech", 2)[1]
    assert [cue["viseme"] for cue in rest["cues"]] == ["sil"]
    late = tab.evaluate("(at) => performance.now() / 1000 - at", rest["at"])
    assert 0 < late < 2.5, "it is at 0.5 s now, however long it was held"
    peer.tell("speech-ended", reply="r1", heard="Ah", interrupted=True)
    assert wait_for(tab, "hush", 2)[1] == {"reply": "r1", "ended": True}


def test_what_the_page_asks_for_arrives_at_the_server(tab: Tab, peer: ConversationPeer) -> None:
    connect(tab)
    tab.evaluate("""() => {
      talk.sendText("good evening"); talk.say("Exactly this."); talk.interrupt();
      talk.setName("Aoi");
      talk.pushToTalk(true); talk.hold(true); talk.hold(false); talk.pushToTalk(false);
    }""")
    peer.wait_until(lambda: len(peer.asked("mode")) == 2)
    assert peer.messages("send-text") == [{"content": "good evening"}]
    assert peer.asked("say") == [{"text": "Exactly this."}]
    assert peer.asked("interrupt") == [{}]
    assert peer.asked("name") == [{"name": "Aoi"}]
    assert peer.asked("push-to-talk") == [{"on": True}, {"on": False}]
    assert peer.asked("mode") == [{"push_to_talk": True}, {"push_to_talk": False}]
    ids = [message["id"] for message in peer.told]
    assert len(set(ids)) == len(ids)


def test_what_is_lost_on_its_way_is_sent_again_until_the_server_has_it(
    tab: Tab, peer: ConversationPeer
) -> None:
    connect(tab)
    peer.wait_until(lambda: bool(peer.messages("client-ready")))
    peer.loses = 2
    named = tab.evaluate("() => [talk.sendText('good evening'), talk.say('Exactly this.')]")
    assert wait_for(tab, "received", 2) == [{"id": one} for one in named]
    sent = [message for message in peer.told if message["id"] in named]
    assert [message.get("again") for message in sent] == [True, True]
    assert peer.messages("send-text") == [{"content": "good evening"}]
    tab.evaluate("() => talk.interrupt()")
    peer.wait_until(lambda: bool(peer.asked("interrupt")))
    assert len(peer.asked("say")) == 1, "what has arrived is not sent again"


def test_the_microphone_is_closed_while_muted_and_between_held_turns(
    tab: Tab, peer: ConversationPeer
) -> None:
    connect(tab)
    is_open = "() => talk.mic.track.enabled"
    assert tab.evaluate(is_open)
    tab.evaluate("() => talk.mute(true)")
    assert not tab.evaluate(is_open) and tab.evaluate("() => talk.muted")
    peer.wait_until(lambda: bool(peer.heard) and peer.loudness(0.5) < 1e-4)
    tab.evaluate("() => { talk.mute(false); talk.pushToTalk(true); }")
    assert not tab.evaluate(is_open)
    tab.evaluate("() => talk.hold(true)")
    assert tab.evaluate(is_open)
    tab.evaluate("() => talk.hold(false)")
    assert tab.evaluate(is_open), "the end of the word still goes out"
    tab.wait_until("() => !talk.mic.track.enabled")


def test_the_microphone_is_asked_for_without_echo(tab: Tab) -> None:
    tab.evaluate("""() => {
      const media = navigator.mediaDevices;
      const open = media.getUserMedia.bind(media);
      media.getUserMedia = (wishes) => { window.wishes = wishes; return open(wishes); };
    }""")
    connect(tab)
    wishes = tab.evaluate("() => wishes")
    assert "video" not in wishes
    for wish in ("echoCancellation", "noiseSuppression", "autoGainControl"):
        assert wishes["audio"][wish] is True


def test_a_lost_connection_is_taken_up_anew(tab: Tab, desk: Desk, peer: ConversationPeer) -> None:
    connect(tab)
    tab.evaluate("() => talk.pushToTalk(true)")
    desk.refuse = lambda tried: refusal(502, "node_down") if tried == 2 else None
    peer.greets = False  # a character introduces itself once
    peer.drop()
    tab.complaints.clear()
    tab.wait_until("() => talk.state === 'reconnecting'")
    wait_for(tab, "ready", 2)
    assert peer.offers[1]["pc_id"], "the same conversation, by its name"
    assert len(desk.offers) == 3 and len(peer.offers) == 2
    peer.wait_until(lambda: len(peer.asked("mode")) == 2)
    assert seen(tab, "ended") == [] and tab.evaluate("() => talk.state") == "listening"
    tab.complaints.clear()  # the browser notes the 502


def test_a_conversation_that_is_over_is_not_taken_up(
    tab: Tab, desk: Desk, peer: ConversationPeer
) -> None:
    connect(tab)
    desk.refuse = lambda _tried: refusal(409, "used")
    peer.drop()
    assert wait_for(tab, "ended") == [{"reason": "disconnected"}]
    assert seen(tab, "error")[-1] == {
        "code": "connection_lost",
        "message": "The connection was lost.",
        "fatal": True,
    }
    assert len(desk.offers) == 2, "a refusal for good is not asked about again"
    tab.complaints.clear()


def test_a_full_server_is_asked_again_and_a_used_token_is_not(tab: Tab, desk: Desk) -> None:
    full = {"retry-after": "1"}
    desk.refuse = lambda tried: refusal(429, "at_capacity", **full) if tried == 1 else None
    assert connect(tab)["limit_s"] == 600
    tab.evaluate("() => talk.close()")
    tab.evaluate(SETUP, {})
    before = len(desk.offers)
    desk.refuse = lambda _tried: refusal(401, "token_expired")
    assert tab.evaluate(FAILURE) == ["token_expired", "Not now."]
    assert len(desk.offers) == before + 1
    assert seen(tab, "ended") == [{"reason": "failed"}]
    tab.complaints.clear()


def test_an_error_of_the_server_is_told_and_a_fatal_one_ends_it(
    tab: Tab, peer: ConversationPeer
) -> None:
    connect(tab)
    peer.send("not json")
    peer.send('{"label": "other", "type": "error"}')
    peer.say("something-new", of="next year")
    peer.say("error", message="The voice failed.", code="voice_failed", fatal=False)
    wait_for(tab, "error")
    assert tab.evaluate("() => talk.state") == "listening"
    peer.say("error", message="It is over.", code="broken", fatal=True)
    assert wait_for(tab, "ended") == [{"reason": "failed"}]


def test_without_leave_to_use_the_microphone_nothing_is_offered(
    chromium: Chromium, desk: Desk
) -> None:
    with chromium.tab(server=desk.answer) as tab:
        tab.open("/index.html")
        tab.evaluate(SETUP, {})
        code, message = tab.evaluate(FAILURE)
        assert code == "microphone_blocked" and "Allow it" in message
        assert desk.offers == []
        tab.evaluate(SETUP, {"microphone": False})
        assert connect(tab)["character"]["name"] == "Emma", "who only writes needs none"
        tab.evaluate("() => talk.close()")


def test_a_page_without_https_is_told_so(tab: Tab) -> None:
    tab.evaluate("() => Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    code, message = tab.evaluate(FAILURE)
    assert code == "insecure_context" and "HTTPS" in message


def test_a_server_s_picture_is_asked_for_where_it_is_wanted(
    tab: Tab, peer: ConversationPeer
) -> None:
    tab.evaluate(SETUP, {"render": "server"})
    connect(tab)
    assert "m=video" in peer.offers[0]["sdp"] and peer.offers[0]["render"] == "server"


def test_a_conversation_connects_once(tab: Tab) -> None:
    connect(tab)
    assert tab.evaluate("() => talk.connect().catch(({ code }) => code)") == "used"
