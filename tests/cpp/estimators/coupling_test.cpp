#include "core/moments.h"
#include "estimators/registry.h"

#include <gtest/gtest.h>
#include <boost/math/special_functions/gamma.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bochner {
namespace {

constexpr std::uint64_t kSeed = 20;

Matrix<double> draw(const std::string& coupling, const std::string& radial, Index m, Index dim,
                    std::uint64_t trial = 0) {
  const Stream stream(kSeed, Purpose::kFrequencies, trial);
  return make_coupling(coupling)->draw(*make_radial_law(radial), m, dim, stream)->matrix();
}

// m < d, m = d, m > d, m not a multiple of d, d = 1.
const std::vector<std::pair<Index, Index>> kSizes{{3, 8}, {8, 8}, {16, 8}, {19, 8}, {5, 1}, {1, 1}, {70, 33}};

TEST(Coupling, OrthogonalWithinBlocksAndOfTheRadialNorm) {
  for (const auto& [m, dim] : kSizes) {
    const Matrix<double> W = draw("orthogonal", "constant", m, dim);
    ASSERT_EQ(W.rows(), m);
    ASSERT_EQ(W.cols(), dim);
    const double d = static_cast<double>(dim);
    for (Index i = 0; i < m; ++i) {
      for (Index j = 0; j < m; ++j) {
        if (i / dim != j / dim) continue;
        EXPECT_NEAR(W.row(i).dot(W.row(j)), i == j ? d : 0, 1e-13 * d) << i << " " << j;
      }
    }
  }
}

TEST(Coupling, PrefixesOfADrawAreADraw) {
  for (const auto& entry : registered_couplings()) {
    if (!make_coupling(entry.name)->prefixes_are_draws()) continue;
    for (const char* radial : {"chi", "constant"}) {
      const Matrix<double> large = draw(entry.name, radial, 40, 9);
      for (const Index m : {1, 5, 9, 10, 27, 31}) {
        const Matrix<double> small = draw(entry.name, radial, m, 9);
        EXPECT_LT((small - large.topRows(m)).cwiseAbs().maxCoeff(), 1e-13)
            << entry.name << " " << radial << " m = " << m;
      }
    }
  }
}

TEST(Coupling, TrialsSeedsAndScaleAreWhatTheySay) {
  for (const auto& entry : registered_couplings()) {
    EXPECT_EQ(draw(entry.name, "chi", 6, 4, 1), draw(entry.name, "chi", 6, 4, 1));
    EXPECT_NE(draw(entry.name, "chi", 6, 4, 1), draw(entry.name, "chi", 6, 4, 2));
    const Stream stream(kSeed, Purpose::kFrequencies, 1);
    const auto half = scaled(make_coupling(entry.name)->draw(*make_radial_law("chi"), 6, 4, stream), {0.5});
    EXPECT_EQ(half->matrix(), 0.5 * draw(entry.name, "chi", 6, 4, 1));
  }
}

/// E W_1j W_2j of the first two rows of a block under the chi law in kDim dimensions, as the couplings are defined;
/// none where no closed form is known.
std::optional<double> neighbours(const std::string& coupling, Index first, Index dim, Index rows) {
  const auto d = static_cast<double>(dim);
  const Index second = (first + 1) % rows;
  if (coupling == "sobol" || coupling == "halton") return std::nullopt;
  if (coupling == "antithetic") return first / 2 == second / 2 ? -1.0 : 0.0;
  if (coupling != "simplex" || first / dim != second / dim) return 0.0;
  const double cosine = -1 / (static_cast<double>(std::min(dim, rows - first / dim * dim)) - 1);
  const double norm = std::numbers::sqrt2 * std::tgamma((d + 1) / 2) / std::tgamma(d / 2);
  return cosine * norm * norm / d;
}

/// Every entry W_ij of every unbiased coupling is standard normal under the chi law: first, second and fourth moments
/// by z; and W_1j W_2j of two rows has the mean that their angle makes it have.
TEST(Coupling, EveryEntryIsStandardNormal) {
  constexpr Index kDim = 5, kRows = 7, kDraws = 40000;
  for (const auto& entry : registered_couplings()) {
    if (!make_coupling(entry.name)->unbiased()) continue;
    std::vector<Moments> first(kDim * kRows), second(kDim * kRows), fourth(kDim * kRows), pair(kDim * kRows);
    for (Index t = 0; t < kDraws; ++t) {
      const Matrix<double> W = draw(entry.name, "chi", kRows, kDim, static_cast<std::uint64_t>(t));
      for (Index k = 0; k < W.size(); ++k) {
        const double value = W.data()[k];
        const auto slot = static_cast<std::size_t>(k);
        first[slot].add(value);
        second[slot].add(value * value);
        fourth[slot].add(std::pow(value, 4));
        pair[slot].add(value * W.data()[(k + kDim) % W.size()]);
      }
    }
    const double root = std::sqrt(static_cast<double>(kDraws));
    for (std::size_t k = 0; k < first.size(); ++k) {
      EXPECT_LT(std::fabs(first[k].mean()) * root, 4.5) << entry.name << " " << k;
      EXPECT_LT(std::fabs(second[k].mean() - 1) * root / std::sqrt(2.0), 4.5) << entry.name << " " << k;
      EXPECT_LT(std::fabs(fourth[k].mean() - 3) * root / std::sqrt(96.0), 4.5) << entry.name << " " << k;
      const auto product = neighbours(entry.name, static_cast<Index>(k) / kDim, kDim, kRows);
      if (!product) continue;
      EXPECT_LT(std::fabs(pair[k].mean() - *product) / pair[k].standard_error(), 4.5) << entry.name << " " << k;
    }
  }
}

TEST(Coupling, SimplexBlocksMeetAtOneCosine) {
  for (const auto& [m, dim] : kSizes) {
    const Matrix<double> W = draw("simplex", "constant", m, dim);
    const double d = static_cast<double>(dim);
    for (Index i = 0; i < m; ++i) {
      const auto rows = static_cast<double>(std::min(dim, m - i / dim * dim));
      for (Index j = i / dim * dim; j < std::min(m, (i / dim + 1) * dim); ++j) {
        EXPECT_NEAR(W.row(i).dot(W.row(j)), i == j ? d : -d / (rows - 1), 1e-13 * d) << i << " " << j;
      }
    }
  }
}

/// P(|w| <= r) of the rows of a pair add up to 1, and pairs lie within blocks.
TEST(Coupling, NormsOfAPairAreAntimonotone) {
  for (const auto& [m, dim] : kSizes) {
    const Matrix<double> W = draw("norm_coupled", "chi", m, dim);
    const auto probability = [&](Index i) {
      return boost::math::gamma_p(static_cast<double>(W.cols()) / 2, W.row(i).squaredNorm() / 2);
    };
    for (Index i = 0; i + 1 < m; ++i) {
      if (i / dim != (i + 1) / dim) continue;
      EXPECT_NEAR(W.row(i).normalized().dot(W.row(i + 1).normalized()), 0, 1e-13);
      const double sum = probability(i) + probability(i + 1);
      if (i % dim % 2 == 0) {
        EXPECT_NEAR(sum, 1, 1e-12) << i;
      } else {
        EXPECT_GT(std::fabs(sum - 1), 1e-6) << i;
      }
    }
  }
}

TEST(Coupling, AntitheticRowsAreOpposite) {
  for (const auto& [m, dim] : kSizes) {
    const Matrix<double> W = draw("antithetic", "chi", m, dim);
    for (Index i = 0; i + 1 < m; ++i) EXPECT_EQ(W.row(i) == -W.row(i + 1), i % 2 == 0) << i;
  }
}

/// Each coordinate of 2^k points, or base^k of them, has one in every cell of that width; 0 is never drawn.
TEST(Coupling, QuasiRandomPointsAreStratified) {
  const auto count_cells = [](const std::string& coupling, Index m, Index dim, Index coordinate) {
    const Matrix<double> W = draw(coupling, "chi", m, dim);
    std::vector<int> hits(static_cast<std::size_t>(m));
    for (Index i = 0; i < m; ++i) {
      const double uniform = std::erfc(-W(i, coordinate) / std::numbers::sqrt2) / 2;
      ++hits[static_cast<std::size_t>(uniform * static_cast<double>(m))];
    }
    return std::count(hits.begin(), hits.end(), 1);
  };
  for (const Index j : {0, 1, 2, 39}) EXPECT_EQ(count_cells("sobol", 64, 40, j), 64) << j;
  EXPECT_EQ(count_cells("halton", 64, 3, 0), 64);
  EXPECT_EQ(count_cells("halton", 81, 3, 1), 81);
  EXPECT_EQ(count_cells("halton", 125, 3, 2), 125);
  EXPECT_LT(count_cells("iid", 64, 3, 0), 60);
}

/// Squares of two Sobol coordinates are jointly balanced too: of 16 points of the first two, one in each cell of 4 x 4.
TEST(Coupling, SobolPointsAreANet) {
  const Matrix<double> W = draw("sobol", "chi", 16, 2);
  std::vector<int> hits(16);
  for (Index i = 0; i < 16; ++i) {
    const auto cell = [&](Index j) { return static_cast<int>(2 * std::erfc(-W(i, j) / std::numbers::sqrt2)); };
    ++hits[4 * static_cast<std::size_t>(cell(0)) + static_cast<std::size_t>(cell(1))];
  }
  EXPECT_EQ(std::count(hits.begin(), hits.end(), 1), 16);
}

TEST(Coupling, QuasiRandomSizesAreBounded) {
  const Stream stream(kSeed, Purpose::kFrequencies, 0);
  EXPECT_THROW(make_coupling("sobol")->draw(*make_radial_law("chi"), 1, 3668, stream), std::invalid_argument);
  EXPECT_THROW(make_coupling("halton")->draw(*make_radial_law("chi"), 1, 10001, stream), std::invalid_argument);
  EXPECT_EQ(make_coupling("sobol")->draw(*make_radial_law("chi"), 1, 3667, stream)->rows(), 1);
}

/// The square of the norm of an orthogonal row is uncorrelated with that of its neighbour: one norm a row, not one a
/// block.
TEST(Coupling, Pitfall9NormsAreIndependent) {
  Moments product;
  for (Index t = 0; t < 20000; ++t) {
    const Matrix<double> W = draw("orthogonal", "chi", 6, 3, static_cast<std::uint64_t>(t));
    product.add((W.row(0).squaredNorm() - 3) * (W.row(1).squaredNorm() - 3));
    product.add((W.row(0).squaredNorm() - 3) * (W.row(3).squaredNorm() - 3));
  }
  EXPECT_LT(std::fabs(product.mean()) / product.standard_error(), 4);
}

TEST(Coupling, DependentPairsCountsThePairsOfABlock) {
  for (const auto& [m, dim] : kSizes) {
    double pairs = 0;
    for (Index i = 0; i < m; ++i) {
      for (Index j = 0; j < m; ++j) pairs += i != j && i / dim == j / dim ? 1 : 0;
    }
    const auto groups = make_coupling("orthogonal")->dependent_pairs(m, dim);
    ASSERT_EQ(groups->size(), 1U);
    EXPECT_EQ(groups->front().pairs, pairs);
    EXPECT_EQ(groups->front().cosine, 0);
    EXPECT_TRUE(make_coupling("iid")->dependent_pairs(m, dim)->empty());
  }
}

/// Under the tilted draw row r is N(shift, I) and the others stay standard normal given its direction; orthogonal ones
/// stay orthogonal to it.
TEST(Coupling, TiltedRowIsShiftedAndTheRestKeepsItsStructure) {
  constexpr Index kDim = 4, kRows = 7, kDraws = 20000;
  const std::vector<double> shift{1.5, -0.5, 0, 2};
  const auto radial = make_radial_law("chi");
  for (const auto& entry : registered_couplings()) {
    const auto coupling = make_coupling(entry.name);
    if (!coupling->tiltable()) continue;
    for (const Index row : {Index{0}, Index{2}, Index{5}}) {
      std::vector<Moments> entries(kDim);
      Moments square_elsewhere;
      for (Index t = 0; t < kDraws; ++t) {
        const Matrix<double> W = coupling->draw_tilted(*radial, kRows, kDim, row, shift,
                                                       Stream(kSeed, Purpose::kTilt, static_cast<std::uint64_t>(t)));
        for (Index j = 0; j < kDim; ++j) entries[static_cast<std::size_t>(j)].add(W(row, j));
        // Two on, which is in another pair too.
        square_elsewhere.add(W.row((row + 2) % kRows).squaredNorm() - static_cast<double>(kDim));
        if (entry.name == "antithetic" && row != kRows - 1) {
          ASSERT_EQ(W.row(row), -W.row(row % 2 == 0 ? row + 1 : row - 1));
        }
        if (entry.name == "simplex") {
          for (Index i = row / kDim * kDim; i < std::min(kRows, (row / kDim + 1) * kDim); ++i) {
            const double cosine = W.row(i).normalized().dot(W.row(row).normalized());
            ASSERT_NEAR(cosine, i == row ? 1 : (row < kDim ? -1.0 / 3 : -1.0 / 2), 1e-12);
          }
        }
        if (entry.name != "orthogonal") continue;
        for (Index i = 0; i < kRows; ++i) {
          if (i == row || i / kDim != row / kDim) continue;
          ASSERT_LT(std::fabs(W.row(i).dot(W.row(row))), 1e-12);
        }
      }
      for (std::size_t j = 0; j < shift.size(); ++j) {
        EXPECT_LT(std::fabs(entries[j].mean() - shift[j]) * std::sqrt(double{kDraws}), 4.5)
            << entry.name << " row " << row;
        EXPECT_NEAR(entries[j].variance(), 1, 4.5 * std::sqrt(2.0 / kDraws)) << entry.name << " row " << row;
      }
      EXPECT_LT(std::fabs(square_elsewhere.mean()) / square_elsewhere.standard_error(), 4.5)
          << entry.name << " row " << row;
    }
  }
}

/// E cos(w.x) of `blocks` Hadamard matrices with signs in dimension d, a power of two, and |w| = sqrt(d): the outermost
/// signs leave prod_j cos(z_j) of what the others make of x, z = H D_2 .. H D_k x / sqrt(d)^(k - 1); all their signs
/// are walked.
double mean_cosine(Index blocks, const Vector<double>& x) {
  const Index dim = x.size();
  if (blocks == 1) return x.array().cos().prod();
  double sum = 0;
  for (std::uint64_t signs = 0; signs < std::uint64_t{1} << dim; ++signs) {
    Vector<double> z = Vector<double>::Zero(dim);
    for (Index i = 0; i < dim; ++i) {
      for (Index j = 0; j < dim; ++j) {
        const bool minus =
            (static_cast<std::uint64_t>(std::popcount(static_cast<std::uint64_t>(i & j))) + (signs >> j)) & 1;
        z(i) += minus ? -x(j) : x(j);
      }
    }
    sum += mean_cosine(blocks - 1, z / std::sqrt(static_cast<double>(dim)));
  }
  return sum / std::pow(2.0, static_cast<double>(dim));
}

/// The bias of Hadamard products is what their signs make it: of 1 to 3 blocks, by z-scores of the exact mean, which is
/// far from that of the sphere.
TEST(Coupling, HadamardHasTheBiasOfItsSigns) {
  constexpr Index kDim = 4, kDraws = 40000;
  const Vector<double> x = Vector<double>::LinSpaced(kDim, 0.5, 1.4);
  const auto uniform = make_kernel("regularized_softmax")->frequency_law();
  const double sphere = uniform->isotropic()->mean(Shape::kCos, kDim, x.squaredNorm()).value();
  double of_fewer = 0;
  for (const Index blocks : {1, 2, 3}) {
    const auto coupling = make_coupling("hadamard", {{"blocks", static_cast<double>(blocks)}});
    Moments estimates;
    for (Index t = 0; t < kDraws; ++t) {
      const Stream stream(kSeed, Purpose::kFrequencies, static_cast<std::uint64_t>(t));
      const Matrix<double> W = coupling->draw(*make_radial_law("constant"), 2 * kDim, kDim, stream)->matrix();
      estimates.add((W * x).array().cos().mean());
    }
    const double exact = mean_cosine(blocks, x);
    EXPECT_LT(std::fabs(estimates.mean() - exact) / estimates.standard_error(), 4) << blocks;
    EXPECT_GT(std::fabs(exact - sphere) / estimates.standard_error(), 8) << blocks;
    EXPECT_GT(std::fabs(exact - of_fewer) / estimates.standard_error(), 8) << blocks;
    of_fewer = exact;
  }
}

TEST(Coupling, HadamardRefusesOtherBlocks) {
  for (const double blocks : {0.0, 4.0, 1.5, -1.0}) {
    EXPECT_THROW(make_coupling("hadamard", {{"blocks", blocks}}), std::invalid_argument) << blocks;
  }
}

TEST(Coupling, ConstantRadiusHasNoTilt) {
  const std::vector<double> shift{1, 2};
  try {
    make_coupling("iid")->draw_tilted(*make_radial_law("constant"), 3, 2, 0, shift, Stream(0, Purpose::kTilt, 0));
    FAIL() << "nothing was thrown";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "fill_tilted: the radial law 'constant' has no tilted sampler");
  }
}

}  // namespace
}  // namespace bochner
