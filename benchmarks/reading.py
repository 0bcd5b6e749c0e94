"""Reading a list of edges with ids of 18 digits, against pandas' reader with the pyarrow engine.

Each reading is a process of its own, whose processor time and peak memory the system counts; the
two sides alternate, so that whatever else the machine does falls on both. Ours ends with the
network: ids in order, duplicates added up, a sparse matrix, the report. pandas ends with its table.

python benchmarks/reading.py                 # 1e6 and 1e7 edges (400 MB are written for a while)
python benchmarks/reading.py --most 1000000  # 1e6 edges only
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from _timing import compared, options, report

EDGES = (10**6, 10**7)
FIRST = 720575940596125868  # ids as those of the adult fly's brain
SLOWER, MEMORY = 3.0, 1.5  # times pandas' own reading; GiB
REPEATS = 3
SIDES = {
    "ours": "from motifield.numerics.networks import read_network\n"
    "made = read_network(path, duplicates='sum')\n",
    "pandas": "import pandas as pd\nmade = pd.read_csv(path, engine='pyarrow')\n",
}
MEASURED = """
import json, resource, sys, time
path, start, begin = sys.argv[1], time.process_time(), time.perf_counter()
{side}
used = resource.getrusage(resource.RUSAGE_SELF)
took = time.process_time() - start, time.perf_counter() - begin
print(json.dumps([*took, used.ru_maxrss / 2**20]))
"""


def write(path: Path, edges: int) -> None:
    """A list of edges among neurons with 80 synapses each, with a header."""
    rng = np.random.default_rng(0)
    ids = FIRST + np.unique(rng.integers(0, 10**8, size=edges // 80))
    columns = [ids[rng.integers(0, len(ids), edges)] for _ in range(2)]
    table = np.column_stack([*columns, rng.geometric(0.2, edges)])
    with open(path, "w") as file:
        file.write("pre_pt_root_id,post_pt_root_id,syn_count\n")
        for part in np.array_split(table, max(1, edges // 10**5)):
            file.writelines(f"{pre},{post},{count}\n" for pre, post, count in part.tolist())


def measured(side: str, path: Path) -> tuple[float, float, float]:
    """Processor time and time in seconds, imports included, and peak memory in GiB."""
    script = MEASURED.format(side=SIDES[side])
    done = subprocess.run(
        [sys.executable, "-c", script, path], check=True, capture_output=True, text=True
    )
    processor, seconds, peak = json.loads(done.stdout)
    return processor, seconds, peak


def main() -> None:
    most = {"type": int, "default": EDGES[-1], "help": "edges of the largest list"}
    given = options(__doc__, most=most)
    results, notes = [], {}
    for edges in (own for own in EDGES if own <= given.most):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "edges.csv"
            write(path, edges)
            pairs = [{side: measured(side, path) for side in SIDES} for _ in range(REPEATS)]
        for k, kind in enumerate(("processor time", "time")):
            ours, other = ([pair[side][k] for pair in pairs] for side in ("ours", "pandas"))
            results.append(compared(f"{edges:.0e} edges, {kind}", ours, other, SLOWER, True))
        for side in SIDES:
            notes[f"peak memory at {edges:.0e} edges, {side}, GiB"] = round(
                max(pair[side][2] for pair in pairs), 2
            )
    notes["memory allowed, GiB"] = MEMORY
    report("Reading lists of edges", ("ours", "pandas"), results, notes, given.json)


if __name__ == "__main__":
    main()
