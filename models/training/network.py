"""The detector: shapes chosen for the engine that runs it (tract, one thread, no GPU).

Measured in that engine: dense convolutions at an eighth of the picture's side and below run at full speed, those on
larger maps at a fifth of it, depthwise ones at a tenth. So the stem is thin, most of the work is done on small maps,
every convolution is dense, and there is one cell for one place: no anchors, no suppression inside the graph.

Input `[n, 3, height, width]`, RGB, 0..1, sides multiples of 32. Output of `Detector`: for each of the strides 8, 16
and 32 a map `[n, 5, height / stride, width / stride]`: logit of the score, logarithms of the distances from the cell's
centre to the left, top, right and bottom edge in units of the stride (FCOS, Tian et al. 2019).
"""

import copy
import math
from functools import cache

import torch
from torch import nn
from torch.nn import functional

from normalize import Normalize

STRIDES = (8, 16, 32)


class Convolution(nn.Module):
    """Convolution, normalization, and SiLU unless told otherwise."""

    def __init__(self, inputs, outputs, kernel=3, stride=1, silu=True):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.normalization = Normalize(outputs, silu)

    def forward(self, x):
        return self.normalization(self.convolution(x))


class Residual(nn.Module):
    """1x1 to half the channels, 3x3 back, added to the input (He et al. 2016, its narrow form)."""

    def __init__(self, channels):
        super().__init__()
        self.narrow = Convolution(channels, channels // 2, 1)
        self.widen = Convolution(channels // 2, channels, 3)

    def forward(self, x):
        return x + self.widen(self.narrow(x))


class Surroundings(nn.Module):
    """Two chained 5x5 maxima beside the map itself: each cell sees most of the picture (SPPF of YOLOv5)."""

    def __init__(self, channels):
        super().__init__()
        self.narrow = Convolution(channels, channels // 2, 1)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.join = Convolution(channels // 2 * 3, channels, 1)

    def forward(self, x):
        near = self.narrow(x)
        far = self.pool(near)
        return self.join(torch.cat([near, far, self.pool(far)], 1))


class Detector(nn.Module):
    def __init__(self, stem=(8, 24), stages=(48, 96, 192), blocks=(1, 3, 3), fine=32, coarse=48):
        super().__init__()
        c3, c4, c5 = stages
        stage = lambda inputs, outputs, count: nn.Sequential(  # noqa: E731
            Convolution(inputs, outputs, 3, 2), *[Residual(outputs) for _ in range(count)]
        )
        self.stem = nn.Sequential(Convolution(3, stem[0], 3, 2), Convolution(stem[0], stem[1], 3, 2))
        self.stage3 = stage(stem[1], c3, blocks[0])
        self.stage4 = stage(c3, c4, blocks[1])
        self.stage5 = nn.Sequential(*stage(c4, c5, blocks[2]), Surroundings(c5))
        # Feature pyramid, down and up again, by addition (Lin et al. 2017, Liu et al. 2018).
        self.lateral3 = Convolution(c3, fine, 1, silu=False)
        self.lateral4 = Convolution(c4, coarse, 1, silu=False)
        self.lateral5 = Convolution(c5, coarse, 1, silu=False)
        self.thin = Convolution(coarse, fine, 1, silu=False)
        self.down4, self.down3 = Convolution(coarse, coarse), Convolution(fine, fine)
        self.to4, self.to5 = Convolution(fine, coarse, 3, 2, silu=False), Convolution(coarse, coarse, 3, 2, silu=False)
        self.up4, self.up5 = Convolution(coarse, coarse), Convolution(coarse, coarse)
        widths = (fine, coarse, coarse)
        self.towers = nn.ModuleList(Convolution(width, width) for width in widths)
        self.predict = nn.ModuleList(nn.Conv2d(width, 5, 1) for width in widths)
        self.start()

    def start(self):
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if isinstance(module, Residual):
                nn.init.constant_(module.widen.normalization.weight, 0.25)
        for head in self.predict:
            nn.init.normal_(head.weight, std=0.01)
            nn.init.constant_(head.bias, math.log(2.0))
            head.bias.data[0] = -math.log(99)  # one place in a hundred holds a person (Lin et al. 2017)

    def forward(self, picture):
        return self.answers(self.features(picture)[1])

    def answers(self, features):
        return [predict(tower(x)) for predict, tower, x in zip(self.predict, self.towers, features)]

    def features(self, picture):
        """Maps at the three strides: those of the stages, and those of the pyramid, from which the answers come."""
        c3 = self.stage3(self.stem(picture))
        c4 = self.stage4(c3)
        c5 = self.stage5(c4)
        larger = lambda x: functional.interpolate(x, scale_factor=2.0, mode="nearest")  # noqa: E731
        p5 = self.lateral5(c5)
        p4 = self.down4(functional.silu(self.lateral4(c4) + larger(p5)))
        p3 = self.down3(functional.silu(self.lateral3(c3) + larger(self.thin(p4))))
        q4 = self.up4(functional.silu(p4 + self.to4(p3)))
        q5 = self.up5(functional.silu(p5 + self.to5(q4)))
        return (c3, c4, c5), (p3, q4, q5)


@cache
def places(height, width):
    """Centres `[n, 2]` and strides `[n, 1]` of all cells, in pixels, in the order of `flatten`."""
    centres, strides = [], []
    for stride in STRIDES:
        y, x = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        centres.append((torch.stack([x, y], -1).reshape(-1, 2).float() + 0.5) * stride)
        strides.append(torch.full((len(centres[-1]), 1), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def flatten(maps):
    """The three maps as rows `[n, cells, 5]` of 32-bit numbers."""
    return torch.cat([x.float().flatten(2).transpose(1, 2) for x in maps], 1)


def decode(rows, centres, strides):
    """Rows `[..., 5]` to boxes `[..., 4]` in pixels."""
    reach = torch.exp(rows[..., 1:].clamp(-5, 5)) * strides
    return torch.cat([centres - reach[..., :2], centres + reach[..., 2:]], -1)


class Deployed(nn.Module):
    """What is exported: one picture in, `[1, n, 5]` of x1, y1, x2, y2 in input pixels and score out.

    `slope` and `offset` spread the scores, so that a score is near the share of such detections that are right
    (Platt 1999); the order of detections stays.
    """

    def __init__(self, detector, height, width, slope=1.0, offset=0.0):
        super().__init__()
        self.detector = folded(detector)
        with torch.no_grad():
            for head in self.detector.predict:
                head.weight[0] *= slope
                head.bias[0] = head.bias[0] * slope + offset
        centres, strides = places(height, width)
        self.register_buffer("centres", centres[None])
        self.register_buffer("strides", strides[None])

    def forward(self, image):
        rows = torch.cat([x.flatten(2) for x in self.detector(image)], 2).transpose(1, 2)
        reach = torch.exp(rows[..., 1:5]) * self.strides
        score = torch.sigmoid(rows[..., :1])
        return torch.cat([self.centres - reach[..., :2], self.centres + reach[..., 2:], score], 2)


def folded(detector):
    """A copy whose normalizations are multiplied into the convolutions before them."""
    detector = copy.deepcopy(detector).float().eval()
    for module in detector.modules():
        if isinstance(module, Convolution):
            old, norm = module.convolution, module.normalization
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            new = nn.Conv2d(old.in_channels, old.out_channels, old.kernel_size, old.stride, old.padding)
            new.weight.data = old.weight.data * gain[:, None, None, None]
            new.bias.data = norm.bias.data - norm.running_mean * gain
            module.convolution = new
            module.normalization = nn.SiLU() if norm.silu else nn.Identity()
    return detector


def operations(detector, height, width):
    """Multiplications in the convolutions for one picture."""
    total = []
    count = lambda module, _, out: total.append(out.numel() * module.weight[0].numel())  # noqa: E731
    hooks = [m.register_forward_hook(count) for m in detector.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        detector.eval()(torch.zeros(1, 3, height, width))
    for hook in hooks:
        hook.remove()
    return sum(total)
