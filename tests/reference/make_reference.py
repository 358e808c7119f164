#!/usr/bin/env python3
"""Makes tests/fixtures/reference_boxes.json: what other code sees in the photos, for tests/detect_reference.rs.

Both see the same pixels: the photos as a camera would send them (I420), which the ignored test `write_the_photos` writes down,
so that two JPEG decoders cannot differ. From there on everything is another implementation than Lookout's: OpenCV scales,
onnxruntime infers, and the decoders, the suppression and the voting below are plain NumPy, written from the models' own descriptions.

YUV becomes RGB as in OpenCV's own conversion (each chroma sample stands for its four pixels), but in floating point, and
clamped at the end. These small models are nervous: OpenCV's rounding to bytes between the steps alone moves some
scores by more than 0.02 and flips near ties in the suppression (4 of 122 boxes of YOLOX-Nano), while average precision stays
the same. With bytes in between the comparison would have to be loose; like this it is strict.

  pip install numpy opencv-python-headless onnxruntime
  LOOKOUT_PHOTOS=/tmp/photos cargo test --test integration -- --ignored write_the_photos
  make_reference.py ASSETS /tmp/photos > tests/fixtures/reference_boxes.json
"""

import json
import pathlib
import sys

import cv2
import numpy as np
import onnxruntime

MIN_SCORE = 0.3
MAX_OVERLAP = 0.5
# The reference also lists what is a little below the threshold, so that the test can tell "missing" from "just below".
MARGIN = 0.02
# Of a picture's boxes the best so many are asked where things are, from this score on, by those that overlap by so much.
VOTERS, VOTES_FROM, SAME = 1000, 0.01, 0.7

ASSETS, PHOTOS = (pathlib.Path(a) for a in sys.argv[1:3])


def seen_by_camera(photo):
    """A photo as BGR, 0 to 255 and a little beyond, from a file of its name, width, height and planes."""
    w, h = (int(n) for n in photo.stem.split("_")[-1].split("x"))
    cw, ch = (w + 1) // 2, (h + 1) // 2
    planes = np.fromfile(photo, np.uint8).astype(np.float32)
    y, u, v = np.split(planes, [w * h, w * h + cw * ch])
    y = (y.reshape(h, w) - 16) * np.float32(255 / 219)
    u, v = (p.reshape(ch, cw).repeat(2, 0).repeat(2, 1)[:h, :w] - 128 for p in (u, v))
    return np.stack([y + 2.017232 * u, y - 0.391762 * u - 0.812968 * v, y + 1.596027 * v], 2).astype(np.float32)


def scaled(image, width, height):
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR).clip(0, 255)


def letterbox(image, width, height, centred, pad):
    h, w = image.shape[:2]
    ratio = min(width / w, height / h)
    new_w, new_h = round(w * ratio), round(h * ratio)
    left, top = ((width - new_w) // 2, (height - new_h) // 2) if centred else (0, 0)
    canvas = np.full((height, width, 3), pad, np.float32)
    canvas[top : top + new_h, left : left + new_w] = scaled(image, new_w, new_h)
    return canvas, (left, top, ratio, ratio)


def stretch(image, width, height):
    h, w = image.shape[:2]
    return scaled(image, width, height), (0, 0, width / w, height / h)


def grid(width, height, stride):
    """Columns and rows of the cells, in the order of the outputs."""
    rows, columns = np.mgrid[: -(-height // stride), : -(-width // stride)]
    return np.stack([columns.ravel(), rows.ravel()], 1).astype(np.float32)


def corners(centres, sizes):
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], 1)


def yolox(outputs, width, height):
    rows = outputs[0][0]
    cells = [(grid(width, height, s), s) for s in (8, 16, 32)]
    offsets = np.concatenate([c for c, _ in cells])
    strides = np.concatenate([np.full((len(c), 1), s, np.float32) for c, s in cells])
    boxes = corners((rows[:, :2] + offsets) * strides, np.exp(rows[:, 2:4]) * strides)
    return boxes, rows[:, 4:5] * rows[:, 5:]


def nanodet(outputs, width, height):
    boxes = []
    for distances, stride in zip(outputs[3:], (8, 16, 32)):
        logits = distances[0].reshape(-1, 4, 8)
        p = np.exp(logits - logits.max(2, keepdims=True))
        d = (p / p.sum(2, keepdims=True)) @ np.arange(8, dtype=np.float32) * stride
        centre = grid(width, height, stride) * stride + (stride - 1) / 2
        boxes.append(np.concatenate([centre - d[:, :2], centre + d[:, 2:]], 1))
    return np.concatenate(boxes), np.concatenate([o[0] for o in outputs[:3]])


def decoded(outputs, width, height):
    return outputs[0][0, :, :4], outputs[0][0, :, 4:5]


def fastestdet(outputs, width, height):
    channels = outputs[0][0]
    _, rows, columns = channels.shape
    flat = channels.reshape(len(channels), -1).T
    cells = np.stack(np.mgrid[:rows, :columns][::-1], -1).reshape(-1, 2)
    scale = np.array([width, height], np.float32)
    centres = (np.tanh(flat[:, 1:3]) + cells) / [columns, rows] * scale
    sizes = 1 / (1 + np.exp(-flat[:, 3:5])) * scale
    return corners(centres, sizes), flat[:, :1] ** 0.6 * flat[:, 5:] ** 0.4


def overlaps(box, boxes):
    edge = (np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])).clip(0)
    area = lambda b: (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])  # noqa: E731
    both = edge[:, 0] * edge[:, 1]
    return both / (area(box) + area(boxes) - both)


