#include "estimators/input_range.h"

#include <sstream>
#include <stdexcept>

namespace bochner {

template <class Scalar>
void require_in_range(const InputRange& range, const MatrixView<Scalar>& X, std::string_view function,
                      std::string_view parameter) {
  if (range.low == InputRange{}.low || X.size() == 0) return;
  if (range.contains(static_cast<double>(X.minCoeff()))) return;
  for (Index i = 0; i < X.rows(); ++i) {
    for (Index j = 0; j < X.cols(); ++j) {
      const auto value = static_cast<double>(X(i, j));
      if (range.contains(value)) continue;
      std::ostringstream text;
      text << function << ": " << parameter << "[" << i << ", " << j << "] is " << value << "; expected values "
           << (range.low_belongs ? "of at least " : "greater than ") << range.low;
      throw std::domain_error(text.str());
    }
  }
}

template void require_in_range(const InputRange&, const MatrixView<float>&, std::string_view, std::string_view);
template void require_in_range(const InputRange&, const MatrixView<double>&, std::string_view, std::string_view);

}  // namespace bochner
