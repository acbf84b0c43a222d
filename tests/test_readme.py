"""The README's scripts run, and the Keras script and gdcore's differ in nothing but their imports."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

import gdcore

CLONE = Path(__file__).parent.parent
README = (CLONE / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
EXAMPLE, KERAS, OURS = BLOCKS


def run(script):
    variables = {}
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(script, variables)
    return variables, out.getvalue()


def test_set_up_commands():
    """CI runs the very commands; they import what they have just installed, not the folder at hand."""
    shell = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    commands = [line for line in shell.group(1).splitlines() if line and not line.startswith("#")]
    assert commands == ["python -m pip install . && gdcore lesson", 'python -m pip install ".[test]" && pytest']
    run = (CLONE / ".ci" / "run").read_text().replace(" --quiet", "")
    for command in commands:
        assert re.search(rf"^{re.escape(command)}\b", run, re.MULTILINE)


def test_only_the_imports_differ():
    changed = [(a, b) for a, b in zip(KERAS.splitlines(), OURS.splitlines(), strict=True) if a != b]
    assert len(changed) == 3
    for theirs, ours in changed:
        assert theirs.startswith("from keras")
        assert ours == theirs.replace("from keras", "from gdcore", 1)


def test_the_example():
    variables, out = run(EXAMPLE)
    assert "all good" in out
    assert variables["history"].history["accuracy"][-1] > 0.9


def test_our_script():
    variables, out = run(OURS)
    assert out.startswith("loss: ")
    assert len(variables["history"].history["loss"]) == 50


def test_both_scripts_agree():
    pytest.importorskip("keras", reason="Keras is not installed; the step 'live Keras' of .ci/run has it")
    theirs, their_text = run(KERAS)
    ours, our_text = run(OURS)
    assert their_text.splitlines()[0] == our_text.splitlines()[0]
    np.testing.assert_allclose(ours["history"].history["loss"], theirs["history"].history["loss"], rtol=2e-6)
    for a, b in zip(ours["model"].get_weights(), theirs["model"].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-7)


def test_the_printed_digits_are_those_of_the_lesson():
    text = gdcore.lessons.by_hand.report(gdcore.lessons.by_hand.run())
    shown = re.search(r"```\n(Parameters after.*?)```", README, re.DOTALL)
    assert shown
    assert shown.group(1).strip() in text
