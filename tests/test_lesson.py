"""The course's experiment: thirty printed digits, the pictures, the command."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

import gdcore
from gdcore.__main__ import main
from gdcore.lessons import LESSONS, by_hand

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


def test_every_lesson_is_told_of_by_one_line(capsys):
    assert main(["lesson", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(LESSONS)
    assert max(map(len, lines)) <= 120
    assert min(map(len, lines)) > 30


def test_lessons_need_no_display_and_leave_no_figures_open(tmp_path):
    """pyplot, which would show figures and keep them open, is not even loaded."""
    code = (
        "import sys\n"
        "from gdcore.__main__ import main\n"
        "codes = [main(['lesson', name, '--plots', sys.argv[1]]) for name in ('starts', 'exercise-2', 'race')]\n"
        "assert codes == [0, 0, 0], codes\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(tmp_path)], check=True, capture_output=True)
    assert sorted(path.name for path in tmp_path.glob("*.[pg][ni][gf]")) == ["exercise-2.png", "race.gif", "starts.png"]


def peaks(a, b):
    """As the course writes it."""
    return (
        3 * (1 - a) ** 2 * np.exp(-(a**2) - (b + 1) ** 2)
        - 10 * (a / 5 - a**3 - b**5) * np.exp(-(a**2) - b**2)
        - 1 / 3 * np.exp(-((a + 1) ** 2) - b**2)
    )


def by_differences(rate, epochs, a, b, h=1e-6):
    points = [(a, b)]
    for _ in range(epochs):
        slopes = (peaks(a + h, b) - peaks(a - h, b)) / (2 * h), (peaks(a, b + h) - peaks(a, b - h)) / (2 * h)
        a, b = a - rate * slopes[0], b - rate * slopes[1]
        points.append((a, b))
    return points


def test_the_descents_of_the_course():
    experiments = ((0.03, 5), (0.07, 5), (0.1, 11), (0.006, 11), (0.006, 30))
    for (rate, epochs), result in zip(experiments, LESSONS["learning-rates"].run(), strict=True):
        np.testing.assert_allclose(result.trajectory, by_differences(rate, epochs, -0.35, -0.67), atol=1e-5)
        assert result.nit == epochs
    starts = ((0.3, 1.3), (-0.35, -0.67), (-0.4, -0.5), (-0.3, -0.5))
    for start, result in zip(starts, LESSONS["starts"].run(), strict=True):
        np.testing.assert_allclose(result.trajectory, by_differences(0.03, 10, *start), atol=1e-5)
    # what the course says of them
    arrived, overshoots, astray, halfway, patient = LESSONS["learning-rates"].run()
    lowest = gdcore.surfaces.peaks(gdcore.surfaces.peaks.minima[0])
    assert arrived.fun - lowest < 0.05 < overshoots.fun - lowest < astray.fun - lowest < halfway.fun - lowest
    assert patient.fun - lowest < 0.01


def test_the_grid_of_optimizers():
    results = LESSONS["optimizers"].run()
    assert list(results) == "SGD Adagrad RMSprop Adadelta Adam AMSGrad Adamax Nadam".split()
    np.testing.assert_allclose(results["SGD"].trajectory, by_differences(0.1, 10, -0.35, -0.67), atol=1e-5)
    (low, high), (bottom, top) = LESSONS["optimizers"].WINDOW
    for name, result in results.items():
        assert result.trajectory.shape == (11, 2)
        assert (result.trajectory > (low, bottom)).all(), name
        assert (result.trajectory < (high, top)).all(), name
    # where the slope does not turn, the largest second moment is the newest
    np.testing.assert_array_equal(results["Adam"].x, results["AMSGrad"].x)


def test_the_race_stays_in_its_window():
    results = LESSONS["race"].run()
    (low, high), (bottom, top) = LESSONS["race"].WINDOW
    for name, result in results.items():
        assert (result.trajectory > (low, bottom)).all(), name
        assert (result.trajectory < (high, top)).all(), name


def test_exercise_2_finds_the_minimum():
    lesson = LESSONS["exercise-2"]
    assert lesson.lowest() == pytest.approx(-1.2784645427610738, abs=1e-12)
    for x in lesson.POINTS:
        sigmoid = 1 / (1 + np.exp(-x))
        assert lesson.slope(x) == pytest.approx(sigmoid + x * sigmoid * (1 - sigmoid), rel=1e-14)


def test_exercise_3_starts_with_the_figures_of_the_course():
    """loss = 0.59 at w = -0.3, b = 0.1; the best values are w = 0.55 and b = -4."""
    from gdcore import plots
    from gdcore.lessons import _neuron

    steps, losses = LESSONS["exercise-3"].run()
    assert steps[0] == (-0.3, 0.1)
    assert f"{losses[0]:.2f}" == "0.59"
    assert all(after < before for before, after in itertools.pairwise(losses))
    assert f"{steps[1][0]:.2f}" == "0.55"
    figure = plots.plot_steps(_neuron.build(), _neuron.PARAMETERS, steps[:1], _neuron.RANGE, *by_hand.data())
    assert [text.get_text() for ax in figure.axes[:2] for text in ax.texts] == [
        "w = -0.30",
        "0.55",
        "b = 0.10",
        "-4.00",
    ]
    for (w, b), loss in zip(steps, losses, strict=True):
        x, y = by_hand.data()
        assert np.mean(np.abs(y - 1 / (1 + np.exp(-(w * x + b))))) == pytest.approx(loss, rel=1e-12)


def test_exercise_4_descends_as_the_course_does():
    x, y = by_hand.data()
    h = 0.000003

    def loss(w, b):
        return np.mean(np.abs(y - 1 / (1 + np.exp(-(w * x + b)))))

    steps, history = LESSONS["exercise-4"].run(0.3, 5)
    w, b = -0.3, 0.1
    for step, value in zip(steps, [*history.history["loss"], None], strict=True):
        np.testing.assert_allclose(step, (w, b), atol=1e-9)
        if value is not None:
            assert value == pytest.approx(loss(w, b), rel=1e-9)
        w, b = w - 0.3 * (loss(w + h, b) - loss(w, b)) / h, b - 0.3 * (loss(w, b + h) - loss(w, b)) / h
    lesson = LESSONS["exercise-4"]
    assert lesson.run(*lesson.BETTER)[1].history["loss"][-1] < 0.01


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
