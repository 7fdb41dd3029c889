#include "estimators/estimator.h"
#include "estimators/registry.h"
#include "tests/cpp/estimators/fitting.h"

#include <gtest/gtest.h>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/quadrature/gauss.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bochner {
namespace {

using Function = std::function<double(double)>;

struct Combination {
  std::string kernel, features, radial;
};

bool light(const FrequencyLaw* law) { return law && law->isotropic() && law->isotropic()->has_moments(Shape::kExp); }

/// All that have a law and frequencies of which exponentials have moments; those of heavy tails are in
/// stationary_test.cpp, the laws of more than one frequency's function in families_test.cpp.
std::vector<Combination> combinations() {
  std::vector<Combination> all;
  for (const auto& kernel : registered_kernels()) {
    if (!light(make_kernel(kernel.name)->frequency_law().get())) continue;
    for (const auto& features : registered_features()) {
      const auto estimator = fitting_one_frequency(kernel.name, features.name, "iid");
      if (!estimator || !estimator->has_law()) continue;
      for (const auto& radial : registered_radial_laws()) {
        if (light(make_radial_law(radial.name).get())) all.push_back({kernel.name, features.name, radial.name});
      }
    }
  }
  return all;
}

/// The couplings whose dependent pairs are known.
std::vector<std::string> couplings_with_law() {
  std::vector<std::string> all;
  for (const auto& entry : registered_couplings()) {
    if (make_coupling(entry.name)->dependent_pairs(2, 2)) all.push_back(entry.name);
  }
  return all;
}

Estimator make(const Combination& part, const std::string& coupling) {
  const Parameters parameters = part.kernel == "gaussian" ? Parameters{{"bandwidth", 1.5}} : Parameters{};
  return Estimator(make_kernel(part.kernel, parameters), make_features(part.features), make_coupling(coupling),
                   make_radial_law(part.radial));
}

/// Moments of f(w.u) by quadrature over norms and directions, with no special function in it.
class Quadrature {
 public:
  Quadrature(Index dim, bool constant_norm, Function f, double length)
      : dim_(static_cast<double>(dim)), f_(std::move(f)), length_(length) {
    if (constant_norm) {
      norms_ = {{std::sqrt(dim_), 1}};
      return;
    }
    double total = 0;
    for (const auto& [low, high] : {std::pair{0.0, 5.0}, {5.0, 14.0}}) {
      for_nodes(low, high, [&](double r, double weight) {
        norms_.emplace_back(r, weight * std::pow(r, dim_ - 1) * std::exp(-r * r / 2));
        total += norms_.back().second;
      });
    }
    for (auto& [norm, weight] : norms_) weight /= total;
  }

  double mean() const { return over_cosine(f_); }
  double second() const {
    return over_cosine([&](double t) { return f_(t) * f_(t); });
  }

  /// E f(w1.u) f(w2.u) for directions that meet at a fixed cosine: those of u with w1 and with a vector orthogonal to
  /// it are the first two coordinates of a uniform unit vector, (rho cos a, rho sin a) with sqrt(1 - rho^2) = t of
  /// density (d - 2) t^(d - 3).
  double pair(double cosine, NormRelation norms) const {
    const auto relation = related(norms);
    if (dim_ == 1) return (over_norms(relation, 1, cosine) + over_norms(relation, -1, -cosine)) / 2;
    if (dim_ == 2) return over_circle(1, cosine, relation);
    double sum = 0;
    for_nodes(0, 1, [&](double t, double weight) {
      sum += weight * (dim_ - 2) * std::pow(t, dim_ - 3) * over_circle(std::sqrt(1 - t * t), cosine, relation);
    });
    return sum;
  }

 private:
  using Gauss = boost::math::quadrature::gauss<double, 40>;

  template <class Body>
  static void for_nodes(double low, double high, const Body& body) {
    const double half = (high - low) / 2, middle = (high + low) / 2;
    for (std::size_t k = 0; k < Gauss::abscissa().size(); ++k) {
      body(middle + half * Gauss::abscissa()[k], half * Gauss::weights()[k]);
      body(middle - half * Gauss::abscissa()[k], half * Gauss::weights()[k]);
    }
  }

  /// E_r f(r |u| c) over the norm.
  double over_norm(const Function& f, double cosine) const {
    double sum = 0;
    for (const auto& [norm, weight] : norms_) sum += weight * f(norm * length_ * cosine);
    return sum;
  }

