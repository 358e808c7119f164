/* The yard and the walker as signed-distance fields, sphere-traced.
 *
 * The yard does not move, so `yard` traces it once, several samples to a pixel, and keeps for each sample how far it
 * lies and which light it gets from the sun and from the sky. `frame` then traces the walker alone over those samples
 * and takes away the light that the walker keeps from them.
 *
 * Right-handed coordinates in metres: x to the right of the picture, y away from the camera, z up.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct { float x, y, z; } V;
static inline V v(float x, float y, float z) { return (V){x, y, z}; }
static inline V add(V a, V b) { return v(a.x + b.x, a.y + b.y, a.z + b.z); }
static inline V sub(V a, V b) { return v(a.x - b.x, a.y - b.y, a.z - b.z); }
static inline V mul(V a, V b) { return v(a.x * b.x, a.y * b.y, a.z * b.z); }
static inline V scale(V a, float s) { return v(a.x * s, a.y * s, a.z * s); }
static inline float dot(V a, V b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static inline float len(V a) { return sqrtf(dot(a, a)); }
static inline V unit(V a) { return scale(a, 1.0f / (len(a) + 1e-20f)); }
static inline V cross(V a, V b) { return v(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x); }
static inline float clampf(float x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }
static inline float mixf(float a, float b, float t) { return a + (b - a) * t; }
static inline V mix(V a, V b, float t) { return v(mixf(a.x, b.x, t), mixf(a.y, b.y, t), mixf(a.z, b.z, t)); }
static inline float step_smooth(float lo, float hi, float x) {
    float t = clampf((x - lo) / (hi - lo), 0, 1);
    return t * t * (3 - 2 * t);
}

/* ---- noise ---------------------------------------------------------------------------------------------------- */

static inline uint32_t mash(uint32_t h) {
    h ^= h >> 16; h *= 0x7feb352du; h ^= h >> 15; h *= 0x846ca68bu; h ^= h >> 16;
    return h;
}
static inline float hash3(int x, int y, int z) {
    return (mash((uint32_t)x * 73856093u ^ (uint32_t)y * 19349663u ^ (uint32_t)z * 83492791u) >> 8) * (1.0f / 16777216);
}
static float noise(V p) { /* 0 to 1, smooth */
    float fx = floorf(p.x), fy = floorf(p.y), fz = floorf(p.z);
    int x = (int)fx, y = (int)fy, z = (int)fz;
    float a = p.x - fx, b = p.y - fy, c = p.z - fz;
    a = a * a * (3 - 2 * a); b = b * b * (3 - 2 * b); c = c * c * (3 - 2 * c);
    float n0 = mixf(mixf(hash3(x, y, z), hash3(x + 1, y, z), a), mixf(hash3(x, y + 1, z), hash3(x + 1, y + 1, z), a), b);
    float n1 = mixf(mixf(hash3(x, y, z + 1), hash3(x + 1, y, z + 1), a), mixf(hash3(x, y + 1, z + 1), hash3(x + 1, y + 1, z + 1), a), b);
    return mixf(n0, n1, c);
}
static float clouds(V p, int octaves) { /* fractal noise, 0 to 1 */
    float s = 0, w = 0.5f, t = 0;
    for (int i = 0; i < octaves; i++) { s += w * noise(p); t += w; w *= 0.5f; p = add(scale(p, 2.03f), v(17.1f, 9.2f, 4.7f)); }
    return s / t;
}
static float clumps(V p) { /* distance to the nearest of scattered points: 0 in the middle of a clump, about 1 between them */
    int x = (int)floorf(p.x), y = (int)floorf(p.y), z = (int)floorf(p.z);
    float best = 9;
    for (int i = -1; i < 2; i++) for (int j = -1; j < 2; j++) for (int k = -1; k < 2; k++) {
        uint32_t h = mash((uint32_t)(x + i) * 73856093u ^ (uint32_t)(y + j) * 19349663u ^ (uint32_t)(z + k) * 83492791u);
        float a = x + i + (h & 1023) / 1024.0f - p.x, b = y + j + (h >> 10 & 1023) / 1024.0f - p.y, c = z + k + (h >> 20 & 1023) / 1024.0f - p.z;
        best = fminf(best, a * a + b * b + c * c);
    }
    return sqrtf(best);
}
static inline float chance(uint32_t *s) { *s = *s * 747796405u + 2891336453u; return (mash(*s) >> 8) * (1.0f / 16777216); }

/* ---- light and camera ------------------------------------------------------------------------------------------ */

