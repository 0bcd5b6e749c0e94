"""Correlation coefficients of pairs of synapses: what a network's motifs are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ...errors import ParameterError
from ...numbers import brief
from .reals import reals


class Motifs(NamedTuple):
    """Correlation coefficients of pairs of synapses, each a number or an array of full shape.

    Args:
        convergent: (P, P, P), [p, q, r] of J_ij and J_ik with target i in p, sources j in q and k
            in r; symmetric in q, r.
        divergent: (P, P, P), [q, p, r] of J_ij and J_kj with source j in q, targets i in p and k
            in r; symmetric in p, r.
        chain: (P, P, P), [p, q, r] of J_ij and J_jk with i in p, j in q (the middle), k in r.
        reciprocal: (P, P), [p, q] of J_ij and J_ji with i in p, j in q; symmetric.
    """

    convergent: Any = 0.0
    divergent: Any = 0.0
    chain: Any = 0.0
    reciprocal: Any = 0.0

    @classmethod
    def homogeneous(cls, *, convergent=0.0, divergent=0.0, chain=0.0, reciprocal=0.0) -> Motifs:
        """One coefficient per motif, the same for every combination of populations."""
        return cls(convergent, divergent, chain, reciprocal)

    @classmethod
    def shared(cls, tau: Any) -> Motifs:
        """Motifs of one hidden variable per neuron, by which all its synapses vary alike.

        tau_con = tau_div = tau_chn = tau for every index and tau_rec = 2 tau, so that B = 0.

        Args:
            tau: the coefficient, from 0 to 1/2.

        Raises:
            ParameterError: no number.
        """
        if isinstance(tau, (str, Mapping)) or tau is None:
            raise ParameterError(f"shared needs a number, not {brief(tau)}")
        return cls(tau, tau, tau, 2 * tau)

    @classmethod
    def by_population(cls, tau: Any, *, chain_sign: int = 1) -> Motifs:
        """Motifs of one hidden variable per neuron whose strength depends on its population.

        For a middle neuron of population q, tau_con[q, :, :] = tau_div[q, :, :] = tau_q and
        tau_chn[:, q, :] = chain_sign * tau_q; tau_rec[p, q] = chain_sign * (tau_p + tau_q), so
        that B = 0.

        Args:
            tau: (P,), not negative.
            chain_sign: 1, or -1 where strong rows go with weak columns.

        Raises:
            ParameterError: a negative tau, another shape or sign.
        """
        tau = reals(tau, "by_population")
        if tau.ndim != 1 or np.any(tau < 0) or chain_sign not in (1, -1):
            raise ParameterError(
                f"by_population needs tau >= 0 of shape (P,) and chain_sign 1 or -1: {tau}, "
                f"{chain_sign}"
            )
        cube = np.ones((len(tau),) * 3)
        rows, middle = cube * tau[:, None, None], cube * tau[None, :, None]
        return cls(rows, rows, chain_sign * middle, chain_sign * (tau[:, None] + tau[None, :]))
