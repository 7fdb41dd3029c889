#pragma once

#include "core/types.h"

/// Special functions of the exact laws. Everywhere d >= 1 is a dimension, b > 0, and every argument is finite;
/// otherwise std::invalid_argument (d) or std::domain_error (the others) is thrown.
///
/// Accuracy is a contract: the constant beside a function bounds its error for d = 1..65536 and arguments of modulus
/// 1e-8..4000, and the tests read it. Logarithms: |error| <= constant * max(1, |log|), so the rounding of a large
/// logarithm itself is allowed for. Plain values: |error| <= constant, and a `...RelativeError` bounds |error / value|
/// for arguments of modulus at most 1. Measured errors are below 2.5e-16, where long double is wider than double; where
/// it is not, short sums reach 1.4e-15 and plain values of negative arguments a few 1e-15.
///
/// Cost: a sum of about k + 9 sqrt(k) + 20 terms of some 5 ns each, where k is the index of the largest term (at most
/// v, or sqrt(d q)), as long as k <= 4096; above that only the 19 sqrt(k) terms around the largest one. Some 0.3
/// microseconds for arguments of 4, 0.7 for 20, 80 for v = 4e6; plain Bessel values of negative arguments 0.3 to 3.
namespace bochner {

/// log 0F1(; b; x) = log sum_k x^k / ((b)_k k!) for b > 0, x >= 0.
/// Source: [DLMF, 16.2.1].
double log_hyp0f1(double b, double x);
inline constexpr double kLogHyp0F1Error = 8.5e-16;

/// 0F1(; b; x) for b > 0 and x of either sign; +infinity on overflow.
/// For x < 0 it is Gamma(b) s^(1-b) J_{b-1}(2 s) with s = sqrt(-x), of modulus at most 1 when b >= 1/2.
/// Error for x < 0: absolute; values below 1e-19 may be returned as 0.
/// Source: [DLMF, 10.16.9].
double hyp0f1(double b, double x);
inline constexpr double kHyp0F1Error = 4.4e-16;

/// log 1F1(a; b; x) = log sum_k (a)_k x^k / ((b)_k k!) for a >= 0, b > 0, x >= 0; 0 for a = 0.
/// Contract: 2 a and 2 b are whole numbers of at most 65536 + 200.
/// Source: [DLMF, 13.2.2].
double log_hyp1f1(double a, double b, double x);
inline constexpr double kLogHyp1F1Error = 8.5e-16;

/// log F_d(v) for v >= 0, where
///     F_d(v) = 1F1(d; d/2; v/2) = sum_k rho_k v^k / k!,  rho_k = prod_{j<k} (d + j) / (d + 2j),
/// is E[exp(w_1.z) exp(w_2.z)], |z|^2 = v, of orthogonal w_1, w_2 with independent chi_d norms (iid ones have e^v).
double log_kummer(Index d, double v);
inline constexpr double kLogKummerError = 8.5e-16;

/// F_d(u) for u of either sign; +infinity on overflow. F_d(-w) is E[cos(w_1.z) cos(w_2.z)], |z|^2 = w; for u < 0 it has
/// modulus at most 1, changes sign, and its error is absolute.
double kummer(Index d, double u);
inline constexpr double kKummerError = 4.4e-16;

/// log(e^v - F_d(v)) for v >= 0, without cancellation; -infinity at v = 0. The variance that orthogonality saves.
double log_kummer_gap(Index d, double v);
inline constexpr double kLogKummerGapError = 8.5e-16;

/// e^u - F_d(u) for u of either sign; +infinity on overflow. It may be negative for u < 0.
double kummer_gap(Index d, double u);
inline constexpr double kKummerGapError = 4.4e-16;
inline constexpr double kKummerGapRelativeError = 4.4e-16;

/// log B_d(q) for q >= 0, where
///     B_d(q) = 0F1(; d/2; d q / 4) = sum_k q^k / k! prod_{j<k} d / (2 (d + 2j)),
/// is E[exp(w.z)], |z|^2 = q, for w uniform on the sphere of radius sqrt(d). B_1(q) = cosh(sqrt q).
double log_bessel(Index d, double q);
inline constexpr double kLogBesselError = 8.5e-16;

/// B_d(q) for q of either sign; +infinity on overflow. B_d(-q) is E[cos(w.z)], |z|^2 = q; its error is absolute.
double bessel(Index d, double q);
inline constexpr double kBesselError = 4.4e-16;

/// log(B_d(4q) - B_d(q)^2), the variance of exp(w.z), for q >= 0; -infinity at q = 0.
/// B_d(q)^2 = sum_k q^k / k! prod_{j<k} d (d - 1 + k + j) / (d + 2j)^2 by [DLMF, 10.31.3]; so this and the gaps below
/// are series of non-negative terms.
double log_bessel_exp_gap(Index d, double q);
/// log((1 + B_d(4q)) / 2 - B_d(q)^2), the variance of cosh(w.z), for q >= 0; -infinity at q = 0 and, for d = 1,
/// everywhere.
double log_bessel_cosh_gap(Index d, double q);
/// log(B_d(q)^2 - B_d(2q)), minus the covariance of exp(w_1.z) and exp(w_2.z) with w_1 and w_2 orthogonal, for q >= 0;
/// -infinity at q = 0.
double log_bessel_pair_gap(Index d, double q);
inline constexpr double kLogBesselGapError = 8.5e-16;

/// (1 + B_d(-4q)) / 2 - B_d(-q)^2, the variance of cos(w.z), for q >= 0; 0 everywhere if d = 1.
double bessel_cos_gap(Index d, double q);
/// B_d(-q)^2 - B_d(-2q), minus the covariance of cos(w_1.z) and cos(w_2.z) with w_1 and w_2 orthogonal, for q >= 0; of
/// either sign.
double bessel_pair_gap(Index d, double q);
inline constexpr double kBesselGapError = 4.4e-16;
inline constexpr double kBesselGapRelativeError = 4.4e-16;

}  // namespace bochner