static const V SUN = {0.60f, -0.46f, 0.655f};            /* towards the sun, about 41 degrees high */
static const V SUNLIGHT = {3.3f, 3.0f, 2.55f};
static const float SUN_WIDTH = 0.012f;                    /* of its disc, as a tangent: wider than the real one, for soft shadows */

static V sky(V d) {
    float h = clampf(d.z, 0, 1);
    V c = mix(v(0.78f, 0.86f, 0.95f), v(0.24f, 0.44f, 0.80f), powf(h, 0.55f));
    if (d.z > 0.01f) {
        float cover = clouds(v(d.x / (d.z + 0.18f) * 1.4f, d.y / (d.z + 0.18f) * 1.4f, 3), 5);
        c = mix(c, v(1.0f, 1.0f, 1.0f), step_smooth(0.48f, 0.72f, cover) * 0.8f);
    }
    return c;
}

/* ---- the yard --------------------------------------------------------------------------------------------------- */

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
    {9.5f, 3.2f, 4.6f, 2.1f, 0.9f, 1.3f},                   /* beside the camera: seen by its shadow only */
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

typedef struct { V eye, right, down, ahead; float pixel; int width, height, grid; } Camera;
static Camera camera;
/* pixel: the size of a pixel at one metre; grid: samples across a pixel. */
void set_camera(const float *eye, const float *right, const float *down, const float *ahead, float pixel, int width, int height, int grid) {
    camera = (Camera){v(eye[0], eye[1], eye[2]), v(right[0], right[1], right[2]), v(down[0], down[1], down[2]),
                      v(ahead[0], ahead[1], ahead[2]), pixel, width, height, grid};
}
static V ray(int x, int y, int s) {
    float u = x + (s % camera.grid + 0.5f) / camera.grid - camera.width * 0.5f;
    float w = y + (s / camera.grid + 0.5f) / camera.grid - camera.height * 0.5f;
    return unit(add(camera.ahead, add(scale(camera.right, u * camera.pixel), scale(camera.down, w * camera.pixel))));
}

typedef struct { float depth; V normal, sun, ambient; } Sample;   /* light that reaches the eye, by where it comes from */
int sample_size(void) { return sizeof(Sample); }

static V toward_sun(uint32_t *seed, float ring) {
    V a = unit(cross(SUN, v(0, 0, 1))), b = cross(a, SUN);
    float r = SUN_WIDTH * sqrtf(ring), phi = 6.2831853f * chance(seed);
    return unit(add(unit(SUN), add(scale(a, r * cosf(phi)), scale(b, r * sinf(phi)))));
}

/* Traces rows `from` to `to` of the empty yard; `rays` of light to the sun and to the sky for each sample. */
void yard(Sample *out, int from, int to, int rays) {
    int each = camera.grid * camera.grid;
    for (int y = from; y < to; y++) for (int x = 0; x < camera.width; x++) for (int s = 0; s < each; s++) {
        Sample *o = out + ((size_t)y * camera.width + x) * each + s;
        V d = ray(x, y, s);
        uint32_t seed = mash((uint32_t)((y * camera.width + x) * each + s) + 1);
        int what, other;
        float t;
        if (!yard_hit(camera.eye, d, 70, &t, &what)) {
            *o = (Sample){1e9f, v(0, 0, 1), v(0, 0, 0), sky(d)};
            continue;
        }
        V p = add(camera.eye, scale(d, t)), n = yard_normal(p, 0.0015f * t), face = n, c = yard_colour(p, what, &n);
        V start = add(p, scale(face, 0.004f + 0.0012f * t));
        float lit = 0;
        V ambient = v(0, 0, 0), side = unit(cross(n, fabsf(n.z) < 0.9f ? v(0, 0, 1) : v(1, 0, 0))), up = cross(n, side);
        for (int i = 0; i < rays; i++) {
            float far;
            if (!yard_hit(start, toward_sun(&seed, (i + chance(&seed)) / rays), 30, &far, &other)) lit += 1.0f / rays;
            float r = sqrtf((i + chance(&seed)) / rays), phi = 6.2831853f * chance(&seed);
            V q = add(scale(n, sqrtf(1 - r * r)), add(scale(side, r * cosf(phi)), scale(up, r * sinf(phi))));
            if (dot(q, face) <= 0) continue;
            if (!yard_hit(start, q, 12, &far, &other)) ambient = add(ambient, sky(q));
            else {                                          /* light thrown back by what stands there, roughly */
                V back = other == LAWN ? v(0.26f, 0.28f, 0.14f) : other == HOUSE ? v(0.40f, 0.26f, 0.19f) : v(0.12f, 0.15f, 0.07f);
                ambient = add(ambient, scale(back, 0.9f));
            }
        }
        ambient = scale(ambient, 0.80f / rays);
        float facing = fmaxf(dot(n, unit(SUN)), 0);
        if (what == LEAVES) facing = 0.25f + 0.75f * facing;
        *o = (Sample){t, n, mul(c, scale(SUNLIGHT, facing * lit)), mul(c, ambient)};
    }
}

