#include "core/structured_projection.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/sampling.h"
#include "core/simd/hadamard.h"

namespace bochner {
namespace {

/// The diagonals of a chain of Hadamard matrices in both precisions.
class Diagonals {
 public:
  explicit Diagonals(Matrix<double> rows) : double_(std::move(rows)), float_(double_.cast<float>()) {}

  void set_row(Index row, const Vector<double>& values) {
    double_.row(row) = values;
    float_.row(row) = values.cast<float>();
  }

  template <class Scalar>
  void chain(const MatrixView<Scalar>& X, MutableMatrixView<Scalar> out) const {
    simd::hadamard_chain<Scalar>(X, get<Scalar>(), out);
  }
  /// The adjoint. Turning the rows around costs no more than one transform.
  template <class Scalar>
  void chain_transpose(const MatrixView<Scalar>& X, MutableMatrixView<Scalar> out) const {
    simd::hadamard_chain<Scalar>(X, get<Scalar>().colwise().reverse().eval(), out);
  }

 private:
  template <class Scalar>
  const Matrix<Scalar>& get() const {
    if constexpr (std::is_same_v<Scalar, float>) {
      return float_;
    } else {
      return double_;
    }
  }

  Matrix<double> double_;
  Matrix<float> float_;
};

Vector<double> random_signs(Stream& stream, Index size) {
  Vector<double> signs(size);
  std::uint64_t bits = 0;
  for (Index j = 0; j < size; ++j) {
    bits = j % 64 == 0 ? stream.next() : bits >> 1;
    signs(j) = (bits & 1) != 0 ? -1 : 1;
  }
  return signs;
}

Vector<double> random_normals(Stream& stream, Index size) {
  Vector<double> values(size);
  fill_normal(stream, {values.data(), static_cast<std::size_t>(size)});
  return values;
}

/// diag(scales) H D_1 ... H D_k.
class HadamardStack {
 public:
  HadamardStack(Stream& stream, Index size, Index blocks)
      : blocks_(blocks),
        row_norm_(std::pow(static_cast<double>(size), 0.5 * static_cast<double>(blocks))),
        diagonals_(Matrix<double>::Ones(blocks + 1, size)) {
    for (Index t = blocks - 1; t >= 0; --t) diagonals_.set_row(t, random_signs(stream, size));
  }

  /// The norm of every whole row while its scale is 1.
  double row_norm() const { return row_norm_; }
  void set_scales(const Vector<double>& scales) { diagonals_.set_row(blocks_, scales); }

  template <class Scalar>
  void apply(const MatrixView<Scalar>& X, MutableMatrixView<Scalar> U) const {
    diagonals_.chain<Scalar>(X, U);
  }
  template <class Scalar>
  void apply_transpose(const MatrixView<Scalar>& U, MutableMatrixView<Scalar> X) const {
    diagonals_.chain_transpose<Scalar>(U, X);
  }

 private:
  Index blocks_;
  double row_norm_;
  Diagonals diagonals_;
};

/// diag(scales) H G Pi H B, (Pi z)_j = z_(source j).
class FastfoodStack {
 public:
  FastfoodStack(Stream& stream, Index size)
      : first_(Matrix<double>::Ones(2, size)), second_(Matrix<double>::Ones(2, size)) {
    first_.set_row(0, random_signs(stream, size));
    const Vector<double> normals = random_normals(stream, size);
    second_.set_row(0, normals);
    row_norm_ = std::sqrt(static_cast<double>(size)) * normals.norm();
    sources_.resize(static_cast<std::size_t>(size));
    std::iota(sources_.begin(), sources_.end(), Index{0});
    for (std::size_t j = sources_.size(); j > 1; --j) std::swap(sources_[j - 1], sources_[stream.below(j)]);
  }

  double row_norm() const { return row_norm_; }
  void set_scales(const Vector<double>& scales) { second_.set_row(1, scales); }

