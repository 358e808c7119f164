/* The yard: its shape as a signed-distance field, and its colours. */
#include "vectors.h"

enum { LAWN, HOUSE, FENCE, LEAVES, TRUNK, LAMP, STONE, POT, PIPE };

static inline float box(V p, V lo, V hi, float r) {
    V c = scale(add(lo, hi), 0.5f), h = sub(scale(sub(hi, lo), 0.5f), v(r, r, r));
    float x = fabsf(p.x - c.x) - h.x, y = fabsf(p.y - c.y) - h.y, z = fabsf(p.z - c.z) - h.z;
    float ax = fmaxf(x, 0), ay = fmaxf(y, 0), az = fmaxf(z, 0);
    return sqrtf(ax * ax + ay * ay + az * az) + fminf(fmaxf(x, fmaxf(y, z)), 0) - r;
}
static inline float cylinder(V p, float x, float y, float r) { return hypotf(p.x - x, p.y - y) - r; }

typedef struct { float x, y, z, r, ruffle, grain; } Bush;   /* grain: lumps to the metre */
static const Bush BUSHES[] = {
    {-7.6f, 13.1f, 0.35f, 0.95f, 0.30f, 3.2f}, {-6.2f, 13.4f, 0.25f, 0.75f, 0.25f, 3.6f}, {-3.1f, 13.5f, 0.30f, 0.85f, 0.28f, 3.4f},
    {-0.6f, 13.4f, 0.20f, 0.70f, 0.25f, 3.6f}, {5.4f, 12.6f, 0.10f, 0.55f, 0.20f, 4.2f}, {6.5f, 12.6f, 0.12f, 0.60f, 0.20f, 4.2f},
    {7.6f, 12.6f, 0.10f, 0.56f, 0.20f, 4.2f}, {4.15f, 12.5f, 0.62f, 0.30f, 0.12f, 6.0f},
    {-10.5f, 21.0f, 4.2f, 3.2f, 1.2f, 1.1f}, {-6.0f, 23.0f, 4.8f, 3.4f, 1.2f, 1.0f}, {-1.4f, 21.5f, 4.0f, 2.9f, 1.1f, 1.1f},
    {-14.5f, 19.0f, 3.6f, 2.8f, 1.0f, 1.2f}, {2.5f, 25.0f, 4.5f, 3.2f, 1.2f, 1.0f},
    {-20, 34, 2, 4, 1.2f, 1.0f}, {-13, 33, 1.5f, 4, 1.2f, 1.0f}, {-7, 35, 2, 4.5f, 1.2f, 1.0f}, {-1, 33, 1.5f, 4, 1.2f, 1.0f},
    {12.2f, 6.6f, 4.6f, 2.1f, 0.9f, 1.3f},                   /* beside the camera: seen by its shadow only */
};
enum { BUSH_COUNT = sizeof BUSHES / sizeof *BUSHES };

