"""A face of three ellipses: a `Renderer` that needs no picture, no model and no baking."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Kind, Pose, Rgba, Rig

SIZE = 192
SKIN = (232, 190, 160, 255)
LIP = (150, 40, 50, 255)
EYE = (40, 60, 90, 255)


def puppet() -> Rig:
    return Rig(Kind.DRAWING, SIZE, SIZE, {}, {})


class PuppetRenderer:
    """Mouth and lids follow the pose; the head does not move."""

    def frame(self, rig: Rig, pose: Pose) -> Rgba:
        frame = np.zeros((rig.height, rig.width, 4), np.uint8)
        frame[..., :3] = SKIN[:3]
        cv2.rectangle(frame, (60, 150), (132, SIZE), SKIN, -1)
        cv2.ellipse(frame, (96, 90), (60, 72), 0, 0, 360, SKIN, -1, cv2.LINE_AA)
        wide = 16 + 6 * pose.wide - 8 * pose.round
        tall = 2 + 22 * pose.open + 3 * pose.round - 2 * pose.press
        self._ellipse(frame, (96, 130), (wide, max(tall, 0.5)), LIP)
        for x, shut in ((70, pose.blink_left), (122, pose.blink_right)):
            self._ellipse(frame, (x, 80), (10, 1 + 6 * (1 - shut)), EYE)
        return frame

    def frame_over(self, rig: Rig, pose: Pose, plate: NDArray[np.uint8]) -> NDArray[np.uint8]:
        frame = self.frame(rig, pose)
        alpha = frame[..., 3:] / 255
        return np.asarray(np.rint(frame[..., :3] * alpha + plate * (1 - alpha)), np.uint8)

    def plate(self, rig: Rig) -> Rgba:
        rows = np.linspace(200, 90, rig.height, dtype=np.uint8)[:, None]
        plate = np.full((rig.height, rig.width, 4), 255, np.uint8)
        plate[..., :3] = rows[..., None] * np.array([0.6, 0.9, 0.8])
        return plate

    @staticmethod
    def _ellipse(
        frame: Rgba,
        centre: tuple[int, int],
        radii: tuple[float, float],
        colour: tuple[int, int, int, int],
    ) -> None:
        fine = 16
        where = (centre[0] * fine, centre[1] * fine)
        size = (round(radii[0] * fine), round(radii[1] * fine))
        cv2.ellipse(frame, where, size, 0, 0, 360, colour, -1, cv2.LINE_AA, 4)