  struct Related {
    double first, second, weight;
  };
  /// Norms of two related rows with weights; none for independent ones.
  std::vector<Related> related(NormRelation norms) const {
    std::vector<Related> result;
    const bool constant = norms_.size() == 1;
    if (norms == NormRelation::kIndependent || (constant && norms == NormRelation::kAntimonotone)) return result;
    if (norms == NormRelation::kEqual) {
      for (const auto& [norm, weight] : norms_) result.push_back({norm, norm, weight});
      return result;
    }
    const boost::math::chi_squared_distribution<double> law(dim_);
    const double start = std::sqrt(boost::math::median(law));
    double total = 0;
    for (const auto& [low, high] : {std::pair{start, 5.0}, {5.0, 14.0}}) {
      for_nodes(low, high, [&](double r, double weight) {
        const double partner = std::sqrt(quantile(law, cdf(complement(law, r * r))));
        const double density = weight * std::pow(r, dim_ - 1) * std::exp(-r * r / 2);
        result.push_back({r, partner, density});
        result.push_back({partner, r, density});
        total += 2 * density;
      });
    }
    for (auto& node : result) node.weight /= total;
    return result;
  }

  /// E f(r |u| a) f(r' |u| b) over two norms.
  double over_norms(const std::vector<Related>& relation, double a, double b) const {
    if (relation.empty()) return over_norm(f_, a) * over_norm(f_, b);
    double sum = 0;
    for (const auto& [first, second, weight] : relation)
      sum += weight * f_(first * length_ * a) * f_(second * length_ * b);
    return sum;
  }

  double over_circle(double rho, double cosine, const std::vector<Related>& relation) const {
    constexpr int kAngles = 64;
    const double sine = std::sqrt(1 - cosine * cosine);
    double sum = 0;
    for (int k = 0; k < kAngles; ++k) {
      const double angle = 2 * std::numbers::pi * (k + 0.3) / kAngles;
      const double a = rho * std::cos(angle), b = rho * std::sin(angle);
      sum += over_norms(relation, a, cosine * a + sine * b);
    }
    return sum / kAngles;
  }

  /// Mean over the cosine between a uniform direction and u, cos(a) with density sin^(d-2)(a).
  double over_cosine(const Function& f) const {
    if (dim_ == 1) return (over_norm(f, 1) + over_norm(f, -1)) / 2;
    double sum = 0, total = 0;
    for_nodes(0, std::numbers::pi, [&](double angle, double weight) {
      const double density = weight * std::pow(std::sin(angle), dim_ - 2);
      sum += density * over_norm(f, std::cos(angle));
      total += density;
    });
    return sum / total;
  }

  double dim_;
  Function f_;
  double length_;
  std::vector<std::pair<double, double>> norms_;  // nodes and weights of the law of the norm
};

/// Mean and variance of the estimate as the definition says, from the moments by quadrature.
struct Expected {
  double mean, variance;
};

/// How rows i and j of m are related under a coupling, as its definition says; none where they are independent.
std::optional<PairGroup> relation_of(const std::string& coupling, Index i, Index j, Index m, Index dim) {
  const bool same_block = i / dim == j / dim;
  const bool same_pair = i % dim / 2 == j % dim / 2;
  if (coupling == "orthogonal" && same_block) return PairGroup{1, 0};
  if (coupling == "norm_coupled" && same_block) {
    return PairGroup{1, 0, same_pair ? NormRelation::kAntimonotone : NormRelation::kIndependent};
  }
  if (coupling == "simplex" && same_block) {
    return PairGroup{1, -1 / (static_cast<double>(std::min(dim, m - i / dim * dim)) - 1)};
  }
  if (coupling == "antithetic" && i / 2 == j / 2) return PairGroup{1, -1, NormRelation::kEqual};
  return std::nullopt;
}

Expected expected_law(const Combination& part, const std::string& coupling, Index m, const Vector<double>& x,
                      const Vector<double>& y) {
  const Index dim = x.size();
  const double bandwidth = part.kernel == "gaussian" ? 1.5 : 1;
  const bool trigonometric = part.features == "trigonometric";
  const Vector<double> u = (trigonometric ? Vector<double>(x - y) : Vector<double>(x + y)) / bandwidth;
  const double norms = (x.squaredNorm() + y.squaredNorm()) / (bandwidth * bandwidth);
  const double exponent = (trigonometric ? 0.5 : -0.5) + (part.kernel == "gaussian" ? -0.5 : 0);
  Function f = [](double t) { return std::exp(t); };
  if (trigonometric) f = [](double t) { return std::cos(t); };
  if (part.features == "hyperbolic") f = [](double t) { return std::cosh(t); };
  const Quadrature moments(dim, part.radial == "constant", f, u.norm());
  const double mean = moments.mean();

  double variance = static_cast<double>(m) * (moments.second() - mean * mean);
  std::map<std::pair<double, NormRelation>, double> covariances;
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < m; ++j) {
      const auto relation = i == j ? std::nullopt : relation_of(coupling, i, j, m, dim);
      if (!relation) continue;
      const std::pair key{relation->cosine, relation->norms};
      if (!covariances.contains(key)) covariances[key] = moments.pair(key.first, key.second) - mean * mean;
      variance += covariances[key];
    }
  }
  const double factor = std::exp(exponent * norms);
  return {factor * mean, factor * factor * variance / static_cast<double>(m * m)};
}

