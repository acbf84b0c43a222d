"""What fit prints: Keras's lines, a live bar on a terminal, nothing when asked for nothing."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import gdcore
from gdcore.layers import Dense

BAR = r"=" * 30


def fit(verbose, **options):
    model = gdcore.Sequential([Dense(1, input_dim=1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model.fit(np.arange(10.0) / 10, np.arange(10.0), batch_size=4, epochs=2, verbose=verbose, **options)


@pytest.mark.parametrize("verbose", [1, "auto"])
def test_one_line_for_each_epoch_elsewhere_than_on_a_terminal(capsys, verbose):
    fit(verbose)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2"
    assert lines[2] == "Epoch 2/2"
    assert len(lines) == 4
    for line in lines[1::2]:
        assert re.fullmatch(rf"3/3 \[{BAR}\] - 0s \d+(us|ms)/step - loss: \d+\.\d{{4}} - mae: \d+\.\d{{4}}", line)


def test_without_a_bar(capsys):
    fit(2, validation_split=0.2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    pattern = r"2/2 - 0s - loss: \S+ - mae: \S+ - val_loss: \S+ - val_mae: \S+ - \d+(us|ms)/epoch - \d+(us|ms)/step"
    assert re.fullmatch(pattern, lines[1])


def test_silence(capsys):
    fit(0)
    assert capsys.readouterr().out == ""


def test_small_losses_show_their_exponent(capsys):
    model = gdcore.Sequential([Dense(1, input_dim=1)])
    model.set_weights([[[0.0]], [0.0]])
    model.compile("sgd", "mse")
    model.fit([1.0], [0.01], verbose=1)
    assert "loss: 1.0000e-04" in capsys.readouterr().out


SCRIPT = """
import numpy as np, gdcore
model = gdcore.Sequential([gdcore.layers.Dense(256, "tanh", input_dim=256), gdcore.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.ones((30000, 256), "float32"), np.zeros(30000), batch_size=8, epochs=1)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")
def test_a_live_bar_on_a_terminal():
    import pty

    parent, child = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=child, stderr=child)
    os.close(child)
    shown = b""
    while True:
        try:
            piece = os.read(parent, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(parent)
    assert process.wait() == 0
    states = shown.decode().replace("\r\n", "\n").split("\r")
    assert states[0] == "Epoch 1/1\n"
    assert len(states) > 2
    for state in states[1:-1]:
        assert re.fullmatch(r" *\d+/3750 \[=*>\.*\] - ETA: \S+ - loss: \S+ *", state)
    assert re.fullmatch(rf"3750/3750 \[{BAR}\] - \d+s \d+(us|ms)/step - loss: \S+ *\n", states[-1])
