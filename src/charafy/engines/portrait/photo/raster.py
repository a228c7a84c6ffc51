"""Triangles onto pixels: the inner loops of the drawer, compiled.

A pixel belongs to the triangle that its centre lies in; on a shared edge to exactly one of the
two, because both compute the edge from its upper end to its lower one. Texture coordinates step
in 1/65536 and are sampled bilinearly with weights of 8 bits, as graphics hardware does.
"""

from __future__ import annotations

import math
from typing import Any

import numba as nb
import numpy as np


@nb.njit(cache=True)
def _rows(y0: Any, y1: Any, y2: Any, height: Any) -> Any:
    top = max(math.ceil(min(y0, y1, y2)), 0)
    bottom = min(math.ceil(max(y0, y1, y2)), height)
    return top, bottom


@nb.njit(cache=True)
def _crossing(xa: Any, ya: Any, xb: Any, yb: Any, y: Any) -> Any:
    """Where the edge crosses the row, always computed from its upper end."""
    if ya > yb:
        xa, ya, xb, yb = xb, yb, xa, ya
    return xa + (y - ya) * ((xb - xa) / (yb - ya))


@nb.njit(cache=True)
def _span(  # noqa: PLR0917 - compiled functions are called fastest by position
    x0: Any, y0: Any, x1: Any, y1: Any, x2: Any, y2: Any, y: Any, width: Any
) -> Any:
    low, high = 1e9, -1e9
    if (y0 <= y) != (y1 <= y):
        x = _crossing(x0, y0, x1, y1, y)
        low, high = min(low, x), max(high, x)
    if (y1 <= y) != (y2 <= y):
        x = _crossing(x1, y1, x2, y2, y)
        low, high = min(low, x), max(high, x)
    if (y2 <= y) != (y0 <= y):
        x = _crossing(x2, y2, x0, y0, y)
        low, high = min(low, x), max(high, x)
    if low > high:
        return 0, 0
    return max(math.ceil(low), 0), min(math.ceil(high), width)


@nb.njit(cache=True)
def _lanes(pixel: Any) -> Any:
    """Four bytes as four lanes of 16 bits."""
    wide = np.uint64(pixel)
    return (wide & np.uint64(0x00FF00FF)) | ((wide & np.uint64(0xFF00FF00)) << np.uint64(24))


@nb.njit(cache=True)
def _sample(texture: Any, u: Any, v: Any) -> Any:
    """The texture at (u, v) in 1/65536 texels, as four lanes of 16 bits."""
    column, row = u >> 16, v >> 16
    fu, fv = np.uint64((u >> 8) & 255), np.uint64((v >> 8) & 255)
    both = (fu * fv) >> np.uint64(8)
    mixed = (
        _lanes(texture[row, column]) * (np.uint64(256) - fu - fv + both)
        + _lanes(texture[row, column + 1]) * (fu - both)
        + _lanes(texture[row + 1, column]) * (fv - both)
        + _lanes(texture[row + 1, column + 1]) * both
        + np.uint64(0x0080008000800080)
    )
    return (mixed >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)


@nb.njit(cache=True, fastmath=True, boundscheck=False)
def trace(map_x: Any, map_y: Any, at: Any, uv: Any, triangles: Any) -> None:
    """Write where each pixel of the triangles comes from, float32, for `cv2.remap`.

    `at` and `uv` are float32 [n, 2], in pixels of the maps and of the texture.
    """
    height, width = map_x.shape
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, x1, y1, x2, y2 = at[i, 0], at[i, 1], at[j, 0], at[j, 1], at[k, 0], at[k, 1]
        top, bottom = _rows(y0, y1, y2, height)
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if bottom <= top or abs(area) < 1e-4:
            continue
        u0, v0 = uv[i, 0], uv[i, 1]
        u1, v1 = uv[j, 0] - u0, uv[j, 1] - v0
        u2, v2 = uv[k, 0] - u0, uv[k, 1] - v0
        one = np.float32(1.0) / area
        ux = ((y2 - y0) * u1 - (y1 - y0) * u2) * one
        uy = ((x1 - x0) * u2 - (x2 - x0) * u1) * one
        vx = ((y2 - y0) * v1 - (y1 - y0) * v2) * one
        vy = ((x1 - x0) * v2 - (x2 - x0) * v1) * one
        for y in range(top, bottom):
            first, last = _span(x0, y0, x1, y1, x2, y2, np.float32(y), width)
            u = u0 + (np.float32(first) - x0) * ux + (np.float32(y) - y0) * uy
            v = v0 + (np.float32(first) - x0) * vx + (np.float32(y) - y0) * vy
            for n in range(last - first):
                map_x[y, first + n] = u + np.float32(n) * ux
                map_y[y, first + n] = v + np.float32(n) * vx


