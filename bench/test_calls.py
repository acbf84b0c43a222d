"""One call on the lesson's net, Python's own cost included."""

import pytest

from gdcore.bench.peers.ours import build_model
from gdcore.bench.workloads import WORKLOADS
from gdcore.optimizers import SGD


@pytest.mark.benchmark(group="one call, 99 rows")
@pytest.mark.parametrize("call", ["fit", "evaluate", "predict", "gradient"])
def test_call(benchmark, call):
    workload = WORKLOADS["W1"]
    x, y = workload.arrays()
    model = build_model(workload)
    model.compile(SGD(workload.rate), "mae")
    calls = {
        "fit": lambda: model.fit(x, y, batch_size=99, verbose=0),
        "evaluate": lambda: model.evaluate(x, y, batch_size=99),
        "predict": lambda: model.predict(x),
        "gradient": lambda: model.gradient(x, y),
    }
    assert benchmark(calls[call]) is not None
