"""Pictures: they hold what they should, can be read, and end up in files."""

import itertools
import re
import sys

import matplotlib.image
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

import gdcore
from gdcore import plots
from gdcore.__main__ import main
from gdcore.lessons import LESSONS
from gdcore.surfaces import peaks


def texts(figure):
    """The texts that are drawn, with the rectangles they fill, as (string, four corners)."""
    drawn = []
    draw = Text.draw

    def record(self, renderer, *args, **kwargs):
        if self.get_visible() and self.get_text().strip():
            drawn.append(self)
        return draw(self, renderer, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", record)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    found = []
    for text in dict.fromkeys(drawn):
        box = Text.get_window_extent(text, canvas.get_renderer())
        middle, angle = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2, np.deg2rad(text.get_rotation())
        text.set_rotation(0)
        box = Text.get_window_extent(text, canvas.get_renderer())
        text.set_rotation(np.rad2deg(angle))
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (box.width / 2 - 1, box.height / 2 - 1)
        found.append((text.get_text(), corners @ turn + middle))
    return found


def apart(one, other):
    """Whether two rectangles do not touch: then an edge of one of them divides them."""
    for corners in (one, other):
        for normal in (corners[1] - corners[0], corners[2] - corners[1]):
            first, second = one @ normal, other @ normal
            if first.max() < second.min() or second.max() < first.min():
                return True
    return False


def assert_legible(figure):
    """No text lies on another, or is cut off, or is tiny."""
    found = texts(figure)
    assert found
    size = figure.canvas.get_width_height()
    for string, corners in found:
        assert (corners >= -1).all(), string
        assert (corners <= np.add(size, 1)).all(), string
    for (string, corners), (other, other_corners) in itertools.combinations(found, 2):
        assert apart(corners, other_corners), (string, other)
    assert min(text.get_fontsize() for text in figure.findobj(Text)) >= 7
    return [string for string, _ in found]


def axes_of(figure, space=False):
    return next(ax for ax in figure.axes if (ax.name == "3d") == space)


def stars(ax):
    return {line.get_label(): line for line in ax.lines if line.get_marker() == "*"}


@pytest.fixture
def model():
    """A small net with metrics, trained a little."""
    x, y = gdcore.datasets.iris.load_data()
    first, second = (gdcore.initializers.GlorotUniform(seed=seed) for seed in (1, 2))
    net = gdcore.Sequential(
        [
            gdcore.layers.Dense(5, "tanh", kernel_initializer=first, input_dim=4),
            gdcore.layers.Dense(3, "softmax", kernel_initializer=second),
        ],
        dtype="float64",
    )
    net.compile(gdcore.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    net.fit(x, y, epochs=3, verbose=0, shuffle=False)
    return net


# ---- surfaces --------------------------------------------------------------------------------------------------


def test_the_check_of_texts_finds_what_it_should():
    figure = Figure()
    figure.text(0.5, 0.5, "one")
    assert assert_legible(figure) == ["one"]
    figure.text(0.51, 0.5, "two")
    with pytest.raises(AssertionError, match="'one', 'two'"):
        assert_legible(figure)
    figure = Figure()
    figure.text(0.95, 0.5, "cut off here")
    with pytest.raises(AssertionError, match="cut off here"):
        assert_legible(figure)


def test_contours_show_the_values_of_the_surface():
    ax = plots.plot_surface(peaks, levels=[-8, -4, 0, 4, 9])
    filled = ax.collections[0]
    assert filled.levels.tolist() == [-8, -4, 0, 4, 9]
    grid = np.stack(np.meshgrid(*[np.linspace(-3, 3, 121)] * 2), -1)
    assert filled.zmin == peaks(grid).min()
    assert filled.zmax == peaks(grid).max()
    # w_0 goes to the right
    assert filled.get_paths()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$w_0$", "$w_1$")
    assert (ax.get_xlim(), ax.get_ylim()) == ((-3, 3), (-3, 3))
    assert "loss" in assert_legible(ax.figure)


def test_a_surface_is_not_turned_about():
    ax = plots.plot_surface(lambda p: p[..., 0], window=((0, 4), (10, 20)), levels=[0, 1, 2, 3, 4], points=5)
    first = ax.collections[0].get_paths()[0].vertices
    assert first[:, 0].max() == 1
    assert (first[:, 1].min(), first[:, 1].max()) == (10, 20)


def test_a_surface_in_space_and_on_axes_of_ones_own():
    figure = Figure()
    ax = figure.add_subplot(projection="3d")
    assert plots.plot_surface(peaks, ax, "3d", window=((-1, 1), (-2, 2)), lang="es") is ax
    assert ax.get_zlabel() == "pérdida"
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 1), (-2, 2))
    assert_legible(figure)
    assert "loss" in assert_legible(plots.plot_surface(peaks, kind="3d").figure)
    flat = figure.add_subplot(2, 2, 1)
    with pytest.raises(ValueError, match="kind='3d' does not fit ax"):
        plots.plot_surface(peaks, flat, "3d")
    with pytest.raises(ValueError, match="kind='contour' does not fit ax"):
        plots.plot_surface(peaks, ax)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"f": peaks, "kind": "contuor"}, r"kind='contuor' is not known\. Did you mean 'contour'"),
        ({"f": peaks, "lang": "fr"}, "lang='fr' is not known"),
        ({"f": lambda p: p[..., 0]}, "window is None"),
        ({"f": peaks, "window": ((1, -1), (0, 1))}, "low < high"),
        ({"f": peaks, "window": (0, 1)}, "low < high"),
        ({"f": lambda p: p, "window": ((0, 1), (0, 1))}, r"f returned shape \(121, 121, 2\)"),
        ({"f": lambda p: p[..., 0] * np.nan, "window": ((0, 1), (0, 1))}, "f is nan or inf everywhere"),
    ],
)
def test_a_surface_that_cannot_be_drawn(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.plot_surface(**arguments)


@pytest.mark.parametrize("kind", ["contour", "3d"])
def test_a_surface_with_holes(kind):
    def holed(p):
        with np.errstate(all="ignore"):
            return np.log(p[..., 0])

    assert_legible(plots.plot_surface(holed, kind=kind, window=((-1, 1), (0, 1))).figure)


def test_a_path_has_a_red_and_a_blue_star_and_yellow_steps():
    points = np.array([[0.0, 0.0], [1.0, 0.5], [1.5, -1.0]])
    ax = plots.plot_surface(peaks)
    assert plots.plot_trajectory(ax, points, lang="es") is ax
    steps = next(line for line in ax.lines if line.get_label() == "pasos")
    np.testing.assert_array_equal(steps.get_xydata(), points)
    assert to_rgb(steps.get_color()) == to_rgb("yellow")
    assert steps.get_marker() == "o"
    assert set(stars(ax)) == {"inicio", "final"}
    for label, colour, at in (("inicio", "red", 0), ("final", "blue", -1)):
        assert to_rgb(stars(ax)[label].get_color()) == to_rgb(colour)
        np.testing.assert_array_equal(stars(ax)[label].get_xydata(), points[[at]])
    assert (ax.get_xlim(), ax.get_ylim()) == ((-3, 3), (-3, 3))


def test_a_path_in_space_lies_on_the_surface_and_inside():
    points = np.array([[0.0, 0.0], [1.0, 0.5], [9.0, 0.0], [np.nan, 0.0]])
    ax = plots.plot_surface(peaks, kind="3d")
    plots.plot_trajectory(ax, points, peaks)
    across, _, height = next(line for line in ax.lines if line.get_label() == "steps").get_data_3d()
    np.testing.assert_array_equal(across, [0, 1, np.nan, np.nan])
    np.testing.assert_array_equal(height[:2], peaks(points[:2]))
    assert set(stars(ax)) == {"start"}
    with pytest.raises(ValueError, match="f is None"):
        plots.plot_trajectory(ax, points)
    with pytest.raises(ValueError, match=r"points has shape \(3,\)"):
        plots.plot_trajectory(ax, [1, 2, 3], peaks)


def test_minima_are_named_once_each_and_nothing_lies_on_a_path():
    figure = plots.plot_descent(peaks, [], "title", minima=True)
    strings = assert_legible(figure)
    assert strings.count("global minimum") == 1
    assert strings.count("local minimum") == 2
    names = [text for text in axes_of(figure).texts if "minimum" in text.get_text()]
    np.testing.assert_array_equal([text.xy for text in names], peaks.minima)
    assert names[0].get_text() == "global minimum"
    small = plots.plot_surface(peaks, window=((0, 1), (-2, -1)))
    assert [text.get_text() for text in plots.name_minima(small, peaks).texts] == ["global minimum"]


def test_both_views_of_a_descent():
    paths = [np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 0.0], [-5.0, 99.0], [0.0, np.inf]])]
    figure = plots.plot_descent(peaks, paths, "two paths")
    strings = assert_legible(figure)
    assert {"two paths", "start", "end", "steps"} <= set(strings)
    for space in (False, True):
        ax = axes_of(figure, space)
        # widened for the paths, but no more than to three times the width
        assert (ax.get_xlim(), ax.get_ylim()) == ((-5, 3), (-3, 9))
        assert sum(line.get_label() == "steps" for line in ax.lines) == 2
    assert len(axes_of(plots.plot_descent(peaks, paths[0])).lines) == 4


