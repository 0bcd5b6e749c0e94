"""The sources that derivations cite."""

from ..documents import Reference

ZHANG = Reference(
    "Zhang2026",
    ("Zhang", "Yu", "Tao", "Shao"),
    "Heterogeneous synaptic motifs bridge microscale structure and macroscale nonlinear dynamics",
    "",
    2026,
    arxiv="2606.27946",
)
SHAO = Reference(
    "Shao2025",
    ("Y. Shao", "D. Dahmen", "S. Recanatesi", "E. Shea-Brown", "S. Ostojic"),
    "Impact of local connectivity patterns on excitatory-inhibitory network dynamics",
    "PRX Life",
    2025,
    arxiv="2411.06802",
)
SHAO_OSTOJIC = Reference(
    "Shao2023",
    ("Y. Shao", "S. Ostojic"),
    "Relating local connectivity and global dynamics in recurrent excitatory-inhibitory networks",
    "PLoS Computational Biology",
    2023,
)
KADMON = Reference(
    "Kadmon2015",
    ("J. Kadmon", "H. Sompolinsky"),
    "Transition to chaos in random neuronal networks",
    "Physical Review X 5, 041030",
    2015,
)
STEIN = Reference(
    "Stein1981",
    ("C. M. Stein",),
    "Estimation of the mean of a multivariate normal distribution",
    "Annals of Statistics 9, 1135--1151",
    1981,
)
PRICE = Reference(
    "Price1958",
    ("R. Price",),
    "A useful theorem for nonlinear devices having Gaussian inputs",
    "IRE Transactions on Information Theory 4, 69--72",
    1958,
)
MASTROGIUSEPPE = Reference(
    "Mastrogiuseppe2018",
    ("F. Mastrogiuseppe", "S. Ostojic"),
    "Linking connectivity, dynamics, and computations in low-rank recurrent neural networks",
    "Neuron 99, 609--623",
    2018,
)
BEIRAN = Reference(
    "Beiran2021",
    ("M. Beiran", "A. Dubreuil", "A. Valente", "F. Mastrogiuseppe", "S. Ostojic"),
    "Shaping dynamics with multiple populations in low-rank recurrent networks",
    "Neural Computation 33, 1572--1615",
    2021,
)
LOW_RANK = (MASTROGIUSEPPE, BEIRAN)
EVERY = (ZHANG, SHAO, SHAO_OSTOJIC, STEIN, PRICE, KADMON)
