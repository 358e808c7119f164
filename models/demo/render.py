"""Renders the clip of `lookout demo`: a front yard seen by a fixed camera, and a person who walks through it.

    python render.py                  the clip, into ../../src/simulate/demo.mp4
    python render.py --stills DIR     a few single pictures, into DIR
"""

import argparse
import ctypes
import json
import math
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

import walker

HERE = Path(__file__).resolve().parent

WIDTH, HEIGHT = 768, 432
FPS = 15
SECONDS = 22
KEY_FRAME_SECONDS = 2
CRF = 32
SAMPLES = 3  # across a pixel; their square to the pixel
LIGHT_RAYS = 8  # to the sun and to the sky for each sample of the yard

EYE = (0.0, 0.0, 3.0)  # metres; the camera looks along y
PITCH, YAW = -13.0, 0.0  # degrees
FIELD_OF_VIEW = 66.0  # degrees, from left to right

WAY = [(-13.5, 10.9), (-9.0, 10.9), (-4.0, 10.4), (0.0, 9.1), (3.2, 7.3), (6.5, 4.9), (10.0, 2.4), (14.0, -0.4)]  # x, y: the garden path
SPEED = 1.25  # metres a second
STARTS = 3.4  # seconds into the clip at which the walker is at the begin of the way below
BEGIN = 3.4  # metres along the way
CLOTHES = {  # linear RGB
    walker.SKIN: (0.44, 0.245, 0.165),
    walker.HAIR: (0.050, 0.030, 0.018),
    walker.JACKET: (0.36, 0.045, 0.040),
    walker.TROUSERS: (0.040, 0.055, 0.105),
    walker.SHOES: (0.045, 0.040, 0.038),
    walker.SHIRT: (0.60, 0.58, 0.54),
}


def smooth_way(points, pieces=24):
    """A curve through the points (Catmull-Rom), as rows x, y, metres from its begin."""
    p = np.array([2 * np.array(points[0]) - points[1], *points, 2 * np.array(points[-1]) - points[-2]], float)
    t = np.linspace(0, 1, pieces, endpoint=False)[:, None]
    rows = [0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
            for a, b, c, d in zip(p, p[1:], p[2:], p[3:])]
    rows = np.vstack([*rows, p[-2][None]])
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(rows, axis=0), axis=1))])
    return np.column_stack([rows, along])


def place_on(way, along):
    """x, y and heading (unit vector) at so many metres."""
    def point(s):
        return np.array([np.interp(s, way[:, 2], way[:, 0]), np.interp(s, way[:, 2], way[:, 1])])
    ahead = point(along + 0.25) - point(along - 0.25)
    return point(along), ahead / np.linalg.norm(ahead)


