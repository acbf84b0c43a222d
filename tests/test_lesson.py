"""The course's experiment: thirty printed digits, the pictures, the command."""

import subprocess
import sys

import numpy as np
import pytest

import gdcore
from gdcore.__main__ import main
from gdcore.lessons import by_hand

# as the course printed them (8 decimals, rounded in each number's own type)
PARAMETERS = "w_2 w_3 w_4 w_52 w_53 w_54 b_2 b_3 b_4 b_5".split()
BEFORE = "0.30959857 0.07310068 0.63308823 0.49408045 -1.1185157 0.14808941 0.0 0.0 0.0 0.0".split()
KERAS = (
    "0.31066534 0.06847349 0.6330435 0.49511436 -1.1182635 0.14937088 -0.00022871 6.122e-05 -0.00013335 -9.583e-05"
).split()
BY_HAND = (
    "0.31066538 0.06847351 0.63304377 0.49511434 -1.11826369 0.14937088 -0.00022871 6.122e-05 -0.00013335 -9.583e-05"
).split()


@pytest.fixture(scope="module")
def outcome():
    return by_hand.run()


def test_thirty_digits(outcome):
    assert [name for name, _, _ in by_hand.PARAMETERS] == PARAMETERS
    assert by_hand.digits(outcome.before) == BEFORE
    assert by_hand.digits(by_hand.parameters(outcome.as_keras)) == KERAS
    assert by_hand.digits(by_hand.parameters(outcome.by_hand)) == BY_HAND


def test_types_and_losses(outcome):
    assert outcome.before.dtype == np.float32
    assert outcome.as_keras.dtype == "float32"
    assert outcome.by_hand.dtype == "float64"
    for history in (outcome.keras_history, outcome.hand_history):
        losses = history.history["loss"]
        assert len(losses) == 50
        assert f"{losses[0]:.4f}" == "0.4918"
        assert f"{losses[-1]:.4f}" == "0.4913"


def test_by_hand_is_by_hand(outcome):
    """The same descent written out in NumPy, one parameter moved at a time."""
    x, y = by_hand.data()
    p = outcome.before.astype(np.float64)

    def loss(q):
        hidden = [q[3 + k] / (1 + np.exp(-(q[k] * x + q[6 + k]))) for k in range(3)]
        return np.mean(np.abs(y - 1 / (1 + np.exp(-(sum(hidden) + q[9])))))

    for _ in range(50):
        slopes = [(loss(p + h) - loss(p)) / 0.000003 for h in 0.000003 * np.eye(10)]
        p = p - 0.001 * np.array(slopes)
    np.testing.assert_allclose(by_hand.parameters(outcome.by_hand), p, rtol=0, atol=1e-10)


def test_the_lesson_leaves_the_random_stream_as_it_was():
    assert gdcore.random.get_stream() == "keras3"
    by_hand.run()
    assert gdcore.random.get_stream() == "keras3"


def test_the_command(tmp_path, capsys):
    assert main(["lesson", "--plots", str(tmp_path / "pictures")]) == 0
    out = capsys.readouterr().out
    assert out.count("10 of 10 the same, largest difference 0e+00") == 3
    for value in {*BEFORE[:6], *KERAS, *BY_HAND}:
        assert f"= {value}" in out
    for name in ("loss.png", "slices.png"):
        assert (tmp_path / "pictures" / name).read_bytes().startswith(b"\x89PNG")


def test_the_report_counts_a_wrong_digit(outcome):
    wrong = outcome._replace(before=outcome.before + np.float32(1e-6))
    assert "before     0 of 10 the same" in by_hand.report(wrong)


def test_an_unknown_lesson_suggests_the_nearest(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["lesson", "by-hnd"])
    assert stop.value.code == 2
    assert "Did you mean 'by-hand'?" in capsys.readouterr().err


def test_list_and_info(capsys):
    assert main(["lesson", "--list"]) == 0
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("by-hand ")
    assert gdcore.__version__ in out


def test_pictures_that_cannot_be_written_are_an_error_not_a_traceback(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["lesson", "--plots", str(tmp_path / "file" / "sub")]) == 1
    assert "cannot write the pictures" in capsys.readouterr().err


def test_slices_show_every_parameter_and_the_current_loss(outcome):
    figure = gdcore.plots.plot_slices(
        outcome.as_keras, [(layer, index, name) for name, layer, index in by_hand.PARAMETERS], np.linspace(-5, 5, 400)
    )
    assert [ax.get_xlabel() for ax in figure.axes] == PARAMETERS
    loss = outcome.as_keras.evaluate(outcome.x, outcome.y, batch_size=99)
    for ax, value in zip(figure.axes, by_hand.parameters(outcome.as_keras), strict=True):
        curve, dot = ax.lines
        assert len(curve.get_xdata()) == 400
        assert dot.get_xdata()[0] == pytest.approx(value)
        assert dot.get_ydata()[0] == pytest.approx(loss, rel=1e-6)


def test_import_is_light():
    """Nothing heavy comes with `import gdcore`."""
    code = "import sys, gdcore; print([m for m in ('scipy', 'matplotlib', 'h5py', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
