"""Detections of two public detectors on every training photo, kept in one JSON file.

They complete the labels: photos without boxes of their own get soft boxes where both teachers agree, and places where
only one of them is sure are neither rewarded nor punished. Both teachers are Apache-2.0: YOLOX-Nano and NanoDet-m,
exported to ONNX with 416x416 inputs.

    python teachers.py --data PEOPLE --yolox yolox_nano_416.onnx --nanodet nanodet_m_416.onnx --out teachers.json
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from boxes import non_maximum_suppression

SIDE = 416
STRIDES = (8, 16, 32)


class Teacher:
    """One ONNX detector on one thread: `detect(picture)` gives `[n, 5]` boxes in 0..1 and scores of people."""

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def letterbox(self, picture, centred):
        height, width = picture.shape[:2]
        ratio = SIDE / max(height, width)
        inner = (round(width * ratio), round(height * ratio))
        left, top = ((SIDE - inner[0]) // 2, (SIDE - inner[1]) // 2) if centred else (0, 0)
        canvas = np.full((SIDE, SIDE, 3), 114, np.uint8)
        canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(picture, inner)
        return canvas.astype(np.float32), ratio, (left, top)

    def run(self, tensor):
        batch = np.ascontiguousarray(tensor.transpose(2, 0, 1)[None])
        return [np.asarray(output)[0] for output in self.session.run(None, {self.input: batch})]

    def detect(self, picture, floor):
        boxes, scores = self.people(picture, floor)
        kept = non_maximum_suppression(boxes, scores, 0.5)
        height, width = picture.shape[:2]
        relative = boxes[kept] / np.float32([width, height, width, height])
        return np.concatenate([relative, scores[kept, None]], 1)


class YoloxNano(Teacher):
    def people(self, picture, floor):
        tensor, ratio, _ = self.letterbox(picture, centred=False)
        rows = self.run(tensor)[0]
        cells, strides = grid()
        scores = rows[:, 4] * rows[:, 5]
        seen = scores > floor
        rows, cells, strides = rows[seen], cells[seen], strides[seen]
        centre, size = (rows[:, :2] + cells) * strides, np.exp(rows[:, 2:4]) * strides
        return np.concatenate([centre - size / 2, centre + size / 2], 1) / ratio, scores[seen]


class NanoDet(Teacher):
    def people(self, picture, floor):
        tensor, ratio, (left, top) = self.letterbox(picture, centred=True)
        tensor = (tensor - np.float32([103.53, 116.28, 123.675])) / np.float32([57.375, 57.12, 58.395])
        outputs = self.run(tensor)
        scores = np.concatenate(outputs[:3])[:, 0]
        distances = np.concatenate(outputs[3:6])
        cells, strides = grid()
        seen = scores > floor
        cells, strides = cells[seen], strides[seen]
        bins = distances[seen].reshape(-1, 4, 8)
        bins = np.exp(bins - bins.max(2, keepdims=True))
        reach = (bins / bins.sum(2, keepdims=True)) @ np.arange(8) * strides
        centre = cells * strides + 0.5 * (strides - 1)
        boxes = np.concatenate([centre - reach[:, :2], centre + reach[:, 2:]], 1)
        return (boxes - np.float32([left, top, left, top])) / ratio, scores[seen]


def grid():
    cells, strides = [], []
    for stride in STRIDES:
        side = SIDE // stride
        y, x = np.mgrid[:side, :side]
        cells.append(np.stack([x.ravel(), y.ravel()], 1))
        strides.append(np.full((side * side, 1), stride))
    return np.concatenate(cells), np.concatenate(strides)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True, help="folder with train.json, pseudo.json and photos")
    arguments.add_argument("--frames", type=Path, help="folder of more JPEG pictures without labels")
    arguments.add_argument("--yolox", required=True)
    arguments.add_argument("--nanodet", required=True)
    arguments.add_argument("--out", type=Path, required=True)
    asked = arguments.parse_args()
    cv2.setNumThreads(1)

    files = [asked.data / photo["file"] for part in ("train", "pseudo") for photo in read(asked.data, part)]
    files += sorted(asked.frames.glob("*.jpg")) if asked.frames else []
    teachers = YoloxNano(asked.yolox), NanoDet(asked.nanodet)
    seen, began = {}, time.time()
    for done, file in enumerate(files, 1):
        picture = cv2.imread(str(file))
        if picture is None:
            raise SystemExit(f"{file}: not a picture")
        first, second = (teacher.detect(picture, floor) for teacher, floor in zip(teachers, (0.1, 0.15)))
        seen[f"{file.parent.name}/{file.name}"] = [first.round(4).tolist(), second.round(4).tolist()]
        if done % 500 == 0 or done == len(files):
            print(f"{done} of {len(files)} photos, {time.time() - began:.0f} s", flush=True)
    asked.out.write_text(json.dumps(seen))


def read(folder, part):
    path = folder / f"{part}.json"
    return json.loads(path.read_text()) if path.exists() else []


if __name__ == "__main__":
    main()