def test_a_grid_of_descents():
    path = np.array([[0.0, 0.0], [1.0, 1.0]])
    names = ["A", "B", "C", "D", "E"]
    figure = plots.plot_descents(peaks, {name: (i + 1) * path for i, name in enumerate(names)}, "grid", lang="es")
    strings = assert_legible(figure)
    assert [s for s in strings if s in names] == names
    assert strings.count("inicio") == 1
    panels = figure.axes[:5]
    assert {(ax.get_xlim(), ax.get_ylim()) for ax in panels} == {((-3, 5), (-3, 5))}
    assert not figure.axes[5].axison
    for i, ax in enumerate(panels):
        np.testing.assert_array_equal(stars(ax)["final"].get_xydata(), [[i + 1, i + 1]])
    full = plots.plot_descents(peaks, {"A": path, "B": path}, columns=2)
    assert assert_legible(full).count("start") == 1
    with pytest.raises(ValueError, match="paths is empty"):
        plots.plot_descents(peaks, {})


def test_a_race_becomes_a_film(tmp_path):
    from PIL import Image

    paths = {"long": np.linspace([0, 0], [1, 1], 6), "short": np.linspace([0, 0], [-1, 0], 3), "lost": [[1e300, 1e300]]}
    film = plots.animate(peaks, paths, "race", fps=8, hold=0.5)
    ax, table = film._fig.axes
    film._func(4)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), paths["long"][:5])
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), paths["long"][4:5])
    np.testing.assert_array_equal(ax.lines[2].get_xydata(), paths["short"])
    shown = [text.get_text() for text in table.texts]
    assert shown[:2] == [f"{peaks(paths['long'][4]):.2f}", f"{peaks(paths['short'][2]):.2f}"]
    plots.save(film, tmp_path / "race.gif")
    with Image.open(tmp_path / "race.gif") as image:
        assert image.n_frames == 6
        assert image.info["duration"] == 120  # hundredths of a second, whole
        assert image.info["loop"] == 0
        assert image.size == (780, 500)
        first = np.asarray(image.convert("RGB"))
        image.seek(5)
        assert (first != np.asarray(image.convert("RGB"))).any()


