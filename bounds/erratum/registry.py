"""The errata in their order. Adding one: copy e03_cross_term.py and name it here."""

from __future__ import annotations

from bounds.erratum import (
    e01_chain_rule,
    e02_union_bound,
    e03_cross_term,
    e04_offset,
    e05_exponent,
    e06_cubic,
    e07_unbounded_interval,
    e08_minimum,
    e09_offset_width,
    e10_many_points,
    e11_corollary,
    e12_data_norm,
    e13_direction,
    e14_probability,
    e15_kinks,
    e16_reparametrisation,
    e17_step_size,
    e18_appendix_f,
    e19_lipschitz,
    e20_coherent,
    e21_same_level,
    e22_parallel,
    e23_zero_targets,
    e24_partial_training,
)
from bounds.erratum.base import Erratum

ERRATA: tuple[Erratum, ...] = tuple(
    module.ERRATUM
    for module in (
        e01_chain_rule,
        e02_union_bound,
        e03_cross_term,
        e04_offset,
        e05_exponent,
        e06_cubic,
        e07_unbounded_interval,
        e08_minimum,
        e09_offset_width,
        e10_many_points,
        e11_corollary,
        e12_data_norm,
        e13_direction,
        e14_probability,
        e15_kinks,
        e16_reparametrisation,
        e17_step_size,
        e18_appendix_f,
        e19_lipschitz,
        e20_coherent,
        e21_same_level,
        e22_parallel,
        e23_zero_targets,
        e24_partial_training,
    )
)
