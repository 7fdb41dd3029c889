"""Random features measured against the kernels they approximate.

    >>> import bochner
    >>> estimator = bochner.Estimator("softmax", "positive", "orthogonal")
    >>> feature_map = estimator.draw(dim=64, m=256, seed=0)
    >>> feature_map.m, feature_map.features
    (256, 256)

Sources are cited as [Key, place]; REFERENCES.md lists the keys.
"""

from . import baselines, bounds, experiments, testing
from ._attention import (
    NonPositiveDenominatorWarning,
    attention,
    attention_vjp,
    exact_attention,
    uniform_attention,
)
from ._attention_state import AttentionState
from ._components import (
    Component,
    CompositeKernel,
    Coupling,
    Entry,
    Features,
    Kernel,
    RadialLaw,
    list_couplings,
    list_features,
    list_kernels,
    list_radial_laws,
)
from ._core import NoLawError, __version__, instruction_sets
from ._estimator import AttentionLaw, Estimator, Law, LosingCombinationWarning
from ._feature_map import FeatureMap, ScaledFeatures
from ._functions import FunctionFeatures
from ._plugins import (
    CouplingPlugin,
    FeaturesPlugin,
    Frequencies,
    FrequencyLawPlugin,
    KernelPlugin,
    RadialLawPlugin,
    register,
)
from ._required_m import NoPracticalSizeWarning, RequiredSize, required_m, required_size
from ._threads import get_num_threads, set_num_threads

__all__ = [
    "AttentionLaw",
    "AttentionState",
    "Component",
    "CompositeKernel",
    "Coupling",
    "CouplingPlugin",
    "Entry",
    "Estimator",
    "FeatureMap",
    "Features",
    "FeaturesPlugin",
    "Frequencies",
    "FrequencyLawPlugin",
    "FunctionFeatures",
    "Kernel",
    "KernelPlugin",
    "Law",
    "LosingCombinationWarning",
    "NoLawError",
    "NoPracticalSizeWarning",
    "NonPositiveDenominatorWarning",
    "RadialLaw",
    "RadialLawPlugin",
    "RequiredSize",
    "ScaledFeatures",
    "__version__",
    "attention",
    "attention_vjp",
    "baselines",
    "bounds",
    "exact_attention",
    "experiments",
    "get_num_threads",
    "instruction_sets",
    "list_couplings",
    "list_features",
    "list_kernels",
    "list_radial_laws",
    "register",
    "required_m",
    "required_size",
    "set_num_threads",
    "testing",
    "uniform_attention",
]
