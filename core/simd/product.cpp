#include "core/simd/product.h"

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "core/check.h"

// The accumulators are arrays of vectors, which the sizeless vectors of these instruction sets do not allow.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/product.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#ifndef BOCHNER_SIMD_PRODUCT_ONCE
#define BOCHNER_SIMD_PRODUCT_ONCE
namespace bochner::simd {
namespace {

/// The arguments of a product as the kernels see them; the strides are between rows.
template <class Scalar>
struct Product {
  const Scalar* x;  // (n, d)
  std::size_t x_stride;
  const typename PackedMatrix<Scalar>::Line* w;  // (panels, d)
  Scalar* u;                                     // (n, m)
  std::size_t u_stride;
  std::size_t n, m, d;
};

}  // namespace
}  // namespace bochner::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace bochner::simd {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// 6 rows by 2 vectors: 12 accumulators cover the latency of two FMA units and leave, of 16 registers, two for W and
/// one for the broadcast entry of X.
constexpr std::size_t kTileRows = 6;

/// Rows whose entries stay in the first-level cache while all of W passes over them; a multiple of kTileRows.
constexpr std::size_t kBlockRows = 60;

/// A tile of kRows rows and two vectors of columns of U; `w` points at the tile's first column in the panel.
template <std::size_t kRows, class Scalar>
HWY_INLINE void tile(const Scalar* x, std::size_t x_stride, const Scalar* w, std::size_t d, Scalar* u,
                     std::size_t u_stride) {
  const hn::ScalableTag<Scalar> tag;
  using V = hn::Vec<decltype(tag)>;
  V sums[kRows][2];
  HWY_UNROLL(kTileRows)
  for (std::size_t r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = hn::Zero(tag);
  for (std::size_t k = 0; k < d; ++k, w += PackedMatrix<Scalar>::kColumns) {
    const V w0 = hn::Load(tag, w);
    const V w1 = hn::Load(tag, w + hn::Lanes(tag));
    HWY_UNROLL(kTileRows)
    for (std::size_t r = 0; r < kRows; ++r) {
      const V entry = hn::Set(tag, x[r * x_stride + k]);
      sums[r][0] = hn::MulAdd(entry, w0, sums[r][0]);
      sums[r][1] = hn::MulAdd(entry, w1, sums[r][1]);
    }
  }
  HWY_UNROLL(kTileRows)
  for (std::size_t r = 0; r < kRows; ++r) {
    hn::StoreU(sums[r][0], tag, u + r * u_stride);
    hn::StoreU(sums[r][1], tag, u + r * u_stride + hn::Lanes(tag));
  }
}

/// A tile of which only `columns` columns exist in U.
template <std::size_t kRows, class Scalar>
HWY_INLINE void narrow_tile(const Scalar* x, std::size_t x_stride, const Scalar* w, std::size_t d, Scalar* u,
                            std::size_t u_stride, std::size_t columns) {
  constexpr std::size_t kWidth = 2 * hn::MaxLanes(hn::ScalableTag<Scalar>());
  HWY_ALIGN Scalar buffer[kRows * kWidth];
  tile<kRows>(x, x_stride, w, d, buffer, kWidth);
  for (std::size_t r = 0; r < kRows; ++r) std::copy_n(buffer + r * kWidth, columns, u + r * u_stride);
}

/// kRows rows from `row` on, against the columns of one tile from `column` on.
template <std::size_t kRows, class Scalar>
HWY_INLINE void rows_by_tile(const Product<Scalar>& p, std::size_t row, const Scalar* w, std::size_t column) {
  const std::size_t width = 2 * hn::Lanes(hn::ScalableTag<Scalar>());
  const Scalar* x = p.x + row * p.x_stride;
  Scalar* u = p.u + row * p.u_stride + column;
  if (HWY_LIKELY(p.m - column >= width)) {
    tile<kRows>(x, p.x_stride, w, p.d, u, p.u_stride);
  } else {
    narrow_tile<kRows>(x, p.x_stride, w, p.d, u, p.u_stride, p.m - column);
  }
}

/// Rows [row, end), fewer than a block, against the columns of one tile.
template <class Scalar>
HWY_NOINLINE void block_by_tile(const Product<Scalar>& p, std::size_t row, std::size_t end, const Scalar* w,
                                std::size_t column) {
  for (; row + kTileRows <= end; row += kTileRows) rows_by_tile<kTileRows>(p, row, w, column);
  switch (end - row) {
    case 5:
      return rows_by_tile<5>(p, row, w, column);
    case 4:
      return rows_by_tile<4>(p, row, w, column);
    case 3:
      return rows_by_tile<3>(p, row, w, column);
    case 2:
      return rows_by_tile<2>(p, row, w, column);
    case 1:
      return rows_by_tile<1>(p, row, w, column);
    default:
      return;
  }
}

template <class Scalar>
void product_array(const Product<Scalar>& p) {
  constexpr std::size_t kColumns = PackedMatrix<Scalar>::kColumns;
  const std::size_t width = 2 * hn::Lanes(hn::ScalableTag<Scalar>());
  for (std::size_t row = 0; row < p.n; row += kBlockRows) {
    const std::size_t end = std::min(row + kBlockRows, p.n);
    for (std::size_t column = 0; column < p.m; column += width) {
      const Scalar* w = p.w[column / kColumns * p.d].values + column % kColumns;
      block_by_tile(p, row, end, w, column);
    }
  }
}

}  // namespace

