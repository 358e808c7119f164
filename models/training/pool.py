"""Samples drawn once, with all that a public detector says of them: a teacher for `train.py --pool`.

    python pool.py --data PEOPLE --teachers teachers.json --yolox yolox_nano_416.onnx --out pool

Labels say where people are. The teacher (YOLOX-Nano, Apache-2.0, 118,000 photos of COCO) also says how sure it is, what
else there is to see, and, in the features from which its answers come, what a picture looks like to somebody who has
seen far more of them. It sees each sample before light, noise and compression; the student sees it after.

A part of the pool is one side of samples drawn by one process: `{side}-{process}.jpg` JPEG files one behind another,
`.features` numbers of 8 bits `[samples, kept cells, 64]`, `.npz` all else, and how many rows of it each sample has.
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import torch
import torch.multiprocessing as processes

from augmentation import Augmentation
from network import STRIDES
from photos import training_photos

LONGEST = 448  # photos are kept at this longest side
# Side, share of the samples, and how often four photos are joined to one.
PARTS = ((288, 0.36, 0.75), (352, 0.36, 0.75), (416, 0.28, 0.25))
PERSON_FLOOR, CLASS_FLOOR = 0.01, 0.04  # answers below both are as good as none
CHANNELS, CLASSES, PERSON = 64, 80, 0
LEVELS = 32  # 8-bit numbers for one standard deviation of a feature
MIRRORED = 0.3  # share of the samples that are mirrored once more when they are used
TABLES = ("people", "ignored", "cells", "boxes", "scores", "classes")


class Teacher:
    """YOLOX-Nano at any side, on one thread: features and answers of every cell."""

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model, self.taps = opened(onnx.load(str(path)))
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])

    def look(self, picture):
        """Features of the three strides, each `[rows, columns, 64]`, boxes `[cells, 4]` in pixels, scores `[cells, 80]`."""
        batch = np.ascontiguousarray(picture[:, :, ::-1].transpose(2, 0, 1)[None], np.float32)
        rows, *features = self.session.run(["output", *self.taps], {"images": batch})
        rows = rows[0]
        cells, strides = grid(len(picture))
        centre, size = (rows[:, :2] + cells) * strides, np.exp(rows[:, 2:4]) * strides
        boxes = np.concatenate([centre - size / 2, centre + size / 2], 1)
        return [x[0].transpose(1, 2, 0) for x in features], boxes, rows[:, 4:5] * rows[:, 5:]


def opened(model):
    """The graph for any side, its features as further outputs: what goes into the head's two branches at each stride."""
    for dimension, name in zip(model.graph.input[0].type.tensor_type.shape.dim[2:], ("height", "width")):
        dimension.dim_param = name
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "cells"
    made_by = {output: node for node in model.graph.node for output in node.output}
    taps = []
    for level in range(len(STRIDES)):
        last = next(node for node in model.graph.node if f"head.cls_preds.{level}.weight" in node.input)
        tensor = last.input[0]
        for _ in range(4):  # two convolutions, each depthwise and pointwise, each x * sigmoid(x)
            tensor = made_by[made_by[tensor].input[0]].input[0]
        taps.append(tensor)
        model.graph.output.append(onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, None))
    return model, taps


