"""Trains the detector on one machine without a GPU: a few processes of one thread each that average their gradients.

    python train.py --data PEOPLE --teachers teachers.json --minutes 120 --out runs/person

Several threads in one process wait for one another at every layer and stand still when anything else runs; processes
wait once a step. Training ends when its time is up: the learning rate follows the clock. `--start` goes on from the
weights of an earlier checkpoint, also to teach the detector photos of one's own site. `--pool` takes the samples that
pool.py drew, and learns from their teacher beside the labels.
"""

import argparse
import copy
import json
import math
import os
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.distributed as group
import torch.multiprocessing as processes

from augmentation import Augmentation
from distillation import BOXES, FEATURES, KINDS, SCORES, Imitation, distillation
from loss import loss
from metrics import measure
from network import Detector, flatten, places
from photos import training_photos
from pool import Pool

LONGEST = 448  # photos are kept at this longest side
# Until which share of the time, at which sides, and how often four photos are joined to one.
COURSE = (
    (0.25, (192, 224, 256, 288), 0.75),
    (0.55, (224, 256, 288, 320), 0.75),
    (0.88, (288, 320, 352, 384), 0.75),
    (1.00, (320, 352, 384, 416), 0.15),
)
# The same with a pool: how often its sides, from the smallest to the largest, are drawn.
POOL_COURSE = ((0.35, (0.5, 0.4, 0.1)), (0.75, (0.25, 0.5, 0.25)), (1.00, (0.1, 0.3, 0.6)))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True, help="folder with train.json and its photos")
    arguments.add_argument("--teachers", type=Path, help="what teachers.py wrote")
    arguments.add_argument("--frames", type=Path, help="folder of camera pictures that the teachers saw")
    arguments.add_argument("--pool", type=Path, help="folder of samples that pool.py drew")
    arguments.add_argument("--minutes", type=float, default=120)
    arguments.add_argument("--processes", type=int, default=os.cpu_count())
    arguments.add_argument("--batch", type=int, default=32, help="samples a step in each process")
    arguments.add_argument("--rate", type=float, default=2e-3)
    arguments.add_argument("--start", type=Path, help="checkpoint whose weights to start from")
    arguments.add_argument("--tested", type=int, default=300, help="photos of test.json to look at now and then; 0: none")
    arguments.add_argument("--every", type=float, default=8, help="minutes between checkpoints")
    arguments.add_argument("--out", type=Path, required=True)
    asked = arguments.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)

    if asked.pool:
        source = Pool(asked.pool)
        print(f"{len(source)} samples", flush=True)
    else:
        photos = training_photos(asked.data, asked.teachers, asked.frames)
        for photo in photos:
            photo.read(LONGEST)
        people = sum(len(photo.people) for photo in photos)
        print(f"{len(photos)} photos, {people} people, {sum(p.picture.nbytes for p in photos) / 1e9:.1f} GB", flush=True)
        source = Augmentation(photos)

    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=free_port(), GLOO_SOCKET_IFNAME="lo")
    processes.start_processes(train, (asked, source), asked.processes, start_method="fork")