@nb.njit(cache=True)
def lay(  # noqa: PLR0917 - compiled functions are called fastest by position
    out: Any, texture: Any, at: Any, uv: Any, triangles: Any, opacity: Any
) -> None:
    """Mix `texture` into the colours of `out` by its alpha times `opacity` (0..1)."""
    height, width = out.shape
    share = np.uint64(opacity * 256)
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, x1, y1, x2, y2 = at[i, 0], at[i, 1], at[j, 0], at[j, 1], at[k, 0], at[k, 1]
        top, bottom = _rows(y0, y1, y2, height)
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if bottom <= top or abs(area) < 1e-4:
            continue
        u1, v1 = uv[j, 0] - uv[i, 0], uv[j, 1] - uv[i, 1]
        u2, v2 = uv[k, 0] - uv[i, 0], uv[k, 1] - uv[i, 1]
        one = 65536.0 / area
        ux = ((y2 - y0) * u1 - (y1 - y0) * u2) * one
        uy = ((x1 - x0) * u2 - (x2 - x0) * u1) * one
        vx = ((y2 - y0) * v1 - (y1 - y0) * v2) * one
        vy = ((x1 - x0) * v2 - (x2 - x0) * v1) * one
        u0, v0 = uv[i, 0] * 65536.0, uv[i, 1] * 65536.0
        across, down = np.int64(ux), np.int64(vx)
        for y in range(top, bottom):
            first, last = _span(x0, y0, x1, y1, x2, y2, np.float32(y), width)
            u = np.int64(u0 + (first - x0) * ux + (y - y0) * uy)
            v = np.int64(v0 + (first - x0) * vx + (y - y0) * vy)
            for x in range(first, last):
                lanes = _sample(texture, u, v)
                u += across
                v += down
                a = ((lanes >> np.uint64(48)) * share + np.uint64(128)) >> np.uint64(8)
                if a == 0:
                    continue
                a += a >> np.uint64(7)
                below = np.uint64(out[y, x])
                rb = (below & np.uint64(0x00FF00FF)) * (np.uint64(256) - a)
                rb += (lanes & np.uint64(0x00FF00FF)) * a
                g = ((below >> np.uint64(8)) & np.uint64(255)) * (np.uint64(256) - a)
                g += ((lanes >> np.uint64(32)) & np.uint64(255)) * a
                out[y, x] = np.uint32(
                    ((rb >> np.uint64(8)) & np.uint64(0x00FF00FF))
                    | (g & np.uint64(0xFF00))
                    | (below & np.uint64(0xFF000000))
                )


@nb.njit(cache=True)
def _step(low: Any, high: Any, value: Any) -> Any:
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@nb.njit(cache=True)
def _sprite(texture: Any, part: Any, x: Any, y: Any) -> Any:
    """The part (x, y, width, height, at x, at y, texels) at mouth coordinates, as lanes."""
    u = (x - part[4]) * part[6]
    v = (y - part[5]) * part[6]
    if u <= -0.5 or v <= -0.5 or u >= part[2] - 0.5 or v >= part[3] - 0.5:
        return np.uint64(0)
    # One texel of border: the texture's own first texel is (1, 1).
    return _sample(
        texture,
        np.int64((u + part[0] + 1.0) * 65536.0),
        np.int64((v + part[1] + 1.0) * 65536.0),
    )