/* ---- the walker -------------------------------------------------------------------------------------------------- */

enum { SKIN, HAIR, JACKET, TROUSERS, SHOES, SHIRT, CLOTHES };
enum { CONE, EGG };                                          /* shapes of a part */
typedef struct {
    float kind, cloth, blend, flat;      /* flat: how much thinner along the local y axis than along x */
    float a, b, c;                       /* cone: length, radius at its begin and end; egg: radii */
    float cut;                           /* nothing of it below this local z */
    float at[3], axes[9];                /* of the local frame: x to the side, y to the front, z along */
    float place;                         /* which part of the body: PLAIN, HEAD, FOOT, TORSO, LIMB */
} Part;
enum { PLAIN, HEAD, FOOT, TORSO, LIMB };
static Part parts[96];
static int part_count;
static V low, high;                      /* corners of a box round the walker */
static float tones[CLOTHES][3];

void set_walker(const float *p, int n, const float *colours, const float *corners) {
    part_count = n > 96 ? 96 : n;
    memcpy(parts, p, sizeof(Part) * part_count);
    memcpy(tones, colours, sizeof tones);
    low = v(corners[0], corners[1], corners[2]);
    high = v(corners[3], corners[4], corners[5]);
}
int part_size(void) { return sizeof(Part) / sizeof(float); }

static inline V local(const Part *k, V p) {
    float x = p.x - k->at[0], y = p.y - k->at[1], z = p.z - k->at[2];
    const float *m = k->axes;
    return v(m[0] * x + m[1] * y + m[2] * z, m[3] * x + m[4] * y + m[5] * z, m[6] * x + m[7] * y + m[8] * z);
}
static inline float part_distance(const Part *k, V q) {
    float d;
    if (k->kind == CONE) {
        float y = q.y * k->flat, r = sqrtf(q.x * q.x + y * y);
        float slope = (k->b - k->c) / k->a, run = sqrtf(fmaxf(1 - slope * slope, 0.0f)), f = q.z * run - r * slope;
        if (f < 0) d = sqrtf(r * r + q.z * q.z) - k->b;
        else if (f > k->a * run) d = sqrtf(r * r + (q.z - k->a) * (q.z - k->a)) - k->c;
        else d = r * run + q.z * slope - k->b;
        if (k->flat > 1) d /= mixf(1, k->flat, clampf(fabsf(y) / (r + 1e-6f), 0, 1));
    } else {
        V e = v(q.x / k->a, q.y / k->b, q.z / k->c), g = v(e.x / k->a, e.y / k->b, e.z / k->c);
        float l = len(e);
        d = l * (l - 1) / (len(g) + 1e-6f);
    }
    return fmaxf(d, k->cut - q.z);
}
static inline float join(float a, float b, float k) {        /* smooth union */
    float h = fmaxf(k - fabsf(a - b), 0) / k;
    return fminf(a, b) - h * h * k * 0.25f;
}
/* Distance to the walker; `cloth` and `part` tell what is nearest. */
static float walker_distance(V p, int *cloth, int *part) {
    float d[CLOTHES], nearest[CLOTHES];
    int which[CLOTHES];
    for (int i = 0; i < CLOTHES; i++) { d[i] = nearest[i] = 1e9f; which[i] = 0; }
    for (int i = 0; i < part_count; i++) {
        int c = (int)parts[i].cloth;
        float e = part_distance(parts + i, local(parts + i, p));
        if (e < nearest[c]) { nearest[c] = e; which[c] = i; }
        d[c] = join(d[c], e, parts[i].blend);
    }
    int best = 0;
    for (int i = 1; i < CLOTHES; i++) if (d[i] < d[best]) best = i;
    *cloth = best;
    *part = which[best];
    return d[best];
}
/* The same with folds and hair: for normals. */
static float walker_surface(V p) {
    int c, k;
    float d = walker_distance(p, &c, &k);
    V q = local(parts + k, p);
    if (c == JACKET || c == TROUSERS) {
        float stretch = parts[k].place == TORSO ? 1.4f : 2.4f;
        V f = v(q.x * 9 + k, q.y * 9, q.z * 9 * stretch + 3 * noise(scale(q, 8)));
        float fold = 1 - fabsf(2 * clouds(f, 2) - 1);
        d -= (c == JACKET ? 0.014f : 0.011f) * fold * fold;
    } else if (c == HAIR) d -= 0.012f * clouds(v(q.x * 70, q.y * 25, q.z * 25), 2);
    return d;
}

