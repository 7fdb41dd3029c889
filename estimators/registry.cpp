#include "estimators/registry.h"

#include "core/check.h"
#include "estimators/couplings/antithetic.h"
#include "estimators/couplings/fastfood.h"
#include "estimators/couplings/hadamard.h"
#include "estimators/couplings/halton.h"
#include "estimators/couplings/iid.h"
#include "estimators/couplings/norm_coupled.h"
#include "estimators/couplings/orthogonal.h"
#include "estimators/couplings/simplex.h"
#include "estimators/couplings/sobol.h"
#include "estimators/features/additive_homogeneous.h"
#include "estimators/features/angular_hybrid.h"
#include "estimators/features/dense_exponential.h"
#include "estimators/features/elementwise.h"
#include "estimators/features/elementwise_functions.h"
#include "estimators/features/hyperbolic.h"
#include "estimators/features/log_trigonometric.h"
#include "estimators/features/positive.h"
#include "estimators/features/random_maclaurin.h"
#include "estimators/features/random_phase.h"
#include "estimators/features/sign.h"
#include "estimators/features/step_power.h"
#include "estimators/features/tensor_sketch.h"
#include "estimators/features/trigonometric.h"
#include "estimators/kernels/angular.h"
#include "estimators/kernels/arc_cosine.h"
#include "estimators/kernels/cauchy.h"
#include "estimators/kernels/chi_squared.h"
#include "estimators/kernels/gaussian.h"
#include "estimators/kernels/intersection.h"
#include "estimators/kernels/jensen_shannon.h"
#include "estimators/kernels/laplacian_l1.h"
#include "estimators/kernels/laplacian_l2.h"
#include "estimators/kernels/matern.h"
#include "estimators/kernels/periodic.h"
#include "estimators/kernels/polynomial.h"
#include "estimators/kernels/powered_exponential.h"
#include "estimators/kernels/product_cauchy.h"
#include "estimators/kernels/rational_quadratic.h"
#include "estimators/kernels/regularized_softmax.h"
#include "estimators/kernels/skewed_chi_squared.h"
#include "estimators/kernels/softmax.h"
#include "estimators/radial_laws/chi.h"
#include "estimators/radial_laws/constant.h"
#include "estimators/radial_laws/gamma_mixture.h"
#include "estimators/radial_laws/stable_mixture.h"
#include "estimators/radial_laws/student.h"

#include <stdexcept>

