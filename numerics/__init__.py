"""motifield.numerics: numbers. JAX, diffrax, and sampled networks."""