/* Part of the ray that lies in the box round the walker. */
static int in_box(V o, V d, float grow, float *from, float *to) {
    float t0 = 0, t1 = 1e9f;
    const float *O = &o.x, *D = &d.x, *L = &low.x, *H = &high.x;
    for (int i = 0; i < 3; i++) {
        float k = 1.0f / (fabsf(D[i]) < 1e-9f ? 1e-9f : D[i]), a = (L[i] - grow - O[i]) * k, b = (H[i] + grow - O[i]) * k;
        t0 = fmaxf(t0, fminf(a, b));
        t1 = fminf(t1, fmaxf(a, b));
    }
    *from = t0; *to = t1;
    return t0 < t1;
}
/* How much of the sun's disc the walker leaves free. */
static float walker_shadow(V p) {
    float t, end, free = 1;
    V d = unit(SUN);
    int c, k;
    if (!in_box(p, d, 0.04f, &t, &end)) return 1;
    t = fmaxf(t, 0.012f);
    for (int i = 0; i < 60 && t < end; i++) {
        float e = walker_distance(add(p, scale(d, t)), &c, &k);
        free = fminf(free, 0.5f + 0.5f * e / (SUN_WIDTH * t + 0.002f));
        if (free <= 0) return 0;
        t += clampf(fabsf(e) * 0.8f, 0.006f, 0.3f);
    }
    return free * free * (3 - 2 * free);
}
/* How much of the sky the walker leaves free at p, seen along n. */
static float walker_openness(V p, V n, float reach) {
    float taken = 0, weight = 0.5f;
    int c, k;
    if (p.x < low.x - reach || p.x > high.x + reach || p.y < low.y - reach || p.y > high.y + reach || p.z > high.z + reach) return 1;
    for (int i = 1; i <= 5; i++) {
        float h = reach * i / 5, e = walker_distance(add(p, scale(n, h)), &c, &k);
        taken += weight * fmaxf(h - e, 0) / h;
        weight *= 0.62f;
    }
    return clampf(1 - 0.80f * taken, 0.12f, 1);
}

static V walker_colour(V p, int cloth, int part) {
    const Part *k = parts + part;
    V q = local(k, p), c = v(tones[cloth][0], tones[cloth][1], tones[cloth][2]);
    switch (cloth) {
    case SKIN:
        if (k->place == HEAD) {
            float cheeks = step_smooth(0.05f, 0.0f, hypotf(fabsf(q.x) - 0.04f, q.z + 0.03f));
            c = mix(c, v(0.60f, 0.25f, 0.18f), 0.30f * cheeks);
            if (q.y > 0.03f) {
                float eye = hypotf((fabsf(q.x) - 0.032f) / 0.017f, (q.z - 0.004f) / 0.009f);
                float brow = hypotf((fabsf(q.x) - 0.034f) / 0.024f, (q.z - 0.027f) / 0.007f);
                float mouth = hypotf(q.x / 0.028f, (q.z + 0.067f) / 0.008f);
                if (brow < 1) c = v(0.09f, 0.06f, 0.04f);
                if (eye < 1) c = v(0.05f, 0.04f, 0.035f);
                if (mouth < 1) c = v(0.36f, 0.13f, 0.11f);
            }
        }
        return c;
    case HAIR: return scale(c, 0.5f + clouds(v(q.x * 90, q.y * 25, q.z * 25), 2));
    case JACKET:
        if (k->place == TORSO && fabsf(q.x) < 0.008f && q.y > 0) c = scale(c, 0.35f);           /* zip */
        return scale(c, 0.80f + 0.35f * clouds(scale(q, 14), 3));
    case TROUSERS: return scale(c, 0.78f + 0.25f * clouds(scale(q, 20), 3) + 0.2f * noise(v(q.x * 160, q.y * 160, q.z * 60)));
    case SHOES: return q.y > 0.024f ? v(0.62f, 0.60f, 0.56f) : c;
    default: return c;
    }
}