namespace bochner {
namespace {

template <class Part, class Concrete>
std::shared_ptr<const Part> plain(const Parameters&) {
  return std::make_shared<const Concrete>();
}

/// Of one parameter, and of two.
template <class Part, class Concrete, const char* First>
std::shared_ptr<const Part> of_one(const Parameters& p) {
  return std::make_shared<const Concrete>(p.at(First));
}
template <class Part, class Concrete, const char* First, const char* Second>
std::shared_ptr<const Part> of_two(const Parameters& p) {
  return std::make_shared<const Concrete>(p.at(First), p.at(Second));
}
constexpr char kA[] = "A";
constexpr char kBandwidth[] = "bandwidth";
constexpr char kNu[] = "nu";
constexpr char kAlpha[] = "alpha";
constexpr char kGamma[] = "gamma";
constexpr char kPeriod[] = "period";
constexpr char kAngles[] = "angles";

template <class Function>
std::shared_ptr<const FeatureFamily> elementwise_features(const Parameters& parameters) {
  return std::make_shared<const ElementwiseFeatures>(std::make_shared<const BuiltInFunction<Function>>(),
                                                     parameters.at("epsilon"));
}

template <class Part>
std::shared_ptr<const Part> make_registered(const std::vector<Registered<Part>>& registered, std::string_view kind,
                                            const std::string& name, const Parameters& given) {
  std::vector<std::string> names;
  for (const auto& entry : registered) {
    names.push_back(entry.name);
    if (entry.name != name) continue;
    Parameters parameters = entry.defaults;
    std::vector<std::string> known;
    for (const auto& [key, value] : entry.defaults) known.push_back(key);
    for (const auto& [key, value] : given) {
      if (!parameters.contains(key)) throw unknown_name("parameter of " + name, key, known);
      parameters[key] = value;
    }
    return entry.make(parameters);
  }
  throw unknown_name(kind, name, names);
}

}  // namespace

const std::vector<Registered<Kernel>>& registered_kernels() {
  static const std::vector<Registered<Kernel>> kKernels{
      {"softmax", {}, "exp(x.y)", plain<Kernel, SoftmaxKernel>},
      {"regularized_softmax",
       {},
       "softmax with frequencies on the sphere of radius sqrt(d)",
       plain<Kernel, RegularizedSoftmaxKernel>},
      {"gaussian",
       {{"bandwidth", 1.0}},
       "exp(-|x - y|^2 / (2 bandwidth^2))",
       of_one<Kernel, GaussianKernel, kBandwidth>},
      {"laplacian_l1",
       {{"bandwidth", 1.0}},
       "exp(-|x - y|_1 / bandwidth)",
       of_one<Kernel, LaplacianL1Kernel, kBandwidth>},
      {"laplacian_l2",
       {{"bandwidth", 1.0}},
       "exp(-|x - y| / bandwidth)",
       of_one<Kernel, LaplacianL2Kernel, kBandwidth>},
      {"matern",
       {{"nu", 1.5}, {"bandwidth", 1.0}},
       "2^(1 - nu) / Gamma(nu) t^nu K_nu(t), t = sqrt(2 nu) |x - y| / bandwidth",
       of_two<Kernel, MaternKernel, kNu, kBandwidth>},
      {"rational_quadratic",
       {{"alpha", 1.0}, {"bandwidth", 1.0}},
       "(1 + |x - y|^2 / (2 alpha bandwidth^2))^-alpha",
       of_two<Kernel, RationalQuadraticKernel, kAlpha, kBandwidth>},
      {"cauchy", {{"bandwidth", 1.0}}, "1 / (1 + |x - y|^2 / bandwidth^2)", of_one<Kernel, CauchyKernel, kBandwidth>},
      {"product_cauchy",
       {{"bandwidth", 1.0}},
       "prod_j 1 / (1 + (x_j - y_j)^2 / bandwidth^2)",
       of_one<Kernel, ProductCauchyKernel, kBandwidth>},
      {"powered_exponential",
       {{"gamma", 1.0}, {"bandwidth", 1.0}},
       "exp(-(|x - y| / bandwidth)^gamma), 0 < gamma <= 2",
       of_two<Kernel, PoweredExponentialKernel, kGamma, kBandwidth>},
      {"periodic",
       {{"period", 1.0}, {"bandwidth", 1.0}},
       "prod_j exp(-2 sin(pi (x_j - y_j) / period)^2 / bandwidth^2)",
       of_two<Kernel, PeriodicKernel, kPeriod, kBandwidth>},
      {"polynomial",
       {{"degree", 2.0}, {"c", 1.0}},
       "(x.y + c)^degree",
       [](const Parameters& p) -> std::shared_ptr<const Kernel> {
         return std::make_shared<const PolynomialKernel>(p.at("degree"), p.at("c"));
       }},
      {"arc_cosine",
       {{"order", 1.0}},
       "2 E max(w.x, 0)^order max(w.y, 0)^order, w Gaussian",
       [](const Parameters& p) -> std::shared_ptr<const Kernel> {
         return std::make_shared<const ArcCosineKernel>(p.at("order"));
       }},
      {"angular", {}, "1 - 2 angle(x, y) / pi", plain<Kernel, AngularKernel>},
      {"chi_squared", {}, "sum 2 x y / (x + y), x, y >= 0", plain<Kernel, ChiSquaredKernel>},
      {"intersection", {}, "sum min(x, y), x, y >= 0", plain<Kernel, IntersectionKernel>},
      {"jensen_shannon",
       {},
       "sum (x log2((x + y) / x) + y log2((x + y) / y)) / 2, x, y >= 0",
       plain<Kernel, JensenShannonKernel>},
      {"skewed_chi_squared",
       {{"c", 1.0}},
       "prod 2 sqrt((x + c) (y + c)) / (x + y + 2c), x, y > -c",
       [](const Parameters& p) -> std::shared_ptr<const Kernel> {
         return std::make_shared<const SkewedChiSquaredKernel>(p.at("c"));
       }},
  };
  return kKernels;
}

const std::vector<Registered<FeatureFamily>>& registered_features() {
  static const Parameters kEpsilon{{"epsilon", 0.0}};
  static const std::vector<Registered<FeatureFamily>> kFeatures{
      {"trigonometric", {}, "[cos(w.x) | sin(w.x)], p = 2m", plain<FeatureFamily, TrigonometricFeatures>},
      {"positive", {}, "exp(w.x - |x|^2/2), p = m", plain<FeatureFamily, PositiveFeatures>},
      {"hyperbolic", {}, "[exp(w.x) | exp(-w.x)] exp(-|x|^2/2), p = 2m", plain<FeatureFamily, HyperbolicFeatures>},
      {"random_phase", {}, "cos(w.x + b), b uniform on [0, 2 pi), p = m", plain<FeatureFamily, RandomPhaseFeatures>},
      {"gerf",
       {{"A", 0.0}},
       "exp(A |w|^2 + sqrt(1 - 4A) w.x - |x|^2/2) (1 - 4A)^(d/4), p = m; fit finds the best A",
       of_one<FeatureFamily, GerfFeatures, kA>},
      {"saderf",
       {},
       "gerf with coordinates scaled apart for queries and keys; fitted",
       plain<FeatureFamily, SaderfFeatures>},
      {"aderf", {}, "gerf with matrices for queries and keys; fitted", plain<FeatureFamily, AderfFeatures>},
      {"sderf", {}, "gerf with an A for each principal axis; fitted", plain<FeatureFamily, SderfFeatures>},
      {"angular_hybrid",
       {{"angles", 1.0}},
       "hyperbolic and trigonometric features, mixed by signs of random projections, p = 8 m angles",
       of_one<FeatureFamily, AngularHybridFeatures, kAngles>},
      {"relu", kEpsilon, "max(w.x, 0) + epsilon, p = m", elementwise_features<elementwise::Relu>},
      {"exp", kEpsilon, "exp(w.x) + epsilon, p = m", elementwise_features<elementwise::Exp>},
      {"sigmoid", kEpsilon, "1 / (1 + exp(-w.x)) + epsilon, p = m", elementwise_features<elementwise::Sigmoid>},
      {"abs", kEpsilon, "|w.x| + epsilon, p = m", elementwise_features<elementwise::Abs>},
      {"gelu", kEpsilon, "w.x Phi(w.x) + epsilon, Phi the normal distribution, p = m",
       elementwise_features<elementwise::Gelu>},
      {"cos", kEpsilon, "cos(w.x) + epsilon, p = m", elementwise_features<elementwise::Cos>},
      {"tanh", kEpsilon, "tanh(w.x) + epsilon, p = m", elementwise_features<elementwise::Tanh>},
      {"identity", kEpsilon, "w.x + epsilon, p = m", elementwise_features<elementwise::Identity>},
      {"elu1", kEpsilon, "elu(w.x) + 1 + epsilon, p = m", elementwise_features<elementwise::Elu1>},
      {"step_power", {}, "1(w.x > 0) (w.x)^order for arc_cosine, p = m", plain<FeatureFamily, StepPowerFeatures>},
      {"sign", {}, "sgn(w.x) for angular, p = m", plain<FeatureFamily, SignFeatures>},
      {"random_maclaurin",
       {},
       "products of random projections for softmax and polynomial, p = m",
       plain<FeatureFamily, RandomMaclaurinFeatures>},
      {"tensor_sketch",
       {},
       "convolved count sketches for polynomial, p = m",
       plain<FeatureFamily, TensorSketchFeatures>},
      {"additive_homogeneous",
       {},
       "sqrt(x) [cos(w log x) | sin(w log x)] by coordinates, p = 2md",
       plain<FeatureFamily, AdditiveHomogeneousFeatures>},
      {"log_trigonometric",
       {},
       "[cos(w.log(x + c)) | sin(w.log(x + c))] for skewed_chi_squared, p = 2m",
       plain<FeatureFamily, LogTrigonometricFeatures>},
  };
  return kFeatures;
}

const std::vector<Registered<Coupling>>& registered_couplings() {
  static const std::vector<Registered<Coupling>> kCouplings{
      {"iid", {}, "independent frequencies", plain<Coupling, IidCoupling>},
      {"orthogonal",
       {},
       "orthogonal directions in blocks of d, independent norms",
       plain<Coupling, OrthogonalCoupling>},
      {"hadamard",
       {{"blocks", 3.0}},
       "Hadamard matrices and random signs in turn, in O(m log d); directions are biased",
       [](const Parameters& p) -> std::shared_ptr<const Coupling> {
         return std::make_shared<const HadamardCoupling>(p.at("blocks"));
       }},
      {"fastfood", {}, "Hadamard matrices around normal numbers, in O(m log d)", plain<Coupling, FastfoodCoupling>},
      {"simplex", {}, "directions of a simplex in blocks of d, independent norms", plain<Coupling, SimplexCoupling>},
      {"norm_coupled",
       {},
       "orthogonal directions in blocks of d, antimonotone norms in pairs",
       plain<Coupling, NormCoupledCoupling>},
      {"antithetic", {}, "independent pairs w, -w", plain<Coupling, AntitheticCoupling>},
      {"sobol", {}, "scrambled points of Sobol's sequence", plain<Coupling, SobolCoupling>},
      {"halton", {}, "scrambled points of Halton's sequence", plain<Coupling, HaltonCoupling>},
  };
  return kCouplings;
}

const std::vector<Registered<RadialLaw>>& registered_radial_laws() {
  static const std::vector<Registered<RadialLaw>> kRadialLaws{
      {"chi", {}, "|w| ~ chi_d: Gaussian frequencies", plain<RadialLaw, ChiRadialLaw>},
      {"constant", {}, "|w| = sqrt(d)", plain<RadialLaw, ConstantRadialLaw>},
      {"student",
       {{"nu", 1.5}},
       "Gaussian frequencies / sqrt(Gamma(nu, rate nu)): Matern kernels",
       of_one<RadialLaw, StudentRadialLaw, kNu>},
      {"gamma_mixture",
       {{"alpha", 1.0}},
       "Gaussian frequencies * sqrt(Gamma(alpha, rate alpha)): rational quadratic kernels",
       of_one<RadialLaw, GammaMixtureLaw, kAlpha>},
      {"stable_mixture",
       {{"gamma", 1.0}},
       "Gaussian frequencies * sqrt(2 S), S positive and stable of index gamma / 2: powered exponential kernels",
       of_one<RadialLaw, StableMixtureLaw, kGamma>},
  };
  return kRadialLaws;
}

std::shared_ptr<const Kernel> make_kernel(const std::string& name, const Parameters& parameters) {
  return make_registered(registered_kernels(), "kernel", name, parameters);
}

std::shared_ptr<const FeatureFamily> make_features(const std::string& name, const Parameters& parameters) {
  return make_registered(registered_features(), "features", name, parameters);
}

std::shared_ptr<const Coupling> make_coupling(const std::string& name, const Parameters& parameters) {
  return make_registered(registered_couplings(), "coupling", name, parameters);
}

std::shared_ptr<const RadialLaw> make_radial_law(const std::string& name, const Parameters& parameters) {
  return make_registered(registered_radial_laws(), "radial law", name, parameters);
}

std::shared_ptr<const Coupling> default_coupling(const Kernel& kernel, const FeatureFamily& features) {
  auto orthogonal = make_coupling("orthogonal");
  try {
    features.require_compatible(kernel, *orthogonal);
    if (const auto frequencies = kernel.frequency_law()) orthogonal->require_drawable(*frequencies, "default_coupling");
  } catch (const std::invalid_argument&) {
    return make_coupling("iid");
  }
  return orthogonal;
}

}  // namespace bochner
