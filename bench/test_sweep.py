"""The grids of exercises 5.A and 6.A through `gdcore.sweep`, with the ratio to Keras.

    python -m pytest bench/test_sweep.py --benchmark-only

Where Keras is installed (or KERAS_PYTHON names a Python that has it), `keras_grids.py` times the same grids first;
without it there is no ratio.  The goals are 1000 for 5.A and 50 for 6.A.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gdcore
from gdcore.lessons import _grids, exercise_5a, exercise_6a

GRIDS = {"5.A": (exercise_5a, _grids.iris), "6.A": (exercise_6a, _grids.digits)}


@pytest.fixture(scope="module")
def keras_seconds():
    python = os.environ.get("KERAS_PYTHON") or (sys.executable if importlib.util.find_spec("keras") else None)
    if python is None:
        return {}
    script = Path(__file__).parent / "keras_grids.py"
    done = subprocess.run([python, str(script)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[0])


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("name", GRIDS)
def test_grid(benchmark, name, n_jobs, keras_seconds):
    benchmark.group = f"exercise {name}: 24 trainings"
    module, data = GRIDS[name]
    threads = gdcore.get_num_threads()
    gdcore.set_num_threads(1)  # each model on one thread: those of the sweep are all there are
    try:
        result = benchmark(module.run, module.EPOCHS, n_jobs=n_jobs)
    finally:
        gdcore.set_num_threads(threads)

    # every training is what one gets without sweep
    train, test = data()
    assert len(result) == 24
    for run in result.runs[::7]:
        gdcore.utils.set_random_seed(run.seed)
        model = _grids.build(module.UNITS, **run.params)
        alone = model.fit(train, epochs=run.epochs, validation_data=test, verbose=0)
        np.testing.assert_equal(run.history, alone.history)
    assert sum(run.diverged for run in result.runs) <= 1
    assert result.best.final("loss") < 0.06
    if name in keras_seconds:
        benchmark.extra_info["seconds of Keras"] = keras_seconds[name]
        benchmark.extra_info["ratio of the least time"] = round(keras_seconds[name] / benchmark.stats.stats.min)
