"""The secret that a server signs, hashes and seals with; part of `settings.Settings`."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from charafy.kernel.files import write_private
from charafy.kernel.refused import StartRefused

_SETTING: Final = "CHARAFY_SECRET"
_BYTES: Final = 32
_LEAST_BYTES: Final = 16
"""Of a file: less than what this server makes, more than could be guessed."""
_LEAST_DIFFERENT: Final = 16
"""Of 32 bytes that came by chance about 30 differ; of a word that was filled up few do."""
_MAKE: Final = "make one with `openssl rand -hex 32`"


class SecretRefused(StartRefused):
    """There is no secret to work with; the message is one sentence and holds nothing of it."""


class SecretSettings(BaseSettings):
    secret: SecretStr | None = Field(
        None,
        description="The server's own secret, the same on every machine of one Charafy: 64 "
        "hexadecimal digits or more (`openssl rand -hex 32`). Default: the file `secret` in the "
        "data folder, made at the first start.",
    )

    @field_validator("secret")
    @classmethod
    def _is_one(cls, secret: SecretStr | None) -> SecretStr | None:
        # A compose file hands on what nobody set as an empty word.
        if secret is None or not (given := secret.get_secret_value().strip()):
            return None
        try:
            found = bytes.fromhex(given)
        except ValueError:
            # Without its cause, which quotes what was given.
            raise ValueError(f"{_SETTING} is not hexadecimal: {_MAKE}.") from None
        if len(found) < _BYTES:
            raise ValueError(f"{_SETTING} has less than {2 * _BYTES} digits: {_MAKE}.")
        if len(set(found)) < _LEAST_DIFFERENT:
            raise ValueError(f"{_SETTING} could be guessed: {_MAKE}.")
        return SecretStr(given)


def load_secret(home: Path, given: SecretStr | None = None) -> bytes:
    """The server's own secret: `given`, or what the data folder holds (made there on first use).

    Keys, sessions and signed links derive from it: losing it invalidates them all. So what the
    settings give never silently takes the place of another that was used before: raises
    `SecretRefused`, also when the file can't be read or holds none.
    """
    path = home / "secret"
    if given is None and not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        write_private(path, secrets.token_bytes(_BYTES), replace=False)
    held = _held(path)
    if given is None:
        return held or b""
    wanted = bytes.fromhex(given.get_secret_value())
    if held is not None and not hmac.compare_digest(held, wanted):
        raise SecretRefused(
            f"{_SETTING} differs from the secret in {path}: unset {_SETTING} if keys and links "
            "were made under that file's until now, else move the file away."
        )
    return wanted


def of_another_database(home: Path, given: SecretStr | None) -> SecretRefused:
    """What to say where the database belongs to another secret than `load_secret` gave."""
    path = home / "secret"
    if given is None:
        found, instead = f"The secret in {path}", "or remove it and set CHARAFY_SECRET to theirs"
        then = f"put the file secret of the machines that made them in its place, {instead}"
    else:
        found = _SETTING
        then = "set it to the secret of the machines that made them, or unset it and copy their "
        then += f"file secret to {path}"
    return SecretRefused(
        f"{found} is not the one that this database's keys, sessions and links were made with: "
        f"{then}; where all of them may end, run `charafy migrate --new-secret`."
    )


def _held(path: Path) -> bytes | None:
    """What the file holds; None where there is none."""
    try:
        held = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SecretRefused(
            f"The server's secret in {path} can't be read ({error.strerror})."
        ) from None
    if len(held) < _LEAST_BYTES:
        raise SecretRefused(f"{path} holds no whole secret: restore it from a backup.")
    return held
