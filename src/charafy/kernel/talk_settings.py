"""The settings of the process that carries conversations; part of `settings.Settings`."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings


class TalkSettings(BaseSettings):
    """How many conversations a process carries, and when it gives up on one."""

    talk: bool = Field(True, description="Whether `charafy serve` starts a talk process.")
    talk_name: str = Field(
        "",
        pattern=r"^[a-z0-9-]{0,40}$",
        description="Name of a talk process, each has its own; default: the machine's name and a "
        "number.",
    )
    talk_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address at which a talk process listens for APIs, and is reached by those of "
        "other machines if it is theirs to reach; 0.0.0.0 for all, at which it is reached by the "
        "machine's name.",
    )
    talk_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Its port, another for each on one machine; 0 takes a free one.",
    )
    talk_url: str | None = Field(
        None,
        description="Address at which APIs reach a talk process, if it is another: "
        "http://10.0.0.7:8100, or https:// through a proxy of its own.",
    )
    talk_capacity: int = Field(
        4, ge=1, le=1000, description="Conversations that one talk process carries at once."
    )
    talk_idle_s: float = Field(
        120.0, gt=5, description="Seconds of silence on both sides after which one ends."
    )
    talk_drain_s: float = Field(
        30.0,
        ge=0,
        le=86_400,
        description="Seconds for which conversations go on in a talk process that is stopped "
        "(SIGTERM) and takes no more; of `charafy serve` they end at once.",
    )
    talk_faces: int = Field(
        2,
        ge=0,
        le=1000,
        description="Conversations for which one talk process draws the face itself, as a video "
        "track; with more, clients draw it. Each takes a fifth of a core.",
    )

    @field_validator("talk_url")
    @classmethod
    def _is_address(cls, url: str | None) -> str | None:
        # A compose file hands on what nobody set as an empty word.
        if url is None or not (url := url.strip().rstrip("/")):
            return None
        try:
            parts = urlsplit(url)
            known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # a port or an IPv6 address that is none
            known = False
        if not known or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError(
                "CHARAFY_TALK_URL is no address of a process: write http://host:port, without a "
                "path, a user or a password."
            )
        return url
