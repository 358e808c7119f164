"""What the detector learns from a teacher beside the labels: its scores, its boxes, other kinds, and its features.

Only `Imitation` has weights of its own; it is left behind when the detector is exported.
"""

import torch
from torch import nn
from torch.nn import functional

from loss import generalized_overlap
from network import decode, flatten
from pool import CHANNELS, CLASSES

SURE = 0.1  # from this score on the teacher's boxes count
# How much each term counts beside the labels' loss: chosen so that their gradients on the network's stages are alike.
SCORES, BOXES, KINDS, FEATURES = 1.0, 1.5, 0.15, 4.0


class Imitation(nn.Module):
    """What the teacher says of other kinds, and its features, from the student's maps: one 1x1 convolution a stride.

    It reads the stages' maps together with the pyramid's: the pyramid is too narrow to hold all that the teacher knows.
    """

    def __init__(self, detector):
        super().__init__()
        stages = [detector.lateral3, detector.lateral4, detector.lateral5]
        inputs = [x.convolution.in_channels + tower.convolution.in_channels for x, tower in zip(stages, detector.towers)]
        self.heads = nn.ModuleList(nn.Conv2d(count, CHANNELS + CLASSES, 1) for count in inputs)
        for head in self.heads:
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
            nn.init.constant_(head.bias[CHANNELS:], -3.0)

    def forward(self, stages, pyramid):
        """Rows `[n, cells, 144]`: 64 features, 80 logits."""
        return flatten([head(torch.cat(pair, 1)) for head, pair in zip(self.heads, zip(stages, pyramid))])


def distillation(rows, known, centres, strides, targets, answers):
    """The four terms, by name, before their weights.

    rows `[n, cells, 5]` as in `loss`; known: what `Imitation` says; targets `[n, cells]`: the labels' scores, which hold
    where the teacher overlooks somebody; answers: `pool.Answers`.
    """
    where = answers.picture, answers.cell
    wanted = torch.zeros(rows.shape[:2])
    wanted[where] = answers.scores
    wanted = torch.where(targets > 0, torch.maximum(wanted, targets), wanted)
    logits = rows[..., 0]
    off = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    scores = (off * (wanted - logits.sigmoid()).abs().square()).sum() / wanted.sum().clamp(min=1.0)

    sure = answers.scores > SURE
    picture, cell = answers.picture[sure], answers.cell[sure]
    found = decode(rows[picture, cell], centres[cell], strides[cell])
    weights = answers.scores[sure]
    boxes = ((1 - generalized_overlap(found, answers.boxes[sure])) * weights).sum() / weights.sum().clamp(min=1.0)

    guess = known[where][:, CHANNELS:]
    off = functional.binary_cross_entropy_with_logits(guess, answers.classes, reduction="none")
    kinds = off.sum() / answers.classes.sum().clamp(min=1.0)

    seen = answers.faithful.nonzero()[:, 0]
    guess = known[seen[:, None], answers.kept[seen], :CHANNELS]
    features = functional.mse_loss(guess, answers.features[seen]) if len(seen) else rows.new_zeros(())
    return {"scores": scores, "boxes": boxes, "kinds": kinds, "features": features}
