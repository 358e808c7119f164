"""Boxes as rows `x1, y1, x2, y2`: overlap, suppression, agreement, average precision."""

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


# What Lookout does with overlapping boxes, in the same numbers (src/detect/agreement.rs).
VOTES_FROM, SAME, SUPPORTS = 0.01, 0.7, 0.6


def settled(boxes, scores, most):
    """Of boxes that show the same thing, one: where the votes of all put it, the score of the best, and how much the
    others support it: the sum of their scores."""
    kept = non_maximum_suppression(boxes, scores, most)
    votes = scores >= VOTES_FROM
    placed, support = np.zeros((len(kept), 4), np.float32), np.zeros(len(kept), np.float32)
    for row, best in enumerate(kept):
        shared = np.where(votes, overlap(boxes[best : best + 1], boxes)[0], 0)
        shared[best] = 1
        weight = np.where(shared >= SAME, scores * shared**2, 0)
        placed[row] = weight @ boxes / weight.sum()
        support[row] = scores[shared >= SUPPORTS].sum() - scores[best]
    return placed, scores[kept], support


def matched(detections, truths, ignored, least=0.5):
    """Rows (score, true or false, support) of all photos, best first; what lies on an ignored place is left out.

    detections: a list of (boxes, scores, support), one each photo; truths, ignored: lists of boxes. A detection belongs
    to the true box it overlaps most; a second one on the same box is false, as in PASCAL VOC (Everingham et al. 2010).
    """
    taken = [np.zeros(len(boxes), bool) for boxes in truths]
    everything = [(*row, photo) for photo, found in enumerate(detections) for row in zip(*found)]
    rows = []
    for box, score, support, photo in sorted(everything, key=lambda entry: -entry[1]):
        if len(truths[photo]):
            overlaps = overlap([box], truths[photo])[0]
            best = overlaps.argmax()
            if overlaps[best] >= least and not taken[photo][best]:
                taken[photo][best] = True
                rows.append((score, True, support))
                continue
        if len(ignored[photo]) and overlap([box], ignored[photo]).max() >= least:
            continue
        rows.append((score, False, support))
    return rows


def average_precision(rows, truths):
    """Area under the precision envelope, and (precision, recall) arrays by rank; `truths`: the number of true boxes."""
    right = np.array([row[1] for row in rows], float)
    recall = np.cumsum(right) / max(1, truths)
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1] if len(right) else precision
    return float(np.sum(np.diff(np.concatenate([[0.0], recall])) * envelope)), precision, recall
