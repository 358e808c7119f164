"""Boxes as rows `x1, y1, x2, y2`: overlap, suppression, average precision."""

import numpy as np


def overlap(first, second):
    """Intersection over union of each of `first [n, 4]` with each of `second [m, 4]`: `[n, m]`."""
    first, second = np.asarray(first, np.float32).reshape(-1, 4), np.asarray(second, np.float32).reshape(-1, 4)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    area = lambda boxes: (boxes[:, 2:] - boxes[:, :2]).prod(1)  # noqa: E731
    return shared / (area(first)[:, None] + area(second)[None] - shared + 1e-9)


def non_maximum_suppression(boxes, scores, most):
    """Indices of the boxes kept, best first: none overlaps a better one by more than `most`."""
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[overlap(boxes[best : best + 1], boxes[order])[0] <= most]
    return np.array(kept, int)


def matched(detections, truths, ignored, least=0.5):
    """Pairs (score, true or false) of all photos, best first; what lies on an ignored place is left out.

    detections: a list of (boxes, scores), one each photo; truths, ignored: lists of boxes. A detection belongs to the
    true box it overlaps most; a second one on the same box is false, as in PASCAL VOC (Everingham et al. 2010).
    """
    taken = [np.zeros(len(boxes), bool) for boxes in truths]
    everything = [(score, photo, box) for photo, (boxes, scores) in enumerate(detections) for box, score in zip(boxes, scores)]
    pairs = []
    for score, photo, box in sorted(everything, key=lambda entry: -entry[0]):
        if len(truths[photo]):
            overlaps = overlap([box], truths[photo])[0]
            best = overlaps.argmax()
            if overlaps[best] >= least and not taken[photo][best]:
                taken[photo][best] = True
                pairs.append((score, True))
                continue
        if len(ignored[photo]) and overlap([box], ignored[photo]).max() >= least:
            continue
        pairs.append((score, False))
    return pairs


def average_precision(pairs, truths):
    """Area under the precision envelope, and (precision, recall) arrays by rank; `truths`: the number of true boxes."""
    right = np.array([pair[1] for pair in pairs], float)
    recall = np.cumsum(right) / max(1, truths)
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1] if len(right) else precision
    return float(np.sum(np.diff(np.concatenate([[0.0], recall])) * envelope)), precision, recall
