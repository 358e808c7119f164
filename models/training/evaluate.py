"""Average precision of a checkpoint on labelled photos: in total, by source, and by height of the person.

    python evaluate.py --checkpoint runs/person/checkpoint.pt --dataset PEOPLE/test.json

What is exported is measured with `lookout evaluate`, for which this is the cross-check.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from metrics import detections, figures, threshold_table
from network import Detector

HEIGHTS = (("under 15 %", 0.0, 0.15), ("15 to 40 %", 0.15, 0.4), ("over 40 %", 0.4, 9.0))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--checkpoint", type=Path, required=True)
    arguments.add_argument("--dataset", type=Path, required=True)
    arguments.add_argument("--limit", type=int)
    asked = arguments.parse_args()
    torch.set_num_threads(1)  # several wait for one another, the more the busier the machine is
    detector = Detector()
    detector.load_state_dict(torch.load(asked.checkpoint)["average"])
    entries, found = detections(detector.eval(), asked.dataset, asked.limit)
    total = figures(entries, found)
    print(f"all: {len(entries)} photos, {total['truths']} people, AP50 {total['ap50']:.3f}")
    for source in sorted({entry["source"] for entry in entries}):
        some = [i for i, entry in enumerate(entries) if entry["source"] == source]
        part = figures([entries[i] for i in some], [found[i] for i in some])
        print(f"{source}: {len(some)} photos, {part['truths']} people, AP50 {part['ap50']:.3f}")
    for name, least, most in HEIGHTS:
        part = figures([only(entry, least, most) for entry in entries], found)
        print(f"height {name}: {part['truths']} people, AP50 {part['ap50']:.3f}")
    scores, right = (np.array([row[column] for row in total["rows"]]) for column in (0, 1))
    for threshold, precision, recall in threshold_table(scores, right, total["truths"]):
        print(f"  from {threshold:.2f}: precision {precision:.3f}, recall {recall:.3f}")


def only(entry, least, most):
    """The entry with people of other heights ignored."""
    high = lambda box: (box[3] - box[1]) / entry["height"]  # noqa: E731
    right = [box for box in entry["boxes"] if least <= high(box) < most]
    other = [box for box in entry["boxes"] if not least <= high(box) < most]
    return {**entry, "boxes": right, "ignore": entry["ignore"] + other}


if __name__ == "__main__":
    main()