class Scene:
    """The compiled scene.c with its camera set."""

    def __init__(self, folder):
        library = Path(folder) / "scene.so"
        subprocess.run(["cc", "-O3", "-ffast-math", "-shared", "-fPIC", "-o", library, HERE / "scene.c", "-lm"], check=True)
        self.c = ctypes.CDLL(str(library))
        self.way = smooth_way(WAY)
        up = math.radians(PITCH)
        self.ahead = np.array([0, math.cos(up), math.sin(up)])
        self.down = np.array([0, math.sin(up), -math.cos(up)])
        self.right = np.array([1.0, 0, 0])
        yaw = walker.turn(2, YAW)
        self.ahead, self.down, self.right = yaw @ self.ahead, yaw @ self.down, yaw @ self.right
        self.pixel = 2 * math.tan(math.radians(FIELD_OF_VIEW / 2)) / WIDTH
        self.c.set_camera(*(self._floats(a) for a in (EYE, self.right, self.down, self.ahead)),
                          ctypes.c_float(self.pixel), WIDTH, HEIGHT, SAMPLES)
        self.c.set_path(self._floats(self.way), len(self.way))
        self.sun = np.array((ctypes.c_float * 3).in_dll(self.c, "SUN"))
        self.samples = ctypes.create_string_buffer(WIDTH * HEIGHT * SAMPLES**2 * self.c.sample_size())
        self.yard = np.zeros((HEIGHT, WIDTH, 3), np.float32)

    @staticmethod
    def _floats(array):
        flat = np.ascontiguousarray(array, np.float32).ravel()
        return (ctypes.c_float * flat.size)(*flat)

    def _frame(self, picture, window, shown):
        return self.c.frame(self.samples, picture.ctypes.data_as(ctypes.c_void_p), *window, int(shown))

    def render_yard(self):
        self.c.yard(self.samples, 0, HEIGHT, LIGHT_RAYS)
        self._frame(self.yard, (0, 0, WIDTH, HEIGHT), False)

    def project(self, points):
        """Pixels (x, y) of points in the yard; None for what lies behind the camera."""
        p = np.asarray(points) - EYE
        depth = p @ self.ahead
        if depth.min() < 0.3:
            return None
        return np.column_stack([p @ self.right / depth / self.pixel + WIDTH / 2, p @ self.down / depth / self.pixel + HEIGHT / 2])

    def walker_at(self, seconds, clothes):
        """Sets the walker; gives the corners of a box round it (low, high) and the middles of its parts."""
        along = BEGIN + SPEED * seconds
        origin, ahead = place_on(self.way, along)
        heading = np.array([[ahead[1], ahead[0], 0], [-ahead[0], ahead[1], 0], [0, 0, 1]])  # columns: right, ahead, up

        def foot_at(metres, aside):
            point, there = place_on(self.way, BEGIN + metres)
            point = point + aside * np.array([there[1], -there[0]])
            axes = np.array([[there[1], there[0], 0], [-there[0], there[1], 0], [0, 0, 1]])
            return heading[:2, :2].T @ (point - origin), heading.T @ axes

        rows = walker.body(seconds, SPEED, foot_at)
        ends = []
        for row in rows:
            row[8:11] = heading @ row[8:11] + [*origin, 0]
            row[11:20] = (row[11:20].reshape(3, 3) @ heading.T).ravel()
            reach = row[4] * row[17:20] if row[0] == walker.CONE else 0
            radius = max(row[5:7]) if row[0] == walker.CONE else max(row[4:7])
            ends += [(row[8:11], radius), (row[8:11] + reach, radius)]
        low = np.min([p - r for p, r in ends], axis=0) - 0.02
        high = np.max([p + r for p, r in ends], axis=0) + 0.02
        assert rows.shape[1] == self.c.part_size()
        self.c.set_walker(self._floats(rows), len(rows), self._floats([clothes.get(i, (0, 0, 0)) for i in range(7)]),
                          self._floats([*low, *high]))
        return low, high, np.array([p for p, _ in ends])

    def render(self, seconds, clothes):
        """The picture with the walker, and whether it is in it: "none", "part" or "whole"."""
        low, high, parts = self.walker_at(seconds, clothes)
        corners = np.array([[x, y, z] for x in (low[0] - 0.8, high[0] + 0.8) for y in (low[1] - 0.8, high[1] + 0.8) for z in (0, high[2])])
        shadow = corners - self.sun * (corners[:, 2:3] / self.sun[2])
        spots = self.project(np.vstack([corners, shadow]))
        if spots is None:
            return self.yard, "none"
        x0, y0 = np.clip(np.floor(spots.min(0)).astype(int), 0, (WIDTH, HEIGHT))
        x1, y1 = np.clip(np.ceil(spots.max(0)).astype(int) + 1, 0, (WIDTH, HEIGHT))
        picture = self.yard.copy()
        seen = self._frame(picture, (int(x0), int(y0), int(x1), int(y1)), True) if x1 > x0 and y1 > y0 else 0
        if not seen:
            return picture, "none"
        middles, margin = self.project(parts), 8
        whole = (middles.min(0) > margin).all() and (middles.max(0) < np.array([WIDTH, HEIGHT]) - margin).all()
        return picture, "whole" if whole else "part"


def bytes_of(picture):
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)


def encoder(target):
    key = FPS * KEY_FRAME_SECONDS
    return subprocess.Popen(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "-",
         "-vf", "scale=out_color_matrix=bt709:out_range=tv", "-an", "-c:v", "libx264", "-profile:v", "main", "-pix_fmt", "yuv420p",
         "-preset", "veryslow", "-crf", str(CRF), "-bf", "0", "-refs", "3", "-g", str(key), "-keyint_min", str(key), "-sc_threshold", "0",
         "-threads", "1", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
         "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart", str(target)],
        stdin=subprocess.PIPE)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--stills", type=Path)
    arguments.add_argument("--at", type=float, nargs="*", default=[0, 5, 7, 9, 11, 13, 15], help="seconds of the stills")
    given = arguments.parse_args()
    began = time.time()
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(folder)
        scene.render_yard()
        print(f"yard: {time.time() - began:.0f} s")
        if given.stills:
            given.stills.mkdir(parents=True, exist_ok=True)
            for at in given.at:
                picture, _ = scene.render(at - STARTS, CLOTHES) if at >= STARTS else (scene.yard, "none")
                header = f"P6 {WIDTH} {HEIGHT} 255\n".encode()
                (given.stills / f"{at:05.2f}.ppm").write_bytes(header + bytes_of(picture).tobytes())
            return
        target = HERE.parents[1] / "src" / "simulate" / "demo.mp4"
        process, shown = encoder(target), []
        for number in range(SECONDS * FPS):
            at = number / FPS - STARTS
            picture, kind = scene.render(at, CLOTHES) if at >= 0 else (scene.yard, "none")
            shown.append(kind)
            process.stdin.write(bytes_of(picture).tobytes())
        process.stdin.close()
        if process.wait():
            raise SystemExit("ffmpeg failed")
    (HERE / "frames.json").write_text(json.dumps({"fps": FPS, "whole": [i for i, k in enumerate(shown) if k == "whole"],
                                                  "part": [i for i, k in enumerate(shown) if k == "part"]}) + "\n")
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB, {time.time() - began:.0f} s in all")


if __name__ == "__main__":
    main()
