#pragma once

#include <estimators/coupling.h>
#include <estimators/feature_family.h>
#include <estimators/feature_map.h>
#include <estimators/kernel.h>
#include <estimators/radial_laws/chi.h>

#include <cmath>
#include <numbers>

// A user's own kernel: exp(-|x - y|^2 / 2) again, from scratch, with the law that its frequencies have.
class OwnKernel final : public bochner::Kernel {
 public:
  std::string name() const override { return "own_kernel"; }
  bochner::SignedLog value(std::span<const double> x, std::span<const double> y) const override {
    double square = 0;
    for (std::size_t j = 0; j < x.size(); ++j) square += (x[j] - y[j]) * (x[j] - y[j]);
    return bochner::SignedLog::positive(-square / 2);
  }
  std::shared_ptr<const bochner::FrequencyLaw> frequency_law() const override {
    return std::make_shared<const bochner::ChiRadialLaw>();
  }
  bochner::ProjectionForm projection_form() const override { return {{1.0}, -0.5}; }
  bool allows(bochner::Shape) const override { return true; }
};

// A user's own coupling: independent pairs w, -w. It has no exact law here, and the harness measures.
class OwnCoupling final : public bochner::Coupling {
 public:
  std::string name() const override { return "own_antithetic"; }
  void require_drawable(const bochner::FrequencyLaw&, const std::string&) const override {}
  bool prefixes_are_draws() const override { return true; }
  std::optional<std::vector<bochner::PairGroup>> dependent_pairs(bochner::Index, bochner::Index) const override {
    return std::nullopt;
  }
  std::shared_ptr<const bochner::Projection> draw(const bochner::FrequencyLaw& law, bochner::Index m,
                                                  bochner::Index dim, const bochner::Stream& stream) const override {
    bochner::Matrix<double> half((m + 1) / 2, dim);
    law.fill_independent(stream, half);
    bochner::Matrix<double> W(m, dim);
    for (bochner::Index i = 0; i < m; ++i) W.row(i) = (i % 2 == 0 ? 1.0 : -1.0) * half.row(i / 2);
    return std::make_shared<bochner::DenseProjection>(std::move(W));
  }
};

// A user's own feature map: (2 / m)^(1/2) cos(w_i.x + pi / 4), whose mean is the kernel because w has the law of -w.
class OwnMap final : public bochner::FeatureMap {
 public:
  explicit OwnMap(std::shared_ptr<const bochner::Projection> projection) : projection_(std::move(projection)) {}
  bochner::Index dim() const override { return projection_->dim(); }
  bochner::Index features() const override { return projection_->rows(); }
  bochner::Form form() const override { return bochner::Form::kValues; }
  bochner::Matrix<double> frequencies() const override { return projection_->matrix(); }
  std::string describe() const override { return "own_cosines"; }
  void tile(const bochner::MatrixView<float>& X, bochner::Side, bochner::MutableMatrixView<float> Z,
            bochner::MutableVectorView<float> log_scale) const override {
    fill<float>(X, Z, log_scale);
  }
  void tile(const bochner::MatrixView<double>& X, bochner::Side, bochner::MutableMatrixView<double> Z,
            bochner::MutableVectorView<double> log_scale) const override {
    fill<double>(X, Z, log_scale);
  }

 private:
  template <class Scalar>
  void fill(const bochner::MatrixView<Scalar>& X, bochner::MutableMatrixView<Scalar>& Z,
            bochner::MutableVectorView<Scalar>& log_scale) const {
    projection_->apply(X, Z);
    const auto factor = static_cast<Scalar>(std::sqrt(2.0 / static_cast<double>(Z.cols())));
    constexpr auto kPhase = static_cast<Scalar>(std::numbers::pi / 4);
    Z = Z.unaryExpr([factor](Scalar u) { return factor * std::cos(u + kPhase); });
    log_scale.setZero();
  }
  std::shared_ptr<const bochner::Projection> projection_;
};

class OwnFeatures final : public bochner::FeatureFamily {
 public:
  std::string name() const override { return "own_cosines"; }
  bochner::Index features(bochner::Index m) const override { return m; }
  std::shared_ptr<const bochner::FeatureMap> make(
      const bochner::Kernel&, std::shared_ptr<const bochner::Projection> projection) const override {
    return std::make_shared<OwnMap>(std::move(projection));
  }
};