def test_films_that_cannot_be_made(tmp_path, monkeypatch):
    from matplotlib.animation import FFMpegWriter

    film = plots.animate(peaks, {"a": [[0, 0]]}, hold=0)
    with pytest.raises(ValueError, match=r"path's ending='\.gfi' is not known\. Did you mean '\.gif'"):
        plots.save(film, tmp_path / "race.gfi")
    monkeypatch.setattr(FFMpegWriter, "isAvailable", classmethod(lambda cls: False))
    with pytest.raises(ValueError, match="needs ffmpeg"):
        plots.save(film, tmp_path / "race.mp4")
    plots.save(film, tmp_path / "race.gif")
    with pytest.raises(ValueError, match="paths has 0 entries"):
        plots.animate(peaks, {})
    with pytest.raises(ValueError, match="expected 1 to 21"):
        plots.animate(peaks, {str(i): [[0, 0]] for i in range(22)})


def test_racers_are_all_different():
    from gdcore.plots.surfaces import _RACERS

    assert len(set(_RACERS)) == 21
    assert all(a[0] != b[0] for a, b in itertools.pairwise(_RACERS))


# ---- models ----------------------------------------------------------------------------------------------------


def test_landscape_over_two_parameters(model):
    x, y = gdcore.datasets.iris.load_data()
    before = model.get_weights()
    parameters = [(0, (1, 2), "kernel"), (-1, 0, "bias")]
    across, up, losses = plots.landscape(model, x, y, parameters, span=0.5, points=5)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(across, before[0][1, 2] + np.linspace(-0.5, 0.5, 5))
    np.testing.assert_allclose(up, before[3][0] + np.linspace(-0.5, 0.5, 5))
    weights = [a.copy() for a in before]
    for j, i in np.ndindex(5, 5):
        weights[0][1, 2], weights[3][0] = across[i], up[j]
        model.set_weights(weights)
        assert losses[j, i] == pytest.approx(model.evaluate(x, y, 150)[0], rel=1e-12)


