"""The workloads of `gdcore bench` in pytest-benchmark, with the peers that are installed.

    python -m pytest bench --benchmark-only
    python -m pytest bench --benchmark-only -k "W3 and jax"

Before it is timed, each must come to the result that gdcore comes to.  Here all run one after another and in one
process, so that Keras has the backend of KERAS_BACKEND only; for ratios take the command, which times them in turn.
"""

import importlib.util
import os

import pytest

from gdcore.bench.peers import PEERS, DoesNotFit
from gdcore.bench.race import TOLERANCE, difference
from gdcore.bench.sampling import in_order, tune
from gdcore.bench.workloads import WORKLOADS, Training

BACKEND = os.environ.get("KERAS_BACKEND") or next(
    (name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name)), ""
)
HERE = [name for name, peer in PEERS.items() if peer.versions()]
OURS = {}


def prepared(workload, peer):
    os.environ.update(peer.environment)
    try:
        runner = peer.runner(workload)
    except DoesNotFit as reason:
        pytest.skip(str(reason))
    return runner, in_order(runner, workload)


@pytest.mark.filterwarnings("ignore")  # of the peers
@pytest.mark.parametrize("peer", [name for name in HERE if not name.startswith("keras") or name.endswith(BACKEND)])
@pytest.mark.parametrize("name", WORKLOADS)
def test_workload(benchmark, name, peer):
    workload = WORKLOADS[name]
    benchmark.group = f"{name}: {workload.title}"
    if name not in OURS:
        OURS[name] = prepared(workload, PEERS["gdcore"])[1]
    runner, result = prepared(workload, PEERS[peer])
    assert difference(workload, result, OURS[name]) <= TOLERANCE["in order"]
    benchmark.extra_info["settings"] = tune(runner, workload)
    if isinstance(workload, Training):
        benchmark.pedantic(runner.run, args=(True,), setup=runner.reset, rounds=5)
    else:
        benchmark(runner.run)
    benchmark.extra_info[workload.unit] = workload.in_unit(benchmark.stats.stats.median)