double exact_kernel(const std::string& name, const Vector<double>& x, const Vector<double>& y) {
  if (name == "softmax") return std::exp(x.dot(y));
  if (name == "gaussian") return std::exp(-(x - y).squaredNorm() / (2 * 1.5 * 1.5));
  const Quadrature moments(x.size(), true, [](double t) { return std::exp(t); }, (x + y).norm());
  return std::exp(-(x.squaredNorm() + y.squaredNorm()) / 2) * moments.mean();
}

std::span<const double> span_of(const Vector<double>& x) { return {x.data(), static_cast<std::size_t>(x.size())}; }

TEST(Law, EveryCombinationEqualsQuadrature) {
  for (const Combination& part : combinations()) {
    for (const std::string& coupling : couplings_with_law()) {
      const Estimator estimator = make(part, coupling);
      for (const auto& [dim, m] : {std::pair<Index, Index>{1, 3}, {2, 2}, {2, 5}, {3, 2}, {3, 7}, {4, 4}, {6, 4}}) {
        const Vector<double> x = Vector<double>::LinSpaced(dim, 0.7, -0.3);
        const Vector<double> y = Vector<double>::LinSpaced(dim, 0.2, 0.5);
        const Law law = estimator.law(span_of(x), span_of(y), m);
        const Expected expected = expected_law(part, coupling, m, x, y);
        const double bias = expected.mean - exact_kernel(part.kernel, x, y);
        SCOPED_TRACE(estimator.describe() + ", d = " + std::to_string(dim) + ", m = " + std::to_string(m));
        // The quadrature loses the digits that variance = second - mean^2 cancels, about 1e-13 / variance.
        EXPECT_NEAR(law.mean / expected.mean, 1, 1e-12);
        EXPECT_NEAR(law.variance, expected.variance, 1e-10 * expected.variance + 1e-14);
        EXPECT_NEAR(law.bias, bias, 1e-12);
        EXPECT_NEAR(law.mse, expected.variance + bias * bias, 1e-10 * law.mse + 1e-14);
      }
    }
  }
}

TEST(Law, UnbiasedExactlyWhereItShouldBe) {
  for (const Combination& part : combinations()) {
    const bool regularized = part.kernel == "regularized_softmax";
    const bool unbiased =
        regularized ? part.radial == "constant" && part.features != "trigonometric" : part.radial == "chi";
    const Vector<double> x = Vector<double>::Constant(3, 0.4);
    const Vector<double> y = Vector<double>::LinSpaced(3, -0.1, 0.6);
    const double bias = make(part, "orthogonal").law(span_of(x), span_of(y), 4).bias;
    EXPECT_EQ(bias == 0, unbiased) << part.kernel << " " << part.features << " " << part.radial;
  }
}

/// The paper's closed forms for independent Gaussian frequencies.
TEST(Law, IidSoftmaxIsLemma2) {
  const Vector<double> x = Vector<double>::LinSpaced(5, 0.9, -0.4);
  const Vector<double> y = Vector<double>::LinSpaced(5, 0.1, 0.8);
  const double softmax = std::exp(x.dot(y)), v = (x + y).squaredNorm(), w = (x - y).squaredNorm(), m = 7;
  const auto mse = [&](const char* features) {
    return make({"softmax", features, "chi"}, "iid").law(span_of(x), span_of(y), 7).mse;
  };
  const double positive = std::exp(v) * softmax * softmax * (1 - std::exp(-v)) / m;
  EXPECT_NEAR(mse("positive") / positive, 1, 1e-13);
  EXPECT_NEAR(mse("hyperbolic") / (0.5 * (1 - std::exp(-v)) * positive), 1, 1e-13);
  EXPECT_NEAR(mse("trigonometric") / (std::exp(v) / (softmax * softmax) * std::pow(1 - std::exp(-w), 2) / (2 * m)), 1,
              1e-13);
}

