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

/// The arguments of a product as the kernels see them.
template <class Scalar>
struct Product {
  std::size_t n, m, k;
  const Scalar* a;
  std::size_t a_row, a_step;
  const Scalar* b;
  std::size_t b_step, b_panel;
  Scalar* c;
  std::size_t c_row;
  bool accumulate;
};

}  // namespace
}  // namespace bochner::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace bochner::simd {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// Rows of a tile of C. With two vectors of columns its 12 accumulators cover the latency of two FMA units and leave,
/// of 16 registers, two for B and one for the broadcast entry of A; with 32 registers four vectors fit as well.
constexpr std::size_t kTileRows = 6;

/// Rows whose entries of A stay in the first-level cache while all of B passes over them; a multiple of kTileRows.
constexpr std::size_t kBlockRows = 60;

template <class Scalar>
using Tag = hn::ScalableTag<Scalar>;

template <class Scalar>
constexpr std::size_t kLanes = hn::MaxLanes(Tag<Scalar>());

/// Vectors in a panel: 1 with 64-byte registers.
template <class Scalar>
constexpr std::size_t kPanelVectors = std::size_t{kPanelColumns<Scalar>} / kLanes<Scalar>;

/// The most vectors of a tile: four panels where a vector is a panel, else a part of one.
template <class Scalar>
constexpr std::size_t kMostVectors = kPanelVectors<Scalar> == 1 ? 4 : 2;

/// A tile of kRows rows and kVectors vectors of columns of C. `b` points at the tile's first column.
template <std::size_t kRows, std::size_t kVectors, class Scalar>
HWY_INLINE void tile(const Product<Scalar>& p, const Scalar* a, const Scalar* b, Scalar* c, std::size_t c_row) {
  const Tag<Scalar> tag;
  using V = hn::Vec<decltype(tag)>;
  const std::size_t b_vector = kPanelVectors<Scalar> == 1 ? p.b_panel : kLanes<Scalar>;
  const std::size_t a_row = p.a_row, a_step = p.a_step, b_step = p.b_step;
  V sums[kRows][kVectors];
  HWY_UNROLL(kTileRows)
  for (std::size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[r][v] = p.accumulate ? hn::LoadU(tag, c + r * c_row + v * kLanes<Scalar>) : hn::Zero(tag);
    }
  }
  for (std::size_t s = 0; s < p.k; ++s, a += a_step, b += b_step) {
    V columns[kVectors];
    HWY_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v) columns[v] = hn::LoadU(tag, b + v * b_vector);
    HWY_UNROLL(kTileRows)
    for (std::size_t r = 0; r < kRows; ++r) {
      const V entry = hn::Set(tag, a[r * a_row]);
      HWY_UNROLL(4)
      for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(entry, columns[v], sums[r][v]);
    }
  }
  HWY_UNROLL(kTileRows)
  for (std::size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(sums[r][v], tag, c + r * c_row + v * kLanes<Scalar>);
  }
}

/// A tile of which only `columns` columns exist in C.
template <std::size_t kRows, std::size_t kVectors, class Scalar>
HWY_NOINLINE void narrow_tile(const Product<Scalar>& p, const Scalar* a, const Scalar* b, Scalar* c,
                              std::size_t columns) {
  constexpr std::size_t kWidth = kVectors * kLanes<Scalar>;
  HWY_ALIGN Scalar buffer[kRows * kWidth] = {};
  if (p.accumulate) {
    for (std::size_t r = 0; r < kRows; ++r) std::copy_n(c + r * p.c_row, columns, buffer + r * kWidth);
  }
  tile<kRows, kVectors>(p, a, b, buffer, kWidth);
  for (std::size_t r = 0; r < kRows; ++r) std::copy_n(buffer + r * kWidth, columns, c + r * p.c_row);
}

/// kRows rows from `row` on, in the columns from `column` on of which `columns` exist.
template <std::size_t kRows, std::size_t kVectors, class Scalar>
HWY_INLINE void rows_by_tile(const Product<Scalar>& p, std::size_t row, const Scalar* b, std::size_t column,
                             std::size_t columns) {
  const Scalar* a = p.a + row * p.a_row;
  Scalar* c = p.c + row * p.c_row + column;
  if (HWY_LIKELY(columns == kVectors * kLanes<Scalar>)) {
    tile<kRows, kVectors>(p, a, b, c, p.c_row);
  } else {
    narrow_tile<kRows, kVectors>(p, a, b, c, columns);
  }
}

/// Rows [row, end), at most a block, in the columns of one tile.
template <std::size_t kVectors, class Scalar>
HWY_NOINLINE void block_by_tile(const Product<Scalar>& p, std::size_t row, std::size_t end, const Scalar* b,
                                std::size_t column, std::size_t columns) {
  for (; row + kTileRows <= end; row += kTileRows) {
    rows_by_tile<kTileRows, kVectors>(p, row, b, column, columns);
  }
  switch (end - row) {
    case 5:
      return rows_by_tile<5, kVectors>(p, row, b, column, columns);
    case 4:
      return rows_by_tile<4, kVectors>(p, row, b, column, columns);
    case 3:
      return rows_by_tile<3, kVectors>(p, row, b, column, columns);
    case 2:
      return rows_by_tile<2, kVectors>(p, row, b, column, columns);
    case 1:
      return rows_by_tile<1, kVectors>(p, row, b, column, columns);
    default:
      return;
  }
}

