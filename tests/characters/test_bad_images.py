"""Images that may not become photos: each is a clear 400, and nothing is left behind."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

import pytest
from PIL import Image

from charafy.characters.models import Draft
from charafy.characters.photos import PhotoSource
from charafy.characters.service import Characters, OwnModels
from charafy.kernel.clock import SystemClock
from charafy.kernel.db import Database
from charafy.kernel.errors import BadRequest
from charafy.kernel.fetch import Fetcher
from charafy.kernel.media.images import PhotoReader
from charafy.kernel.settings import Settings
from tests.support.clock import ManualClock
from tests.support.images import jpeg
from tests.support.neighbours import Customer, Street, data_uri, street
from tests.support.pngs import png_of_200_megapixels
from tests.support.servers import LocalServer, answer, dripping, endless, redirect


def refused(street_: Street, image: str) -> tuple[str, str]:
    """Code and sentence of the refusal, after checking that it left nothing."""
    alice = street_.alice
    answer_ = alice.post("/characters", {"name": "A", "image": image, "voice_id": alice.voice()})
    assert (answer_.status_code, answer_.json()["param"]) == (400, "image")
    assert alice.get("/characters").json()["characters"] == []
    assert alice.get("/credits").json()["credits_remaining"] == 100
    assert street_.files() == []
    return answer_.json()["code"], answer_.json()["error"]


def test_a_200_megapixel_png(house_street: Street) -> None:
    code, sentence = refused(house_street, data_uri(png_of_200_megapixels(), "image/png"))
    assert code == "image_too_large"
    assert "25 megapixels" in sentence


def test_a_truncated_jpeg(house_street: Street) -> None:
    whole = jpeg((400, 400))
    code, sentence = refused(house_street, data_uri(whole[: len(whole) // 2]))
    assert (code, sentence) == ("invalid_image", "The image is damaged or incomplete.")


def test_an_svg(house_street: Street) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    code, _ = refused(house_street, data_uri(svg, "image/svg+xml"))
    assert code == "invalid_image"


def test_a_gif(house_street: Street) -> None:
    written = io.BytesIO()
    Image.new("RGB", (8, 8)).save(written, "GIF")
    code, _ = refused(house_street, data_uri(written.getvalue(), "image/png"))
    assert code == "invalid_image"


def test_a_text_file_named_png(house_street: Street) -> None:
    code, sentence = refused(house_street, data_uri(b"Dear reader, I am no picture.", "image/png"))
    assert (code, sentence) == (
        "invalid_image",
        "The image is not a JPEG, PNG, WebP or HEIC picture.",
    )


def test_a_file_over_16_mb(house_street: Street) -> None:
    code, sentence = refused(house_street, data_uri(b"\xff\xd8\xff" + bytes(16 * 1024 * 1024)))
    assert (code, sentence) == ("image_too_large", "The image is larger than 16 MB.")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/photo.jpg",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/photo.jpg",
        "http://localhost/photo.jpg",
        "http://2130706433/photo.jpg",
    ],
)
def test_a_url_into_our_own_network(house_street: Street, url: str) -> None:
    code, sentence = refused(house_street, url)
    assert (code, sentence) == (
        "image_url_refused",
        "The image URL leads to an address that is not on the public Internet.",
    )


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1/", "http://169.254.169.254/", "http://[::1]/"]
)
def test_a_redirect_into_our_own_network(
    settings: Settings, clock: ManualClock, db: Database, target: str
) -> None:
    with LocalServer(redirect(target)) as server:
        host = f"127.0.0.1:{server.port}"
        open_to_it = settings.model_copy(update={"fetch_allowed_hosts": (host,)})
        with street(open_to_it, clock, db) as made:
            code, _ = refused(made, f"http://{host}/photo.jpg")
        assert code == "image_url_refused"
        assert len(server.requests) == 1


def test_a_page_where_a_picture_should_be(
    settings: Settings, clock: ManualClock, db: Database
) -> None:
    with LocalServer(answer(b"<html>Not found</html>", "Content-Type: image/png")) as server:
        host = f"127.0.0.1:{server.port}"
        open_to_it = settings.model_copy(update={"fetch_allowed_hosts": (host,)})
        with street(open_to_it, clock, db) as made:
            code, _ = refused(made, f"http://{host}/photo.png")
        assert code == "invalid_image"


class Hasty:
    """The characters feature with half a second of patience and names of our choosing."""

    def __init__(self, made: Street, names: dict[str, Sequence[str]], port: int = 0) -> None:
        self.street = made
        self.fetcher = Fetcher(
            SystemClock(),
            allowed_hosts=[f"127.0.0.1:{port}"],
            resolver=lambda host, _port: names.get(host, [host]),
        )
        house = made.house
        self.characters = Characters(
            house.db,
            house.clock,
            storage=house.storage,
            voices=house.voices,
            photos=PhotoSource(self.fetcher, PhotoReader(), timeout_s=0.5),
            own_models=OwnModels(house.secret, house.to_models),
            base_url=house.settings.base_url,
        )

    def refusal(self, image: str) -> BadRequest:
        alice: Customer = self.street.alice
        with pytest.raises(BadRequest) as caught:
            self.characters.create(alice.account_id, Draft("A", alice.voice()), image, limit=9)
        assert self.characters.list(alice.account_id) == ()
        assert self.street.files() == []
        return caught.value


Make = Callable[..., Hasty]


@pytest.fixture
def hasty(house_street: Street) -> Iterator[Make]:
    made: list[Hasty] = []

    def make(names: dict[str, Sequence[str]], port: int = 0) -> Hasty:
        made.append(Hasty(house_street, names, port))
        return made[-1]

    yield make
    for one in made:
        one.fetcher.close()


@pytest.mark.parametrize("inside", ["127.0.0.1", "169.254.169.254", "::1"])
def test_a_name_that_resolves_into_our_own_network(hasty: Make, inside: str) -> None:
    error = hasty({"photos.example": [inside]}).refusal("http://photos.example/a.jpg")
    assert error.code == "image_url_refused"


def test_a_slow_download(hasty: Make) -> None:
    drip = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    with LocalServer(drip) as server:
        error = hasty({}, server.port).refusal(f"http://127.0.0.1:{server.port}/a.jpg")
    assert error.code == "image_url_unreachable"


def test_an_endless_download(hasty: Make) -> None:
    with LocalServer(endless) as server:
        error = hasty({}, server.port).refusal(f"http://127.0.0.1:{server.port}/a.jpg")
    # Over the size or out of time, whichever comes first on this machine.
    assert error.code in ("image_too_large", "image_url_unreachable")
