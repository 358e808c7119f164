"""Training samples: parts of one or four photos at random scale, place and colour, as cameras might see them."""

import math

import cv2
import numpy as np

SMALLEST_SIDE, SMALLEST_AREA = 4, 50  # pixels; what is smaller is not taught
VISIBLE = 0.3  # share of a box that must remain in the sample to be taught


class Augmentation:
    """Draws samples `[side, side, 3]` with boxes; each process starts it with a seed of its own."""

    def __init__(self, photos, seed=0):
        self.photos = photos
        weights = np.cumsum([photo.weight for photo in photos])
        self.weights = weights / weights[-1:]
        self.start(seed)

    def start(self, seed):
        self.random = np.random.default_rng(seed)
        self.noise = [(self.random.standard_normal((512, 512, 3)) * 9).astype(np.int16) for _ in range(4)]

    def chance(self, share):
        return self.random.random() < share

    def photo(self):
        return self.photos[min(len(self.photos) - 1, int(np.searchsorted(self.weights, self.random.random())))]

    def sample(self, side, mosaic):
        """Picture, people `[n, 5]` in pixels and how sure, ignored `[m, 4]`. `mosaic`: the share made of four photos."""
        picture, people, ignored = self.scene(side, mosaic)
        return self.colours(picture), people, ignored

    def scene(self, side, mosaic):
        """The sample as it is before light, noise and compression."""
        shade = 114 if self.chance(0.7) else int(self.random.integers(256))
        canvas = np.full((side, side, 3), shade, np.uint8)
        people, ignored = [], []
        if self.chance(mosaic):
            x, y = (int(side * self.random.uniform(0.3, 0.7)) for _ in range(2))
            tiles = ((0, 0, x, y), (x, 0, side - x, y), (0, y, x, side - y), (x, y, side - x, side - y))
            scales = (0.4, 1.15)
        else:
            tiles, scales = ((0, 0, side, side),), (0.55, 1.6)
        for tile in tiles:
            self.fill(canvas, tile, self.photo(), scales, people, ignored)
        return canvas, people, ignored

    def fill(self, canvas, tile, photo, scales, people, ignored):
        """Puts a random part of the photo into the tile `x, y, width, height` of the canvas."""
        left, top, room_x, room_y = tile
        height, width = photo.picture.shape[:2]
        ratio = len(canvas) * math.exp(self.random.uniform(*np.log(scales))) / max(height, width)
        stretch = math.exp(self.random.uniform(-0.15, 0.15))
        scaled_x, scaled_y = max(8, width * ratio * stretch), max(8, height * ratio / stretch)
        shown_x, shown_y = int(min(room_x, scaled_x)), int(min(room_y, scaled_y))
        # The window of the photo that is shown, in its own pixels.
        x1 = int(self.random.uniform(0, scaled_x - shown_x) * width / scaled_x)
        y1 = int(self.random.uniform(0, scaled_y - shown_y) * height / scaled_y)
        x2 = min(width, max(x1 + 1, round(x1 + shown_x * width / scaled_x)))
        y2 = min(height, max(y1 + 1, round(y1 + shown_y * height / scaled_y)))
        part = photo.picture[y1:y2, x1:x2]
        shrinks = shown_x < 0.6 * (x2 - x1)
        method = cv2.INTER_AREA if shrinks and self.chance(0.4) else cv2.INTER_LINEAR
        part = cv2.resize(part, (shown_x, shown_y), interpolation=method)
        flipped = self.chance(0.5)
        left += int(self.random.integers(0, room_x - shown_x + 1))
        top += int(self.random.integers(0, room_y - shown_y + 1))
        canvas[top : top + shown_y, left : left + shown_x] = part[:, ::-1] if flipped else part

        window = np.float32([x1, y1, x1, y1])
        zoom = np.float32([shown_x / (x2 - x1), shown_y / (y2 - y1)] * 2)
        for rows, taught in ((photo.people, True), (photo.ignored, False)):
            if not len(rows):
                continue
            whole = (rows[:, :4] * np.float32([width, height] * 2) - window) * zoom
            clipped = np.clip(whole, 0, np.float32([shown_x, shown_y] * 2))
            area = lambda boxes: (boxes[:, 2:] - boxes[:, :2]).prod(1)  # noqa: E731
            visible = area(clipped) / (area(whole) + 1e-6)
            if flipped:
                clipped = np.stack([shown_x - clipped[:, 2], clipped[:, 1], shown_x - clipped[:, 0], clipped[:, 3]], 1)
            clipped += np.float32([left, top, left, top])
            sides = clipped[:, 2:] - clipped[:, :2]
            for i in range(len(rows)):
                if sides[i].min() < 1:
                    continue
                large = sides[i].min() >= SMALLEST_SIDE and sides[i].prod() >= SMALLEST_AREA
                if taught and large and visible[i] > VISIBLE:
                    people.append([*clipped[i], rows[i, 4]])
                elif not taught or visible[i] > 0.05:
                    ignored.append(clipped[i])

    def colours(self, picture):
        """Light, colour, sensor noise, lost focus and compression."""
        draw = self.random
        if self.chance(0.7):
            values = np.linspace(0, 1, 256, dtype=np.float32) ** math.exp(draw.uniform(-0.4, 0.4))
            values = (values - 0.5) * draw.uniform(0.65, 1.3) + 0.5 + draw.uniform(-0.12, 0.12)
            gains = draw.uniform(0.88, 1.12, 3) if self.chance(0.6) else np.ones(3)
            table = np.clip(values[:, None] * gains * 255, 0, 255).astype(np.uint8)
            picture = cv2.LUT(picture, table[None])
        if self.chance(0.2):
            hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
            turn = (np.arange(256) + draw.integers(-6, 7)) % 180
            richer = np.clip(np.arange(256) * draw.uniform(0.4, 1.5), 0, 255)
            hsv = cv2.LUT(hsv, np.stack([turn, richer, np.arange(256)], 1).astype(np.uint8)[None])
            picture = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
        if self.chance(0.12):
            picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        if self.chance(0.08):
            picture = cv2.blur(picture, [(3, 3), (3, 1), (5, 1), (1, 3)][draw.integers(4)])
        if self.chance(0.08):
            height, width = picture.shape[:2]
            x, y = draw.integers(0, 512 - width + 1), draw.integers(0, 512 - height + 1)
            grain = self.noise[draw.integers(len(self.noise))][y : y + height, x : x + width]
            picture = cv2.add(picture, grain, dtype=cv2.CV_8U)
        if self.chance(0.06):
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(draw.integers(20, 65))]
            picture = cv2.imdecode(cv2.imencode(".jpg", picture, quality)[1], cv2.IMREAD_COLOR)
        return picture

    def batch(self, count, side, mosaic):
        """`[n, side, side, 3]`, people `[k, 6]` and ignored `[m, 5]` with the number of the picture before each box."""
        pictures = np.empty((count, side, side, 3), np.uint8)
        people, ignored = [], []
        for number in range(count):
            pictures[number], boxes, others = self.sample(side, mosaic)
            people += [[number, *box] for box in boxes]
            ignored += [[number, *box] for box in others]
        return pictures, np.float32(people).reshape(-1, 6), np.float32(ignored).reshape(-1, 5)
