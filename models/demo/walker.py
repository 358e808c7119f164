"""A walking person as a list of simple shapes, for `scene.c`.

Own coordinates of the walker, in metres: x to its right, y ahead, z up, the origin on the ground under the hips.
Lengths are those of a person of 1.77 m; the walk has the timing of an adult's (stance 62 % of the cycle, double support
twice 12 %, arms against legs). Feet stand still on the ground while they carry; the legs follow by inverse kinematics.
"""

import math

import numpy as np

SKIN, HAIR, JACKET, TROUSERS, SHOES, SHIRT = range(6)
CONE, EGG = range(2)
PLAIN, HEAD, TORSO = range(3)

CADENCE = 1.9  # steps a second
STANCE = 0.62  # part of the cycle in which a foot carries
THIGH, SHIN, ANKLE = 0.435, 0.42, 0.085  # lengths; height of the ankle
HIP_HALF, SHOULDER_HALF = 0.09, 0.178
UPPER_ARM, FOREARM = 0.30, 0.255
HIPS = 0.912  # mean height of the hip joints while walking
REACH = 0.315  # of the ankle ahead of the hips when the heel strikes
HEEL, BALL = np.array([-0.055, -ANKLE]), np.array([0.125, -ANKLE])  # from the ankle (ahead, up)


def turn(axis, degrees):
    """Rotation by the right hand about the x, y or z axis (0, 1, 2)."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    m = np.eye(3)
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    m[i, i], m[i, j], m[j, i], m[j, j] = c, -s, s, c
    return m


def eased(x, keys):
    """Value at x between keys (x, value), standing still at each key."""
    for (a, u), (b, w) in zip(keys, keys[1:]):
        if a <= x <= b:
            t = (x - a) / (b - a)
            return u + (w - u) * t * t * (3 - 2 * t)
    raise ValueError(x)


def pitched(point, degrees):
    """A point of the foot (ahead, up) with the toes lifted by so many degrees."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([c * point[0] - s * point[1], s * point[0] + c * point[1]])


def foot_pitch(phase):
    return eased(phase, [(0, 20), (0.09, 0), (0.36, 0), (STANCE, -56), (0.9, 14), (1, 20)])


def carrying_ankle(phase):
    """The ankle (ahead, up) of a foot that stands with the heel at 0; it rolls over heel, sole and ball."""
    pitch = foot_pitch(phase)
    if pitch >= 0:
        return -pitched(HEEL, pitch)
    return (BALL - HEEL) - pitched(BALL, pitch)


def ankle(time, speed, offset):
    """The ankle (metres along the way, up) and the pitch of one foot; offset: 0 or half a cycle."""
    cycle = 2 / CADENCE
    turns = time / cycle + offset
    phase = turns % 1.0
    strike = speed * (time - phase * cycle) + REACH + HEEL[0]  # where this step's heel stands
    if phase <= STANCE:
        at = carrying_ankle(phase)
        return strike + at[0], at[1], foot_pitch(phase)
    # Swing: from where the toes left to where the heel will strike, with the velocities of both ends.
    stride, span, h = speed * cycle, (1 - STANCE) * cycle, 1e-3
    begin, end = carrying_ankle(STANCE), carrying_ankle(0) + [stride, 0]
    leave = (begin - carrying_ankle(STANCE - h)) / (h * cycle) * span
    land = np.array([0.35 * speed, -0.10]) * span
    t = (phase - STANCE) / (1 - STANCE)
    at = ((2 * t**3 - 3 * t**2 + 1) * begin + (t**3 - 2 * t**2 + t) * leave
          + (3 * t**2 - 2 * t**3) * end + (t**3 - t**2) * land)
    return strike + at[0], at[1], foot_pitch(phase)


class Shapes:
    """Collects parts in the layout of `Part` in scene.c."""

    def __init__(self):
        self.rows = []

    def _row(self, kind, cloth, blend, flat, sizes, cut, at, axes, place):
        self.rows.append([kind, cloth, blend, flat, *sizes, cut, *at, *np.asarray(axes).ravel(), place])

    def cone(self, cloth, a, b, begin, end, right=(1, 0, 0), flat=1.0, blend=0.03, cut=-9.0, place=PLAIN):
        """A cone with round ends from a to b; `flat` times thinner at right angles to `right`."""
        a, b = np.asarray(a, float), np.asarray(b, float)
        length = np.linalg.norm(b - a)
        z = (b - a) / length
        x = np.asarray(right, float)
        x = x - z * (x @ z)
        x /= np.linalg.norm(x)
        self._row(CONE, cloth, blend, flat, (length, begin, end), cut, a, [x, np.cross(z, x), z], place)

    def egg(self, cloth, centre, radii, axes, blend=0.02, cut=-9.0, place=PLAIN):
        """An ellipsoid; the rows of `axes` are its own axes."""
        self._row(EGG, cloth, blend, 1.0, radii, cut, centre, axes, place)