def train(rank, asked, source):
    torch.set_num_threads(1)
    torch.manual_seed(rank)
    group.init_process_group("gloo", rank=rank, world_size=asked.processes)
    detector = Detector().to(memory_format=torch.channels_last)
    if asked.start:
        missing = detector.load_state_dict(torch.load(asked.start)["average"], strict=False)
        if rank == 0:
            print(f"starts from {asked.start}; new: {', '.join(missing.missing_keys) or 'nothing'}", flush=True)
    imitation = Imitation(detector) if asked.pool else torch.nn.Module()
    for value in [*detector.state_dict().values(), *imitation.state_dict().values()]:
        group.broadcast(value, 0)
    average = copy.deepcopy(detector).eval().requires_grad_(False)
    parameters = [*detector.parameters(), *imitation.parameters()]
    kernels = [p for p in parameters if p.ndim == 4]
    others = [p for p in parameters if p.ndim != 4]
    groups = [{"params": kernels, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=asked.rate, betas=(0.9, 0.99), fused=True)
    source.start(seed=int.from_bytes(os.urandom(4), "little"))
    generator = np.random.default_rng(0)  # the same sides in all processes
    clock, samples, step, saved, recent = time.time(), 0, 0, time.time(), []
    detector.train()
    while True:
        passed = torch.tensor([(time.time() - clock) / (asked.minutes * 60)])
        group.broadcast(passed, 0)
        passed = float(passed)
        if passed >= 1:
            break
        rate = asked.rate * min(1, (step + 1) / 300) * (0.99 * (1 + math.cos(math.pi * passed)) / 2 + 0.01)
        for part in optimizer.param_groups:
            part["lr"] = rate

        if asked.pool:
            shares = next(shares for until, shares in POOL_COURSE if passed < until)
            pictures, people, ignored, answers = source.batch(asked.batch, int(generator.choice(source.sides, p=shares)))
        else:
            sides, mosaic = next((sides, mosaic) for until, sides, mosaic in COURSE if passed < until)
            pictures, people, ignored = source.batch(asked.batch, int(generator.choice(sides)), mosaic)
            answers = None
        optimizer.zero_grad()
        total, terms = losses(detector, imitation, pictures, people, ignored, answers, passed)
        total.backward()
        gradients = torch.cat([p.grad.reshape(-1) for p in parameters])
        group.all_reduce(gradients)
        gradients /= asked.processes
        for parameter, gradient in zip(parameters, gradients.split([p.numel() for p in parameters])):
            parameter.grad.copy_(gradient.view(parameter.shape))
        torch.nn.utils.clip_grad_norm_(parameters, 10.0)
        optimizer.step()
        step, samples = step + 1, samples + asked.batch * asked.processes
        if rank:
            continue

        follow(average, detector, min(0.9997, (1 + step) / (10 + step)))
        recent.append(terms)
        if step % 200 == 0:
            means = np.mean(recent[-200:], 0)
            speed = samples / (time.time() - clock)
            print(f"{passed:.1%} step {step} loss {' '.join(f'{x:.3f}' for x in means)} {speed:.0f} samples/s", flush=True)
        if time.time() - saved > asked.every * 60:
            keep(asked, average, detector, step, samples, clock)
            saved = time.time()
    if rank == 0:
        keep(asked, average, detector, step, samples, clock)
    group.destroy_process_group()


def losses(detector, imitation, pictures, people, ignored, answers, passed):
    """The loss to follow, and its terms one by one."""
    side = pictures.shape[1]
    centres, strides = places(side, side)
    pictures = torch.from_numpy(pictures).permute(0, 3, 1, 2).to(torch.bfloat16) / 255
    with torch.autocast("cpu", dtype=torch.bfloat16):
        stages, pyramid = detector.features(pictures)
        rows = flatten(detector.answers(pyramid))
        known = imitation(stages, pyramid) if answers else None
    score_loss, box_loss, targets = loss(rows, centres, strides, torch.from_numpy(people), torch.from_numpy(ignored))
    total, terms = score_loss + 2 * box_loss, [float(score_loss.detach()), float(box_loss.detach())]
    if answers:
        taught = distillation(rows, known, centres, strides, targets, answers)
        fading = 1 - 0.8 * passed  # what is not asked of the detector itself counts less and less
        weights = {"scores": SCORES, "boxes": BOXES, "kinds": KINDS * fading, "features": FEATURES * fading}
        total = total + sum(weights[name] * term for name, term in taught.items())
        terms += [float(term.detach()) for term in taught.values()]
    return total, terms


@torch.no_grad()
def follow(average, detector, inertia):
    """The weights that are kept: a running mean over the last steps (Polyak and Juditsky 1992)."""
    torch._foreach_lerp_(list(average.parameters()), list(detector.parameters()), 1 - inertia)
    for mean, now in zip(average.buffers(), detector.buffers()):
        mean.lerp_(now, 1 - inertia) if mean.is_floating_point() else mean.copy_(now)


def keep(asked, average, detector, step, samples, clock):
    minutes = (time.time() - clock) / 60
    state = {"average": average.state_dict(), "last": detector.state_dict(), "step": step, "samples": samples}
    torch.save(state, asked.out / "new.pt")
    os.replace(asked.out / "new.pt", asked.out / "checkpoint.pt")
    line = {"minutes": round(minutes, 1), "step": step, "samples": samples}
    if asked.tested:
        line["ap50"] = round(measure(average, asked.data / "test.json", asked.tested)["ap50"], 4)
    print(json.dumps(line), flush=True)
    with open(asked.out / "curve.jsonl", "a") as curve:
        curve.write(json.dumps(line) + "\n")


def free_port():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


if __name__ == "__main__":
    main()
