"""Responses of mouse V1 to familiar and novel images and to an omitted one: which motifs carry the ramp of VIP cells, their suppression, and novelty.

python derivations/v1_omission/run.py           # what the kept fits say, against recordings and sampled networks; writes out/
python derivations/v1_omission/run.py --full    # fits everything again (about 40 minutes on two cores) and replaces fits.json
"""

import argparse
import json
import sys
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent


def main() -> int:
    from recordings import table
    from study import study

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "out", help="folder to write to (default: out/ beside the script)")
    parser.add_argument("--picture", action="store_true", help="also replace the picture of the page")
    parser.add_argument("--full", action="store_true", help="fit again, and replace fits.json")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.full:
        study(table(), HERE / "fits.json", lambda text: print(text, flush=True))
    report = json.loads((HERE / "fits.json").read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
