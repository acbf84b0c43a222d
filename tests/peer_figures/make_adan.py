"""Makes ``adan.npz``: where another library's Adan takes two arrays, for an optimizer that Keras does not have.

    pip install torch==2.13.0 pytorch-optimizer
    python tests/peer_figures/make_adan.py

Each case has 60 updates in float64 by given gradients; the arrays are kept after 1, 2, 10 and 60 of them.  (optax's
Adan is another one: it weighs the differences by 1 - b2, where the paper's 1 - beta_2 is what the mean keeps, b2.)
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from pytorch_optimizer import Adan

STEPS = (1, 2, 10, 60)
CASES = {
    "defaults": {"learning_rate": 0.001},
    "betas": {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.5, "beta_3": 0.95, "epsilon": 1e-4},
    "no look ahead": {"learning_rate": 0.02, "beta_2": 0.0},
}


def main():
    rng = np.random.default_rng(22)
    shapes = ((7, 3), (5,))
    start = [rng.normal(size=shape) for shape in shapes]
    grads = [rng.normal(size=(max(STEPS), *shape)) * rng.lognormal(0, 2, size=shape) for shape in shapes]
    found = {f"{kind}/{i}": a for kind, arrays in (("start", start), ("grads", grads)) for i, a in enumerate(arrays)}
    for case, config in CASES.items():
        params, kept = [torch.nn.Parameter(torch.tensor(a)) for a in start], []
        betas = tuple(config.get(f"beta_{i}", beta) for i, beta in ((1, 0.98), (2, 0.92), (3, 0.99)))
        options = {"lr": config["learning_rate"], "betas": betas, "eps": config.get("epsilon", 1e-8)}
        optimizer = Adan(params, **options, foreach=False)
        for t in range(max(STEPS)):
            for p, g in zip(params, grads, strict=True):
                p.grad = torch.tensor(g[t])
            optimizer.step()
            if t + 1 in STEPS:
                kept.append([p.detach().numpy().copy() for p in params])
        found |= {f"{case}/{i}": np.stack([arrays[i] for arrays in kept]) for i in range(len(shapes))}
    about = {"steps": STEPS, "cases": CASES, **{name: version(name) for name in ("torch", "pytorch-optimizer")}}
    np.savez_compressed(Path(__file__).parent / "adan.npz", about=json.dumps(about), **found)


if __name__ == "__main__":
    main()