def test_landscape_along_random_directions(model):
    from gdcore.plots.models import _direction

    x, y = gdcore.datasets.iris.load_data()
    before = model.get_weights()
    offsets, up, losses = plots.landscape(model, span=2, points=3, seed=7)
    np.testing.assert_array_equal(offsets, [-2, 0, 2])
    np.testing.assert_array_equal(up, offsets)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert losses[1, 1] == model.evaluate(x, y, 150)[0]
    np.testing.assert_array_equal(losses, plots.landscape(model, x, y, span=2, points=3, seed=7)[2])
    assert (losses != plots.landscape(model, x, y, span=2, points=3, seed=8)[2]).any()

    rng = np.random.default_rng(7)
    first, second = (model._stack.built.split(_direction(model, rng)) for _ in range(2))
    for direction in (first, second):
        # each unit's incoming weights are as long as the model's; biases stay
        for part, own in zip(direction[::2], before[::2], strict=True):
            np.testing.assert_allclose(np.linalg.norm(part, axis=0), np.linalg.norm(own, axis=0))
        assert not any(part.any() for part in direction[1::2])
    model.set_weights([w + 2 * a - 2 * b for w, a, b in zip(before, first, second, strict=True)])
    assert losses[0, 2] == pytest.approx(model.evaluate(x, y, 150)[0], rel=1e-12)


def test_weights_come_back_whatever_happens(model, monkeypatch):
    before = model.get_weights()
    calls = itertools.count()
    evaluate = type(model).evaluate

    def fail(self, *args, **kwargs):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return evaluate(self, *args, **kwargs)

    monkeypatch.setattr(type(model), "evaluate", fail)
    with pytest.raises(KeyboardInterrupt):
        plots.landscape(model, points=3)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["contour", "3d"])
