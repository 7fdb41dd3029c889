#pragma once

#include <vector>

#include "core/simd/product.h"
#include "core/types.h"
#include "estimators/feature_map.h"

namespace bochner {

/// The running sums of linear attention: what askers need to know of the items so far. Forward, the items are keys and
/// the askers queries; for gradients with respect to keys the parts are exchanged.
///
/// Item j has features (a row of a tile: exponents u_jl or values f_jl, with the log-scale c_j) and a row of values
/// x_j. With weights a_jl = exp(u_jl + c_j - R_l), or f_jl exp(c_j - R), the sums are
///
///   S_l = sum_j a_jl x_j,     e^(R_l) S_l free of the references R.
///
/// No exponent so far exceeds its reference, so no weight exceeds 1, and no reference exceeds the largest exponent so
/// far by more than kHeadroom, so the sums cannot vanish. A reference moves only when an item exceeds it, and then
/// leaves that item kHeadroom below itself, which rescales that feature alone: nearly all items cost no rescaling, and
/// none depends on a later one.
///
/// The newest items, at most block_rows, form the open block: their weights are kept as rows, so that an asker may see
/// just the first few of them; the others are summed into S. A block is closed when it is full, and before a reference
/// moves. Sums and outputs depend on the items and their order alone, to the bit, not on how they are cut into calls.
/// Memory: p (columns + 2 block_rows), and as much again for copies in the order that products want.
template <class Scalar>
class AttentionSums {
 public:
  /// e^-20 = 2e-9. Exponents of normal queries and keys differ by less, so that references move once.
  static constexpr Scalar kHeadroom = 20;

  /// `columns` are those of the values.
  AttentionSums(Form form, Index features, Index columns);

  /// Forgets all items.
  void reset();

  /// Rows of the open block, and of a tile of features that stays in a level-two cache.
  static Index block_rows(Index features);

  /// Takes the first items of a tile into the open block and returns how many: none where the block must be closed
  /// first. Shapes: features (n, p), log_scale (n), values (n, columns).
  /// Throws std::domain_error when a feature or log-scale is too large for Scalar; only an exponent may be minus
  /// infinity, which is a feature 0.
  Index admit(const MatrixView<Scalar>& features, const VectorView<Scalar>& log_scale,
              const MatrixView<Scalar>& values);

  /// Adds the open block to S. Cost: 2 p columns flops an item.
  void close();

  /// Adds items, as many as `count` rows, whose weights, relative to the askers of `other`, are known: those that
  /// weigh() gave of its sums. For sums that are filled in no other way. Shapes: weights (count, p), values (count,
  /// columns).
  void add_askers_of(const AttentionSums& other, Index count, const simd::PaddedRows<Scalar>& weights,
                     const simd::PaddedRows<Scalar>& values);

  Form form() const { return form_; }
  Index open() const { return open_; }      ///< items in the open block
  Index closed() const { return closed_; }  ///< items in S
  Index features() const { return sums_.cols(); }
  Index columns() const { return sums_.rows(); }

  /// Weights of askers, out (n, p), relative to the references: exp(u_il + R_l - shift_i) with shift_i the largest of
  /// u_il + R_l, so that the weighted sum of a column of ones is at least exp(-kHeadroom); for values f_il with shift
  /// R. Throws std::domain_error as admit does.
  void weigh(const MatrixView<Scalar>& features, MutableMatrixView<Scalar> out, MutableVectorView<Scalar> shift) const;
  /// The same with given scales: exp(u_il + log_scale_i + R_l), or f_il exp(log_scale_i + R).
  void weigh_by(const MatrixView<Scalar>& features, const VectorView<Scalar>& log_scale,
                MutableMatrixView<Scalar> out) const;

  /// The open block through the weights of askers: P_ij = sum_l weight_il a_jl for the open items j that asker i sees,
  /// the first visible[i] (never fewer than those of the asker before), 0 for the others. P (n, block_rows).
  void scores(const simd::PaddedRows<Scalar>& weights, const std::vector<Index>& visible, simd::PaddedRows<Scalar>& P);
  /// out = weights S + P x in the first out.cols() columns. Shapes: out (n, at most columns).
  void collect(const simd::PaddedRows<Scalar>& weights, const std::vector<Index>& visible,
               const simd::PaddedRows<Scalar>& P, MutableMatrixView<Scalar> out);
  /// The same of one column, out (n), by dot products.
  void collect_column(const simd::PaddedRows<Scalar>& weights, const std::vector<Index>& visible,
                      const simd::PaddedRows<Scalar>& P, Index column, MutableVectorView<Scalar> out) const;
  /// The adjoint: H_il = y_i . (S_l + sum_(j seen) a_jl x_j), the derivative of y . out by the weights.
  /// Shapes: y (n, columns), H (n, p).
  void spread(const simd::PaddedRows<Scalar>& y, const std::vector<Index>& visible, simd::PaddedRows<Scalar>& H);
  /// The one reference of values.
  Scalar reference() const { return reference_(0); }
  /// Column `column` of S, (p).
  auto column(Index column) const { return sums_.top(columns()).row(column).transpose(); }

  /// All of it as numbers, for files; `restore` is the inverse, to the bit, for the same form and sizes.
  std::vector<Scalar> to_numbers() const;
  /// Throws std::invalid_argument when the numbers are not of this form.
  void restore(const std::vector<Scalar>& numbers);

 private:
  void raise_references(const MatrixView<Scalar>& features, Scalar log_scale);
  Index count_below_references(const MatrixView<Scalar>& features, const VectorView<Scalar>& log_scale);
  /// Runs of askers that together need the same few open items.
  template <class Body>
  void for_groups(const std::vector<Index>& visible, const Body& body) const;

  Form form_;
  simd::PaddedRows<Scalar> sums_;     // (columns, p): S transposed
  Vector<Scalar> reference_;          // (p), or (1) for values
  Vector<Scalar> negative_;           // -reference_
  simd::PaddedRows<Scalar> weights_;  // (block_rows, p), of the open items
  simd::PaddedRows<Scalar> values_;   // (block_rows, columns), theirs
  Index open_ = 0;
  Index closed_ = 0;

  // Copies in the order of right factors, brought up to date when they are needed.
  simd::Panels<Scalar> sums_panels_;  // (p, columns)
  Index sums_copied_ = 0;
  simd::Panels<Scalar> weights_panels_;  // (p, block_rows)
  Index weights_copied_ = 0;
  simd::Panels<Scalar> values_panels_;  // (columns, block_rows)
  Index values_copied_ = 0;

  Vector<Scalar> excess_;           // (block_rows), scratch
  simd::PaddedRows<Scalar> pairs_;  // (block_rows, block_rows), scratch
};

}  // namespace bochner