def grid(side):
    cells, strides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[: side // stride, : side // stride]
        cells.append(np.stack([x.ravel(), y.ravel()], 1))
        strides.append(np.full((x.size, 1), stride))
    return np.concatenate(cells), np.concatenate(strides)


def kept_cells(side, phase):
    """Cells whose features are kept: all but at stride 8, where there are many, every second of every second row.

    `phase` (row, column) says with which to begin.
    """
    kept, start = [], 0
    for stride in STRIDES:
        count = side // stride
        numbers = start + np.arange(count * count).reshape(count, count)
        start += count * count
        if stride == STRIDES[0]:
            numbers = numbers[phase[0] :: 2, phase[1] :: 2]
        kept.append(numbers.ravel())
    return np.concatenate(kept)


def draw(rank, asked, photos, mean, deviation):
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    teacher, augmentation = Teacher(asked.yolox), Augmentation(photos, seed=1000 * asked.seed + rank)
    random, began = np.random.default_rng(asked.seed + rank), time.time()
    for side, share, mosaic in PARTS:
        tables, counts, ends, phases, end = {name: [] for name in TABLES}, [], [], [], 0
        count = round(asked.samples * share / asked.processes)
        path = asked.out / f"{side}-{rank}"
        with open(f"{path}.jpg", "wb") as pictures, open(f"{path}.features", "wb") as kept:
            for number in range(1, count + 1):
                picture, people, ignored = augmentation.scene(side, mosaic)
                features, boxes, scores = teacher.look(picture)
                phase = random.integers(0, 2, 2)
                features = np.concatenate([
                    np.clip((x - mean[i]) / deviation[i] * LEVELS, -127, 127).round().astype(np.int8).reshape(-1, CHANNELS)
                    for i, x in enumerate(features)
                ])
                kept.write(features[kept_cells(side, phase)].tobytes())
                end += pictures.write(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 92])[1])
                cells = ((scores.max(1) > CLASS_FLOOR) | (scores[:, PERSON] > PERSON_FLOOR)).nonzero()[0]
                rows = {
                    "people": np.float32(people).reshape(-1, 5), "ignored": np.float32(ignored).reshape(-1, 4),
                    "cells": cells.astype(np.uint16), "boxes": boxes[cells].astype(np.float32),
                    "scores": scores[cells, PERSON].astype(np.float32),
                    "classes": (scores[cells] * 255).round().astype(np.uint8),
                }  # fmt: skip
                for name, table in tables.items():
                    table.append(rows[name])
                counts.append([len(rows["people"]), len(rows["ignored"]), len(cells)])
                ends.append(end)
                phases.append(phase)
                if number % 2000 == 0 and rank == 0:
                    speed = f"{time.time() - began:.0f} s"
                    print(f"side {side}: {number * asked.processes} samples, {speed}", flush=True)
        joined = {name: np.concatenate(table) for name, table in tables.items()}
        np.savez(f"{path}.npz", counts=np.int64(counts), ends=np.int64(ends), phases=np.int64(phases), **joined)


@dataclass
class Answers:
    """What the teacher said of a batch; `picture` is the number of the picture of each row.

    picture, cell `[k]`, boxes `[k, 4]` in pixels, scores `[k]` of people, classes `[k, 80]` of all kinds in 0..1;
    kept `[n, m]` cells whose features `[n, m, 64]` are known, in standard deviations from their mean; faithful `[n]`:
    whether they hold, which they do not in a mirrored picture: the teacher's scores mirror well, its features do not.
    """

    picture: torch.Tensor
    cell: torch.Tensor
    boxes: torch.Tensor
    scores: torch.Tensor
    classes: torch.Tensor
    kept: torch.Tensor
    features: torch.Tensor
    faithful: torch.Tensor


class Part:
    """Samples of one side, drawn by one process."""

    def __init__(self, path):
        self.side = int(path.name.split("-")[0])
        with np.load(path) as file:
            tables = {name: file[name] for name in file.files}
        counts = tables.pop("counts")
        self.ends, self.phases, self.tables = tables.pop("ends"), tables.pop("phases"), tables
        zero = np.zeros((1, 3), np.int64)
        self.starts = np.concatenate([zero, counts.cumsum(0)])
        # Read piece by piece: to map the files into memory is ten times slower where they do not stay there.
        self.pictures, self.features = (os.open(path.with_suffix(end), os.O_RDONLY) for end in (".jpg", ".features"))

    def __len__(self):
        return len(self.ends)

    def sample(self, number, flipped):
        """Picture, a dictionary of the tables' rows, the cells kept and their features."""
        start, end = (int(self.ends[number - 1]) if number else 0), int(self.ends[number])
        picture = cv2.imdecode(np.frombuffer(os.pread(self.pictures, end - start, start), np.uint8), cv2.IMREAD_COLOR)
        rows = {}
        for name, column in zip(TABLES, (0, 1, 2, 2, 2, 2)):
            rows[name] = self.tables[name][self.starts[number, column] : self.starts[number + 1, column]]
        if flipped:
            picture = np.ascontiguousarray(picture[:, ::-1])
            rows["cells"] = mirrored_cells(self.side)[rows["cells"]]
            for name in ("people", "ignored", "boxes"):
                boxes = rows[name] = rows[name].copy()
                boxes[:, [0, 2]] = self.side - boxes[:, [2, 0]]
        kept = kept_cells(self.side, self.phases[number])
        size = len(kept) * CHANNELS
        features = np.frombuffer(os.pread(self.features, size, number * size), np.int8).reshape(-1, CHANNELS)
        return picture, rows, mirrored_cells(self.side)[kept] if flipped else kept, features


