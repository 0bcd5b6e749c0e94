"""Arrays with a number for each population, each pair and each triple of populations."""

from jaxtyping import Array, Float

PerPopulation = Float[Array, " P"]
PerPair = Float[Array, "P P"]
PerTriple = Float[Array, "P P P"]
