"""Photos from outside: sound ones are kept upright and clean, the others get a clear refusal."""

from __future__ import annotations

import base64
import io
import random
import struct
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from charafy.kernel.errors import BadRequest, TooManyRequests
from charafy.kernel.media import images
from charafy.kernel.media.datauri import parse_data_uri
from charafy.kernel.media.images import MAX_IMAGE_BYTES, Photo, PhotoReader
from tests.support.pngs import png, png_of_200_megapixels

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")

RED, BLUE = (220, 30, 40), (20, 40, 210)


@pytest.fixture
def reader() -> PhotoReader:
    return PhotoReader()


def encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    if form == "HEIF":
        import pillow_heif

        written = io.BytesIO()
        pillow_heif.from_pillow(picture).save(written, **options)
        return written.getvalue()
    written = io.BytesIO()
    picture.save(written, form, **options)
    return written.getvalue()


def shown(photo: Photo) -> Image.Image:
    with Image.open(io.BytesIO(photo.data)) as picture:
        picture.load()
        assert picture.size == (photo.width, photo.height)
        return picture.copy()


def near(pixel: Any, colour: tuple[int, ...], tolerance: int = 12) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, colour, strict=True))


def two_halves(width: int = 64, height: int = 32) -> Image.Image:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    return picture