void product_float(const Product<float>& p) { product_array(p); }
void product_double(const Product<double>& p) { product_array(p); }

}  // namespace HWY_NAMESPACE
}  // namespace bochner::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bochner::simd {
namespace {

HWY_EXPORT(product_float);
HWY_EXPORT(product_double);

}  // namespace

template <class Scalar>
PackedMatrix<Scalar>::PackedMatrix(const MatrixView<double>& W) : rows_(W.rows()), cols_(W.cols()) {
  require_rows(rows_, "PackedMatrix", "W");
  require_at_least(cols_, 1, "PackedMatrix", "W.columns");
  const auto columns = static_cast<Index>(kColumns);
  lines_.resize(static_cast<std::size_t>((rows_ + columns - 1) / columns * cols_));
  for (Index row = 0; row < rows_; ++row) {
    Line* panel = lines_.data() + row / columns * cols_;
    for (Index k = 0; k < cols_; ++k) panel[k].values[row % columns] = static_cast<Scalar>(W(row, k));
  }
}

template <class Scalar>
void product(const MatrixView<Scalar>& X, const PackedMatrix<Scalar>& W, MutableMatrixView<Scalar> U) {
  require_columns(X.cols(), W.cols(), "product", "X");
  if (U.rows() != X.rows() || U.cols() != W.rows()) {
    detail::throw_shapes_differ("product", "U", U.rows(), U.cols(), "X W^T", X.rows(), W.rows());
  }
  const auto size = [](Index value) { return static_cast<std::size_t>(value); };
  const Product<Scalar> p{X.data(),       size(X.outerStride()), W.lines().data(), U.data(), size(U.outerStride()),
                          size(X.rows()), size(W.rows()),        size(W.cols())};
  if constexpr (std::is_same_v<Scalar, float>) {
    HWY_DYNAMIC_DISPATCH(product_float)(p);
  } else {
    HWY_DYNAMIC_DISPATCH(product_double)(p);
  }
}

template class PackedMatrix<float>;
template class PackedMatrix<double>;
template void product(const MatrixView<float>&, const PackedMatrix<float>&, MutableMatrixView<float>);
template void product(const MatrixView<double>&, const PackedMatrix<double>&, MutableMatrixView<double>);

}  // namespace bochner::simd
#endif  // HWY_ONCE