def mirrored_cells(side):
    """The number that each cell has in the mirrored picture."""
    numbers, start = [], 0
    for stride in STRIDES:
        count = side // stride
        numbers.append(start + np.arange(count * count).reshape(count, count)[:, ::-1].ravel())
        start += count * count
    return np.concatenate(numbers)


class Pool:
    """All parts; batches of one side with light, noise and compression anew each time."""

    def __init__(self, folder):
        self.parts = {}
        for path in sorted(Path(folder).glob("*.npz")):
            if path.stem[0].isdigit():
                part = Part(path)
                self.parts.setdefault(part.side, []).append(part)
        if not self.parts:
            raise SystemExit(f"{folder}: no samples, draw them with pool.py")
        self.sides = sorted(self.parts)
        self.start(0)

    def start(self, seed):
        self.random = np.random.default_rng(seed)
        self.augmentation = Augmentation([], seed)
        self.queues = {side: [] for side in self.sides}

    def __len__(self):
        return sum(len(part) for parts in self.parts.values() for part in parts)

    def next(self, side):
        """Part and number of a sample: each comes once before any comes again."""
        if not self.queues[side]:
            all_of = [(part, number) for part in self.parts[side] for number in range(len(part))]
            self.queues[side] = [all_of[i] for i in self.random.permutation(len(all_of))]
        return self.queues[side].pop()

    def batch(self, count, side):
        """As `Augmentation.batch`, and what the teacher said."""
        pictures = np.empty((count, side, side, 3), np.uint8)
        rows = {name: [] for name in ("picture", *TABLES)}
        kept, features, mirrored = [], [], self.random.random(count) < MIRRORED
        for number in range(count):
            part, chosen = self.next(side)
            picture, some, cells, known = part.sample(chosen, mirrored[number])
            pictures[number] = self.augmentation.colours(picture)
            some["picture"] = np.full(len(some["cells"]), number)
            for name in ("people", "ignored"):
                some[name] = np.concatenate([np.full((len(some[name]), 1), number, np.float32), some[name]], 1)
            for name, table in rows.items():
                table.append(some[name])
            kept.append(cells)
            features.append(known)
        joined = {name: np.concatenate(table) for name, table in rows.items()}
        answers = Answers(
            torch.from_numpy(joined["picture"]),
            torch.from_numpy(joined["cells"].astype(np.int64)),
            torch.from_numpy(joined["boxes"]),
            torch.from_numpy(joined["scores"]),
            torch.from_numpy(joined["classes"]).float() / 255,
            torch.from_numpy(np.stack(kept)),
            torch.from_numpy(np.stack(features)).float() / LEVELS,
            torch.from_numpy(~mirrored),
        )
        return pictures, joined["people"], joined["ignored"], answers


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True, help="folder with train.json and its photos")
    arguments.add_argument("--teachers", type=Path, help="what teachers.py wrote")
    arguments.add_argument("--frames", type=Path, help="folder of camera pictures that the teachers saw")
    arguments.add_argument("--yolox", type=Path, required=True)
    arguments.add_argument("--samples", type=int, default=90_000, help="0.13 MB each, on disk and better in memory")
    arguments.add_argument("--processes", type=int, default=os.cpu_count())
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--out", type=Path, required=True)
    asked = arguments.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)

    photos = training_photos(asked.data, asked.teachers, asked.frames)
    for photo in photos:
        photo.read(LONGEST)
        photo.weight **= 0.5  # the teacher has something to say of photos without people as well
    teacher, augmentation = Teacher(asked.yolox), Augmentation(photos, seed=asked.seed)
    looks = [teacher.look(augmentation.scene(416, 0.5)[0])[0] for _ in range(100)]
    each = [np.concatenate([look[level].reshape(-1, CHANNELS) for look in looks]) for level in range(len(STRIDES))]
    mean, deviation = [x.mean(0) for x in each], [x.std(0) + 1e-3 for x in each]
    print(f"{len(photos)} photos; {asked.samples} samples with {asked.processes} processes", flush=True)
    processes.start_processes(draw, (asked, photos, mean, deviation), asked.processes, start_method="fork")


if __name__ == "__main__":
    main()
