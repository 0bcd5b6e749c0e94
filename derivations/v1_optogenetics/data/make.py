"""Rates of single neurons under optogenetic drive.

`python make.py V1_data.npz` writes rates.csv.gz beside this script.
"""

import argparse
import gzip
from pathlib import Path

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("raw", type=Path, help="V1_data.npz")
    with np.load(parser.parse_args().raw) as raw:
        rates, powers, inhibitory = raw["rates"], raw["powers"], raw["isInhibitory"]
    lines = [
        f"{i},{int(inhibitory[i])},{powers[k]:.1f},{rates[i, k]:.6g}"
        for i, k in np.ndindex(rates.shape)
    ]
    text = "\n".join(["neuron,is_inhibitory,power,rate", *lines]) + "\n"
    (Path(__file__).parent / "rates.csv.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