def test_the_model_is_marked_in_its_landscape(model, kind):
    assert "random direction 2" in assert_legible(plots.plot_landscape(model, kind=kind, points=21).figure)
    ax = plots.plot_landscape(model, kind=kind, points=4, lang="es")
    assert ax.get_xlabel() == "dirección aleatoria 1"
    star = stars(ax)["el modelo"]
    assert to_rgb(star.get_color()) == to_rgb("red")
    assert np.ravel(star.get_data_3d() if kind == "3d" else star.get_data())[:2].tolist() == [0, 0]
    if kind == "3d":
        assert star.get_data_3d()[2][0] == model.evaluate(*gdcore.datasets.iris.load_data(), 150)[0]
    assert_legible(ax.figure)
    ax = plots.plot_landscape(model, parameters=[(0, (0, 0), "one"), (1, (0,), "two")], kind=kind, points=4)
    assert_legible(ax.figure)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("one", "two")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.plot_surface(peaks, points=1), "points=1 is not an integer of at least 2"),
        (lambda: plots.plot_surface(peaks, points="9"), "points='9' is not an integer"),
        (lambda: plots.animate(peaks, {"a": [[0, 0]]}, fps=0), "fps=0 is not a finite number greater than 0"),
        (lambda: plots.animate(peaks, {"a": [[0, 0]]}, hold=-1), "hold=-1 is not a finite number of at least 0"),
        (lambda: plots.plot_range_test([1, 2], [1, 2], smoothing="0.5"), "smoothing='0.5' is not a finite number"),
    ],
)
def test_numbers_out_of_range(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_landscapes_that_cannot_be(model):
    with pytest.raises(ValueError, match="parameters has 1 entries"):
        plots.landscape(model, parameters=[(0, (0, 0), "w")])
    fresh = gdcore.Sequential([gdcore.layers.Dense(1, input_dim=1)])
    fresh.compile("sgd", "mse")
    with pytest.raises(ValueError, match="x and y are needed"):
        plots.landscape(fresh)
    with pytest.raises(ValueError, match="points=1 is not an integer of at least 2"):
        plots.landscape(model, points=1)
    with pytest.raises(ValueError, match="span=0"):
        plots.landscape(model, span=0)


def test_the_range_test_trains_a_copy(model):
    x, y = gdcore.datasets.iris.load_data()
    before, made = model.get_weights(), model.optimizer.iterations
    rates, losses = plots.range_test(model, x, y, 1e-4, 1e-1, steps=12, batch_size=50, seed=3)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (model.optimizer.iterations, model.optimizer.learning_rate) == (made, 0.01)
    np.testing.assert_allclose(rates, 1e-4 * 1000 ** (np.arange(12) / 11))

    again = gdcore.Sequential.from_config(model.get_config())
    again.set_weights(before)
    again.compile(gdcore.optimizers.Adam(1.0), "sparse_categorical_crossentropy")
    rng = np.random.default_rng(3)
    order = np.concatenate([rng.permutation(150) for _ in range(4)])
    for step, (rate, loss) in enumerate(zip(rates, losses, strict=True)):
        again.optimizer.learning_rate = rate
        rows = order[50 * step : 50 * step + 50]
        assert again.train_on_batch(x[rows], y[rows]) == loss


def test_the_range_test_ends_where_nothing_is_left_to_see():
    x = np.linspace(-1, 1, 64)
    model = gdcore.Sequential([gdcore.layers.Dense(1, input_dim=1)])
    schedule = gdcore.optimizers.schedules.CosineDecay(0.1, 100)
    model.compile(gdcore.optimizers.SGD(schedule), "mse")
    rates, losses = plots.range_test(model, x, 3 * x, 1e-3, 1e6, steps=200)
    assert len(rates) == len(losses) < 200
    assert losses[-1] > 4 * losses.min()
    assert (losses[:-1] <= 4 * np.minimum.accumulate(losses[:-1])).all()
    ax = plots.plot_range_test(rates, losses, lang="es")
    marked = ax.lines[2].get_xdata()[0]
    assert rates[0] < marked < rates[losses.argmin()]
    assert "tasa de aprendizaje" in assert_legible(ax.figure)


def test_the_rate_where_the_loss_falls_fastest():
    rates = np.geomspace(1e-4, 1, 101)
    exponent = np.log10(rates)
    losses = 1 - np.tanh(3 * (exponent + 2)) + 10 * np.maximum(exponent + 1, 0)
    ax = plots.plot_range_test(rates, losses, smoothing=0)
    assert ax.lines[2].get_xdata()[0] == pytest.approx(1e-2, rel=0.2)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), losses)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), losses)
    assert ax.get_xscale() == "log"
    smooth = plots.plot_range_test(rates[:3], [4, 0, 0], smoothing=0.5).lines[1].get_ydata()
    np.testing.assert_allclose(smooth, [4, 4 / 3, 4 / 7])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": 0}, "0 < low < high"),
        ({"low": 2, "high": 1}, "0 < low < high"),
        ({"steps": 1}, "steps=1 is not an integer of at least 2"),
        ({"batch_size": 0}, "batch_size=0 is not an integer of at least 1"),
    ],
)
def test_range_tests_that_cannot_be(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.range_test(model, *gdcore.datasets.iris.load_data(), **arguments)


def test_pictures_of_range_tests_that_cannot_be():
    with pytest.raises(ValueError, match="smoothing=1"):
        plots.plot_range_test([1, 2], [1, 2], smoothing=1)
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\)"):
        plots.plot_range_test([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="losses are nan"):
        plots.plot_range_test([1, 2], [np.nan, np.nan])


def test_learning_curves(model):
    x, y = gdcore.datasets.iris.load_data()
    history = model.fit(
        x,
        y,
        epochs=6,
        verbose=0,
        validation_data=(x, y),
        validation_freq=2,
        callbacks=[gdcore.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)],
    )
    figure = history.plot(lang="es")
    loss, accuracy, rate, spare = figure.axes
    assert [ax.get_ylabel() for ax in (loss, accuracy, rate)] == ["pérdida", "accuracy", "tasa de aprendizaje"]
    assert not spare.axison
    assert [line.get_label() for line in loss.lines] == ["pérdida", "pérdida, validación"]
    assert loss.lines[0].get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
    assert loss.lines[0].get_ydata().tolist() == history.history["loss"]
    assert loss.lines[1].get_ydata().tolist() == history.history["val_loss"]
    assert all(tick == round(tick) for tick in loss.get_xticks())
    assert_legible(figure)

    ax = Figure().add_subplot()
    assert plots.plot_history(history, ["val_accuracy", "accuracy"], ax) is ax
    assert [line.get_label() for line in ax.lines] == ["accuracy", "accuracy, validation"]
    with pytest.raises(ValueError, match=r"key='acuracy' is not known\. Did you mean 'accuracy'"):
        history.plot(["acuracy"])
    with pytest.raises(ValueError, match="nothing was trained"):
        gdcore.callbacks.History().plot()


