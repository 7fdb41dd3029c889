#include "estimators/frequency_laws/scaled_law.h"

#include "core/check.h"

namespace bochner {

std::optional<AngleMoments> ScaledLaw::moments(std::span<const double> u) const {
  require_scales(scales.size(), static_cast<Index>(u.size()), law->name(), "bandwidth");
  Vector<double> scaled(static_cast<Index>(u.size()));
  for (std::size_t j = 0; j < u.size(); ++j) {
    scaled(static_cast<Index>(j)) = scales[scales.size() == 1 ? 0 : j] * u[j];
  }
  const Vector<double> twice = 2 * scaled;
  const auto gap = law->cosine_gap({scaled.data(), u.size()});
  const auto double_gap = law->cosine_gap({twice.data(), u.size()});
  const auto variance = law->cosine_variance({scaled.data(), u.size()});
  if (!gap || !double_gap || !variance) return std::nullopt;
  return AngleMoments{*gap, *double_gap, *variance};
}

std::optional<Vector<double>> ScaledLaw::mean_squares(Index dim) const {
  require_scales(scales.size(), dim, law->name(), "bandwidth");
  auto squares = law->mean_squares(dim);
  for (Index j = 0; squares && j < dim; ++j) {
    const double scale = scales[scales.size() == 1 ? 0 : static_cast<std::size_t>(j)];
    (*squares)(j) *= scale * scale;
  }
  return squares;
}

void ScaledLaw::from_uniforms(std::span<const double> uniforms, std::span<double> w) const {
  require_scales(scales.size(), static_cast<Index>(w.size()), law->name(), "bandwidth");
  law->from_uniforms(uniforms, w);
  for (std::size_t j = 0; j < w.size(); ++j) w[j] *= scales[scales.size() == 1 ? 0 : j];
}

std::string ScaledLaw::text() const { return law->describe() + " over " + listed_numbers(scales); }

void fill_from_uniforms(const FrequencyLaw& law, const Stream& stream, Matrix<double>& W) {
  Stream numbers = stream.lane(0);
  std::vector<double> uniforms(static_cast<std::size_t>(law.uniforms(W.cols())));
  for (Index i = 0; i < W.rows(); ++i) {
    for (double& uniform : uniforms) uniform = open_uniform(numbers);
    law.from_uniforms(uniforms, {W.row(i).data(), static_cast<std::size_t>(W.cols())});
  }
}

}  // namespace bochner
