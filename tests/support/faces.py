"""Pictures of faces, and the ways in which customers spoil them."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

FACES = Path(__file__).parents[1] / "data" / "faces"


def picture(name: str) -> Image.Image:
    """One of tests/data/faces, as RGB or RGBA."""
    with Image.open(FACES / name) as image:
        return image.convert("RGBA" if image.mode in ("RGBA", "LA", "P") else "RGB")


def written(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


def file(name: str) -> bytes:
    return (FACES / name).read_bytes()


def among(count: int, name: str = "obama.jpg") -> Image.Image:
    """`count` equal faces in a row or two."""
    face = picture(name).resize((240, 240))
    crowd = Image.new("RGB", (240 * min(5, count), 240 * -(-count // 5)), "grey")
    for number in range(count):
        crowd.paste(face, (240 * (number % 5), 240 * (number // 5)))
    return crowd


def small(pixels: int, name: str = "obama.jpg") -> Image.Image:
    """A face of about so many pixels in a large grey picture."""
    crowd = Image.new("RGB", (640, 640), "grey")
    crowd.paste(picture(name).resize((pixels * 2, pixels * 2)), (300, 300))
    return crowd


def turned(degrees: int, name: str = "obama.jpg") -> Image.Image:
    return picture(name).rotate(degrees, expand=True)


def turned_by_exif(orientation: int = 6, name: str = "obama.jpg") -> bytes:
    """Stored lying, shown upright: orientation 6 asks for a quarter turn clockwise."""
    lying = picture(name).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return written(lying, "JPEG", quality=92, exif=exif)


def heic(name: str = "obama.jpg") -> bytes:
    import pillow_heif

    data = io.BytesIO()
    pillow_heif.from_pillow(picture(name)).save(data, quality=90)
    return data.getvalue()


def sixteen_bit(name: str = "obama.jpg") -> bytes:
    """A 16-bit grey PNG."""
    grey = picture(name).convert("L")
    return written(grey.convert("I").point(lambda value: value * 257).convert("I;16"))


def cut_out(name: str = "obama.jpg") -> bytes:
    """With a see-through surrounding."""
    image = picture(name).convert("RGBA")
    shape = Image.radial_gradient("L").point(lambda value: 255 if value < 160 else 0)
    image.putalpha(shape.resize(image.size))
    return written(image)
