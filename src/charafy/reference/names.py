"""Names of the operations, as a generated client's methods would be called.

They are a promise to those clients, so they stand here and not in the names of our functions.
"""

from __future__ import annotations

OPERATIONS: tuple[tuple[str, str, str], ...] = (
    ("get", "/characters", "list_characters"),
    ("post", "/characters", "create_character"),
    ("get", "/characters/{character_id}", "get_character"),
    ("patch", "/characters/{character_id}", "update_character"),
    ("delete", "/characters/{character_id}", "delete_character"),
    ("post", "/characters/preview-photo", "preview_photo"),
    ("put", "/characters/{character_id}/avatar", "generate_avatar"),
    ("get", "/characters/{character_id}/avatar", "get_avatar"),
    ("get", "/characters/{character_id}/embed", "get_embed"),
    ("get", "/characters/{character_id}/embed/usage", "get_embed_usage"),
    ("put", "/characters/{character_id}/embed", "update_embed"),
    ("get", "/voices", "list_voices"),
    ("post", "/voice/clone", "clone_voice"),
    ("post", "/voice/preview", "preview_voice"),
    ("get", "/voices/{voice_id}", "get_voice"),
    ("patch", "/voices/{voice_id}", "update_voice"),
    ("delete", "/voices/{voice_id}", "delete_voice"),
    ("get", "/voices/{voice_id}/sample.mp3", "hear_voice"),
    ("post", "/tts", "speak"),
    ("post", "/tts/timestamps", "speak_with_timestamps"),
    ("post", "/video", "generate_video"),
    ("get", "/video/{video_id}", "get_video"),
    ("post", "/video/{video_id}/cancel", "cancel_video"),
    ("delete", "/video/{video_id}", "delete_video"),
    ("get", "/videos", "list_videos"),
    ("post", "/conversation/token", "create_conversation_token"),
    ("post", "/conversation/connect", "connect_conversation"),
    ("patch", "/conversation/connect", "add_ice_candidates"),
    ("get", "/conversations", "list_conversations"),
    ("get", "/conversations/{conversation_id}", "get_conversation"),
    ("delete", "/conversations/{conversation_id}", "delete_conversation"),
    ("get", "/credits", "get_credits"),
    ("get", "/credits/transactions", "list_transactions"),
    ("post", "/credits/checkout", "buy_credits"),
    ("post", "/audio/speech", "create_speech"),
    ("get", "/models", "list_models"),
    ("get", "/models/{model}", "get_model"),
    ("get", "/account", "get_account"),
    ("patch", "/account", "update_account"),
    ("delete", "/account", "delete_account"),
    ("get", "/keys", "list_keys"),
    ("post", "/keys", "create_key"),
    ("delete", "/keys/{key_id}", "revoke_key"),
    ("get", "/webhooks", "list_endpoints"),
    ("post", "/webhooks", "create_endpoint"),
    ("get", "/webhooks/{endpoint_id}", "get_endpoint"),
    ("patch", "/webhooks/{endpoint_id}", "update_endpoint"),
    ("delete", "/webhooks/{endpoint_id}", "delete_endpoint"),
    ("post", "/webhooks/{endpoint_id}/rotate", "rotate_secret"),
    ("post", "/webhooks/{endpoint_id}/test", "send_test"),
    ("get", "/webhooks/{endpoint_id}/deliveries", "list_deliveries"),
    ("post", "/webhooks/deliveries/{delivery_id}/redeliver", "redeliver"),
    ("get", "/admin/accounts", "list_accounts"),
    ("get", "/admin/accounts/{account_id}", "get_any_account"),
    ("post", "/admin/accounts/{account_id}/suspend", "suspend_account"),
    ("post", "/admin/accounts/{account_id}/unsuspend", "unsuspend_account"),
    ("post", "/admin/accounts/{account_id}/credits", "grant_credits"),
    ("post", "/admin/invitations", "invite"),
)
"""Method, path behind /api/v1, name; in the order in which the reference shows them."""


IDEMPOTENT = frozenset(
    {
        "create_character",
        "generate_avatar",
        "clone_voice",
        "speak",
        "speak_with_timestamps",
        "generate_video",
        "create_conversation_token",
        "create_speech",
        "buy_credits",
        "create_key",
        "create_endpoint",
        "rotate_secret",
        "send_test",
        "redeliver",
        "grant_credits",
    }
)
"""Operations that take an Idempotency-Key."""


def name_of(method: str, path: str) -> str | None:
    return next((name for m, p, name in OPERATIONS if (m, p) == (method, path)), None)


def position_of(method: str, path: str) -> int:
    known = [(m, p) for m, p, _ in OPERATIONS]
    return known.index((method, path)) if (method, path) in known else len(known)