def test_histories_side_by_side(model):
    x, y = gdcore.datasets.iris.load_data()
    histories = {str(i): model.fit(x, y, epochs=2, initial_epoch=i, verbose=0) for i in range(2)}
    ax = plots.plot_histories(histories, "accuracy")
    assert [line.get_xdata().tolist() for line in ax.lines] == [[1, 2], [2]]
    assert ax.get_ylabel() == "accuracy"
    assert len({line.get_linestyle() for line in ax.lines}) == 2
    assert_legible(ax.figure)
    assert plots.plot_histories(histories, ax=ax) is ax
    with pytest.raises(ValueError, match=r"key='los' is not known\. Did you mean 'loss'"):
        plots.plot_histories(histories, "los")


def test_parameters_by_epoch():
    values = np.arange(8.0).reshape(4, 2)
    ax = plots.plot_parameters(values, ["w", "b"], title="title", lang="es")
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0, 1, 2, 3]] * 2
    assert [line.get_ydata().tolist() for line in ax.lines] == values.T.tolist()
    assert set(assert_legible(ax.figure)) >= {"w", "b", "title", "época", "valor de los parámetros"}
    with pytest.raises(ValueError, match=r"values has shape \(4, 2\), expected \(epochs \+ 1, 3\)"):
        plots.plot_parameters(values, ["a", "b", "c"])


def test_one_slice_is_a_picture_of_its_own(model):
    figure = plots.plot_slices(model, [(0, (0, 0), "w")], np.linspace(-1, 1, 9))
    assert [ax.get_xlabel() for ax in figure.axes] == ["w"]
    assert figure.get_size_inches().tolist() == [5.5, 4]
    assert_legible(figure)


