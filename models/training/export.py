"""Writes the trained detector as ONNX, its scores spread, with the sidecar that Lookout reads beside it.

    python export.py --checkpoint runs/person/checkpoint.pt --data PEOPLE --out ..

Slope and offset of the scores and the default threshold are chosen on labelled photos of train.json that were held out
of the training (`photos.held_out`), or where they are too few on all of them; never on test.json.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from boxes import average_precision
from metrics import measure, threshold_table
from network import Deployed, Detector, operations
from photos import held_out

FEWEST = 50  # people on photos held out, to choose scores and threshold on them
SIDECAR = """\
# What Lookout must know of person.onnx beyond what the file says of itself; written by training/export.py.
head = "decoded"
colour = "rgb"
range = "0..1"
placement = "top_left"
pad = 114.0
labels = ["person"]
min_score = {threshold:.2f}

[agreement]
offset = {agreement[0]:.2f}
own = {agreement[1]:.2f}
support = {agreement[2]:.2f}
"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--checkpoint", type=Path, required=True)
    arguments.add_argument("--data", type=Path, required=True, help="folder with train.json and its photos")
    arguments.add_argument("--width", type=int, default=512)
    arguments.add_argument("--height", type=int, default=288)
    arguments.add_argument("--name", default="person")
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--weights", type=Path, help="also write the weights alone here, in 16 bits, to go on from")
    asked = arguments.parse_args()

    torch.set_num_threads(1)  # several wait for one another, the more the busier the machine is
    detector = Detector()
    detector.load_state_dict(torch.load(asked.checkpoint)["average"])
    detector.eval()
    chosen, labelled = held_out, asked.data / "train.json"
    result = measure(detector, labelled, chosen=chosen)
    if result["truths"] < FEWEST:
        print(f"only {result['truths']} people on photos held out: scores and threshold are chosen on all of train.json")
        chosen = None
        result = measure(detector, labelled)
    scores, right, _ = columns(result)
    slope, offset = logistic(right, logit(scores), np.ones_like(scores))
    print(f"AP50 {result['ap50']:.3f}; score = sigmoid({slope:.2f} logit {offset:+.2f})")
    # How sure several boxes are together; fitted to the scores as they come out of the graph.
    result = measure(detector, labelled, slope=slope, offset=offset, chosen=chosen)
    scores, right, support = columns(result)
    inputs = np.ones_like(scores), logit(scores), np.log1p(support)
    agreement = logistic(right, *inputs)
    together = sigmoid(np.stack(inputs, 1) @ agreement)
    order = np.argsort(-together)
    print(f"of boxes together: AP50 {average_precision([(0, it) for it in right[order]], result['truths'])[0]:.3f}; {agreement}")
    table = threshold_table(together, right, result["truths"])
    for threshold, precision, recall in table:
        print(f"  from {threshold:.2f}: precision {precision:.3f}, recall {recall:.3f}")
    threshold = best_threshold(table)

    deployed = Deployed(detector, asked.height, asked.width, slope, offset).eval()
    picture = torch.rand(1, 3, asked.height, asked.width)
    path = asked.out / f"{asked.name}.onnx"
    names = {"input_names": ["image"], "output_names": ["detections"]}
    torch.onnx.export(deployed, picture, str(path), opset_version=17, dynamo=False, **names)
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        wanted = deployed(picture).numpy()
    off = np.abs(session.run(None, {"image": picture.numpy()})[0] - wanted).max()
    if off > 1e-2:
        raise SystemExit(f"{path}: differs from the network by {off}")
    path.with_suffix(".toml").write_text(SIDECAR.format(threshold=threshold, agreement=agreement))
    if asked.weights:
        state = {name: value.half() if value.ndim == 4 else value for name, value in detector.state_dict().items()}
        torch.save({"average": state}, asked.weights)
    gflop = 2 * operations(detector, asked.height, asked.width) / 1e9
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {gflop:.2f} GFLOP, threshold {threshold:.2f}")


def best_threshold(table):
    """The highest threshold whose harmonic mean of precision and recall is within 1 % of the best: among equals, the one
    with the fewest false alarms."""
    means = [2 * precision * recall / (precision + recall + 1e-9) for _, precision, recall in table]
    return max(threshold for (threshold, _, _), mean in zip(table, means) if mean >= 0.99 * max(means))


def columns(result):
    """Scores, whether they are right, and support, as arrays."""
    return np.float64(result["rows"]).T


def logit(score):
    return np.log(score / (1 - score))


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def logistic(right, *inputs):
    """Weights of a logistic curve from the inputs to the share of right detections (Platt 1999), by Newton."""
    inputs = np.stack(inputs, 1)
    curve = np.zeros(inputs.shape[1])
    for _ in range(50):
        guess = sigmoid(inputs @ curve)
        slope = inputs.T @ (right - guess)
        bend = (inputs * (guess * (1 - guess))[:, None]).T @ inputs
        change = np.linalg.solve(bend + 1e-9 * np.eye(len(curve)), slope)
        curve += change
        if np.abs(change).max() < 1e-9:
            break
    return curve


if __name__ == "__main__":
    main()
