"""What the detector is taught: which cells answer for whom, and how far they are off."""

import torch
from torch.nn import functional

from network import decode

CELLS_PER_PERSON = 10


def loss(rows, centres, strides, people, ignored):
    """Loss of scores, loss of boxes, and the scores to reach `[n, cells]`.

    rows `[n, cells, 5]` from `network.flatten`; people `[k, 6]`: number of the picture, box in pixels, how sure;
    ignored `[m, 5]`. Task-aligned assignment (Feng et al. 2021), quality focal loss (Li et al. 2020), generalized
    intersection over union (Rezatofighi et al. 2019).
    """
    pictures, cells, _ = rows.shape
    logits, boxes = rows[..., 0], decode(rows, centres, strides)
    targets, weights = torch.zeros(pictures, cells), torch.ones(pictures, cells)
    if len(ignored):
        covered = torch.zeros(pictures, cells)
        covered.index_add_(0, ignored[:, 0].long(), inside(centres, ignored[:, 1:5]).float())
        weights[covered > 0] = 0.0
    box_loss = rows.new_zeros(())
    if len(people):
        picture, truth, sure = people[:, 0].long(), people[:, 1:5], people[:, 5]
        with torch.no_grad():
            person, cell, quality = assign(logits, boxes, centres, picture, truth, sure)
        where = picture[person], cell
        targets[where], weights[where] = quality, 1.0
        box_loss = ((1 - generalized_overlap(boxes[where], truth[person])) * quality).sum()
    scores = logits.sigmoid()
    off = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    score_loss = (off * (targets - scores).abs().square() * weights).sum()
    share = targets.sum().clamp(min=1.0)
    return score_loss / share, box_loss / share, targets


def assign(logits, boxes, centres, picture, truth, sure):
    """Which person each chosen cell answers for: indices of people, of cells, and the score to reach."""
    within = inside(centres, truth)
    overlaps = overlap(boxes[picture], truth[:, None])[0] * within
    aligned = logits[picture].sigmoid().sqrt() * overlaps.pow(6)
    best = aligned.topk(min(CELLS_PER_PERSON, aligned.shape[1]), 1)
    chosen = torch.zeros_like(within).scatter_(1, best.indices, best.values > 1e-9) & within
    # A cell chosen by several people of its picture answers for the one it overlaps most.
    most = torch.full(logits.shape, -1.0)
    claims = torch.where(chosen, overlaps, -1.0)
    most.scatter_reduce_(0, picture[:, None].expand_as(claims), claims, "amax")
    chosen &= overlaps >= most[picture]
    top_aligned = (aligned * chosen).amax(1, keepdim=True)
    top_overlap = (overlaps * chosen).amax(1, keepdim=True)
    quality = aligned * top_overlap / (top_aligned + 1e-9) * sure[:, None]
    person, cell = chosen.nonzero(as_tuple=True)
    return person, cell, quality[person, cell]


def inside(centres, boxes):
    """Whether each cell's centre lies in each box: `[boxes, cells]`."""
    x, y = centres[None, :, 0], centres[None, :, 1]
    return (x > boxes[:, 0:1]) & (x < boxes[:, 2:3]) & (y > boxes[:, 1:2]) & (y < boxes[:, 3:4])


def overlap(first, second):
    """Intersection over union, and the union's area."""
    sides = (torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2])).clamp(min=0)
    shared = sides[..., 0] * sides[..., 1]
    union = area(first) + area(second) - shared + 1e-6
    return shared / union, union


def generalized_overlap(first, second):
    ratio, union = overlap(first, second)
    sides = torch.maximum(first[..., 2:], second[..., 2:]) - torch.minimum(first[..., :2], second[..., :2])
    hull = sides[..., 0] * sides[..., 1] + 1e-6
    return ratio - (hull - union) / hull


def area(boxes):
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
