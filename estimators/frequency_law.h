#pragma once

#include "core/stream.h"
#include "core/types.h"
#include "estimators/component.h"

#include <optional>
#include <span>
#include <string>

namespace bochner {

class RadialLaw;

/// The law of one frequency w in R^d, symmetric about 0. What a coupling draws m of.
class FrequencyLaw : public Component {
 public:
  /// Fills W (m, d) with independent rows of this law. Row i depends on the stream and i only.
  virtual void fill_independent(const Stream& stream, Matrix<double>& W) const = 0;

  /// This law as one of a norm, where w has a uniform direction independent of its norm; null elsewhere.
  virtual const RadialLaw* isotropic() const { return nullptr; }

  /// 1 - E cos(w.u) to a small relative error for every u, also near 0. The kernel of the law is E cos(w.u)
  /// [RahimiRecht07].
  virtual std::optional<double> cosine_gap(std::span<const double> /*u*/) const { return std::nullopt; }
  /// Var cos(w.u) = (1 + k(2u)) / 2 - k(u)^2 with k(u) = E cos(w.u), to a small relative error for every u. Where it
  /// and the gap are known, the estimates by cosines have a law.
  virtual std::optional<double> cosine_variance(std::span<const double> /*u*/) const { return std::nullopt; }

  /// E w_j^2 (d); none where these are infinite or not known.
  virtual std::optional<Vector<double>> mean_squares(Index /*dim*/) const { return std::nullopt; }

  /// How many uniform numbers make one frequency; 0 where from_uniforms() does not exist.
  virtual Index uniforms(Index /*dim*/) const { return 0; }
  /// w from independent uniform numbers in (0, 1): quasi-random points become frequencies by it.
  /// Throws std::invalid_argument where uniforms() is 0.
  virtual void from_uniforms(std::span<const double> uniforms, std::span<double> w) const;
};

/// Standard normal numbers by their quantiles, from as many uniform numbers in (0, 1).
void normals_from_uniforms(std::span<const double> uniforms, std::span<double> normals);

/// |u|^2.
double squared_norm(std::span<const double> u);

/// The next number of the stream, moved by half a step, so that it lies in (0, 1) and its law is symmetric about 1/2.
inline double open_uniform(Stream& stream) { return stream.uniform() + 0x1p-54; }

/// The law as a radial law. Throws std::invalid_argument where it is none, saying that `who` needs one.
const RadialLaw& require_isotropic(const FrequencyLaw& law, const std::string& who);

}  // namespace bochner
