#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>

#include "core/simd/hadamard.h"
#include "core/structured_projection.h"
#include "core/types.h"

// The Walsh-Hadamard transform in elements a second, and products with W, dense and structured, in points a second:
// `run.py` sets the first beside a peer and the others beside each other.

namespace bochner {
namespace {

/// The shortest of some calls, in seconds.
double shortest(int rounds, const std::function<void()>& call) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  for (int round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    call();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

/// Of zeros, which stay zeros.
template <class Scalar>
double transformed(Index rows, Index size) {
  Matrix<Scalar> X = Matrix<Scalar>::Zero(rows, size);
  return static_cast<double>(X.size()) / shortest(200, [&] { simd::hadamard<Scalar>(X); });
}

constexpr Index kPoints = 64, kDim = 1024, kRows = 8192;

double projected(const Projection& projection) {
  const Matrix<float> X = Matrix<float>::Random(kPoints, kDim);
  Matrix<float> U(kPoints, kRows);
  return static_cast<double>(kPoints) / shortest(20, [&] { projection.apply(X, U); });
}

}  // namespace
}  // namespace bochner

int main() {
  using namespace bochner;
  Stream stream(0, Purpose::kFrequencies, 0);
  const Vector<double> norms = Vector<double>::Constant(kRows, 32);
  const auto hadamard = hadamard_projection(stream, kDim, 3, norms);
  const auto fastfood = fastfood_projection(stream, kDim, norms);
  const DenseProjection dense(hadamard->matrix());
  std::printf(
      "{\"float 2^10\": %.6g, \"float 2^20\": %.6g, \"double 2^10\": %.6g, \"double 2^20\": %.6g, "
      "\"dense\": %.6g, \"hadamard\": %.6g, \"fastfood\": %.6g}\n",
      transformed<float>(64, 1 << 10), transformed<float>(1, 1 << 20), transformed<double>(64, 1 << 10),
      transformed<double>(1, 1 << 20), projected(dense), projected(*hadamard), projected(*fastfood));
}