/// Relative to the leading term as the argument shrinks: positive v, hyperbolic and trigonometric v^2 / 2, orthogonal
/// ones reduced by (m-1)(1 - rho_2) v^2/2 with 1 - rho_2 = 1/(d+2). A law by subtraction would lose all digits here.
TEST(Law, KeepsRelativeAccuracyAtSmallArguments) {
  constexpr double kTiny = 1e-5;
  const Vector<double> x = Vector<double>::Constant(4, kTiny), zero = Vector<double>::Zero(4);
  const double v = x.squaredNorm();
  const auto variance = [&](const char* features, const char* radial, const char* coupling) {
    return make({"softmax", features, radial}, coupling).law(span_of(x), span_of(zero), 4).variance;
  };
  EXPECT_NEAR(variance("positive", "chi", "iid") / (v / 4), 1, 1e-8);
  EXPECT_NEAR(variance("hyperbolic", "chi", "iid") / (v * v / 8), 1, 1e-8);
  EXPECT_NEAR(variance("trigonometric", "chi", "iid") / (v * v / 8), 1, 1e-8);
  const double orthogonal = v * v / 8 - 3.0 / 4 * v * v / 2 / 6;
  EXPECT_NEAR(variance("hyperbolic", "chi", "orthogonal") / orthogonal, 1, 1e-8);
  EXPECT_NEAR(variance("trigonometric", "chi", "orthogonal") / orthogonal, 1, 1e-8);
  // Constant radius: (d - 1)/(d + 2) v^2/2 a frequency. In a full block sum (w.u)^2 = d v is constant, and what is left
  // is v^4 d^4 Var(sum s^4) / 4!^2, where s is a uniform unit vector: E s_1^4 = 3 / 24, E s_1^8 = 105 / 1920 and
  // E s_1^4 s_2^4 = 9 / 1920 for d = 4.
  EXPECT_NEAR(variance("trigonometric", "constant", "iid") / (3.0 / 12 * v * v / 4), 1, 1e-8);
  const double of_quartics = (4 * 105 + 12 * 9) / 1920.0 - 0.25;
  const double block = std::pow(v, 4) * 256 * of_quartics / (576 * 16);
  EXPECT_NEAR(variance("trigonometric", "constant", "orthogonal") / block, 1, 1e-8);
  EXPECT_NEAR(variance("hyperbolic", "constant", "orthogonal") / block, 1, 1e-8);
}

/// B(q) - e^{q/2} = -q^2 / (4 (d + 2)) + ...; and where |x + y| = |x - y|, regularized softmax by its own cosines has a
/// bias of third order, -2 n^3 / (3 (d + 2) (d + 4)) with n = |x|^2 + |y|^2.
TEST(Law, BiasKeepsRelativeAccuracyAtSmallArguments) {
  const Vector<double> x = Vector<double>::Constant(4, 1e-5), zero = Vector<double>::Zero(4);
  const double v = x.squaredNorm();
  const auto bias = [&](const char* kernel, const char* features, const char* radial) {
    return make({kernel, features, radial}, "iid").law(span_of(x), span_of(zero), 4).bias;
  };
  const double second_order = v * v / 24;
  EXPECT_NEAR(bias("softmax", "positive", "constant") / -second_order, 1, 1e-8);
  EXPECT_NEAR(bias("softmax", "trigonometric", "constant") / -second_order, 1, 1e-8);
  EXPECT_NEAR(bias("regularized_softmax", "hyperbolic", "chi") / second_order, 1, 1e-8);
  EXPECT_NEAR(bias("regularized_softmax", "trigonometric", "chi") / second_order, 1, 1e-8);
  EXPECT_NEAR(bias("regularized_softmax", "trigonometric", "constant") / (-std::pow(v, 3) * 2 / (3 * 6 * 8)), 1, 1e-8);
}

/// The constant radius to one who knows only the three moments that every radial law must know.
class WithoutMoments final : public RadialLaw {
 public:
  std::string name() const override { return "without_moments"; }
  void draw_norms(Stream& stream, Index dim, std::span<double> norms) const override {
    law_->draw_norms(stream, dim, norms);
  }
  SignedLog mean(Shape shape, Index dim, double q) const override { return law_->mean(shape, dim, q); }
  SignedLog variance(Shape shape, Index dim, double q) const override { return law_->variance(shape, dim, q); }
  std::optional<SignedLog> covariance(Shape shape, Index dim, double q, double cosine) const override {
    return law_->covariance(shape, dim, q, cosine);
  }

