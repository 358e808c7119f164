"""The training photos with what is known of them: boxes of people, and places that are neither right nor wrong."""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from boxes import overlap

# Its labels are incomplete, and were filtered with a detector whose licence we do not want: the teachers label it anew.
UNTRUSTED_SOURCES = {"lschen_street_partial"}
# Of the labelled photos one in so many is kept out of the training, to choose scores and threshold on.
HELD_OUT = 11


@dataclass
class Photo:
    """Boxes in 0..1 of the picture: people `[n, 5]` (the last is how sure we are), ignored `[m, 4]`."""

    file: Path
    people: np.ndarray
    ignored: np.ndarray
    weight: float  # how often it is drawn, against the others
    kind: str
    picture: np.ndarray | None = None  # RGB

    def read(self, longest):
        picture = cv2.imread(str(self.file))
        if picture is None:
            raise SystemExit(f"{self.file}: not a picture")
        height, width = picture.shape[:2]
        ratio = min(1.0, longest / max(height, width))
        if ratio < 1:
            size = (round(width * ratio), round(height * ratio))
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        self.picture = np.ascontiguousarray(picture[:, :, ::-1])


def training_photos(folder, teachers, frames=None):
    """All photos to train on. `teachers` is what teachers.py wrote; without it, only labelled photos are used."""
    folder = Path(folder)
    seen = {}
    if teachers:
        for name, (first, second) in json.loads(Path(teachers).read_text()).items():
            seen[name] = tuple(np.float32(rows).reshape(-1, 5) for rows in (first, second))
    photos = []
    for entry in json.loads((folder / "train.json").read_text()):
        file = folder / entry["file"]
        opinions = seen.get(f"{file.parent.name}/{file.name}")
        if held_out(entry):
            continue
        if entry["source"] not in UNTRUSTED_SOURCES:
            photos.append(labelled(file, entry, opinions))
        elif opinions and len(agreed(*opinions)[0]):
            photos.append(taught(file, opinions, "street", 1.0, 0.0))
    more = [folder / entry["file"] for entry in read_list(folder / "pseudo.json")]
    photos += [taught(file, seen[f"{file.parent.name}/{file.name}"], "animals", 1.5, 0.3) for file in more if seen]
    for file in sorted(Path(frames).glob("*.jpg")) if frames and seen else []:
        photos.append(taught(file, seen[f"{file.parent.name}/{file.name}"], "cameras", 2.0, 0.5))
    return photos


def held_out(entry):
    """Whether an entry of train.json is kept out of the training; it hangs on the photo's name alone."""
    return entry["source"] not in UNTRUSTED_SOURCES and zlib.crc32(Path(entry["file"]).name.encode()) % HELD_OUT == 0


def read_list(path):
    return json.loads(path.read_text()) if path.exists() else []


def labelled(file, entry, opinions):
    scale = np.float32([entry["width"], entry["height"]] * 2)
    boxes = np.float32(entry["boxes"]).reshape(-1, 4) / scale
    ignored = np.float32(entry["ignore"]).reshape(-1, 4) / scale
    if opinions is not None:
        # People whom the labels forgot must not be taught as background.
        extra = opinions[0][opinions[0][:, 4] >= 0.4][:, :4]
        known = np.concatenate([boxes, ignored])
        if len(extra) and len(known):
            extra = extra[overlap(extra, known).max(1) < 0.3]
        ignored = np.concatenate([ignored, extra])
    people = np.concatenate([boxes, np.ones((len(boxes), 1), np.float32)], 1)
    return Photo(file, people, ignored, 2.0 if len(people) else 0.6, "labelled")


def taught(file, opinions, kind, weight, weight_if_empty):
    people, unsure = agreed(*opinions)
    return Photo(file, people, unsure, weight if len(people) else weight_if_empty, kind)


def agreed(first, second):
    """People `[n, 5]` on whom both teachers agree, and boxes `[m, 4]` of which only one is fairly sure."""
    overlaps = overlap(first[:, :4], second[:, :4])
    people, unsure, used = [], [], set()
    for row, sure in enumerate(first):
        other = int(overlaps[row].argmax()) if len(second) else -1
        together = other >= 0 and overlaps[row, other] >= 0.5
        if together:
            used.add(other)
        mean = (sure[4] + (second[other, 4] if together else 0.0)) / 2
        if together and mean >= 0.42:
            share = sure[4] / (sure[4] + second[other, 4])
            box = share * sure[:4] + (1 - share) * second[other, :4]
            people.append([*box, min(1.0, mean + 0.2)])
        elif sure[4] >= 0.22:
            unsure.append(sure[:4])
    unsure += [row[:4] for i, row in enumerate(second) if i not in used and row[4] >= 0.35]
    return np.float32(people).reshape(-1, 5), np.float32(unsure).reshape(-1, 4)