static V walker_light(V p, V d) {
    int cloth, part, other;
    float c = walker_distance(p, &cloth, &part), h = 0.0022f, t;
    c = walker_surface(p);
    V n = unit(v(walker_surface(v(p.x + h, p.y, p.z)) - c, walker_surface(v(p.x, p.y + h, p.z)) - c, walker_surface(v(p.x, p.y, p.z + h)) - c));
    V colour = walker_colour(p, cloth, part), start = add(p, scale(n, 0.010f));
    float sun = fmaxf(dot(n, unit(SUN)), 0);
    if (sun > 0) sun *= walker_shadow(start);
    if (sun > 0 && yard_hit(start, unit(SUN), 30, &t, &other)) sun = 0;
    float open = walker_openness(p, n, 0.22f);
    float ground = clampf(p.z / 0.5f, 0.45f, 1);             /* near the ground less of the bright surroundings is seen */
    V above = v(0.50f, 0.62f, 0.80f), below = v(0.30f, 0.28f, 0.20f);
    V ambient = scale(mix(below, above, 0.5f + 0.5f * n.z), 0.85f * open * ground);
    V out = mul(colour, add(scale(SUNLIGHT, sun), ambient));
    V mirror = sub(d, scale(n, 2 * dot(d, n)));              /* a little gloss */
    float gloss = cloth == HAIR ? 0.10f : cloth == SHOES ? 0.10f : cloth == SKIN ? 0.06f : 0.025f;
    float rim = powf(1 - clampf(-dot(n, d), 0, 1), 4);
    out = add(out, scale(SUNLIGHT, gloss * sun * powf(fmaxf(dot(mirror, unit(SUN)), 0), 18)));
    return add(out, scale(above, 0.10f * rim * open));
}

/* ---- the picture ------------------------------------------------------------------------------------------------- */

static const float EXPOSURE = 0.78f;
static float tone(float x) {                                 /* filmic curve, then the gamma of sRGB */
    x = fmaxf(x, 0) * EXPOSURE;
    x = clampf(x * (2.51f * x + 0.03f) / (x * (2.43f * x + 0.59f) + 0.14f), 0, 1);
    return x <= 0.0031308f ? 12.92f * x : 1.055f * powf(x, 1 / 2.4f) - 0.055f;
}

/* One picture, pixels [x0,x1) x [y0,y1) only; returns how many of its samples show the walker.
 * out: width x height x 3 values of 0 to 1, RGB. walker: 0 for the empty yard. */
int frame(const Sample *yard_samples, float *out, int x0, int y0, int x1, int y1, int walker) {
    int each = camera.grid * camera.grid, seen = 0, cloth, part;
    for (int y = y0; y < y1; y++) for (int x = x0; x < x1; x++) {
        V sum = v(0, 0, 0);
        for (int s = 0; s < each; s++) {
            const Sample *b = yard_samples + ((size_t)y * camera.width + x) * each + s;
            V c = add(b->sun, b->ambient);
            if (walker) {
                V d = ray(x, y, s);
                float t, end;
                int hit = 0;
                if (in_box(camera.eye, d, 0.01f, &t, &end)) {
                    end = fminf(end, b->depth);
                    for (int i = 0; i < 90 && t < end; i++) {
                        float e = walker_distance(add(camera.eye, scale(d, t)), &cloth, &part);
                        if (e < 0.0012f) { hit = 1; break; }
                        t += e * 0.8f;
                    }
                }
                if (hit) { c = walker_light(add(camera.eye, scale(d, t)), d); seen++; }
                else if (b->depth < 1e8f) {
                    V p = add(camera.eye, scale(d, b->depth)), q = add(p, scale(b->normal, 0.004f));
                    float lit = b->sun.x > 0 ? walker_shadow(q) : 1;
                    c = add(scale(b->sun, lit), scale(b->ambient, walker_openness(p, v(0, 0, 1), 0.7f)));
                }
            }
            sum = add(sum, v(tone(c.x), tone(c.y), tone(c.z)));
        }
        float u = (x + 0.5f) / camera.width - 0.5f, w = (y + 0.5f) / camera.height - 0.5f;
        float dim = (1 - 0.55f * (u * u + w * w)) / each;    /* lenses are darker in the corners */
        float *o = out + ((size_t)y * camera.width + x) * 3;
        o[0] = sum.x * dim; o[1] = sum.y * dim; o[2] = sum.z * dim;
    }
    return seen;
}