  template <class Scalar>
  void apply(const MatrixView<Scalar>& X, MutableMatrixView<Scalar> U) const {
    Matrix<Scalar> Z(X.rows(), X.cols());
    first_.chain<Scalar>(X, Z);
    for (Index i = 0; i < Z.rows(); ++i) {
      const Scalar* from = Z.row(i).data();
      Scalar* to = U.row(i).data();
      for (const Index source : sources_) *to++ = from[source];
    }
    second_.chain<Scalar>(U, U);
  }
  template <class Scalar>
  void apply_transpose(const MatrixView<Scalar>& U, MutableMatrixView<Scalar> X) const {
    Matrix<Scalar> Z(U.rows(), U.cols());
    second_.chain_transpose<Scalar>(U, Z);
    for (Index i = 0; i < Z.rows(); ++i) {
      const Scalar* from = Z.row(i).data();
      Scalar* to = X.row(i).data();
      for (const Index source : sources_) to[source] = *from++;
    }
    first_.chain_transpose<Scalar>(X, X);
  }

 private:
  Diagonals first_, second_;
  double row_norm_;
  std::vector<Index> sources_;
};

/// Stacks one above the other, for points padded with zeros.
template <class Stack>
class StackedProjection final : public Projection {
 public:
  StackedProjection(Index dim, std::vector<Stack> stacks, const Vector<double>& norms)
      : rows_(norms.size()), dim_(dim), size_(padded(dim)), stacks_(std::move(stacks)) {
    for (Index s = 0; s < count(); ++s) {
      Stack& stack = stacks_[static_cast<std::size_t>(s)];
      const Vector<double> lengths = left_lengths(stack);
      Vector<double> scales = Vector<double>::Zero(size_);
      for (Index i = 0; i < width(s); ++i) {
        if (lengths(i) > 0) scales(i) = norms(s * size_ + i) / lengths(i);
      }
      stack.set_scales(scales);
    }
  }

  /// The least power of two that is not below dim.
  static Index padded(Index dim) { return static_cast<Index>(std::bit_ceil(static_cast<std::uint64_t>(dim))); }

  Index rows() const override { return rows_; }
  Index dim() const override { return dim_; }
  void apply(const MatrixView<float>& X, MutableMatrixView<float> U) const override { apply_of<float>(X, U); }
  void apply(const MatrixView<double>& X, MutableMatrixView<double> U) const override { apply_of<double>(X, U); }
  void apply_transpose(const MatrixView<float>& U, MutableMatrixView<float> X) const override {
    apply_transpose_of<float>(U, X);
  }
  void apply_transpose(const MatrixView<double>& U, MutableMatrixView<double> X) const override {
    apply_transpose_of<double>(U, X);
  }
  Matrix<double> matrix() const override {
    Matrix<double> transpose(dim_, rows_);
    apply_of<double>(Matrix<double>::Identity(dim_, dim_), transpose);
    return transpose.transpose();
  }

 private:
  Index count() const { return static_cast<Index>(stacks_.size()); }
  /// The rows of stack s that exist.
  Index width(Index s) const { return std::min(size_, rows_ - s * size_); }
  /// Points that are padded and transformed together: what one stack reads and writes of them stays in cache.
  Index block() const { return std::max(Index{1}, (Index{1} << 14) / size_); }

  /// The norms of the first dim columns of the rows of a stack whose scales are 1.
  Vector<double> left_lengths(const Stack& stack) const {
    if (dim_ == size_) return Vector<double>::Constant(size_, stack.row_norm());
    Vector<double> squares = Vector<double>::Zero(size_);
    Matrix<double> columns(block(), size_);
    for (Index first = 0; first < dim_; first += block()) {
      const Index n = std::min(block(), dim_ - first);
      columns.setZero();
      columns.block(0, first, n, n).setIdentity();
      Matrix<double> images(n, size_);
      stack.template apply<double>(columns.topRows(n), images);
      squares += images.colwise().squaredNorm().transpose();
    }
    // What is left of a row may be nothing but rounding errors.
    const double rounding = 1e-12 * stack.row_norm();
    return squares.cwiseSqrt().unaryExpr([&](double length) { return length > rounding ? length : 0.0; });
  }