def test_steps_show_where_each_parameter_is_and_would_be_best(model):
    x, y = gdcore.datasets.iris.load_data()
    before = model.get_weights()
    values = np.linspace(-2, 2, 41)
    steps = [[0.5, -1.0], [0.25, 0.75]]
    figure = plots.plot_steps(model, [(0, (0, 1), "w"), (1, (2,), "b")], steps, values, x, y, title="title", lang="es")
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    panels = figure.axes
    assert [ax.get_xlabel() for ax in panels] == ["w", "b", "w", "b", "época", "época"]
    for i, (w, b) in enumerate(steps):
        weights = [a.copy() for a in before]
        weights[0][0, 1], weights[3][2] = w, b
        model.set_weights(weights)
        loss = model.evaluate(x, y, 150)[0]
        for ax, layer, index, now in ((panels[2 * i], 0, (0, 1), w), (panels[2 * i + 1], 1, (2,), b)):
            curve, red, green = ax.lines
            expected = model.loss_slice(layer, index, values, x, y)
            np.testing.assert_allclose(curve.get_ydata(), expected)
            assert to_rgb(red.get_color()) == to_rgb("red")
            np.testing.assert_allclose(red.get_xydata(), [[now, loss]])
            np.testing.assert_allclose(green.get_xydata(), [[values[expected.argmin()], expected.min()]])
            assert f"{now:.2f}" in ax.texts[0].get_text()
            assert f"{values[expected.argmin()]:.2f}" in ax.texts[1].get_text()
        assert panels[4].lines[0].get_ydata()[i] == pytest.approx(loss)
    np.testing.assert_array_equal([line.get_ydata() for line in panels[5].lines], np.transpose(steps))
    assert_legible(figure)
    with pytest.raises(ValueError, match=r"steps has shape \(2,\), expected \(steps, 1\)"):
        plots.plot_steps(model, [(0, (0, 1), "w")], [1, 2], values, x, y)


# ---- all of them -----------------------------------------------------------------------------------------------


def test_spanish_texts_have_the_same_places_for_numbers():
    from string import Formatter

    from gdcore.plots._texts import SPANISH

    for english, spanish in SPANISH.items():
        assert english != spanish
        fields, theirs = (
            [part[1:3] for part in Formatter().parse(t) if part[1] is not None] for t in (english, spanish)
        )
        assert fields == theirs, english


