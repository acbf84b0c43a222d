"""The works of `python -m gdcore bench` in pytest-benchmark, with the peers that are installed.

    python -m pytest bench --benchmark-only
    python -m pytest bench --benchmark-only -k "W3 and jax"

Before it is timed, each must come to the result that gdcore comes to.  Here all run one after another and in one
process, so that Keras has the backend of KERAS_BACKEND only; for ratios take the command, which times them in turn.
"""

import importlib.util
import os

import pytest

from gdcore.bench.measure import TOLERANCE, difference, in_order, tune
from gdcore.bench.peers import PEERS, DoesNotFit
from gdcore.bench.works import WORKS, Training

BACKEND = os.environ.get("KERAS_BACKEND") or next(
    (name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name)), ""
)
HERE = [name for name, peer in PEERS.items() if peer.versions()]
OURS = {}


def prepared(work, peer):
    os.environ.update(peer.environment)
    try:
        contestant = peer.contestant(work)
    except DoesNotFit as reason:
        pytest.skip(str(reason))
    return contestant, in_order(contestant, work)


@pytest.mark.filterwarnings("ignore")  # of the peers
@pytest.mark.parametrize("peer", [name for name in HERE if not name.startswith("keras") or name.endswith(BACKEND)])
@pytest.mark.parametrize("name", WORKS)
def test_work(benchmark, name, peer):
    work = WORKS[name]
    benchmark.group = f"{name}: {work.title}"
    if name not in OURS:
        OURS[name] = prepared(work, PEERS["gdcore"])[1]
    contestant, result = prepared(work, PEERS[peer])
    assert difference(work, result, OURS[name]) <= TOLERANCE["in order"]
    benchmark.extra_info["settings"] = tune(contestant, work)
    if isinstance(work, Training):
        benchmark.pedantic(contestant.run, args=(True,), setup=contestant.reset, rounds=5)
    else:
        benchmark(contestant.run)
    benchmark.extra_info[work.unit] = work.in_unit(benchmark.stats.stats.median)
