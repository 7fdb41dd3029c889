#include "core/simd/orthonormalize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/orthonormalize.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bochner::simd {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<double>;
using Register = hn::Vec<Tag>;

/// Rows go in strips of this many: as many sums run beside one another, since each addition waits for the one before
/// it, and the number of steps changes so seldom that the processor foresees the end of a loop.
constexpr std::size_t kStrip = 4;

constexpr std::size_t round_up(std::size_t size, std::size_t step) { return (size + step - 1) / step * step; }

/// sum_i v_i a_i over `count` rows a_i, one register each.
HWY_INLINE Register combine(const double* v, const double* a, std::size_t count) {
  const Tag tag;
  const std::size_t lanes = hn::Lanes(tag);
  Register sum0 = hn::Zero(tag), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (std::size_t i = 0; i < count; i += kStrip, a += kStrip * lanes) {
    sum0 = hn::MulAdd(hn::Set(tag, v[i]), hn::Load(tag, a), sum0);
    sum1 = hn::MulAdd(hn::Set(tag, v[i + 1]), hn::Load(tag, a + lanes), sum1);
    sum2 = hn::MulAdd(hn::Set(tag, v[i + 2]), hn::Load(tag, a + 2 * lanes), sum2);
    sum3 = hn::MulAdd(hn::Set(tag, v[i + 3]), hn::Load(tag, a + 3 * lanes), sum3);
  }
  return hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
}

/// a_i <- a_i - v_i w.
HWY_INLINE void subtract(const double* v, Register w, double* a, std::size_t count) {
  const Tag tag;
  const std::size_t lanes = hn::Lanes(tag);
  for (std::size_t i = 0; i < count; i += kStrip) {
    HWY_UNROLL(kStrip)
    for (std::size_t j = 0; j < kStrip; ++j, a += lanes) {
      hn::Store(hn::NegMulAdd(hn::Set(tag, v[i + j]), w, hn::Load(tag, a)), tag, a);
    }
  }
}

/// One block of vectors (count, dim) on its way. They are the columns of the matrix that is decomposed; Lanes of them
/// make a panel (rows, Lanes), so that what happens to one column happens to all of a register, without any sum across
/// lanes. The rows are filled up with zeros to whole strips.
class Block {
 public:
  static std::size_t lanes() { return hn::Lanes(Tag()); }
  static std::size_t workspace(std::size_t count, std::size_t dim) {
    return (round_up(count, lanes()) + count) * round_up(dim, kStrip) + 2 * count;
  }

  Block(double* vectors, std::size_t stride, std::size_t count, std::size_t dim, double* workspace)
      : vectors_(vectors),
        stride_(stride),
        count_(count),
        dim_(dim),
        rows_(round_up(dim, kStrip)),
        columns_(workspace),
        reflectors_(columns_ + round_up(count, lanes()) * rows_),
        factors_(reflectors_ + count * rows_),
        signs_(factors_ + count) {
    clear();
    for (std::size_t j = 0; j < count_; ++j) {
      for (std::size_t i = 0; i < dim_; ++i) entry(j, i) = vectors_[j * stride_ + i];
    }
  }

  std::size_t count() const { return count_; }

  /// Finds the reflection I - factor v v^T, v zero before its entry k, that takes column k to sign |column| e_k.
  void find(std::size_t k) const {
    const double* column = &entry(k, 0);
    double* v = reflectors_ + k * rows_;
    double squares[kStrip] = {};
    for (std::size_t i = k - k % kStrip; i < rows_; i += kStrip) {
      for (std::size_t j = 0; j < kStrip; ++j) {
        const double value = i + j < k ? 0.0 : column[(i + j) * lanes()];
        v[i + j] = value;
        squares[j] += value * value;
      }
    }
    const double square = (squares[0] + squares[1]) + (squares[2] + squares[3]), norm = std::sqrt(square);
    // A column of zeros and the one entry of the last column stay as they are, else the sign is that which does not
    // cancel.
    const bool stays = square == 0 || k + 1 == dim_;
    signs_[k] = (v[k] > 0) == stays ? 1 : -1;
    // 2 / |v|^2.
    factors_[k] = stays ? 0 : 1 / (square + std::abs(v[k]) * norm);
    v[k] -= signs_[k] * norm;
  }

