#include "estimators/attention/heads.h"

namespace bochner {

template <class Scalar>
void uniform_heads(AttentionTask<Scalar>& task) {
  const Index queries = task.visible.queries;
  for (Index head = 0; head < task.queries.rows(); head += queries) {
    Vector<double> sum = Vector<double>::Zero(task.values.cols());
    Index seen = 0;
    Cursor keys = Cursor::forward(task.visible.keys, task.visible.mask);
    for (Index i = 0; i < queries; ++i) {
      for (; !keys.done() && keys.at() < task.visible.limit(i); keys.advance(), ++seen) {
        sum += task.values.row(keys.at()).transpose().template cast<double>();
      }
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
