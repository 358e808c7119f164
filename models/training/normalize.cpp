// Batch normalization with SiLU behind it, forward and backward, on 16-bit channels-last activations.
//
// Why: on a processor with AVX-512 BF16 the library's own kernels for these two spend as long as all convolutions of
// a narrow network together. Each direction here reads its input twice and writes once; the activation is recomputed
// in the backward pass instead of being kept.
//
// Batch normalization: Ioffe and Szegedy 2015. SiLU: Elfwing, Uchibe and Doya 2017.

#include <immintrin.h>
#include <torch/extension.h>

#include <numeric>
#include <vector>

namespace {

constexpr int kLanes = 16;

// Channel values laid out over a whole number of vectors, however the number of channels divides them.
struct Lanes {
  int64_t channels, period, blocks;
  Lanes(const torch::Tensor& x)
      : channels(x.size(1)), period(std::lcm<int64_t>(channels, kLanes)), blocks(x.numel() / period) {
    TORCH_CHECK(x.scalar_type() == torch::kBFloat16 && x.is_contiguous(at::MemoryFormat::ChannelsLast),
                "16-bit channels-last activations");
    TORCH_CHECK(x.numel() % period == 0, "batch and sides must fill whole vectors");
  }
  std::vector<float> spread(const float* of_channel) const {
    std::vector<float> lanes(period);
    for (int64_t i = 0; i < period; i++) lanes[i] = of_channel[i % channels];
    return lanes;
  }
  void gather(const std::vector<float>& lanes, double* of_channel) const {
    for (int64_t i = 0; i < period; i++) of_channel[i % channels] += lanes[i];
  }
};

inline __m512 load(const uint16_t* at) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)at)), 16));
}

inline void store(uint16_t* at, __m512 value) { _mm256_storeu_si256((__m256i*)at, (__m256i)_mm512_cvtneps_pbh(value)); }

// 1 / (1 + exp(-z)), good to the precision of 16 bits.
inline __m512 sigmoid(__m512 z) {
  __m512 t = _mm512_mul_ps(z, _mm512_set1_ps(-1.44269504f));
  t = _mm512_min_ps(_mm512_max_ps(t, _mm512_set1_ps(-120.f)), _mm512_set1_ps(120.f));
  __m512 whole = _mm512_roundscale_ps(t, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 f = _mm512_sub_ps(t, whole);
  __m512 p = _mm512_set1_ps(0.009618129f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.05550411f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.24022651f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.69314718f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.f));
  __m512 d = _mm512_add_ps(_mm512_scalef_ps(p, whole), _mm512_set1_ps(1.f));
  __m512 r = _mm512_rcp14_ps(d);
  return _mm512_mul_ps(r, _mm512_fnmadd_ps(d, r, _mm512_set1_ps(2.f)));
}

inline const uint16_t* bits(const torch::Tensor& t) { return (const uint16_t*)t.data_ptr(); }
inline uint16_t* bits_of(torch::Tensor& t) { return (uint16_t*)t.data_ptr(); }

// Sums over many terms are cut into runs, so that 32-bit accumulators stay exact enough.
constexpr int64_t kRun = 512;

}  // namespace

// x [n, c, h, w] -> y, mean [c], 1 / standard deviation [c]
std::vector<torch::Tensor> forward(torch::Tensor x, torch::Tensor weight, torch::Tensor bias, double eps, bool silu) {
  Lanes lanes(x);
  const auto c = lanes.channels, period = lanes.period;
  const auto* in = bits(x);
  std::vector<double> sum(c, 0), squares(c, 0);
  for (int64_t from = 0; from < lanes.blocks; from += kRun) {
    std::vector<float> s(period, 0), q(period, 0);
    const auto to = std::min(lanes.blocks, from + kRun);
    for (int64_t v = 0; v < period; v += kLanes) {
      __m512 a = _mm512_setzero_ps(), b = _mm512_setzero_ps();
      for (int64_t i = from; i < to; i++) {
        __m512 value = load(in + i * period + v);
        a = _mm512_add_ps(a, value);
        b = _mm512_fmadd_ps(value, value, b);
      }
      _mm512_storeu_ps(&s[v], a);
      _mm512_storeu_ps(&q[v], b);
    }
    lanes.gather(s, sum.data());
    lanes.gather(q, squares.data());
  }
  auto mean = torch::empty({c}), inverse = torch::empty({c});
  const double count = double(x.numel()) / c;
  std::vector<float> scale(c), shift(c);
  for (int64_t k = 0; k < c; k++) {
    const double m = sum[k] / count, variance = std::max(0.0, squares[k] / count - m * m);
    mean.data_ptr<float>()[k] = float(m);
    inverse.data_ptr<float>()[k] = float(1.0 / std::sqrt(variance + eps));
    scale[k] = weight.data_ptr<float>()[k] * inverse.data_ptr<float>()[k];
    shift[k] = bias.data_ptr<float>()[k] - scale[k] * float(m);
  }
  const auto a = lanes.spread(scale.data()), b = lanes.spread(shift.data());
  auto y = torch::empty_like(x);
  auto* out = bits_of(y);
  for (int64_t i = 0; i < lanes.blocks; i++)
    for (int64_t v = 0; v < period; v += kLanes) {
      __m512 z = _mm512_fmadd_ps(load(in + i * period + v), _mm512_loadu_ps(&a[v]), _mm512_loadu_ps(&b[v]));
      store(out + i * period + v, silu ? _mm512_mul_ps(z, sigmoid(z)) : z);
    }
  return {y, mean, inverse};
}