  /// Applies reflection k to column k and those behind it; of those before it in its panel nothing is read any more.
  void reflect(std::size_t k) const {
    const std::size_t start = k - k % kStrip;
    const Register factor = hn::Set(Tag(), factors_[k]);
    const double* v = reflectors_ + k * rows_ + start;
    for (std::size_t column = k - k % lanes(); column < count_; column += lanes()) {
      double* a = &entry(column, start);
      subtract(v, hn::Mul(factor, combine(v, a, rows_ - start)), a, rows_ - start);
    }
  }

  /// When all reflections are found: the columns of the identity times the signs of R. Reflected from the last k on
  /// they become Q; reflection k finds the columns before it zero in its rows.
  void begin_product() const {
    clear();
    for (std::size_t k = 0; k < count_; ++k) entry(k, k) = signs_[k];
  }

  void finish() const {
    for (std::size_t j = 0; j < count_; ++j) {
      for (std::size_t i = 0; i < dim_; ++i) vectors_[j * stride_ + i] = entry(j, i);
    }
  }

 private:
  void clear() const { std::fill_n(columns_, round_up(count_, lanes()) * rows_, 0.0); }
  double& entry(std::size_t column, std::size_t i) const {
    return columns_[(column / lanes() * rows_ + i) * lanes() + column % lanes()];
  }

  double* vectors_;
  std::size_t stride_, count_, dim_, rows_;
  double* columns_;     // (panels, rows, Lanes)
  double* reflectors_;  // (count, rows)
  double* factors_;     // (count)
  double* signs_;       // (count), of the diagonal of R
};

void orthonormalize(double* vectors, std::size_t stride, std::size_t count, std::size_t dim) {
  // Some blocks in step: the root and quotient of one are computed beside the sums of another. Together they stay in
  // the first-level cache.
  const std::size_t group = std::clamp<std::size_t>(2048 / (dim * dim), 1, 8);
  const std::size_t size = round_up(Block::workspace(std::min(count, dim), dim), 8);
  const auto workspace = hwy::AllocateAligned<double>(std::min(group, (count + dim - 1) / dim) * size);
  std::vector<Block> blocks;
  blocks.reserve(group);
  const auto in_step = [&](std::size_t k, const auto& step) {
    for (const Block& block : blocks) {
      if (k < block.count()) step(block);
    }
  };
  for (std::size_t start = 0; start < count; start += group * dim) {
    blocks.clear();
    const std::size_t end = std::min(start + group * dim, count);
    for (std::size_t j = start; j < end; j += dim) {
      blocks.emplace_back(vectors + j * stride, stride, std::min(dim, end - j), dim,
                          workspace.get() + blocks.size() * size);
    }
    for (std::size_t k = 0; k < dim; ++k) {
      in_step(k, [k](const Block& block) { block.find(k); });
      in_step(k, [k](const Block& block) { block.reflect(k); });
    }
    for (const Block& block : blocks) block.begin_product();
    for (std::size_t k = dim; k-- > 0;) in_step(k, [k](const Block& block) { block.reflect(k); });
    for (const Block& block : blocks) block.finish();
  }
}

}  // namespace

void orthonormalize_target(double* vectors, std::size_t stride, std::size_t count, std::size_t dim) {
  orthonormalize(vectors, stride, count, dim);
}

}  // namespace HWY_NAMESPACE
}  // namespace bochner::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bochner::simd {
namespace {

HWY_EXPORT(orthonormalize_target);

}  // namespace

void orthonormalize_blocks(MutableMatrixView<double> rows) {
  const auto size = [](Index value) { return static_cast<std::size_t>(value); };
  if (rows.size() == 0) return;
  HWY_DYNAMIC_DISPATCH(orthonormalize_target)
  (rows.data(), size(rows.outerStride()), size(rows.rows()), size(rows.cols()));
}

}  // namespace bochner::simd
#endif  // HWY_ONCE