def test_no_text_is_translated_in_vain():
    """Each of them stands somewhere in the package."""
    import ast
    from pathlib import Path

    from gdcore.plots import _texts

    found = set()
    for path in Path(gdcore.__file__).parent.rglob("*.py"):
        if path != Path(_texts.__file__):
            found |= {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
    assert set(_texts.SPANISH) - found <= {"accuracy", "val_loss"}  # names of entries of a history


def test_without_matplotlib_there_is_a_clear_message(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pictures need matplotlib: pip install "gdcore\[plot\]"'):
        plots.plot_surface(peaks)
    assert main(["lesson", "race", "--plots", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert "Adam" in captured.out
    assert captured.err == 'gdcore: pictures need matplotlib: pip install "gdcore[plot]"\n'


def test_pictures_of_axes_and_figures_go_to_files(tmp_path):
    ax = plots.plot_parameters([[1.0], [2.0]], ["w"])
    plots.save(ax, tmp_path / "axes.png")
    plots.save(ax.figure, tmp_path / "figure.svg")
    assert matplotlib.image.imread(tmp_path / "axes.png").shape == (540, 840, 4)
    assert b"<svg" in (tmp_path / "figure.svg").read_bytes()


FILES = {
    "by-hand": ["loss.png", "slice-w_2.png", "slices.png"],
    "surface": ["surface.png"],
    "learning-rates": [
        f"learning-rate-{rate}-epochs-{epochs}.png"
        for rate, epochs in ((0.03, 5), (0.07, 5), (0.1, 11), (0.006, 11), (0.006, 30))
    ],
    "starts": ["starts.png"],
    "optimizers": ["optimizers.png"],
    "race": ["race.gif"],
    "landscape": ["landscape-parameters.png", "landscape-random.png"],
    "range-test": ["range-test.png"],
    "learning-rate": ["learning-rate.png"],
    "batch-size": ["batch-size.png"],
    "initialisation": ["initialisation-outputs.png", "initialisation-slopes.png"],
    "max-batch-size": ["max-batch-size.png"],
    "exercise-1": ["exercise-1.png"],
    "exercise-2": ["exercise-2.png"],
    "exercise-3": ["exercise-3-start.png", "exercise-3.png"],
    "exercise-4": ["exercise-4.png", "exercise-4-better.png", "exercise-4-ways.png"],
    "exercise-5a": ["exercise-5a.png"],
    "exercise-5b": ["exercise-5b.png"],
    **{f"exercise-6{part}": [f"exercise-6{part}.png", f"exercise-6{part}-val-accuracy.png"] for part in "abc"},
}
# the long trainings are cut short: lesson -> (module, constant, value)
SHORT = {
    "exercise-5a": ("exercise_5a", "EPOCHS", 30),
    "exercise-5b": ("exercise_5a", "EPOCHS", 30),
    "exercise-6b": ("exercise_6b", "EPOCHS", 8),
    "exercise-6c": ("exercise_6c", "EPOCHS", 8),
}
ENGLISH = set("the of and is are at by with rate loss cost epoch epochs weights steps best wrote rows accuracy".split())


@pytest.fixture(scope="module")
def small_mnist(tmp_path_factory):
    """A folder with IDX files like MNIST's, of which 1,000 rows are left to train on; noise with a bright bar."""
    folder = tmp_path_factory.mktemp("mnist")
    rng = np.random.default_rng(0)
    for name, rows in (("train", 6000), ("t10k", 200)):
        y = rng.integers(0, 10, rows).astype(np.uint8)
        x = rng.integers(0, 100, (rows, 28, 28)).astype(np.uint8)
        x[np.arange(rows), 2 * y + 4] = 255
        for what, array in (("images-idx3", x), ("labels-idx1", y)):
            head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
            (folder / f"{name}-{what}-ubyte").write_bytes(head + array.tobytes())
    return folder


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("name", LESSONS)
def test_each_lesson_prints_a_table_and_writes_its_pictures(name, lang, tmp_path, capsys, monkeypatch, small_mnist):
    from matplotlib.animation import FFMpegWriter

    pictures = []
    save = gdcore.plots.save

    def keep(picture, path):
        pictures.append(picture)
        if lang == "en":
            save(picture, path)
        elif hasattr(picture, "new_frame_seq"):
            picture._draw_was_started = True  # or else it complains of not having been saved

    monkeypatch.setattr(gdcore.plots, "save", keep)
    monkeypatch.setattr(FFMpegWriter, "isAvailable", classmethod(lambda cls: False))
    monkeypatch.setenv("GDCORE_DATA_DIR", str(small_mnist))
    if name in SHORT:
        module, constant, value = SHORT[name]
        monkeypatch.setattr(f"gdcore.lessons.{module}.{constant}", value)
    assert main(["lesson", name, "--plots", str(tmp_path / "pictures"), "--lang", lang]) == 0
    out = capsys.readouterr().out
    assert [line.split("/")[-1] for line in out.splitlines() if "/pictures/" in line] == FILES[name]
    table = "\n".join(line for line in out.splitlines() if "/pictures/" not in line)
    assert len(table.splitlines()) > (1 if name == "landscape" else 3)
    assert ("wrote" in out, "escrito" in out) == (lang == "en", lang == "es")
    assert len(pictures) == len(FILES[name])
    assert list(FILES) == list(LESSONS)
    if lang == "en":
        sizes = {path.name: path.stat().st_size for path in (tmp_path / "pictures").iterdir()}
        assert sorted(sizes) == sorted(FILES[name])
        assert all(1e4 < size < (3e6 if file.endswith(".gif") else 7e5) for file, size in sizes.items())
        return
    assert not ENGLISH & set(re.findall(r"\w+", table.lower()))
    for picture in pictures:
        if not hasattr(picture, "new_frame_seq"):
            strings = assert_legible(picture.get_figure())
            assert not ENGLISH & set(re.findall(r"\w+", " ".join(strings).lower()))