def suppress(boxes, scores, classes):
    """Greedy, class by class. Returns indices, the best first."""
    kept = []
    for i in range(len(boxes)):
        rivals = [k for k in kept if classes[k] == classes[i]]
        if not rivals or overlaps(boxes[i], boxes[rivals]).max() <= MAX_OVERLAP:
            kept.append(i)
    return kept


def voted(i, boxes, scores, classes):
    """Box i, moved to the mean of those of its class that show the same, by score and squared overlap."""
    shared = overlaps(boxes[i], boxes)
    same = (classes == classes[i]) & (shared >= SAME)
    weights = scores[same] * shared[same] ** 2
    return weights @ boxes[same] / weights.sum()


def plain(image):
    return image


def unit_rgb(image):
    return image[:, :, ::-1] / 255


def imagenet(image):
    return (image - np.float32([103.53, 116.28, 123.675])) / np.float32([57.375, 57.12, 58.395])


MODELS = {
    "models/yolox_nano_416.onnx": (lambda i, w, h: letterbox(i, w, h, False, 114), plain, yolox),
    "models/nanodet_m_416.onnx": (lambda i, w, h: letterbox(i, w, h, True, 0), imagenet, nanodet),
    "models/fastestdet_352.onnx": (stretch, lambda i: i / 255, fastestdet),
    "candidate/person_416x416.onnx": (lambda i, w, h: letterbox(i, w, h, False, 114), unit_rgb, decoded),
}


def look(session, model, image):
    fit, normalise, decode = MODELS[model]
    meta = session.get_inputs()[0]
    height, width = meta.shape[2:]
    canvas, (left, top, sx, sy) = fit(image, width, height)
    tensor = np.ascontiguousarray(normalise(canvas).transpose(2, 0, 1)[None], dtype=np.float32)
    boxes, scores = decode(session.run(None, {meta.name: tensor}), width, height)
    classes, best = scores.argmax(1), scores.max(1)
    voters = np.argsort(-best, kind="stable")[:VOTERS]
    voters = voters[best[voters] >= VOTES_FROM]
    boxes, classes, best = boxes[voters], classes[voters], best[voters]
    kept = [i for i in suppress(boxes, best, classes) if best[i] >= MIN_SCORE - MARGIN]
    h, w = image.shape[:2]
    rows = []
    for i in kept:
        edges = (voted(i, boxes, best, classes) - [left, top, left, top]) / [sx, sy, sx, sy] / [w, h, w, h]
        rows.append([int(classes[i]), round(float(best[i]), 4), [round(float(e), 5) for e in edges.clip(0, 1)]])
    return rows


def main():
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    photos = {f"photos/{p.parent.name}/{p.stem.rpartition('_')[0]}.jpg": p for p in sorted(PHOTOS.glob("*/*.i420"))}
    models = {}
    for model in MODELS:
        session = onnxruntime.InferenceSession(str(ASSETS / model), options)
        models[model] = {name: look(session, model, seen_by_camera(p)) for name, p in photos.items()}
    print("{")
    print(f' "min_score": {MIN_SCORE}, "max_overlap": {MAX_OVERLAP}, "margin": {MARGIN},')
    print(' "about": "by make_reference.py: per model and photo [class, score, [left, top, right, bottom]]",')
    print(' "models": {')
    for m, (model, seen) in enumerate(models.items()):
        print(f"  {json.dumps(model)}: {{")
        for i, (photo, boxes) in enumerate(seen.items()):
            print(f"   {json.dumps(photo)}: {json.dumps(boxes)}" + ("," if i + 1 < len(seen) else ""))
        print("  }" + ("," if m + 1 < len(models) else ""))
    print(" }\n}")


main()