/// Rows [row, end) in all columns from `column` on, by tiles of kVectors vectors while they fit, then by narrower ones.
template <std::size_t kVectors, class Scalar>
HWY_INLINE void block_by_columns(const Product<Scalar>& p, std::size_t row, std::size_t end, std::size_t column) {
  constexpr std::size_t kWidth = kVectors * kLanes<Scalar>;
  constexpr std::size_t kPanel = std::size_t{kPanelColumns<Scalar>};
  const auto at = [&](std::size_t j) { return p.b + j / kPanel * p.b_panel + j % kPanel; };
  for (; column + kWidth <= p.m; column += kWidth) block_by_tile<kVectors>(p, row, end, at(column), column, kWidth);
  if (column == p.m) return;
  if constexpr (kVectors > 1 && kPanelVectors<Scalar> == 1) {
    block_by_columns<kVectors / 2>(p, row, end, column);
  } else {
    block_by_tile<kVectors>(p, row, end, at(column), column, p.m - column);
  }
}

template <class Scalar>
void product_array(const Product<Scalar>& p) {
  for (std::size_t row = 0; row < p.n; row += kBlockRows) {
    block_by_columns<kMostVectors<Scalar>>(p, row, std::min(row + kBlockRows, p.n), 0);
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

std::size_t size_of(Index value) { return static_cast<std::size_t>(value); }

template <class Scalar>
Index panel_count(Index cols) {
  return (cols + kPanelColumns<Scalar> - 1) / kPanelColumns<Scalar>;
}

}  // namespace

template <class Scalar>
void multiply(Index n, Index m, Index k, const LeftFactor<Scalar>& A, const RightFactor<Scalar>& B,
              MutableMatrixView<Scalar> C, bool accumulate) {
  const Product<Scalar> p{size_of(n),
                          size_of(m),
                          size_of(k),
                          A.data,
                          size_of(A.row_stride),
                          size_of(A.step),
                          B.data,
                          size_of(B.step),
                          size_of(B.panel_stride),
                          C.data(),
                          size_of(C.outerStride()),
                          accumulate};
  if constexpr (std::is_same_v<Scalar, float>) {
    HWY_DYNAMIC_DISPATCH(product_float)(p);
  } else {
    HWY_DYNAMIC_DISPATCH(product_double)(p);
  }
}

template <class Scalar>
PaddedRows<Scalar>::PaddedRows(Index rows, Index cols)
    : rows_(rows),
      cols_(cols),
      stride_((panel_count<Scalar>(cols) | 1) * kPanelColumns<Scalar>),
      lines_(size_of(rows * stride_ / kPanelColumns<Scalar>)) {}

template <class Scalar>
Panels<Scalar>::Panels(Index rows, Index cols)
    : rows_(rows), cols_(cols), lines_(size_of(panel_count<Scalar>(cols) * rows)) {}

template <class Scalar>
Panels<Scalar> Panels<Scalar>::transpose_of(const MatrixView<double>& W) {
  require_rows(W.rows(), "Panels", "W");
  require_at_least(W.cols(), 1, "Panels", "W.columns");
  Panels panels(W.cols(), W.rows());
  if constexpr (std::is_same_v<Scalar, double>) {
    panels.set_transpose(W.data(), W.outerStride(), 0, W.rows());
  } else {
    const Matrix<Scalar> rounded = W.template cast<Scalar>();
    panels.set_transpose(rounded.data(), rounded.cols(), 0, rounded.rows());
  }
  return panels;
}

template <class Scalar>
void Panels<Scalar>::set_transpose(const Scalar* values, Index stride, Index first, Index end) {
  constexpr Index kColumns = kPanelColumns<Scalar>;
  for (Index j = first; j < end;) {
    CacheLine<Scalar>* panel = lines_.data() + j / kColumns * rows_;
    const Scalar* from = values + j * stride;
    if (j % kColumns == 0 && j + kColumns <= end) {
      for (Index s = 0; s < rows_; ++s) {
        for (Index c = 0; c < kColumns; ++c) panel[s].values[c] = from[c * stride + s];
      }
      j += kColumns;
    } else {
      for (Index s = 0; s < rows_; ++s) panel[s].values[j % kColumns] = from[s];
      ++j;
    }
  }
}

template <class Scalar>
void product(const MatrixView<Scalar>& X, const Panels<Scalar>& B, MutableMatrixView<Scalar> U) {
  require_columns(X.cols(), B.rows(), "product", "X");
  if (U.rows() != X.rows() || U.cols() != B.cols()) {
    detail::throw_shapes_differ("product", "U", U.rows(), U.cols(), "X B", X.rows(), B.cols());
  }
  multiply<Scalar>(U.rows(), U.cols(), X.cols(), {X.data(), X.outerStride(), 1}, B.right(), U, false);
}

#define BOCHNER_INSTANTIATE(Scalar)                                                                  \
  template class PaddedRows<Scalar>;                                                                 \
  template class Panels<Scalar>;                                                                     \
  template void multiply(Index, Index, Index, const LeftFactor<Scalar>&, const RightFactor<Scalar>&, \
                         MutableMatrixView<Scalar>, bool);                                           \
  template void product(const MatrixView<Scalar>&, const Panels<Scalar>&, MutableMatrixView<Scalar>);
BOCHNER_INSTANTIATE(float)
BOCHNER_INSTANTIATE(double)
#undef BOCHNER_INSTANTIATE

}  // namespace bochner::simd
#endif  // HWY_ONCE
