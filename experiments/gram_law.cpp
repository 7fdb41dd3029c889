#include "experiments/gram_law.h"

#include "core/check.h"

namespace bochner {
namespace {

std::span<const double> row_of(const MatrixView<double>& rows, Index i) {
  return {rows.row(i).data(), static_cast<std::size_t>(rows.cols())};
}

}  // namespace

std::vector<double> gram_law_mse(const Estimator& estimator, const MatrixView<double>& X, std::span<const Index> m,
                                 const Execution& execution) {
  require_points(X, "gram_law_mse", "X");
  const Index n = X.rows();
  const auto sizes = static_cast<Index>(m.size());
  const bool symmetric = estimator.draw(X.cols(), 1, 0, 0)->symmetric();
  // A sum a row, added up in the order of the rows: the result does not depend on who computed which.
  Matrix<double> sums(n, sizes);
  parallel_for(n, execution, [&](Index i) {
    Vector<double> sum = Vector<double>::Zero(sizes);  // not in place: neighbouring rows share a cache line
    for (Index j = symmetric ? i : 0; j < n; ++j) {
      const double weight = symmetric && j > i ? 2 : 1;
      const std::vector<Law> laws = estimator.laws(row_of(X, i), row_of(X, j), m);
      for (Index k = 0; k < sizes; ++k) sum(k) += weight * laws[static_cast<std::size_t>(k)].mse;
    }
    sums.row(i) = sum;
  });
  std::vector<double> means;
  for (Index k = 0; k < sizes; ++k) means.push_back(sums.col(k).sum() / static_cast<double>(n * n));
  return means;
}

}  // namespace bochner
