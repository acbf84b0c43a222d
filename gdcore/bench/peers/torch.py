"""PyTorch: eager with a fused optimizer, and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..workloads import Net, Prediction, Product, Training, Update
from .base import EPSILON, Peer, Runner, analytic_only, thread_choices


def activation(name: str) -> Any:
    from torch import nn

    modules: dict[str, Any] = {
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "selu": nn.SELU,
        "softmax": lambda: nn.Softmax(1),
    }
    return modules[name]()


def build_model(net: Net, logits: bool) -> Any:
    """The net with its first weights; without its last activation if logits are wanted."""
    import torch
    from torch import nn

    modules: list[Any] = []
    start = net.start()
    for w, b, name in zip(start[::2], start[1::2], net.activations, strict=True):
        linear = nn.Linear(*w.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(w.T)))
            linear.bias.copy_(torch.from_numpy(b))
        modules += [linear, activation(name)]
    return nn.Sequential(*modules[:-1] if logits else modules)


def trained_model(workload: Training) -> Any:
    """The net as its loss wants it: cross-entropies take logits."""
    return build_model(workload.net, logits=workload.loss != "mae")


def objective(workload: Training) -> Any:
    from torch.nn import functional

    return {
        "mae": functional.l1_loss,
        "crossentropy": functional.cross_entropy,
        "binary_crossentropy": functional.binary_cross_entropy_with_logits,
    }[workload.loss]


def weights(parameters: Any) -> list[Any]:
    return [p.detach().numpy().T.copy() for p in parameters]


def epochs(workload: Training, n: int, step: Callable[[Any], None]) -> Callable[[bool], None]:
    """Whole epochs of a step that takes the numbers of its rows."""
    import torch

    def run(shuffle: bool) -> None:
        for _ in range(workload.epochs):
            for rows in (torch.randperm(n) if shuffle else torch.arange(n)).split(workload.batch):
                step(rows)

    return run


def training(workload: Training) -> Runner:
    analytic_only(workload)
    import torch

    x, y = (torch.from_numpy(a) for a in workload.arrays())
    model, loss = trained_model(workload), objective(workload)
    if workload.optimizer == "adam":
        optimizer: Any = torch.optim.Adam(model.parameters(), workload.rate, eps=EPSILON, fused=True)
    else:
        optimizer = torch.optim.SGD(model.parameters(), workload.rate, fused=True)

    def step(rows: Any) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss(model(x[rows]), y[rows]).backward()
        optimizer.step()

    def reset() -> None:
        optimizer.state.clear()
        model.load_state_dict(trained_model(workload).state_dict())

    run, threads = epochs(workload, len(x), step), thread_choices(torch.set_num_threads)
    return Runner(run, lambda: weights(model.parameters()), reset, threads)


class CompiledTrainer:
    """Gather, forward, backward and update in one compiled graph, without autograd's or an optimizer's own Python."""

    def __init__(self, workload: Training) -> None:
        import torch

        self.workload = workload
        self.x, self.y = (torch.from_numpy(a) for a in workload.arrays())
        model = trained_model(workload)
        self.p = {name: value.detach() for name, value in model.named_parameters()}
        self.m, self.v = ({name: torch.zeros_like(value) for name, value in self.p.items()} for _ in range(2))
        self.t = 0
        torch._dynamo.reset()  # it counts how often this function was compiled, for all workloads together
        self.update = torch.compile(self._update(model), dynamic=False, fullgraph=True)

    def _update(self, model: Any) -> Callable[..., Any]:
        import torch

        x, y, is_adam, objective_of = self.x, self.y, self.workload.optimizer == "adam", objective(self.workload)

        def loss(p: Any, x: Any, y: Any) -> Any:
            return objective_of(torch.func.functional_call(model, p, (x,)), y)

        def update(p: Any, m: Any, v: Any, rate: Any, rows: Any) -> Any:
            slopes, value = torch.func.grad_and_value(loss)(p, x[rows], y[rows])
            for name, g in slopes.items():
                if is_adam:
                    m[name].lerp_(g, 0.1)
                    v[name].lerp_(g * g, 0.001)
                    p[name].sub_(rate * m[name] / (v[name].sqrt() + EPSILON))
                else:
                    p[name].sub_(rate * g)
            return value

        return update

    def step(self, rows: Any) -> None:
        import torch

        self.t += 1
        scale = (1 - 0.999**self.t) ** 0.5 / (1 - 0.9**self.t) if self.workload.optimizer == "adam" else 1
        rate = torch.tensor(self.workload.rate * scale)  # a tensor, or each rate would be compiled anew
        self.update(self.p, self.m, self.v, rate, rows)

    def reset(self) -> None:
        self.t = 0
        for name, value in trained_model(self.workload).named_parameters():
            self.p[name].copy_(value.detach())
            self.m[name].zero_()
            self.v[name].zero_()


def compiled_training(workload: Training) -> Runner:
    analytic_only(workload)
    import torch

    trainer = CompiledTrainer(workload)
    all_epochs = epochs(workload, len(trainer.x), trainer.step)

    def run(shuffle: bool) -> None:
        with torch.no_grad():
            all_epochs(shuffle)

    return Runner(run, lambda: weights(trainer.p.values()), trainer.reset, thread_choices(torch.set_num_threads))


def update(workload: Update) -> Runner:
    import torch

    theta, grad = (torch.from_numpy(a) for a in workload.arrays())
    parameter = torch.nn.Parameter(theta)
    parameter.grad = grad
    optimizer = torch.optim.Adam([parameter], workload.rate, eps=EPSILON, fused=True)
    threads = thread_choices(torch.set_num_threads)
    return Runner(optimizer.step, lambda: [parameter.detach().numpy()], settings=threads)


def prediction(workload: Prediction, compiled: bool = False) -> Runner:
    import torch

    x = torch.from_numpy(workload.arrays()[0])
    model = build_model(workload.net, logits=False).eval().requires_grad_(False)
    function = torch.compile(model, dynamic=False, fullgraph=True) if compiled else model

    def run() -> Any:
        with torch.inference_mode():
            return function(x)

    return Runner(run, lambda: [run().numpy()], settings=thread_choices(torch.set_num_threads))


def compiled_prediction(workload: Prediction) -> Runner:
    return prediction(workload, compiled=True)


def product(workload: Product) -> Runner:
    import torch

    w, a = (torch.from_numpy(array) for array in workload.arrays())
    out = torch.empty((workload.units, workload.rows))
    threads = thread_choices(torch.set_num_threads)
    return Runner(lambda: torch.mm(w.T, a, out=out), lambda: [out.numpy()], settings=threads)


EAGER = Peer(
    ("torch",),
    "eager, fused optimizer, rows picked from tensors in memory, no DataLoader; predictions in inference mode",
    training,
    update,
    prediction,
    None,
    product,
)
COMPILED = Peer(
    ("torch",),
    "gather, gradient and update in one torch.compile graph (fullgraph, static shapes)",
    compiled_training,
    None,
    compiled_prediction,
)