def leg(shapes, hip, foot, pitch, heading, frame):
    """Thigh and shin by inverse kinematics in the plane that looks ahead, then the shoe."""
    across = foot - hip
    distance = min(np.linalg.norm(across), (THIGH + SHIN) * 0.9985)
    along = across / np.linalg.norm(across)
    side = frame[:, 0]
    ahead = np.cross(along, side)
    ahead *= np.sign(ahead[1]) or 1
    bend = (THIGH**2 - SHIN**2 + distance**2) / (2 * distance)
    knee = hip + along * bend + ahead * math.sqrt(max(THIGH**2 - bend**2, 0))
    top = hip + np.array([0, 0.0, 0.01])
    shapes.cone(TROUSERS, top, knee, 0.092, 0.064, right=side, flat=0.94, blend=0.045)
    # The jacket's hem goes along with the thigh.
    shapes.cone(JACKET, hip + (knee - hip) * 0.34, hip + (knee - hip) * 0.05, 0.101, 0.108, right=side, blend=0.07, cut=-0.01)
    calf = knee + (foot - knee) * 0.30 - ahead * 0.012
    shapes.cone(TROUSERS, knee, calf, 0.062, 0.064, right=side, blend=0.04)
    # Drawn from the cuff upwards, so that the cut leaves an open end over the shoe.
    cuff = foot + (knee - foot) * 0.035
    shapes.cone(TROUSERS, cuff, calf, 0.058, 0.063, right=side, blend=0.04, cut=-0.01)
    toes = heading @ turn(0, pitch)  # columns: right, ahead, up of the shoe

    def shoe(ahead, up, aside=0.0):
        return foot + toes @ np.array([aside, ahead, up])

    down = -ANKLE
    # Local y of these cones is the shoe's up: along (z) x right (x).
    for a, b, r, s, flat in [
        (shoe(-0.025, down + 0.040), shoe(0.125, down + 0.034), 0.043, 0.046, 1.05),
        (shoe(0.12, down + 0.034), shoe(0.175, down + 0.028), 0.045, 0.036, 1.15),
        (shoe(-0.01, -0.005), shoe(0.06, down + 0.045), 0.046, 0.045, 1.0),
    ]:
        shapes.cone(SHOES, a, b, r, s, right=toes[:, 0], flat=flat, blend=0.03)


def arm(shapes, shoulder, swing, elbow, outward, sign, trunk):
    """One arm; swing and elbow in degrees, positive to the front; sign: 1 right, -1 left."""
    upper = trunk @ turn(1, -sign * outward) @ turn(0, swing)
    joint = shoulder + upper @ np.array([0, 0, -UPPER_ARM])
    lower = upper @ turn(0, elbow) @ turn(1, sign * 5)
    wrist = joint + lower @ np.array([0, 0, -FOREARM])
    shapes.cone(JACKET, shoulder, joint, 0.066, 0.050, right=upper[:, 0], blend=0.05)
    cuff = wrist + (joint - wrist) * 0.02
    shapes.cone(JACKET, cuff, joint, 0.040, 0.050, right=lower[:, 0], blend=0.03, cut=-0.012)
    # The palm looks to the thigh: the hand is thin from side to side.
    palm, knuckles = wrist + lower @ np.array([0, 0, -0.02]), wrist + lower @ np.array([0, 0.006, -0.085])
    shapes.cone(SKIN, wrist, palm, 0.027, 0.029, right=lower[:, 1], flat=1.3, blend=0.02)
    shapes.cone(SKIN, palm, knuckles, 0.033, 0.039, right=lower[:, 1], flat=2.0, blend=0.02)
    tips = lower @ turn(0, 25)
    for across in (-0.024, -0.008, 0.008, 0.024):
        root = knuckles + lower @ np.array([0, across, -0.005])
        shapes.cone(SKIN, root, root + tips @ np.array([-sign * 0.012, 0, -0.065]), 0.0105, 0.008, blend=0.008)
    thumb = wrist + lower @ np.array([0, 0.03, -0.03])
    shapes.cone(SKIN, thumb, thumb + lower @ np.array([-sign * 0.012, 0.028, -0.055]), 0.014, 0.010, blend=0.02)