// Gradients of x, weight, bias.
std::vector<torch::Tensor> backward(torch::Tensor dy, torch::Tensor x, torch::Tensor weight, torch::Tensor bias,
                                    torch::Tensor mean, torch::Tensor inverse, bool silu) {
  Lanes lanes(x);
  Lanes same(dy);
  const auto c = lanes.channels, period = lanes.period;
  const float *w = weight.data_ptr<float>(), *m = mean.data_ptr<float>(), *r = inverse.data_ptr<float>();
  std::vector<float> scale(c), shift(c);
  for (int64_t k = 0; k < c; k++) scale[k] = w[k] * r[k], shift[k] = bias.data_ptr<float>()[k] - scale[k] * m[k];
  const auto a = lanes.spread(scale.data()), b = lanes.spread(shift.data());
  const auto centre = lanes.spread(m), unit = lanes.spread(r);
  auto dx = torch::empty_like(x);
  auto *out = bits_of(dx);
  const auto *in = bits(x), *grad = bits(dy);
  std::vector<double> sum(c, 0), dot(c, 0);
  for (int64_t from = 0; from < lanes.blocks; from += kRun) {
    std::vector<float> s(period, 0), q(period, 0);
    const auto to = std::min(lanes.blocks, from + kRun);
    for (int64_t v = 0; v < period; v += kLanes) {
      const __m512 av = _mm512_loadu_ps(&a[v]), bv = _mm512_loadu_ps(&b[v]);
      const __m512 cv = _mm512_loadu_ps(&centre[v]), uv = _mm512_loadu_ps(&unit[v]);
      __m512 sv = _mm512_setzero_ps(), qv = _mm512_setzero_ps();
      for (int64_t i = from; i < to; i++) {
        const auto at = i * period + v;
        __m512 value = load(in + at), g = load(grad + at);
        if (silu) {
          __m512 z = _mm512_fmadd_ps(value, av, bv), e = sigmoid(z);
          __m512 slope = _mm512_fmadd_ps(_mm512_mul_ps(z, e), _mm512_sub_ps(_mm512_set1_ps(1.f), e), e);
          g = _mm512_mul_ps(g, slope);
        }
        store(out + at, g);
        sv = _mm512_add_ps(sv, g);
        qv = _mm512_fmadd_ps(g, _mm512_mul_ps(_mm512_sub_ps(value, cv), uv), qv);
      }
      _mm512_storeu_ps(&s[v], sv);
      _mm512_storeu_ps(&q[v], qv);
    }
    lanes.gather(s, sum.data());
    lanes.gather(q, dot.data());
  }
  auto dweight = torch::empty({c}), dbias = torch::empty({c});
  // dx = scale * (g - mean(g) - normalized * mean(g * normalized)), written as g * k1 + x * k2 + k3
  const double count = double(x.numel()) / c;
  std::vector<float> k2(c), k3(c);
  for (int64_t k = 0; k < c; k++) {
    dweight.data_ptr<float>()[k] = float(dot[k]);
    dbias.data_ptr<float>()[k] = float(sum[k]);
    k2[k] = float(-scale[k] * r[k] * dot[k] / count);
    k3[k] = float(-scale[k] * sum[k] / count) - k2[k] * m[k];
  }
  const auto b2 = lanes.spread(k2.data()), b3 = lanes.spread(k3.data());
  for (int64_t i = 0; i < lanes.blocks; i++)
    for (int64_t v = 0; v < period; v += kLanes) {
      const auto at = i * period + v;
      __m512 value = _mm512_fmadd_ps(load(in + at), _mm512_loadu_ps(&b2[v]), _mm512_loadu_ps(&b3[v]));
      store(out + at, _mm512_fmadd_ps(load(out + at), _mm512_loadu_ps(&a[v]), value));
    }
  return {dx, dweight, dbias};
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("forward", &forward);
  m.def("backward", &backward);
}
