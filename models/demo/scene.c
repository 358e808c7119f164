/* The yard and the walker as signed-distance fields, sphere-traced.
 *
 * The yard does not move, so `yard` traces it once, several samples to a pixel, and keeps for each sample how far it
 * lies and which light it gets from the sun and from the sky. `frame` then traces the walker alone over those samples
 * and takes away the light that the walker keeps from them.
 *
 * Right-handed coordinates in metres: x to the right of the picture, y away from the camera, z up.
 */
#include "vectors.h"
#include "walker.h"
#include "yard.h"

/* ---- the empty yard ---------------------------------------------------------------------------------------------- */

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

/* ---- the picture ------------------------------------------------------------------------------------------------- */

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
