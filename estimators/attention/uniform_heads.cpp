#include <cstddef>

#include "estimators/attention/heads.h"

namespace bochner {

template <class Scalar>
void uniform_heads(AttentionTask<Scalar>& task) {
  const auto queries = static_cast<Index>(task.seen.size());
  for (Index head = 0; head < task.queries.rows(); head += queries) {
    Vector<double> sum = Vector<double>::Zero(task.values.cols());
    Index added = 0;
    for (Index i = 0; i < queries; ++i) {
      const Index seen = task.seen[static_cast<std::size_t>(i)];
      for (; added < seen; ++added) sum += task.values.row(added).transpose().template cast<double>();
      auto out = task.out.row(head + i);
      if (seen == 0) {
        out.setZero();
      } else {
        out = (sum / static_cast<double>(seen)).template cast<Scalar>().transpose();
      }
    }
  }
}

template void uniform_heads(AttentionTask<float>&);
template void uniform_heads(AttentionTask<double>&);

}  // namespace bochner
