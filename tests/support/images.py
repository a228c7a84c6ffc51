"""Small pictures and a host that serves one, as a developer's own web server would."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

from PIL import Image


def jpeg(size: tuple[int, int] = (320, 400), colour: str = "#d2452d") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    return buffer.getvalue()


def portrait() -> bytes:
    """A face, 640 x 640: Emma of the demo as a JPEG."""
    emma = files("charafy.demo").joinpath("portraits", "emma.webp").read_bytes()
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(emma)) as image:
        image.convert("RGB").resize((640, 640)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@contextlib.contextmanager
def image_host() -> Iterator[str]:
    """`host:port` of a server on this machine that answers every path with a JPEG of a face."""
    picture = portrait()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(picture)))
            self.end_headers()
            self.wfile.write(picture)

        def log_message(self, format: str, *args: object) -> None:
            """Tests print what matters themselves."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