  void check(Index columns, Index expected, Index rows, Index out_rows, Index out_columns, Index out_expected,
             const char* function, const char* in, const char* out) const {
    require_columns(columns, expected, function, in);
    if (out_rows != rows || out_columns != out_expected) {
      detail::throw_shapes_differ(function, out, out_rows, out_columns, "the product", rows, out_expected);
    }
  }

  template <class Scalar>
  void apply_of(const MatrixView<Scalar>& X, MutableMatrixView<Scalar> U) const {
    check(X.cols(), dim_, X.rows(), U.rows(), U.cols(), rows_, "apply", "X", "U");
    Matrix<Scalar> points, cut;
    if (dim_ != size_) points = Matrix<Scalar>::Zero(std::min(block(), X.rows()), size_);
    for (Index first = 0; first < X.rows(); first += block()) {
      const Index n = std::min(block(), X.rows() - first);
      if (dim_ != size_) points.topLeftCorner(n, dim_) = X.middleRows(first, n);
      const MatrixView<Scalar> whole = dim_ != size_ ? MatrixView<Scalar>(points.topRows(n)) : X.middleRows(first, n);
      for (Index s = 0; s < count(); ++s) {
        const Stack& stack = stacks_[static_cast<std::size_t>(s)];
        auto out = U.block(first, s * size_, n, width(s));
        if (width(s) == size_) {
          stack.template apply<Scalar>(whole, out);
        } else {
          cut.resize(n, size_);
          stack.template apply<Scalar>(whole, cut);
          out = cut.leftCols(width(s));
        }
      }
    }
  }

  template <class Scalar>
  void apply_transpose_of(const MatrixView<Scalar>& U, MutableMatrixView<Scalar> X) const {
    check(U.cols(), rows_, U.rows(), X.rows(), X.cols(), dim_, "apply_transpose", "U", "X");
    for (Index first = 0; first < U.rows(); first += block()) {
      const Index n = std::min(block(), U.rows() - first);
      Matrix<Scalar> sum = Matrix<Scalar>::Zero(n, size_), part(n, size_);
      for (Index s = 0; s < count(); ++s) {
        part.leftCols(width(s)) = U.block(first, s * size_, n, width(s));
        part.rightCols(size_ - width(s)).setZero();
        stacks_[static_cast<std::size_t>(s)].template apply_transpose<Scalar>(part, part);
        sum += part;
      }
      X.middleRows(first, n) = sum.leftCols(dim_);
    }
  }

  Index rows_, dim_, size_;
  std::vector<Stack> stacks_;
};

template <class Stack, class... Arguments>
std::shared_ptr<const Projection> stacked(const char* function, Stream& stream, Index dim, const Vector<double>& norms,
                                          Arguments... arguments) {
  require_at_least(dim, 1, function, "dim");
  require_at_least(norms.size(), 1, function, "norms.size");
  require_finite(norms, function, "norms");
  const Index size = StackedProjection<Stack>::padded(dim);
  if (size > simd::kLongestHadamard) {
    throw std::invalid_argument(std::string(function) + ": dim is " + std::to_string(dim) + "; expected at most " +
                                std::to_string(simd::kLongestHadamard));
  }
  std::vector<Stack> stacks;
  for (Index first = 0; first < norms.size(); first += size) stacks.emplace_back(stream, size, arguments...);
  return std::make_shared<StackedProjection<Stack>>(dim, std::move(stacks), norms);
}

}  // namespace

std::shared_ptr<const Projection> hadamard_projection(Stream& stream, Index dim, Index blocks,
                                                      const Vector<double>& norms) {
  if (blocks < 1 || blocks > 3) {
    throw std::invalid_argument("hadamard_projection: blocks is " + std::to_string(blocks) + "; expected 1, 2 or 3");
  }
  return stacked<HadamardStack>("hadamard_projection", stream, dim, norms, blocks);
}

std::shared_ptr<const Projection> fastfood_projection(Stream& stream, Index dim, const Vector<double>& norms) {
  return stacked<FastfoodStack>("fastfood_projection", stream, dim, norms);
}

}  // namespace bochner
