"""The client has all that the API has: its operations, and the fields of its answers."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from charafy.client.api import (
    account,
    characters,
    conversations,
    credits,
    speech,
    values,
    videos,
    voices,
    webhooks,
)

ROOT = Path(__file__).parents[3]
REFERENCE = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
SOURCES = ROOT / "src" / "charafy" / "client" / "api"

OTHERS = {
    ("POST", "/conversation/connect"): "charafy.client.conversation",
    ("PATCH", "/conversation/connect"): "charafy.client.conversation",
    ("POST", "/audio/speech"): "OpenAI's client",
    ("GET", "/models"): "OpenAI's client",
    ("GET", "/models/{}"): "OpenAI's client",
}
"""What is for other clients."""

VALUES: dict[type[Any], str] = {
    account.AccountInfo: "AccountAnswer",
    account.AccountLimits: "AccountLimits",
    account.AnyAccount: "AdminAccount",
    account.DeletedAccount: "AccountDeleted",
    account.GrantedCredits: "CreditsGranted",
    account.Invitation: "Invitation",
    account.Key: "KeyAnswer",
    account.NewKey: "NewKeyAnswer",
    characters.Avatar: "AvatarAnswer",
    characters.Avatars: "Avatars",
    characters.Character: "CharacterAnswer",
    characters.CreatedCharacter: "CreatedCharacter",
    characters.DeletedCharacter: "DeletedCharacter",
    characters.Embed: "EmbedAnswer",
    characters.EmbedUsage: "UsageAnswer",
    characters.EmbedUsageDay: "UsageDay",
    characters.ListedCharacter: "ListedCharacter",
    characters.MadeAvatar: "MadeAvatar",
    characters.PhotoPreview: "PreviewAnswer",
    characters.PictureProblem: "PictureProblem",
    characters.PictureSize: "PictureSize",
    conversations.Billing: "Billing",
    conversations.Conversation: "ConversationAnswer",
    conversations.ConversationDetail: "ConversationDetail",
    conversations.DeletedConversation: "DeletedConversation",
    conversations.IceServer: "IceServer",
    conversations.Token: "TokenAnswer",
    conversations.Turn: "TurnAnswer",
    credits.Balance: "CreditsAnswer",
    credits.Checkout: "CheckoutAnswer",
    credits.Transaction: "Transaction",
    speech.MouthShape: "MouthShape",
    speech.Timed: "Timed",
    speech.TimedSpeech: "TimestampsAnswer",
    values.Anchors: "FoundAnchors",
    values.Box: "FoundBox",
    values.Point: "FoundPoint",
    videos.CreatedVideo: "CreatedVideo",
    videos.DeletedVideo: "DeletedVideo",
    videos.Subtitles: "Subtitles",
    videos.Video: "VideoAnswer",
    voices.ClonedVoice: "ClonedVoice",
    voices.Consent: "ConsentAnswer",
    voices.DeletedVoice: "DeletedVoice",
    voices.Description: "Description",
    voices.RecordingProblem: "RecordingProblem",
    voices.RecordingQuality: "QualityAnswer",
    voices.Voice: "VoiceAnswer",
    voices.VoiceDetail: "OneVoiceAnswer",
    webhooks.Attempt: "AttemptAnswer",
    webhooks.DeletedEndpoint: "DeletedEndpoint",
    webhooks.Delivery: "DeliveryAnswer",
    webhooks.Endpoint: "EndpointAnswer",
    webhooks.EndpointWithSecret: "EndpointWithSecret",
}


@pytest.mark.parametrize(("value", "name"), VALUES.items(), ids=VALUES.values())
def test_an_answer_has_the_fields_of_the_reference(value: type[Any], name: str) -> None:
    ours = {field.name for field in dataclasses.fields(value)}
    assert ours == set(REFERENCE["components"]["schemas"][name]["properties"])


def asked() -> set[tuple[str, str]]:
    """Method and path of each request that the client's modules make."""
    found = set()
    for file in sorted(set(SOURCES.glob("*.py")) - {SOURCES / "client.py"}):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name != "at":
                texts = [
                    part.value
                    for part in ast.walk(node)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
                paths = [text for text in texts if re.fullmatch(r"/[\w/{}.-]+", text)]
                methods = {"GET", "POST", "PUT", "PATCH", "DELETE"}.intersection(texts)
                calls = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
                default = "POST" if "media" in calls else "GET"
                found |= {(next(iter(methods), default), path) for path in paths}
    return found


def test_every_operation_of_the_reference_can_be_asked_for() -> None:
    there = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/v1")))
        for path, methods in REFERENCE["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    }
    assert asked() == there - OTHERS.keys()