def body(time, speed, foot_at):
    """The parts at `time` seconds of walking, and the walker's height over the ground.

    foot_at: gives for a place (metres along the way, metres to the right of it) the same place in the walker's own
    coordinates (x, y) and the heading there, a 3 x 3 matrix whose columns are right, ahead and up.
    """
    shapes = Shapes()
    turns = time * CADENCE / 2
    wave, twice = 2 * math.pi * turns, 4 * math.pi * turns
    # Phase 0: the left heel strikes. Hips are lowest just after, highest over the carrying leg.
    bob = -0.020 * math.cos(twice - 0.5)
    sway = -0.018 * math.sin(wave - 0.3)
    hips = np.array([sway, 0, HIPS + bob])
    pelvis = turn(2, -5 * math.cos(wave)) @ turn(1, 3 * math.sin(wave))
    trunk = turn(2, 5 * math.cos(wave)) @ turn(0, -4) @ turn(1, -1.5 * math.sin(wave))

    for sign, offset in ((-1, 0.0), (1, 0.5)):
        along, up, pitch = ankle(time, speed, offset)
        place, heading = foot_at(along, sign * 0.075)
        outward = heading @ turn(2, -sign * 6)
        leg(shapes, hips + pelvis @ np.array([sign * HIP_HALF, 0, 0]), np.array([place[0], place[1], up]), pitch, outward, outward)
    shapes.egg(TROUSERS, hips + [0, -0.008, 0.02], (0.160, 0.106, 0.13), pelvis.T, blend=0.05)

    def at(x, y, z):  # of a point of the trunk at rest (hips at 0.93)
        return hips + trunk @ np.array([x, y, z - 0.93])

    side = trunk[:, 0]
    torso = dict(right=side, blend=0.06, place=TORSO)
    shapes.cone(JACKET, hips + pelvis @ np.array([0, -0.022, -0.02]), at(0, 0, 1.12), 0.184, 0.152, flat=1.22, cut=-0.10, **torso)
    shapes.cone(JACKET, at(0, 0, 1.10), at(0, -0.005, 1.33), 0.150, 0.168, flat=1.42, **torso)
    shapes.cone(JACKET, at(-0.125, -0.01, 1.425), at(0.125, -0.01, 1.425), 0.070, 0.070, right=trunk[:, 2], blend=0.07, place=TORSO)
    shapes.cone(JACKET, at(0, -0.01, 1.44), at(0, -0.012, 1.49), 0.095, 0.065, **torso)
    shapes.cone(JACKET, at(0, -0.014, 1.55), at(0, -0.012, 1.47), 0.064, 0.074, right=side, blend=0.03, cut=0.03, place=TORSO)  # collar
    shapes.cone(SHIRT, at(0, 0.035, 1.515), at(0, 0.06, 1.44), 0.05, 0.05, right=side, blend=0.02)

    for sign in (-1, 1):
        beat = math.cos(wave) * sign  # the right arm is in front while the left heel strikes
        arm(shapes, at(sign * SHOULDER_HALF, -0.01, 1.425), 2 + 23 * beat, 20 + 13 * beat, 8, sign, trunk)

    look = turn(2, -16 + 18 * math.sin(0.75 * time + 0.6)) @ turn(0, -3)
    neck, centre = at(0, -0.012, 1.47), at(0, 0.012, 1.655)
    shapes.cone(SKIN, neck, centre + look @ np.array([0, -0.015, -0.06]), 0.058, 0.054, blend=0.02)

    def face(x, y, z):
        return centre + look @ np.array([x, y, z])

    shapes.egg(SKIN, face(0, 0, 0), (0.076, 0.097, 0.108), look.T, blend=0.03, place=HEAD)
    shapes.egg(SKIN, face(0, 0.022, -0.062), (0.056, 0.068, 0.066), look.T, blend=0.03)
    shapes.cone(SKIN, face(0, 0.09, 0.012), face(0, 0.104, -0.024), 0.010, 0.014, blend=0.02)
    for sign in (-1, 1):
        shapes.egg(SKIN, face(sign * 0.078, -0.008, -0.012), (0.011, 0.020, 0.030), look.T, blend=0.01)
    # Hair: a cap, cut along a plane from the brow down to the nape.
    cap = turn(0, -50) @ look.T
    shapes.egg(HAIR, face(0, -0.012, 0.014), (0.087, 0.112, 0.108), cap, cut=-0.004)
    shapes.egg(HAIR, face(0, -0.020, 0.035), (0.083, 0.098, 0.092), look.T, blend=0.03, cut=0.022)
    return np.array(shapes.rows, np.float32)
