"""Prints what a detector sees in the demo clip.

    python check.py MODEL.onnx [--threshold 0.5] [--sheet contact.png]

MODEL is either a YOLOX export (1 x anchors x 85, raw BGR 0 to 255, square) or the default detector's form
(input `image`, RGB 0 to 1; rows of x1, y1, x2, y2, score). Ends with status 1 when the clip fails: a person is to be
seen in 80 % of the pictures that show the whole walker, and nowhere in a picture that shows none (score 0.3).
"""

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

HERE = Path(__file__).resolve().parent
QUIET = 0.3  # no score as high as this in an empty picture
WANTED = 0.8  # part of the pictures with a whole walker
STRIDES = (8, 16, 32)


class Detector:
    """Best person (score, box) of a picture."""

    def __init__(self, model):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        entry = self.session.get_inputs()[0]
        self.name, (_, _, self.height, self.width) = entry.name, entry.shape
        self.yolox = self.session.get_outputs()[0].shape[-1] == 85
        cells = [np.stack([*np.meshgrid(np.arange(self.width // s), np.arange(self.height // s)), np.full((self.height // s, self.width // s), s)], -1)
                 for s in STRIDES]
        self.cells = np.concatenate([c.reshape(-1, 3) for c in cells]).astype(np.float32)

    def __call__(self, picture):
        ratio = min(self.height / picture.shape[0], self.width / picture.shape[1])
        small = cv2.resize(picture, (round(picture.shape[1] * ratio), round(picture.shape[0] * ratio)),
                           interpolation=cv2.INTER_AREA if ratio < 0.6 and not self.yolox else cv2.INTER_LINEAR)
        padded = np.full((self.height, self.width, 3), 114, np.uint8)
        padded[: small.shape[0], : small.shape[1]] = small
        pixels = padded if self.yolox else padded[:, :, ::-1] / np.float32(255)
        rows = self.session.run(None, {self.name: np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)})[0][0]
        if self.yolox:
            scores = rows[:, 4] * rows[:, 5]
            best = scores.argmax()
            stride = self.cells[best, 2]
            middle, half = (rows[best, :2] + self.cells[best, :2]) * stride, np.exp(rows[best, 2:4]) * stride / 2
            box = np.concatenate([middle - half, middle + half])
        else:
            scores = rows[:, 4]
            best = scores.argmax()
            box = rows[best, :4]
        return float(scores[best]), box / ratio


def pictures(clip):
    video = cv2.VideoCapture(str(clip))
    while True:
        there, picture = video.read()
        if not there:
            return
        yield picture


def contact_sheet(seen, whole, target):
    chosen = [0, whole[0] - 25, *np.linspace(whole[0], whole[-1], 9).astype(int), len(seen) - 1]
    tiles = []
    for i in chosen:
        picture, score, box = seen[i]
        tile = picture.copy()
        if score >= QUIET:
            x0, y0, x1, y1 = (int(v) for v in box)
            cv2.rectangle(tile, (x0, y0), (x1, y1), (0, 255, 255), 2)
        cv2.putText(tile, f"picture {i}: {score:.2f}", (12, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 255, 255), 2)
        tiles.append(cv2.resize(tile, (512, 288), interpolation=cv2.INTER_AREA))
    cv2.imwrite(target, np.vstack([np.hstack(tiles[i : i + 3]) for i in range(0, 12, 3)]))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model")
    arguments.add_argument("--clip", type=Path, default=HERE.parents[1] / "src" / "simulate" / "demo.mp4")
    arguments.add_argument("--threshold", type=float, default=0.5)
    arguments.add_argument("--sheet", help="draw 12 pictures with boxes and scores into this file")
    given = arguments.parse_args()
    listed = json.loads((HERE / "frames.json").read_text())
    detector = Detector(given.model)
    seen = [(picture, *detector(picture)) for picture in pictures(given.clip)]
    scores = np.array([score for _, score, _ in seen])
    whole = listed["whole"]
    empty = sorted(set(range(len(seen))) - set(whole) - set(listed["part"]))
    found = float((scores[whole] >= given.threshold).mean())
    loudest = float(scores[empty].max())
    print(f"{len(seen)} pictures, {len(whole)} with the whole walker, {len(listed['part'])} with a part, {len(empty)} without")
    print(f"whole: {found:.1%} at {given.threshold} or more; lowest {scores[whole].min():.2f}, median {np.median(scores[whole]):.2f}")
    for level in (0.25, 0.3, 0.35, 0.4, 0.5):
        print(f"    at {level:.2f}: {(scores[whole] >= level).mean():.1%}")
    print(f"empty: highest {loudest:.2f}")
    tops = np.array([box for _, _, box in seen])[whole]
    heights = tops[:, 3] - tops[:, 1]
    print(f"height of the boxes: {heights.min():.0f} to {heights.max():.0f} pixels")
    if given.sheet:
        contact_sheet(seen, whole, given.sheet)
    if found < WANTED or loudest >= QUIET:
        sys.exit(1)


if __name__ == "__main__":
    main()
