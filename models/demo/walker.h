/* The walker: a smooth union of cones and ellipsoids that walker.py places, and its colours. */
#include "vectors.h"

enum { SKIN, HAIR, JACKET, TROUSERS, SHOES, SHIRT, CLOTHES };
enum { CONE, EGG };                                          /* shapes of a part */
typedef struct {
    float kind, cloth, blend, flat;      /* flat: how much thinner along the local y axis than along x */
    float a, b, c;                       /* cone: length, radius at its begin and end; egg: radii */
    float cut;                           /* nothing of it below this local z */
    float at[3], axes[9];                /* of the local frame: x to the side, y to the front, z along */
    float place;                         /* PLAIN, HEAD or TORSO */
} Part;
enum { PLAIN, HEAD, TORSO };
static Part parts[96];
static struct { V at; float r; } balls[96];  /* each encloses a part */
static int part_count;
static V low, high;                      /* corners of a box round the walker */
static float tones[CLOTHES][3];

void set_walker(const float *p, int n, const float *colours, const float *corners) {
    part_count = n > 96 ? 96 : n;
    memcpy(parts, p, sizeof(Part) * part_count);
    for (int i = 0; i < part_count; i++) {
        const Part *k = parts + i;
        V at = v(k->at[0], k->at[1], k->at[2]), along = v(k->axes[6], k->axes[7], k->axes[8]);
        int cone = k->kind == CONE;
        balls[i].at = cone ? add(at, scale(along, k->a * 0.5f)) : at;
        balls[i].r = cone ? k->a * 0.5f + fmaxf(k->b, k->c) : fmaxf(k->a, fmaxf(k->b, k->c));
    }
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
    float least = 1e9f;
    for (int i = 0; i < part_count; i++) {
        V away = sub(p, balls[i].at);
        float reach = least + 1.5f * parts[i].blend + balls[i].r;   /* farther parts change nothing */
        if (reach > 0 && dot(away, away) > reach * reach) continue;
        int c = (int)parts[i].cloth;
        float e = part_distance(parts + i, local(parts + i, p));
        if (e < nearest[c]) { nearest[c] = e; which[c] = i; }
        d[c] = join(d[c], e, parts[i].blend);
        least = fminf(least, d[c]);
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
        float stretch = parts[k].place == TORSO ? 1.4f : c == JACKET ? 2.0f : 1.3f;
        V f = v(q.x * 9 + k, q.y * 9, q.z * 9 * stretch + 3 * noise(scale(q, 8)));
        float fold = 1 - fabsf(2 * clouds(f, 2) - 1);
        d -= (c == JACKET ? 0.013f : 0.007f) * fold * fold;
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
                float eye = hypotf((fabsf(q.x) - 0.032f) / 0.014f, (q.z - 0.004f) / 0.007f);
                float brow = hypotf((fabsf(q.x) - 0.034f) / 0.020f, (q.z - 0.026f) / 0.004f);
                if (brow < 1) c = v(0.09f, 0.06f, 0.04f);
                if (eye < 1) c = v(0.05f, 0.04f, 0.035f);
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
