"""The composition root: the services that clone and speak voices for us, made from the settings.

Those that are set up can speak, whoever clones: voices stay when the cloner is changed.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from charafy.engines.voice import FrontEnd
from charafy.engines.voice.cloning import Cloner
from charafy.engines.voice.remote import elevenlabs, openai
from charafy.engines.voice.remote.cloner import Score, Transcribe
from charafy.engines.voice.remote.service import Service, Waits
from charafy.engines.voice.remote.speaking import Speaking
from charafy.engines.voice.router import CloneShelf, CloneSpeaker
from charafy.kernel.errors import CharafyError, NotFound
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage

_UPLOADS: Mapping[str, openai.Upload] = {
    "vllm-omni": openai.VLLM_OMNI,
    "chatterbox": openai.CHATTERBOX,
}


@dataclass(frozen=True, slots=True)
class CloneServices:
    """By engine, as clone files name them. Whoever builds it closes it."""

    speakers: Mapping[str, CloneSpeaker]
    cloners: Mapping[str, Cloner]
    services: tuple[Service, ...] = field(repr=False)

    def close(self) -> None:
        for service in self.services:
            service.close()


def clone_services(
    settings: Settings,
    front_end: FrontEnd,
    *,
    tls: ssl.SSLContext | None = None,
    score: Score | None = None,
    transcribe: Transcribe | None = None,
) -> CloneServices:
    """Those that the settings name; asks nothing of them yet.

    Raises `CharafyError` with a sentence for the operator when the settings name one by halves.
    """
    _require_whole(settings)
    speakers: dict[str, CloneSpeaker] = {}
    cloners: dict[str, Cloner] = {}
    services: list[Service] = []
    speaking = Speaking(front_end)
    if settings.clone_openai_url:
        key = settings.clone_openai_api_key
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        service = _service(settings.clone_openai_url, headers, settings, tls)
        dialect = _dialect(settings)
        services.append(service)
        speakers[openai.ENGINE] = openai.OpenAISpeaker(service, dialect, speaking)
        cloners[openai.ENGINE] = openai.OpenAICloner(
            service, dialect, speaking, score=score, transcribe=transcribe
        )
    if settings.clone_elevenlabs_api_key:
        headers = {"xi-api-key": settings.clone_elevenlabs_api_key.get_secret_value()}
        url = settings.clone_elevenlabs_url or elevenlabs.BASE_URL
        service = _service(url, headers, settings, tls)
        options = elevenlabs.Options(
            settings.clone_elevenlabs_model or elevenlabs.MODEL, settings.clone_elevenlabs_clean
        )
        services.append(service)
        speakers[elevenlabs.ENGINE] = elevenlabs.ElevenLabsSpeaker(service, options, speaking)
        cloners[elevenlabs.ENGINE] = elevenlabs.ElevenLabsCloner(
            service, options, speaking, score=score
        )
    return CloneServices(speakers, cloners, tuple(services))


def shelf_of(storage: Storage) -> CloneShelf:
    """The clone files of this house, for whoever speaks with them."""

    def load(name: str) -> bytes:
        try:
            return storage.get(name)[0]
        except NotFound:
            raise KeyError(name) from None

    return CloneShelf(load)


def _service(
    url: str, headers: Mapping[str, str], settings: Settings, tls: ssl.SSLContext | None
) -> Service:
    read_s = settings.clone_timeout_s
    waits = Waits(connect_s=min(5.0, read_s), read_s=read_s, total_s=4 * read_s)
    return Service(url, headers, tls=tls, waits=waits)


def _dialect(settings: Settings) -> openai.Dialect:
    return openai.Dialect(
        model=settings.clone_openai_model,
        upload=_UPLOADS.get(settings.clone_openai_reference),
        audio_field=settings.clone_openai_audio_field,
        text_field=settings.clone_openai_text_field,
        data_uri=settings.clone_openai_reference != "base64",
        fields=settings.clone_openai_fields,
    )


def _require_whole(settings: Settings) -> None:
    url, key = settings.clone_openai_url, settings.clone_elevenlabs_api_key
    if settings.cloner == "openai" and not url:
        raise _halves("CHARAFY_CLONER=openai needs CHARAFY_CLONE_OPENAI_URL")
    if settings.cloner == "elevenlabs" and not key:
        raise _halves("CHARAFY_CLONER=elevenlabs needs CHARAFY_CLONE_ELEVENLABS_API_KEY")
    if not url and (settings.clone_openai_api_key or settings.clone_openai_model):
        raise _halves(
            "CHARAFY_CLONE_OPENAI_API_KEY or _MODEL is set, but not CHARAFY_CLONE_OPENAI_URL"
        )
    if not key and (settings.clone_elevenlabs_url or settings.clone_elevenlabs_model):
        raise _halves(
            "CHARAFY_CLONE_ELEVENLABS_URL or _MODEL is set, but not "
            "CHARAFY_CLONE_ELEVENLABS_API_KEY"
        )
    for name, address in (
        ("CHARAFY_CLONE_OPENAI_URL", url),
        ("CHARAFY_CLONE_ELEVENLABS_URL", settings.clone_elevenlabs_url),
    ):
        if address and not address.startswith(("http://", "https://")):
            raise _halves(f"{name} must start with http:// or https://")


def _halves(what: str) -> CharafyError:
    return CharafyError(f"{what}.", code="misconfigured")
