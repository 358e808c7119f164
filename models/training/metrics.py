"""How well a trained network finds people in labelled photos: the same figures as `lookout evaluate`, before export."""

import json
from pathlib import Path

import cv2
import numpy as np
import torch

from boxes import average_precision, matched, settled
from network import decode, flatten, places

SIDE, FLOOR, MOST_OVERLAP = 416, 0.001, 0.5


def measure(detector, dataset, limit=None, slope=1.0, offset=0.0, chosen=None):
    """`{ap50, rows, truths}` on the first `limit` photos of a dataset like people/test.json, of those `chosen(entry)`."""
    entries, found = detections(detector, dataset, limit, slope, offset, chosen)
    return figures(entries, found)


@torch.no_grad()
def detections(detector, dataset, limit=None, slope=1.0, offset=0.0, chosen=None):
    """The dataset's entries, and for each the boxes found, in pixels of the photo, with their scores and support."""
    dataset = Path(dataset)
    entries = [entry for entry in json.loads(dataset.read_text()) if chosen is None or chosen(entry)][:limit]
    centres, strides = places(SIDE, SIDE)
    found = []
    for entry in entries:
        picture = cv2.imread(str(dataset.parent / entry["file"]))[:, :, ::-1]
        canvas, ratio = letterbox(picture, SIDE)
        tensor = torch.from_numpy(canvas).permute(2, 0, 1)[None].float() / 255
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rows = flatten(detector(tensor))[0]
        scores = (rows[:, 0] * slope + offset).sigmoid().numpy()
        boxes = decode(rows, centres, strides).numpy() / ratio
        seen = scores > FLOOR
        found.append(settled(boxes[seen], scores[seen], MOST_OVERLAP))
    return entries, found


def figures(entries, found):
    truths, ignored = ([entry[key] for entry in entries] for key in ("boxes", "ignore"))
    rows = matched(found, truths, ignored)
    count = sum(map(len, truths))
    return {"ap50": average_precision(rows, count)[0], "rows": rows, "truths": count}


def letterbox(picture, side):
    height, width = picture.shape[:2]
    ratio = side / max(height, width)
    inner = (round(width * ratio), round(height * ratio))
    canvas = np.full((side, side, 3), 114, np.uint8)
    canvas[: inner[1], : inner[0]] = cv2.resize(picture, inner, interpolation=cv2.INTER_LINEAR)
    return canvas, ratio


def threshold_table(scores, right, truths, thresholds=np.arange(0.1, 0.91, 0.05)):
    """Rows (threshold, precision, recall)."""
    rows = []
    for threshold in thresholds:
        kept = right[scores >= threshold]
        rows.append((float(threshold), float(kept.mean()) if len(kept) else 1.0, float(kept.sum() / max(1, truths))))
    return rows