@nb.njit(cache=True)
def _inside(texture: Any, parts: Any, look: Any, at: Any, rgb: Any) -> None:
    """Colour of the mouth's inside where the strip's values are `at`, into `rgb`."""
    tall, side = at[2], at[3]
    for c in range(3):
        rgb[c] = look[c] * (1.0 - 0.5 * side * side)
    for p in range(3):
        shift = look[5] if p == 0 else (look[6] if p == 1 else np.float32(0))
        lanes = _sprite(texture, parts[p], at[4] + look[3], at[5] + look[4] + shift)
        alpha = np.float32(lanes >> np.uint64(48)) / 255.0
        if alpha == 0.0:
            continue
        light = 0.55 + 0.45 * min(tall / 0.12, 1.0) if p == 0 else 1.0
        alpha *= 1.0 if p == 0 else look[6 + p]
        rgb[0] += (np.float32(lanes & np.uint64(255)) * light - rgb[0]) * alpha
        green = np.float32((lanes >> np.uint64(32)) & np.uint64(255))
        rgb[1] += (green * light - rgb[1]) * alpha
        blue = np.float32((lanes >> np.uint64(16)) & np.uint64(255))
        rgb[2] += (blue * light - rgb[2]) * alpha


@nb.njit(cache=True)
def _lit(look: Any, at: Any, rgb: Any) -> None:
    """The shade of lips and cheeks on it."""
    below, tall, side = at[1], at[2], at[3]
    edge = min(max((abs(side) - 0.45) / 0.55, 0.0), 1.0)
    corner = edge * math.sqrt(edge) * 0.8 * look[10]
    dark = 1.0 - (1.0 - corner) * (1.0 - 0.25 * look[9])
    light = look[12] + (1.0 - look[12]) * _step(0.0, look[13], below)
    light *= look[14] + (1.0 - look[14]) * _step(0.0, look[15], tall - below)
    light *= 1.0 - 0.3 * look[9]
    for c in range(3):
        rgb[c] += (look[c] - rgb[c]) * dark
    # Light that comes back from the inside of a mouth is warm.
    rgb[0] *= light
    rgb[1] *= light * (0.74 + 0.26 * light)
    rgb[2] *= light * (0.68 + 0.32 * light)


@nb.njit(cache=True)
def fill_mouth(  # noqa: PLR0917 - compiled functions are called fastest by position
    out: Any, texture: Any, places: Any, values: Any, triangles: Any, parts: Any, look: Any
) -> None:
    """The inside of the mouth: see `rig` for the formulas.

    `values` is float32 [n, 6]: a, below, height, side, X, Y. `parts` float32 [3, 7]: tongue,
    lower teeth, upper teeth, as `_sprite` reads them. `look` float32 [16]: cavity r g b, x and y
    shift by head pose, dy of tongue and lower teeth, alpha of lower and upper teeth, round,
    buccal, opacity, lip shadow, floor shadow.
    """
    height, width = out.shape
    across, down, at = np.empty(6), np.empty(6), np.empty(6)
    rgb = np.empty(3)
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, x1, y1 = places[i, 0], places[i, 1], places[j, 0], places[j, 1]
        x2, y2 = places[k, 0], places[k, 1]
        top, bottom = _rows(y0, y1, y2, height)
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if bottom <= top or abs(area) < 1e-4:
            continue
        for c in range(6):
            second, third = values[j, c] - values[i, c], values[k, c] - values[i, c]
            across[c] = ((y2 - y0) * second - (y1 - y0) * third) / area
            down[c] = ((x1 - x0) * third - (x2 - x0) * second) / area
        for y in range(top, bottom):
            first, last = _span(x0, y0, x1, y1, x2, y2, np.float32(y), width)
            for x in range(first, last):
                for c in range(6):
                    at[c] = values[i, c] + across[c] * (x - x0) + down[c] * (y - y0)
                alpha = at[0] * look[11]
                if alpha > 0.002:
                    _inside(texture, parts, look, at, rgb)
                    _lit(look, at, rgb)
                    out[y, x] = _mixed(out[y, x], rgb, alpha)


@nb.njit(cache=True)
def _mixed(old: Any, rgb: Any, alpha: Any) -> Any:
    """A pixel with some of its colour replaced."""
    new = np.uint32(old) & np.uint32(0xFF000000)
    for c in range(3):
        was = np.float64((np.uint32(old) >> np.uint32(8 * c)) & np.uint32(255))
        value = min(max(was + (rgb[c] - was) * alpha, 0.0), 255.0)
        new |= np.uint32(value + 0.5) << np.uint32(8 * c)
    return new
