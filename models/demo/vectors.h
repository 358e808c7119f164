/* Vectors, noise, and the light of sun and sky. */
#ifndef VECTORS_H
#define VECTORS_H
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

/* ---- light ------------------------------------------------------------------------------------------ */

const V SUN = {0.60f, -0.46f, 0.655f};            /* towards the sun, about 41 degrees high */
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

#endif
