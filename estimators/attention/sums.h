#pragma once

#include "core/types.h"
#include "estimators/feature_map.h"

namespace bochner {

/// The running sums of linear attention, for one head: everything that queries need to know of the keys so far.
///
///   kExponents:  S_l = sum_j exp(u_jl + c_j - M_l) [v_j, 1],  M_l = max_j (u_jl + c_j), one maximum a feature;
///                out = sum_l w_l S_l[v] / sum_l w_l S_l[1],   w_l = exp(u_l + M_l - max_l (u_l + M_l))
///   kValues:     S_l = sum_j f_jl exp(c_j - M) [v_j, 1],      M = max_j c_j;
///                out = sum_l f_l S_l[v] / sum_l f_l S_l[1]
///
/// with features u or f and log-scales c of a tile (estimators/feature_map.h). The query's own log-scale cancels. In
/// the first form the denominator is at least 1, whatever the norms: the term at the maximum is (0 if no key shares a
/// feature with the query). In the second it may have any sign. Keys come one by one, and a new maximum rescales only
/// what it must, so the sums depend on the keys and their order alone.
/// Shapes: u, f (p), values (dv). Cost: O(p dv) a key and a query.
template <class Scalar>
class AttentionSums {
 public:
  AttentionSums(Form form, Index features, Index values);

  /// Throws std::domain_error when a feature or the log-scale is not finite, that is, too large for Scalar; only an
  /// exponent may be minus infinity, which is a feature 0.
  void append(const VectorView<Scalar>& features, Scalar log_scale, const VectorView<Scalar>& values);

  /// Writes the output and returns whether the denominator was positive. Where it is 0 the output is infinite with the
  /// sign of the numerator, and 0 for 0/0; where it is negative the quotient stands. Throws as append does.
  bool query(const VectorView<Scalar>& features, MutableVectorView<Scalar> out);

  /// Keys appended.
  Index size() const { return size_; }

 private:
  void set_exponent_weights(const VectorView<Scalar>& features, Scalar log_scale);
  void set_value_weights(const VectorView<Scalar>& features, Scalar log_scale);

  Form form_;
  Matrix<Scalar> sums_;     // (dv + 1, p): features lie along the rows, so that both passes run over contiguous memory
  Vector<Scalar> maxima_;   // (p), or (1) for kValues
  Vector<Scalar> weights_;  // (p), scratch
  Vector<Scalar> decay_;    // (p), scratch
  Vector<Scalar> result_;   // (dv + 1), scratch
  Index size_ = 0;
};

}  // namespace bochner
