"""Descents of the peaks surface by Adam in float64, beside JAX's compiled scan.

    python bench/test_minimize.py                        # both in turn, in one run
    python -m pytest bench/test_minimize.py --benchmark-only

One start makes 100,000 steps, 10,000 starts make 1,000 each.  JAX is at its best: jitted, the loop a `lax.scan` (with
`vmap` over the starts), the update written out as Keras has it, nothing kept but the last point; unrolling the scan
makes it slower.  Each sample starts after a pause and an untimed run, as threads of the one before may still spin.
"""

import argparse
import statistics
import time

import numpy as np
import pytest

import gdcore
from gdcore import optimizers, surfaces
from gdcore._core import ISA

RATE = 1e-5  # so that one start is on its way all the time
STEPS = {"one": 100_000, "many": 1000}
START = np.array([0.5, -0.5])
STARTS = np.random.default_rng(0).uniform(-3, 3, (10_000, 2))


def ours(which):
    x0, optimizer = START if which == "one" else STARTS, optimizers.Adam(RATE)
    return lambda: gdcore.minimize(surfaces.peaks, x0, optimizer, maxiter=STEPS[which], gtol=0).x


def of_jax(which):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def peaks(p):
        a, b = p
        return (
            3 * (1 - a) ** 2 * jnp.exp(-(a**2) - (b + 1) ** 2)
            - 10 * (a / 5 - a**3 - b**5) * jnp.exp(-(a**2) - b**2)
            - jnp.exp(-((a + 1) ** 2) - b**2) / 3
        )

    gradient = jax.grad(peaks)

    def step(state, t):
        x, m, v = state
        g = gradient(x)
        m, v = m + (g - m) * 0.1, v + (g * g - v) * 0.001
        alpha = RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        return (x - m * alpha / (jnp.sqrt(v) + 1e-7), m, v), None

    def descend(x):
        zero = jnp.zeros_like(x)
        return jax.lax.scan(step, (x, zero, zero), jnp.arange(1.0, STEPS[which] + 1))[0][0]

    compiled = jax.jit(descend if which == "one" else jax.vmap(descend))
    x0 = jnp.array(START if which == "one" else STARTS)
    return lambda: np.asarray(compiled(x0).block_until_ready())


@pytest.mark.parametrize("which", STEPS)
@pytest.mark.parametrize("who", [ours, of_jax], ids=["gdcore", "jax"])
def test_adam_on_peaks(benchmark, who, which):
    if who is of_jax:
        pytest.importorskip("jax", reason="JAX is not installed")
    run = who(which)
    run()
    x = benchmark(run)
    np.testing.assert_allclose(x, ours(which)(), rtol=1e-6, atol=1e-6)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    print(f"gdcore {gdcore.__version__} ({ISA}), Adam on peaks, float64, ns per step and start: least (median)")
    for which, count in (("one", 1), ("many", len(STARTS))):
        runs = {}
        for threads in (1, gdcore.get_num_threads()) if which == "many" else (1,):
            runs[f"gdcore, {threads} thread{'s' * (threads > 1)}"] = (ours(which), threads)
        runs["jax"] = (of_jax(which), gdcore.get_num_threads())
        end = ours(which)()
        times = {name: [] for name in runs}
        for name, (run, _) in runs.items():
            np.testing.assert_allclose(run(), end, rtol=1e-6, atol=1e-6, err_msg=name)
        for _ in range(rounds):
            for name, (run, threads) in runs.items():
                gdcore.set_num_threads(threads)
                time.sleep(0.05)
                run()
                for _ in range(3):
                    begin = time.perf_counter()
                    run()
                    times[name].append((time.perf_counter() - begin) / STEPS[which] / count * 1e9)
        peer = min(times["jax"])
        for name, t in times.items():
            ratio = f"   {peer / min(t):.2f}x as fast as jax" if name.startswith("gdcore") else ""
            print(f"{which:>5}  {name:<20} {min(t):7.2f} ({statistics.median(t):.2f}){ratio}")


if __name__ == "__main__":
    main()