def refusal(reader: PhotoReader, data: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        reader.read(data)
    assert caught.value.param == "image"
    return caught.value


def exchanged_profile() -> bytes:
    """sRGB's profile with its red and blue primaries exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    entries = {
        bytes(profile[offset : offset + 4]): offset for offset in range(132, 132 + 12 * count, 12)
    }
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_each_format_is_read_and_kept_as_a_clean_jpeg(reader: PhotoReader, form: str) -> None:
    photo = reader.read(encoded(two_halves(), form, quality=95))
    assert (photo.content_type, photo.ending) == ("image/jpeg", "jpg")
    picture = shown(photo)
    assert (picture.format or "JPEG", picture.mode, picture.size) == ("JPEG", "RGB", (64, 32))
    assert near(picture.getpixel((8, 16)), RED)
    assert near(picture.getpixel((56, 16)), BLUE)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        (1, (64, 32), (4, 16)),
        (2, (64, 32), (60, 16)),
        (3, (64, 32), (60, 16)),
        (4, (64, 32), (4, 16)),
        (5, (32, 64), (16, 4)),
        (6, (32, 64), (16, 4)),
        (7, (32, 64), (16, 60)),
        (8, (32, 64), (16, 60)),
    ],
)
def test_the_cameras_orientation_is_applied(
    reader: PhotoReader,
    form: str,
    orientation: int,
    size: tuple[int, int],
    red_at: tuple[int, int],
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = shown(reader.read(encoded(two_halves(), form, exif=exif.tobytes(), quality=95)))
    assert picture.size == size
    assert near(picture.getpixel(red_at), RED)


def test_metadata_stays_behind(reader: PhotoReader) -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    data = encoded(two_halves(), "JPEG", exif=exif.tobytes(), comment=b"where I live")
    assert b"where I live" in data
    kept = reader.read(data)
    assert b"where I live" not in kept.data
    assert not shown(kept).getexif()


def test_text_in_a_transparent_png_stays_behind(reader: PhotoReader) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Comment", "where I live")
    picture = Image.new("RGBA", (8, 8), (*RED, 100))
    kept = reader.read(encoded(picture, "PNG", pnginfo=info))
    assert kept.ending == "png"
    assert b"where I live" not in kept.data


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_a_cut_out_keeps_its_transparency_without_loss(reader: PhotoReader, form: str) -> None:
    picture = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    picture.paste((*RED, 255), (10, 10, 30, 30))
    picture.putpixel((20, 20), (*BLUE, 128))
    photo = reader.read(encoded(picture, form, **({"lossless": True} if form == "WEBP" else {})))
    assert photo.content_type == "image/png"
    kept = shown(photo)
    assert kept.mode == "RGBA"
    assert kept.getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert kept.getpixel((15, 15)) == (*RED, 255)
    assert kept.getpixel((20, 20)) == (*BLUE, 128)


def test_alpha_that_hides_nothing_is_dropped(reader: PhotoReader) -> None:
    photo = reader.read(encoded(Image.new("RGBA", (8, 8), (*RED, 253)), "PNG"))
    assert photo.content_type == "image/jpeg"


def test_a_picture_that_shows_nothing_is_refused(reader: PhotoReader) -> None:
    error = refusal(reader, encoded(Image.new("RGBA", (8, 8), (*RED, 0)), "PNG"))
    assert error.message == "The image is fully transparent."


def test_a_palette_with_a_transparent_colour_becomes_a_cut_out(reader: PhotoReader) -> None:
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, *RED])
    picture.putpixel((0, 0), 0)
    kept = shown(reader.read(encoded(picture, "PNG", transparency=0)))
    assert kept.getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert kept.getpixel((4, 4)) == (*RED, 255)


def test_a_cmyk_jpeg_becomes_rgb(reader: PhotoReader) -> None:
    picture = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    kept = shown(reader.read(encoded(picture, "JPEG", quality=95)))
    assert near(kept.getpixel((8, 8)), (255, 0, 0), 30)


@pytest.mark.parametrize(("mode", "grey"), [("L", 100), ("1", 1), ("LA", (100, 255))])
def test_grey_pictures_become_rgb(reader: PhotoReader, mode: str, grey: Any) -> None:
    kept = shown(reader.read(encoded(Image.new(mode, (8, 8), grey), "PNG")))
    assert kept.mode == "RGB"
    assert near(kept.getpixel((4, 4)), (255,) * 3 if mode == "1" else (100,) * 3)


def test_sixteen_bit_greys_are_scaled_not_clipped(reader: PhotoReader) -> None:
    picture = Image.new("I;16", (8, 8), 100 * 256)
    kept = shown(reader.read(encoded(picture, "PNG")))
    assert near(kept.getpixel((4, 4)), (100, 100, 100), 2)


def test_sixteen_bit_colours_are_read(reader: PhotoReader) -> None:
    row = b"\0" + struct.pack(">3H", 220 * 257, 30 * 257, 40 * 257) * 8
    kept = shown(reader.read(png(8, 8, row * 8, depth=16)))
    assert near(kept.getpixel((4, 4)), RED)


def test_colours_are_converted_from_the_pictures_profile(reader: PhotoReader) -> None:
    data = encoded(Image.new("RGB", (16, 16), RED), "PNG", icc_profile=exchanged_profile())
    kept = shown(reader.read(data))
    assert "icc_profile" not in kept.info
    assert near(kept.getpixel((8, 8)), (RED[2], RED[1], RED[0]))


def test_a_broken_profile_is_ignored(reader: PhotoReader) -> None:
    data = encoded(two_halves(), "JPEG", icc_profile=b"no profile at all", quality=95)
    assert near(shown(reader.read(data)).getpixel((8, 16)), RED)


def test_broken_exif_does_not_spoil_the_picture(reader: PhotoReader) -> None:
    data = encoded(two_halves(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 40)
    assert shown(reader.read(data)).size == (64, 32)


@pytest.mark.parametrize("form", ["WEBP", "PNG"])
def test_an_animation_gives_its_first_frame(reader: PhotoReader, form: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE)]
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=100)
    assert near(shown(reader.read(data)).getpixel((8, 8)), RED)


def test_a_large_photo_is_scaled_to_2048_pixels(reader: PhotoReader) -> None:
    photo = reader.read(encoded(two_halves(5000, 2500), "JPEG"))
    assert (photo.width, photo.height) == (2048, 1024)
    assert near(shown(photo).getpixel((100, 500)), RED)


def test_a_long_strip_keeps_at_least_one_pixel(reader: PhotoReader) -> None:
    photo = reader.read(encoded(Image.new("RGB", (16_000, 2), RED), "PNG"))
    assert (photo.width, photo.height) == (2048, 1)


def test_a_200_megapixel_png_is_refused_by_its_header(reader: PhotoReader) -> None:
    bomb = png_of_200_megapixels()
    assert len(bomb) < 100_000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        error = refusal(reader, bomb)
    assert error.code == "image_too_large"
    assert "20,000 x 10,000 pixels" in error.message


def test_a_200_megapixel_png_costs_no_memory(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png_of_200_megapixels())
    (tmp_path / "small.png").write_bytes(encoded(two_halves(), "PNG"))
    # A process of its own, because the peak of this one depends on the tests before.
    program = """
import resource, sys
from pathlib import Path
from charafy.kernel.errors import BadRequest
from charafy.kernel.media.images import PhotoReader
def peak_mb(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
reader, folder = PhotoReader(), Path(sys.argv[1])
reader.read((folder / "small.png").read_bytes())
before = peak_mb()
try:
    reader.read((folder / "bomb.png").read_bytes())
except BadRequest as error:
    print(error.code, peak_mb() - before)
"""
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    code, grown_mb = run.stdout.split()
    assert code == "image_too_large"
    assert int(grown_mb) < 20


def test_a_huge_jpeg_header_is_refused(reader: PhotoReader) -> None:
    data = bytearray(encoded(two_halves(), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 60_000, 60_000)
    assert refusal(reader, bytes(data)).code == "image_too_large"


def test_a_jpeg_of_thousands_of_scans_is_refused_before_they_cost_anything(
    reader: PhotoReader,
) -> None:
    data = encoded(two_halves(512, 512), "JPEG", progressive=True)
    usual = data.count(b"\xff\xda")
    assert 2 < usual < images.MAX_SCANS
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]
    error = refusal(reader, data[:-2] + scan * 2_000 + data[-2:])
    assert error.message == "The image is a JPEG of more than 100 scans."


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"VP8X" + bytes(8) + (16_000).to_bytes(3, "little") * 2, id="extended"),
        pytest.param(b"VP8L" + bytes(4) + b"\x2f" + b"\xff" * 4, id="lossless"),
        pytest.param(b"VP8 " + bytes(7) + b"\x9d\x01\x2a" + b"\xff\x3f" * 2, id="lossy"),
    ],
)
def test_a_huge_webp_is_refused_before_its_canvas_is_made(
    reader: PhotoReader, header: bytes
) -> None:
    data = b"RIFF" + struct.pack("<I", len(header) + 4) + b"WEBP" + header + bytes(32)
    assert refusal(reader, data).code == "image_too_large"


def test_a_side_over_the_limit_is_refused(reader: PhotoReader) -> None:
    data = encoded(Image.new("1", (16_385, 1)), "PNG")
    assert refusal(reader, data).code == "image_too_large"


def test_a_file_over_16_mb_is_refused(reader: PhotoReader) -> None:
    error = refusal(reader, b"\xff\xd8\xff" + bytes(MAX_IMAGE_BYTES))
    assert (error.code, error.message) == ("image_too_large", "The image is larger than 16 MB.")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize("part", [0.2, 0.6, 0.98])
def test_a_truncated_picture_is_refused(reader: PhotoReader, form: str, part: float) -> None:
    noise = Image.effect_noise((200, 200), 60).convert("RGB")
    data = encoded(noise, form)
    error = refusal(reader, data[: int(len(data) * part)])
    assert (error.code, error.message) == (
        "invalid_image",
        "The image is damaged or incomplete.",
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"just some text, called photo.png", id="text named .png"),
        pytest.param(b'<svg xmlns="http://www.w3.org/2000/svg"/>', id="SVG"),
        pytest.param(b'<?xml version="1.0"?><!DOCTYPE svg><svg/>', id="SVG with a prologue"),
        pytest.param(encoded(two_halves(), "GIF"), id="GIF"),
        pytest.param(encoded(two_halves(), "BMP"), id="BMP"),
        pytest.param(encoded(two_halves(), "TIFF"), id="TIFF"),
        pytest.param(encoded(two_halves(), "ICO"), id="ICO"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", id="EPS"),
        pytest.param(b"%PDF-1.7\n", id="PDF"),
        pytest.param(b"RIFF\0\0\0\0WAVEfmt ", id="WAV"),
        pytest.param(b"\0\0\0\x18ftypavif\0\0\0\0", id="AVIF"),
        pytest.param(b"\0\0\0\x18ftypisom\0\0\0\0", id="MP4"),
    ],
)
def test_what_is_no_photo_is_refused_by_its_content(reader: PhotoReader, data: bytes) -> None:
    error = refusal(reader, data)
    assert (error.code, error.message) == (
        "invalid_image",
        "The image is not a JPEG, PNG, WebP or HEIC picture.",
    )


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
        b"RIFF\0\0\0\0WEBP",
        b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 30,
        b"\0\0\0\x18ftypheic\0\0\0\0" + b"\0" * 50,
        png(0, 10, b""),
        png(10, 10, b""),
    ],
)
def test_a_good_beginning_alone_is_refused(reader: PhotoReader, data: bytes) -> None:
    assert refusal(reader, data).code == "invalid_image"


def test_damaged_pictures_never_cause_anything_but_a_refusal(reader: PhotoReader) -> None:
    dice = random.Random(7)
    noise = Image.effect_noise((48, 48), 60).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = {
        form: encoded(noise, form, **({} if form == "HEIF" else {"exif": exif.tobytes()}))
        for form in ("JPEG", "PNG", "WEBP", "HEIF")
    }
    outcomes = {"kept": 0, "refused": 0}
    for _ in range(60):
        for data in whole.values():
            damaged = bytearray(data)
            for _ in range(dice.randint(1, 12)):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            try:
                reader.read(bytes(damaged))
                outcomes["kept"] += 1
            except BadRequest:
                outcomes["refused"] += 1
    assert all(outcomes.values())


def test_few_pictures_are_decoded_at_once_and_the_rest_wait_no_longer_than_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(images, "WAIT_S", 0.05)
    inside, go = threading.Event(), threading.Event()

    def blocking(_opener: object, _data: bytes) -> Photo:
        inside.set()
        go.wait(10)
        return Photo(b"", "image/jpeg", "jpg", 1, 1)

    monkeypatch.setattr(images, "_normalise", blocking)
    reader = PhotoReader(max_at_once=1)
    data = encoded(two_halves(), "PNG")
    first = threading.Thread(target=reader.read, args=(data,))
    first.start()
    try:
        assert inside.wait(10)
        with pytest.raises(TooManyRequests):
            reader.read(data)
    finally:
        go.set()
        first.join(10)
    assert reader.read(data).ending == "jpg"


def uri(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def parse(text: str, max_bytes: int = 1000) -> bytes:
    return parse_data_uri(text, max_bytes=max_bytes, param="image")


@pytest.mark.parametrize(
    "kind", ["image/png", "IMAGE/JPEG", "image/svg+xml", "image/webp;charset=utf-8"]
)
def test_a_data_uri_of_any_image_type_gives_its_bytes(kind: str) -> None:
    assert parse(uri(b"\x89PNG\xff", kind)) == b"\x89PNG\xff"
    assert parse(uri(b"a", kind).replace("data:", "DATA:")) == b"a"


@pytest.mark.parametrize(
    "text",
    [
        "data:",
        "data:,",
        "data:image/png",
        "data:image/png,abcd",
        "data:image/png;base64",
        "data:image/png;base64,",
        "data:image/png;base64,a",
        "data:image/png;base64,aGk",
        "data:image/png;base64,aGk=\n",
        "data:image/png;base64,a Gk=",
        "data:image/png;base64,_-8=",
        "data:image/png;base64,aGk=aGk=",
        "data:image/png;base64,aé==",
        "data:image/png;base64,%61Gk=",
        "data:text/html;base64,aGk=",
        "data:;base64,aGk=",
        "data:image/png;base64;x,aGk=",
        "data:" + "image/png;" * 100 + "base64,aGk=",
        "image/png;base64,aGk=",
    ],
)
def test_a_data_uri_that_is_not_exactly_one_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(text)
    assert (caught.value.code, caught.value.param) == ("invalid_image", "image")


def test_a_data_uri_may_hold_exactly_the_limit() -> None:
    assert len(parse(uri(bytes(1000)))) == 1000
    for size in (1001, 1002, 1003, 5000):
        with pytest.raises(BadRequest) as caught:
            parse(uri(bytes(size)))
        assert caught.value.code == "image_too_large"


def test_pictures_full_of_grain_are_read(reader: PhotoReader) -> None:
    grain = random.Random(1).randbytes(400 * 300 * 3)
    photo = reader.read(encoded(Image.frombytes("RGB", (400, 300), grain), "PNG"))
    assert (photo.content_type, photo.width, photo.height) == ("image/jpeg", 400, 300)
    assert shown(photo).size == (400, 300)