 private:
  std::shared_ptr<const RadialLaw> law_ = make_radial_law("constant");
};

TEST(Law, RadialLawWithoutMomentsIsSummedFromItsParts) {
  const Vector<double> x = Vector<double>::Constant(4, 0.2), y = Vector<double>::LinSpaced(4, -0.1, 0.3);
  for (const auto& features : registered_features()) {
    const auto estimator = [&](std::shared_ptr<const RadialLaw> radial) {
      return Estimator(make_kernel("softmax"), make_features(features.name), make_coupling("orthogonal"),
                       std::move(radial));
    };
    const auto fits = fitting_one_frequency("softmax", features.name, "orthogonal");
    if (!fits || !fits->has_law()) continue;
    const auto law = [&](std::shared_ptr<const RadialLaw> radial) {
      return estimator(std::move(radial)).law(span_of(x), span_of(y), 4);
    };
    const Law by_parts = law(std::make_shared<WithoutMoments>());
    const Law by_series = law(make_radial_law("constant"));
    EXPECT_NEAR(by_parts.variance / by_series.variance, 1, 1e-9) << features.name;
    EXPECT_NEAR(by_parts.bias / by_series.bias, 1, 1e-9) << features.name;
  }
}

TEST(Law, InfiniteOnlyWhereADoubleCannotHoldIt) {
  const Vector<double> large = Vector<double>::Constant(4, 500.0);  // norm 1000
  const Vector<double> opposite = -large;
  for (const Combination& part : combinations()) {
    const Estimator estimator = make(part, "orthogonal");
    for (const auto* y : {&large, &opposite}) {
      const Law law = estimator.law(span_of(large), span_of(*y), 6);
      EXPECT_FALSE(std::isnan(law.mean) || std::isnan(law.variance) || std::isnan(law.bias) || std::isnan(law.mse))
          << estimator.describe();
    }
  }
  const Estimator positive = make({"softmax", "positive", "chi"}, "iid");
  EXPECT_EQ(positive.law(span_of(large), span_of(large), 6).mse, std::numeric_limits<double>::infinity());
  EXPECT_EQ(positive.law(span_of(large), span_of(opposite), 6).mse, 0);
  // e^v overflows but the MSE, SM^2 (e^v - 1)/m with SM = e^{-350}, does not.
  const Vector<double> x{{std::sqrt(700.0), 0}}, y{{-350 / std::sqrt(700.0), std::sqrt(700.0 - 175)}};
  EXPECT_NEAR(std::log(positive.law(span_of(x), span_of(y), 1).mse), 2 * x.dot(y) + (x + y).squaredNorm(), 1e-9);
}

TEST(Law, KurtosisOfOneFrequencyIsThatOfItsMoments) {
  // Cosh against quadrature of the fourth central moment; log-normal in closed form is the textbook's.
  const double q = 0.8;
  const auto moment = [&](int k) {
    const auto f = [k](double t) { return std::pow(std::cosh(t), k); };
    return Quadrature(1, false, f, std::sqrt(q)).mean();
  };
  const double mean = moment(1), variance = moment(2) - mean * mean;
  const double fourth = moment(4) - 4 * mean * moment(3) + 6 * mean * mean * moment(2) - 3 * std::pow(mean, 4);
  const auto law = make_radial_law("chi");
  EXPECT_NEAR(*law->kurtosis(Shape::kCosh, 1, q), fourth / (variance * variance), 1e-9);
  EXPECT_NEAR(*law->kurtosis(Shape::kCosh, 1, 1e-9), 15, 1e-6);
  EXPECT_EQ(*law->kurtosis(Shape::kCosh, 1, 200), std::numeric_limits<double>::infinity());
  EXPECT_NEAR(*law->kurtosis(Shape::kExp, 1, 1e-9), 3, 1e-6);
}

TEST(Law, BadSizesAreNamed) {
  const Estimator estimator = make({"softmax", "positive", "chi"}, "iid");
  const std::vector<double> two{1, 2}, three{1, 2, 3};
  const auto message = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  EXPECT_EQ(message([&] { estimator.law(two, three, 4); }),
            "law: x has 2 and y 3 entries; expected the same number >= 1");
  EXPECT_EQ(message([&] { estimator.law(two, two, 0); }), "law: m is 0; expected at least 1");
  EXPECT_EQ(message([&] { estimator.draw(0, 4, 0, 0); }), "draw: dim is 0; expected at least 1");
  EXPECT_EQ(message([&] { estimator.draw(4, -3, 0, 0); }), "draw: m is -3; expected at least 1");
}

}  // namespace
}  // namespace bochner
