"""Batches shared among devices of one machine: two processors that XLA is told of.

A program of two devices is another one for XLA, which rounds a few numbers differently.
"""

import os
import subprocess
import sys

SCRIPT = """
import jax
import numpy as np
import xarray as xr

jax.config.update("jax_enable_x64", True)
import motifield as mf
from motifield.numerics import machine

assert machine.device_count() == len(jax.devices()) == 2
system = mf.compile(mf.derive(mf.Architecture(["p"], "1 + erf(x - 1)"), mf.MotifOnly()))
numbers = mf.Parameters.of(
    populations=["p"], N=400, fractions=[1.0], mean=0.002, g=0.3, motifs=mf.Motifs.shared(0.02)
)
over = {"input": [0.1, 0.5, 0.9], "factor(tau_con)": [0.0, 1.0, 2.0]}
traced = []
shard_map = jax.shard_map
jax.shard_map = lambda *given, **more: traced.append(more["mesh"].size) or shard_map(*given, **more)


def calls():
    return {
        "integrate": mf.sweep(system, numbers, over, t1=3.0, at_once=7),
        "fixed_point": mf.sweep(system, numbers, over, "fixed_point", at_once=7),
        "fixed_points": mf.sweep(system, numbers, over, "fixed_points", at_once=7),
    }


both = calls()
assert traced and set(traced) == {2}, traced
many = len(traced)
with jax.default_device(jax.devices()[0]):
    one = calls()
assert len(traced) == many
for name, found in both.items():
    assert found.status.ok
    xr.testing.assert_allclose(found.dataset, one[name].dataset, rtol=1e-13, atol=1e-15)
    for own in ("status", "count", "least_hits", "stable"):
        assert own not in found.dataset or found[own].identical(one[name][own])
"""


def test_two_devices_give_the_numbers_of_one(tmp_path):
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
    # programs that are kept are those of one device
    environment = os.environ | {"XLA_FLAGS": flags, "MOTIFIELD_PROGRAMS": str(tmp_path / "kept")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "kept").exists()