static float yard_distance(V p, int *what) {
    float d = p.z, e;
    *what = LAWN;
#define NEARER(kind, distance) do { e = (distance); if (e < d) { d = e; *what = (kind); } } while (0)
    e = box(p, v(1.0f, 13.0f, -1), v(16, 18, 8), 0.01f);
    if (e < d) {
        e = fmaxf(e, -box(p, v(2.2f, 12.5f, 0.15f), v(3.2f, 13.14f, 2.30f), 0));          /* door */
        e = fmaxf(e, -box(p, v(5.2f, 12.5f, 0.95f), v(7.6f, 13.12f, 2.45f), 0));          /* window */
        if (e < d) { d = e; *what = HOUSE; }
        NEARER(HOUSE, box(p, v(5.1f, 12.93f, 0.88f), v(7.7f, 13.1f, 0.96f), 0.01f));       /* sill */
    }
    NEARER(STONE, box(p, v(1.85f, 12.2f, -1), v(3.55f, 13.05f, 0.15f), 0.02f));            /* step */
    NEARER(LAMP, box(p, v(3.52f, 12.86f, 1.85f), v(3.68f, 13.02f, 2.12f), 0.02f));
    NEARER(PIPE, fmaxf(cylinder(p, 8.5f, 12.93f, 0.05f), p.z - 7));
    NEARER(POT, fmaxf(cylinder(p, 4.15f, 12.5f, 0.17f + 0.15f * p.z) * 0.95f, p.z - 0.40f));
    e = box(p, v(-22, 14.2f, 0.05f), v(1.05f, 14.25f, 1.75f), 0.005f);
    if (e < d) {
        float a = p.x / 0.145f, plank = fabsf(a - floorf(a) - 0.5f);
        e = fmaxf(e + 0.02f * step_smooth(0.44f, 0.5f, plank), p.z - 1.72f - 0.03f * hash3((int)floorf(a), 5, 7));
        if (e < d) { d = e; *what = FENCE; }
    }
    NEARER(FENCE, box(p, v(-22, 14.12f, 1.35f), v(1.05f, 14.2f, 1.43f), 0.01f));
    NEARER(TRUNK, cylinder(p, -10.4f, 21.0f, 0.22f));
    NEARER(TRUNK, cylinder(p, -6.1f, 23.0f, 0.25f));
    NEARER(TRUNK, cylinder(p, -1.5f, 21.5f, 0.2f));
    for (int i = 0; i < BUSH_COUNT; i++) {
        const Bush *b = BUSHES + i;
        V q = sub(p, v(b->x, b->y, b->z));
        e = len(q) - b->r;
        if (e < d + b->ruffle) {
            if (e < 2 * b->ruffle) {
                float bulge = 0.65f - 1.0f * noise(scale(p, b->grain * 0.8f));
                e += b->ruffle * bulge;
                if (e < 0.7f * b->ruffle) {
                    e += b->ruffle * (0.60f * (clumps(scale(p, b->grain * 1.5f)) - 0.5f) + 0.20f * (clumps(scale(p, b->grain * 5)) - 0.5f));
                    e *= 0.45f;
                } else e -= 0.5f * b->ruffle;
            } else e -= b->ruffle;
            if (e < d) { d = e; *what = LEAVES; }
        }
    }
#undef NEARER
    return d;
}

static int yard_hit(V o, V d, float far, float *t, int *what) {
    float s = 0.02f;
    for (int i = 0; i < 220 && s < far; i++) {
        float e = yard_distance(add(o, scale(d, s)), what);
        if (e < 0.0004f * (1 + s)) { *t = s; return 1; }
        s += e;
    }
    *t = far;
    return 0;
}
static V yard_normal(V p, float h) {
    int w;
    float c = yard_distance(p, &w);
    return unit(v(yard_distance(v(p.x + h, p.y, p.z), &w) - c, yard_distance(v(p.x, p.y + h, p.z), &w) - c,
                  yard_distance(v(p.x, p.y, p.z + h), &w) - c));
}

/* The garden path: a polyline given by the caller, so that it lies where the walker walks. */
static float path[512][3];   /* x, y, metres from its begin */
static int path_points;
void set_path(const float *points, int n) {
    path_points = n > 512 ? 512 : n;
    memcpy(path, points, sizeof(float) * 3 * path_points);
}
static void path_place(V p, float *along, float *aside) {
    float best = 1e9f;
    *along = *aside = 0;
    for (int i = 0; i + 1 < path_points; i++) {
        float ax = path[i][0], ay = path[i][1], bx = path[i + 1][0] - ax, by = path[i + 1][1] - ay;
        float l = hypotf(bx, by), t = clampf(((p.x - ax) * bx + (p.y - ay) * by) / (l * l), 0, 1);
        float qx = p.x - ax - t * bx, qy = p.y - ay - t * by, d = qx * qx + qy * qy;
        if (d < best) { best = d; *along = path[i][2] + t * l; *aside = (bx * qy - by * qx) / l; }
    }
}

static V paving(float along, float aside, V p, V *n) {
    float row = floorf(along / 0.45f), u = along / 0.45f - row;
    float shift = fmodf(fabsf(row), 2) * 0.5f, cell = floorf(aside / 0.6f + shift), w = aside / 0.6f + shift - cell;
    float joint = fminf(fminf(u, 1 - u) * 0.45f, fminf(w, 1 - w) * 0.6f);
    float tone = hash3((int)row, (int)cell, 3), dirt = clouds(scale(p, 5), 4), speck = noise(scale(p, 90));
    V c = mix(v(0.36f, 0.33f, 0.29f), v(0.47f, 0.43f, 0.38f), tone);
    c = scale(c, 0.72f + 0.42f * dirt + 0.14f * (speck - 0.5f));
    n->x += 0.05f * (hash3((int)row, (int)cell, 8) - 0.5f);
    n->y += 0.05f * (hash3((int)row, (int)cell, 9) - 0.5f);
    return mix(v(0.13f, 0.13f, 0.085f), c, step_smooth(0.004f, 0.014f, joint));
}

/* Colour of the yard at p; the normal is roughened by what grows or lies there. */
static V yard_colour(V p, int what, V *n) {
    switch (what) {
    case LAWN: {
        float along, aside;
        path_place(p, &along, &aside);
        float edge = 0.04f * (noise(scale(p, 14)) - 0.5f);
        V c;
        if (fabsf(aside) < 0.78f + edge) c = paving(along, aside, p, n);
        else if (p.x > 2.1f && p.x < 3.3f && p.y > 7 && p.y < 12.3f && aside > 0) c = paving(p.y, p.x - 2.1f, p, n);
        else if ((p.y < 14.3f && p.y > 13.6f - 0.9f * noise(v(p.x * 0.7f, 1, 2))) || (p.x > 4.6f && p.y > 12.1f + edge))
            c = scale(v(0.13f, 0.085f, 0.055f), 0.6f + 0.8f * clouds(scale(p, 12), 3));    /* flower bed */
        else {
            float patch = clouds(scale(p, 0.55f), 4), tuft = clouds(scale(p, 6), 3);
            float blade = noise(v(p.x * 75, p.y * 26, 1)) * 0.6f + noise(v(p.x * 31 + 7, p.y * 70, 4)) * 0.4f;
            c = mix(v(0.070f, 0.108f, 0.032f), v(0.155f, 0.180f, 0.065f), clampf(patch * 1.5f - 0.3f, 0, 1));
            c = scale(c, (0.55f + 0.9f * tuft) * (0.45f + 1.1f * blade));
            c = mix(c, v(0.27f, 0.24f, 0.11f), 0.35f * step_smooth(0.55f, 0.75f, clouds(scale(p, 1.7f), 3)));
            n->x += 0.9f * (noise(v(p.x * 40, p.y * 18, 9)) - 0.5f);
            n->y += 0.9f * (noise(v(p.x * 40, p.y * 18, 13)) - 0.5f);
        }
        *n = unit(*n);
        return c;
    }
    case HOUSE: {
        if (p.z > 0.96f && p.z < 2.449f && p.x > 5.201f && p.x < 7.599f && p.y > 13.05f) {    /* window */
            float a = (p.x - 5.2f) / 1.2f, u = (a - floorf(a)) * 1.2f, w = p.z - 0.95f;
            if (u < 0.07f || u > 1.13f || w < 0.07f || w > 1.43f) return v(0.72f, 0.71f, 0.68f);
            float fold = 0.5f + 0.5f * sinf(p.x * 38 + 3 * noise(v(p.x * 3, 2, 2)));
            V inside = u > 0.75f ? v(0.025f, 0.03f, 0.035f) : scale(v(0.36f, 0.35f, 0.31f), 0.35f + 0.4f * fold);
            return mix(inside, v(0.20f, 0.25f, 0.32f), 0.30f + 0.25f * w);
        }
        if (p.y < 13 && p.z > 0.8f && p.z < 1.0f && p.x > 5.0f && p.x < 7.8f) return v(0.55f, 0.54f, 0.51f);
        if (p.x > 2.199f && p.x < 3.201f && p.z < 2.301f && p.y > 13.005f) {                     /* door */
            float u = p.x - 2.2f, w = p.z - 0.15f;
            if (u < 0.07f || u > 0.93f || w > 2.08f) return v(0.70f, 0.69f, 0.66f);
            if (hypotf(u - 0.85f, w - 1.02f) < 0.035f) return v(0.5f, 0.42f, 0.2f);
            int light = w > 1.35f && w < 1.9f && u > 0.25f && u < 0.75f;
            if (light) return v(0.10f, 0.12f, 0.14f);
            float panel = fminf(fabsf(u - 0.2f), fminf(fabsf(u - 0.5f), fabsf(u - 0.8f)));
            panel = fminf(panel, fminf(fabsf(w - 0.2f), fabsf(w - 1.1f)));
            return scale(v(0.055f, 0.115f, 0.125f), 0.65f + 0.35f * step_smooth(0.005f, 0.03f, panel));
        }
        if (p.z < 0.35f) return scale(v(0.32f, 0.31f, 0.29f), 0.75f + 0.5f * clouds(scale(p, 6), 4));
        float side = fabsf(n->x) > 0.7f ? p.y : p.x;
        float row = floorf(p.z / 0.075f), a = side / 0.225f + fmodf(row, 2) * 0.5f, cell = floorf(a);
        float u = (a - cell) * 0.225f, w = p.z - row * 0.075f;
        float joint = fminf(fminf(u, 0.225f - u), fminf(w, 0.075f - w));
        V c = mix(v(0.27f, 0.115f, 0.075f), v(0.42f, 0.215f, 0.145f), hash3((int)row, (int)cell, 1));
        if (hash3((int)row, (int)cell, 2) > 0.86f) c = v(0.20f, 0.12f, 0.10f);
        c = scale(c, 0.70f + 0.35f * clouds(scale(p, 25), 3) + 0.3f * clouds(scale(p, 0.8f), 3));
        return mix(v(0.44f, 0.41f, 0.37f), c, step_smooth(0.003f, 0.009f, joint));
    }
    case FENCE: {
        float cell = floorf(p.x / 0.145f), grain = clouds(v(p.x * 40, cell, p.z * 2.2f), 3);
        V c = mix(v(0.21f, 0.145f, 0.095f), v(0.33f, 0.25f, 0.175f), hash3((int)cell, 4, 4));
        return scale(c, 0.55f + 0.8f * grain);
    }
    case LEAVES: {
        float leaf = noise(scale(p, p.y > 17 ? 9 : 34)), clump = clouds(scale(p, 2.5f), 3);
        V c = mix(v(0.030f, 0.060f, 0.018f), v(0.115f, 0.160f, 0.048f), clampf(0.8f * leaf + 0.7f * clump - 0.35f, 0, 1));
        if (p.y < 13.1f && p.x > 4.5f && noise(scale(p, 16)) > 0.80f) c = v(0.55f, 0.13f, 0.22f);   /* blossom */
        float f = p.y > 17 ? 8 : 30;
        n->x += 0.9f * (noise(scale(p, f)) - 0.5f);
        n->y += 0.9f * (noise(add(scale(p, f), v(31, 0, 0))) - 0.5f);
        n->z += 0.9f * (noise(add(scale(p, f), v(0, 57, 0))) - 0.5f);
        *n = unit(*n);
        return c;
    }
    case TRUNK: return scale(v(0.16f, 0.12f, 0.09f), 0.5f + clouds(v(p.x * 20, p.y * 20, p.z * 4), 3));
    case LAMP: return p.z < 2.05f && p.z > 1.9f ? v(0.75f, 0.72f, 0.62f) : v(0.05f, 0.05f, 0.05f);
    case POT: return scale(v(0.42f, 0.20f, 0.12f), 0.8f + 0.4f * clouds(scale(p, 9), 3));
    case PIPE: return v(0.42f, 0.42f, 0.41f);
    default: return scale(v(0.40f, 0.39f, 0.37f), 0.75f + 0.5f * clouds(scale(p, 8), 4));
    }
}
