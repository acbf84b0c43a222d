"""Data sets in files: found, read, checked; and `Dataset`, which feeds a model from arrays, files and generators."""

import gzip
import json
import os
import pickle
import struct
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdcore
from gdcore import Dataset, Sequential
from gdcore.callbacks import Callback, EarlyStopping
from gdcore.data import blocks
from gdcore.data.passes import batches_of_pass
from gdcore.datasets import _idx, digits, fashion_mnist, iris, mnist
from gdcore.layers import Dense

TYPES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array):
    """The array in IDX form: two zeros, its type, its dimensions, its big-endian values."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, TYPES[array.dtype.str[1:]], array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def small_set(rows=(7, 3)):
    rng = np.random.default_rng(0)
    return [
        part
        for n in rows
        for part in (rng.integers(0, 256, (n, 4, 5), np.uint8), rng.integers(0, 10, n).astype(np.uint8))
    ]


def write_set(folder, arrays, zipped=True, dots=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(_idx.FILES, arrays, strict=True):
        name = name.replace("-idx", ".idx") if dots else name
        content = idx_bytes(array)
        (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)
    return folder


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine without any of the data; returns its home."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name in ("GDCORE_DATA_DIR", "KERAS_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)  # as if it were not installed
    return home


def flat(parts):
    return [array for part in parts for array in part]


def same(got, expected):
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


@pytest.mark.parametrize("dtype", sorted(TYPES))
@pytest.mark.parametrize("zipped", [True, False])
def test_idx_of_every_type(tmp_path, dtype, zipped):
    array = np.arange(-12, 12).reshape(2, 3, 4).astype(dtype)
    path = tmp_path / ("file.gz" if zipped else "file")
    path.write_bytes(gzip.compress(idx_bytes(array)) if zipped else idx_bytes(array))
    got = _idx.read_idx(path)
    assert got.dtype == np.dtype(dtype)
    assert np.array_equal(got, array)
    assert got.flags.writeable


@pytest.mark.parametrize(("zipped", "dots"), [(True, False), (False, False), (True, True)])
def test_a_folder_of_idx_files(tmp_path, nowhere, zipped, dots):
    arrays = small_set()
    same(flat(mnist.load_data(write_set(tmp_path / "here", arrays, zipped, dots))), arrays)


def test_an_npz_file(tmp_path, nowhere):
    arrays = small_set()
    np.savez(tmp_path / "set.npz", **dict(zip(_idx.ARRAYS, arrays, strict=True)))
    same(flat(mnist.load_data(str(tmp_path / "set.npz"))), arrays)
    same(flat(fashion_mnist.load_data(tmp_path / "set.npz")), arrays)


def test_the_order_of_places(tmp_path, nowhere, monkeypatch):
    """GDCORE_DATA_DIR, then Keras's cache, then the own one."""
    sets = [small_set((n, 2)) for n in (5, 6, 7)]
    (nowhere / ".cache/gdcore").mkdir(parents=True)
    np.savez(nowhere / ".cache/gdcore/mnist.npz", **dict(zip(_idx.ARRAYS, sets[0], strict=True)))
    same(flat(mnist.load_data()), sets[0])
    (nowhere / ".keras/datasets").mkdir(parents=True)
    np.savez(nowhere / ".keras/datasets/mnist.npz", **dict(zip(_idx.ARRAYS, sets[1], strict=True)))
    same(flat(mnist.load_data()), sets[1])
    same(flat(mnist.load_data("mnist.npz")), sets[1])  # Keras's own default
    monkeypatch.setenv("GDCORE_DATA_DIR", str(write_set(tmp_path / "data", sets[2])))
    same(flat(mnist.load_data()), sets[2])


def test_each_set_has_its_own_folder(tmp_path, nowhere, monkeypatch):
    digits, clothes = small_set((5, 2)), small_set((6, 2))
    monkeypatch.setenv("GDCORE_DATA_DIR", str(tmp_path / "data"))
    write_set(tmp_path / "data" / "mnist", digits)
    with pytest.raises(FileNotFoundError, match="Fashion-MNIST is not on this machine"):
        fashion_mnist.load_data()
    write_set(tmp_path / "data", digits)  # files of the same names: whose they are nobody knows
    with pytest.raises(FileNotFoundError, match="Fashion-MNIST is not on this machine"):
        fashion_mnist.load_data()
    write_set(tmp_path / "data" / "fashion-mnist", clothes)
    same(flat(fashion_mnist.load_data()), clothes)
    same(flat(mnist.load_data()), digits)


def test_the_course_split(tmp_path, nowhere):
    arrays = small_set((5010, 4))
    folder = write_set(tmp_path / "here", arrays)
    train, validation, test = mnist.load_data(folder, split="course")
    same(train, [a[5000:] for a in arrays[:2]])
    same(validation, [a[:5000] for a in arrays[:2]])
    same(test, arrays[2:])
    with pytest.raises(ValueError, match="Did you mean 'course'"):
        mnist.load_data(folder, split="coarse")
    with pytest.raises(ValueError, match="more than 5000 training rows, and there are 7"):
        mnist.load_data(write_set(tmp_path / "small", small_set()), split="course")


def test_missing_data_say_where_they_were_looked_for(tmp_path, nowhere, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"GDCORE_DATA_DIR.*\.keras.*\.cache.*gdcore\[data\]"):
        mnist.load_data()
    with pytest.raises(FileNotFoundError, match=r"path='nothing' does not exist"):
        mnist.load_data("nothing")
    monkeypatch.setenv("GDCORE_DATA_DIR", str(tmp_path / "gone"))
    with pytest.raises(FileNotFoundError, match=r"GDCORE_DATA_DIR='.*gone' is not a folder"):
        mnist.load_data()
    folder = write_set(tmp_path / "part", small_set())
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match="lacks t10k-labels-idx1-ubyte"):
        mnist.load_data(folder)
    monkeypatch.setenv("GDCORE_DATA_DIR", str(folder))
    with pytest.raises(FileNotFoundError, match="lacks t10k-labels-idx1-ubyte"):
        mnist.load_data()


def damaged(content, how):
    return {
        "cut": content[:-5],
        "long": content + b"\0",
        "empty": b"",
        "head only": content[:6],
        "not idx": b"PNG!" + content[4:],
        "unknown type": content[:2] + b"\x07" + content[3:],
        "other shape": content[:4] + b"\x7f" + content[5:],
    }[how]


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("how", ["cut", "long", "empty", "head only", "not idx", "unknown type", "other shape"])
def test_damaged_idx_files(tmp_path, nowhere, how, zipped):
    folder = write_set(tmp_path / "here", small_set(), zipped)
    name = folder / (_idx.FILES[0] + ".gz" * zipped)
    content = damaged(idx_bytes(small_set()[0]), how)
    name.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte.* is (damaged|not an IDX file)"):
        mnist.load_data(folder)


@pytest.mark.parametrize("where", [3, 20, -20, -6, -1])
def test_damaged_gzip_files(tmp_path, nowhere, where):
    """A byte that changed anywhere is found: in the head, in the stream, in the checksum."""
    folder = write_set(tmp_path / "here", small_set())
    name = folder / (_idx.FILES[0] + ".gz")
    content = bytearray(name.read_bytes())
    content[where] ^= 0xFF
    name.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is damaged"):
        mnist.load_data(folder)
    name.write_bytes(name.read_bytes()[: len(content) // 2])
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is damaged"):
        mnist.load_data(folder)


def test_arrays_that_do_not_fit(tmp_path, nowhere):
    arrays = small_set()
    with pytest.raises(ValueError, match=r"training images of shape \(6, 4, 5\) with labels of shape \(7,\)"):
        mnist.load_data(write_set(tmp_path / "rows", [arrays[0][1:], *arrays[1:]]))
    wrong = arrays[3].copy()
    wrong[1] = 10
    with pytest.raises(ValueError, match="label 10 at test row 1, expected 0 to 9"):
        mnist.load_data(write_set(tmp_path / "label", [*arrays[:3], wrong]))
    with pytest.raises(ValueError, match="are float32 and uint8, expected uint8"):
        mnist.load_data(write_set(tmp_path / "type", [arrays[0].astype("f4"), *arrays[1:]]))


def test_damaged_npz_files(tmp_path, nowhere):
    arrays = dict(zip(_idx.ARRAYS, small_set(), strict=True))
    path = tmp_path / "set.npz"
    np.savez(path, **{k: v for k, v in arrays.items() if k != "y_test"})
    with pytest.raises(ValueError, match=r"set\.npz .*it has no array y_test"):
        mnist.load_data(path)
    np.savez(path, **arrays)
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"set\.npz is not an \.npz file of this data set, or is damaged"):
        mnist.load_data(path)
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"set\.npz is not an \.npz file"):
        mnist.load_data(path)


def test_other_data_under_mnists_name(tmp_path, nowhere, monkeypatch):
    """As many rows as MNIST has, yet other ones: the checksums tell."""
    arrays = [np.zeros((n, 1, 1), np.uint8) if images else np.zeros(n, np.uint8)
              for n in (60000, 10000) for images in (True, False)]  # fmt: skip
    monkeypatch.setenv("GDCORE_DATA_DIR", str(write_set(tmp_path / "data", arrays)))
    with pytest.raises(ValueError, match="train-images-idx3-ubyte is damaged or not MNIST's: its checksum is wrong"):
        mnist.load_data()
    same(flat(mnist.load_data(tmp_path / "data")), arrays)  # whoever names a folder means what is in it


def test_downloading(tmp_path, nowhere, monkeypatch):
    """What pooch is asked for; the file that it leaves is found the next time without it."""
    asked = []
    arrays = small_set()

    def retrieve(url, known_hash, fname, path, progressbar):
        asked.append((url, known_hash))
        target = nowhere / ".cache/gdcore" / fname
        assert str(target.parent) == path
        target.parent.mkdir(parents=True, exist_ok=True)
        np.savez(target, **dict(zip(_idx.ARRAYS, arrays, strict=True)))
        return str(target)

    monkeypatch.setitem(sys.modules, "pooch", types.SimpleNamespace(retrieve=retrieve))
    same(flat(mnist.load_data()), arrays)
    same(flat(mnist.load_data()), arrays)
    assert len(asked) == 1
    assert asked[0][0].endswith("/tf-keras-datasets/mnist.npz")
    assert asked[0][1] == "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"

    def offline(*args, **kwargs):
        raise ConnectionResetError("no route")

    monkeypatch.setitem(sys.modules, "pooch", types.SimpleNamespace(retrieve=offline))
    with pytest.raises(ConnectionError, match=r"could not be downloaded: no route\. Offline, point GDCORE_DATA_DIR"):
        fashion_mnist.load_data()


@pytest.mark.skipif("GDCORE_DATA_DIR" not in os.environ, reason="GDCORE_DATA_DIR does not name a folder with MNIST")
def test_mnist_itself():
    (x, y), (x_test, y_test) = mnist.load_data()
    assert x.shape == (60000, 28, 28)
    assert x_test.shape == (10000, 28, 28)
    assert np.bincount(y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    train, validation, _ = mnist.load_data(split="course")
    assert [len(part[0]) for part in (train, validation)] == [55000, 5000]


# ---- Dataset ---------------------------------------------------------------------------------------------

SPLITS = json.loads((Path(__file__).parent / "keras_figures" / "splits.json").read_text())
RNG = np.random.default_rng(3)
X = RNG.normal(size=(103, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 103)


def net(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=("accuracy",), dtype="float32"):
    gdcore.utils.set_random_seed(4)
    model = Sequential([Dense(8, "selu", input_dim=4), Dense(3, "softmax")], dtype=dtype)
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def trained(*data, **options):
    model = net()
    history = model.fit(*data, verbose=0, **options)
    return model.get_weights(), history.history


def equal(one, other):
    assert one[1] == other[1]
    for a, b in zip(one[0], other[0], strict=True):
        np.testing.assert_array_equal(a, b)


def on_disk(tmp_path, name, array, mode="r"):
    array.tofile(tmp_path / name)
    return np.memmap(tmp_path / name, array.dtype, mode, shape=array.shape)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 16 * 4 * 10)  # 40 of the rows of X


@pytest.mark.parametrize("case", SPLITS["splits"], ids=lambda c: f"{c['labels']}-{c['test_size']}-{c['stratify']}")
def test_splits_are_scikit_learns(case):
    y = {"iris": iris, "digits": digits}[case["labels"]].load_data()[1] if case["labels"] != "odd" else SPLITS["odd"]
    y = np.asarray(y)
    targets = gdcore.utils.to_categorical(y) if case["stratify"] == "one-hot" else y
    rows = np.arange(len(y), dtype=float)
    stratify = case["stratify"] is not None
    train, test = Dataset(rows, targets).split(case["test_size"], seed=case["seed"], stratify=stratify)
    assert train.x.tolist() == case["train"]
    assert test.x.tolist() == case["test"]
    np.testing.assert_array_equal(train.y, targets[case["train"]])
    np.testing.assert_array_equal(test.y, targets[case["test"]])


@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(0.2, 0.5), st.data())
def test_stratified_splits_share_every_class(classes, seed, share, data):
    counts = data.draw(st.lists(st.integers(2 * classes, 30), min_size=classes, max_size=classes))
    y = np.repeat(np.arange(classes), counts)
    train, test = Dataset(np.arange(len(y)), y).split(share, seed=seed, stratify=True)
    assert sorted([*train.x, *test.x]) == list(range(len(y)))
    assert len(test.x) == int(np.ceil(share * len(y)))
    for k, count in enumerate(counts):
        assert abs((test.y == k).sum() - len(test.x) * count / len(y)) < 1


def test_splits_that_cannot_be():
    data = Dataset(X, Y)
    for size in (0.0, 1.0, 103, -3, 2.5, float("nan")):
        with pytest.raises(ValueError, match="test_size="):
            data.split(size)
    with pytest.raises(TypeError, match="test_size='half' is not a finite number"):
        data.split("half")
    with pytest.raises(ValueError, match="class 3 has 1 row, expected at least 2 to stratify"):
        Dataset(X[:5], [0, 0, 1, 1, 3]).split(0.4, stratify=True)
    with pytest.raises(ValueError, match="2 rows to test on, fewer than the 3 classes"):
        data.split(2, stratify=True)
    with pytest.raises(ValueError, match="stratify=True draws rows"):
        data.split(0.2, shuffle=False, stratify=True)
    with pytest.raises(ValueError, match="class 2 has no row to train on in this split; stratify=True"):
        Dataset(*iris.load_data()).split(50, shuffle=False)


def test_a_split_without_shuffling_copies_nothing():
    train, test = Dataset(X, Y).split(0.3, shuffle=False)
    assert np.shares_memory(train.x, X)
    assert np.shares_memory(test.y, Y)
    assert (len(train.x), len(test.x)) == (72, 31)


@pytest.mark.parametrize("shuffle", [True, False, "fresh"])
def test_a_dataset_of_arrays_trains_as_the_arrays_do(shuffle):
    expected = trained(X, Y, batch_size=10, epochs=3, shuffle=shuffle)
    equal(trained(Dataset(X, Y, 10, shuffle), epochs=3), expected)
    equal(trained(Dataset(X, Y), batch_size=10, epochs=3, shuffle=shuffle), expected)
    equal(trained(Dataset(X.tolist(), Y.tolist(), 99), batch_size=10, epochs=3, shuffle=shuffle), expected)


def test_the_seed_of_a_dataset_is_that_of_set_random_seed():
    expected = trained(X, Y, epochs=2)  # net() sets the seed 4
    model = net()
    gdcore.utils.set_random_seed(99)
    history = model.fit(Dataset(X, Y, shuffle=True, seed=4), epochs=2, verbose=0)
    equal((model.get_weights(), history.history), expected)
    assert trained(Dataset(X, Y, seed=5), epochs=2)[1] != expected[1]


def test_data_that_fit_are_not_copied(monkeypatch):
    model = net()
    seen = []
    train = model._network.train
    spy = types.SimpleNamespace()
    spy.train = lambda x, y, *rest, **named: (seen.append(x), train(x, y, *rest, **named))[1]
    network = model._network
    proxy = type("Proxy", (), {"__getattr__": lambda _, name: getattr(spy if name == "train" else network, name)})()
    model._stack.built.network = proxy
    model.fit(Dataset(X, Y), verbose=0)
    assert len(seen) == 1
    assert np.shares_memory(seen[0], X)


@pytest.mark.parametrize("batch", [7, 10, 64])
@pytest.mark.parametrize("weighted", [True, False])
def test_a_file_trains_as_the_array_does(tmp_path, small_blocks, batch, weighted):
    w = RNG.uniform(0.5, 2, 103).astype(np.float32) if weighted else None
    x, y = on_disk(tmp_path, "x", X), on_disk(tmp_path, "y", Y)
    data = Dataset(x, y, batch, shuffle=False, sample_weight=w)
    assert not data.in_memory
    expected = trained(X, Y, batch_size=batch, epochs=3, shuffle=False, sample_weight=w)
    equal(trained(data, epochs=3), expected)
    options = dict(epochs=3, validation_split=0.4)
    expected = trained(X, Y, batch_size=batch, shuffle=False, sample_weight=w, **options)
    got = trained(data, **options)
    equal((got[0], {}), (expected[0], {}))
    for name, values in expected[1].items():
        np.testing.assert_allclose(got[1][name], values, rtol=1e-12)


def test_a_file_is_evaluated_and_predicted_as_the_array_is(tmp_path, small_blocks):
    model = net(metrics=["accuracy", gdcore.metrics.SparseTopKCategoricalAccuracy(2)])
    data = Dataset(on_disk(tmp_path, "x", X), on_disk(tmp_path, "y", Y), 10)
    assert model.evaluate(data) == pytest.approx(model.evaluate(X, Y, batch_size=10), rel=1e-12)
    assert model.evaluate(data, steps=6) == pytest.approx(model.evaluate(X[:60], Y[:60], batch_size=10), rel=1e-12)
    np.testing.assert_array_equal(model.predict(data), model.predict(X))
    np.testing.assert_array_equal(model.predict(data, steps=6), model.predict(X[:60]))
    np.testing.assert_array_equal(model.predict(Dataset(X)), model.predict(X))
    loss = model.evaluate(data)[0]
    history = model.fit(X[:8], Y[:8], validation_data=data, verbose=0, epochs=1).history
    assert history["val_loss"] != [loss]
    model = net()
    assert model.fit(X[:8], Y[:8], validation_data=data, validation_batch_size=10, verbose=0).history[
        "val_accuracy"
    ] == pytest.approx([model.evaluate(X, Y)[1]])


@pytest.mark.parametrize("dtype", ["uint8", "float64", ">f4"])
def test_files_of_other_types(tmp_path, small_blocks, dtype):
    values = RNG.integers(0, 255, (103, 4)).astype(dtype)
    data = Dataset(on_disk(tmp_path, "x", values, "c"), Y, 10, shuffle=False)
    equal(trained(data), trained(values.astype(np.float32), Y, batch_size=10, shuffle=False))


@pytest.mark.parametrize("shuffle", [True, "fresh"])
def test_a_shuffled_file_gives_each_row_once_an_epoch(tmp_path, small_blocks, shuffle):
    rows = np.repeat(np.arange(103, dtype=np.float32)[:, None], 4, axis=1)
    data = Dataset(on_disk(tmp_path, "x", rows), on_disk(tmp_path, "y", Y), 10, shuffle, seed=8)
    model = net()
    stream = data._prepared(lambda x, y, w: model._data(x, y, w, False))
    epochs = []
    for epoch in range(2):
        key, first, step = gdcore.random.shuffling(shuffle, 8, 1)
        visited = []
        for (x, _, _), batch, (order, begin, end) in stream.pieces(10, ((key, first + epoch * step), 0, 103)):
            assert batch == 10
            visited.append(x[order[begin:end], 0])
        epochs.append(np.concatenate(visited))
        assert sorted(epochs[-1]) == list(range(103))
        assert sorted(map(len, visited)) == [23, 40, 40]
        assert (np.diff(epochs[-1]) == 1).sum() < 20
    assert np.array_equal(*epochs) == (shuffle is True)
    # an epoch in two halves is the same epoch
    halves = [
        x[order[begin:end], 0]
        for part in ((0, 60), (60, 103))
        for (x, _, _), _, (order, begin, end) in stream.pieces(10, ((key, first + step), *part))
    ]
    np.testing.assert_array_equal(np.concatenate(halves), epochs[1])
    equal(trained(data, epochs=2), trained(data, epochs=2))


def test_steps_of_a_file(tmp_path, small_blocks):
    data = Dataset(on_disk(tmp_path, "x", X), on_disk(tmp_path, "y", Y), 10, shuffle=False)
    expected = trained(X, Y, batch_size=10, shuffle=False, steps_per_epoch=3, epochs=3)
    equal(trained(data, steps_per_epoch=3, epochs=3), expected)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux counts it")
def test_memory_stays_flat_while_a_file_is_trained_on(tmp_path):
    """A file of 192 MB adds little to the memory in use, mapped pages counted."""
    code = f"""
import resource, numpy as np, gdcore
from gdcore.data import blocks
blocks.BLOCK_BYTES = 1 << 22
x = np.memmap({str(tmp_path / "x")!r}, np.float32, "w+", shape=(750_000, 64))
y = np.memmap({str(tmp_path / "y")!r}, np.float32, "w+", shape=(750_000, 1))
model = gdcore.Sequential([gdcore.layers.Dense(1, input_dim=64)])
model.compile("sgd", "mse")
model.fit(x[:64], y[:64], batch_size=512, verbose=0)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
data = gdcore.Dataset(x, y, 512)
history = model.fit(data, epochs=2, verbose=0)
model.evaluate(data)
data.standardize()
assert len(history.history["loss"]) == 2
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 40_000  # kB


def batches(size=10, weights=None):
    for first in range(0, len(X), size):
        rows = slice(first, first + size)
        yield (X[rows], Y[rows]) if weights is None else (X[rows], Y[rows], weights[rows])


class Indexed:
    """As keras.utils.Sequence."""

    def __init__(self, size=10):
        self.size, self.ends = size, 0

    def __len__(self):
        return -(-len(X) // self.size)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(index)
        rows = slice(index * self.size, (index + 1) * self.size)
        return X[rows], Y[rows]

    def on_epoch_end(self):
        self.ends += 1


class Iterable:
    def __iter__(self):
        return batches()


def test_batches_train_as_the_arrays_do():
    expected = trained(X, Y, batch_size=10, shuffle=False)
    equal(trained(batches()), expected)
    equal(trained(Dataset(batches())), expected)
    equal(trained(Indexed(), shuffle=False), expected)
    expected = trained(X, Y, batch_size=10, shuffle=False, epochs=3)
    equal(trained(Iterable(), epochs=3), expected)
    source = Indexed()
    equal(trained(source, epochs=3, shuffle=False), expected)
    assert source.ends == 3
    w = RNG.uniform(0.5, 2, 103)
    expected = trained(X, Y, batch_size=10, shuffle=False, sample_weight=w)
    equal(trained(batches(weights=w)), expected)
    expected = trained(X, Y, batch_size=10, shuffle=False, class_weight={0: 2.0})
    equal(trained(batches(), class_weight={0: 2.0}), expected)


def test_a_sequence_is_shuffled_by_batches():
    asked = []

    class Noted(Indexed):
        def __getitem__(self, index):
            asked.append(index)
            return super().__getitem__(index)

    trained(Noted(), epochs=2)
    assert asked.pop(0) == 0  # looked at before training
    assert sorted(asked[:11]) == sorted(asked[11:]) == list(range(11))
    assert asked[:11] != list(range(11))


def test_generators_that_end():
    def forever():
        while True:
            yield from batches()

    expected = trained(np.tile(X, (2, 1))[:60], np.tile(Y, 2)[:60], batch_size=10, shuffle=False)
    equal(trained(forever(), steps_per_epoch=6), expected)
    model = net()
    with pytest.warns(UserWarning, match="ran out of data before epoch 2"):
        history = model.fit(batches(), epochs=3, verbose=0)
    assert len(history.history["loss"]) == 1
    with pytest.warns(UserWarning, match="fewer batches than steps"):
        net().fit(batches(), steps_per_epoch=20, verbose=0)
    source = batches()
    list(source)
    with pytest.raises(ValueError, match="is exhausted: it gives no batch"):
        net().fit(source, verbose=0)


def test_batches_to_evaluate_and_predict():
    model = net()
    expected = model.evaluate(X, Y, batch_size=10)
    for source in (batches(), Indexed(), Iterable()):
        assert model.evaluate(source) == expected
    np.testing.assert_array_equal(model.predict(batches()), model.predict(X))
    np.testing.assert_array_equal(model.predict(x for x, _ in batches()), model.predict(X))
    np.testing.assert_array_equal(model.predict(Indexed(), steps=2), model.predict(X[:20]))
    history = model.fit(X, Y, validation_data=Indexed(), verbose=0, epochs=2).history
    assert history["val_loss"][1] == model.evaluate(X, Y, batch_size=10)[0]


def test_callbacks_see_each_batch_of_a_stream():
    class Count(Callback):
        def __init__(self):
            self.seen = []

        def on_train_batch_end(self, batch, logs=None):
            self.seen.append((batch, logs["loss"]))

    streamed, whole = Count(), Count()
    trained(batches(), callbacks=[streamed])
    trained(X, Y, batch_size=10, shuffle=False, callbacks=[whole])
    assert streamed.seen == whole.seen
    assert [batch for batch, _ in whole.seen] == list(range(11))
    stopped = EarlyStopping(monitor="loss", patience=0, min_delta=1e9)
    assert len(trained(Iterable(), epochs=5, callbacks=[stopped])[1]["loss"]) == 2


@pytest.mark.parametrize("verbose", [1, 2])
def test_the_progress_of_unknown_length(capsys, verbose):
    net().fit(batches(), verbose=verbose)
    assert "?" in capsys.readouterr().out
    net().fit(Indexed(), verbose=verbose)
    assert "11/11" in capsys.readouterr().out


def test_bad_batches():
    with pytest.raises(ValueError, match="y is missing; only a Dataset or batches have targets"):
        net().fit(X)
    with pytest.raises(ValueError, match="y is missing"):
        net().fit(Dataset(X))
    with pytest.raises(ValueError, match="y is given, but x is a Dataset with its own"):
        net().fit(Dataset(X, Y), Y)
    with pytest.raises(ValueError, match="y is given, but the batches of x bring their own"):
        Dataset(batches(), Y)
    with pytest.raises(ValueError, match="batch_size=5 has no meaning for data that come in batches"):
        net().fit(batches(), batch_size=5, verbose=0)
    with pytest.raises(ValueError, match="validation_split needs rows, but x gives batches"):
        net().fit(Indexed(), validation_split=0.5, verbose=0)
    with pytest.raises(ValueError, match="a batch has 4 parts"):
        net().fit(iter([(X, Y, Y, Y)]), verbose=0)
    with pytest.raises(ValueError, match=r"x has shape \(103, 3\), expected \(rows, 4\)"):
        net().fit(iter([(X[:, :3], Y)]), verbose=0)
    with pytest.raises(ValueError, match="nan or inf in row 1"):
        net().fit(iter([(X, Y), (np.where(np.arange(103)[:, None] == 1, np.nan, X), Y)]), verbose=0)
    with pytest.raises(TypeError, match="only fit, evaluate and predict take data that are streamed"):
        net().gradient(batches(), None)
    with pytest.raises(ValueError, match="y has shape"):
        Dataset(X, Y[:5])
    for size in ("5", True, 2.5):
        with pytest.raises(TypeError, match=f"batch_size={size!r} is not an integer of at least 1"):
            Dataset(X, Y, size)
        with pytest.raises(TypeError, match=f"batch_size={size!r} is not an integer"):
            Dataset(X, Y).batch(size)
    with pytest.raises(TypeError, match="the number of batches is unknown"):
        len(Dataset(batches()))
    with pytest.raises(ValueError, match="has no rows"):
        Dataset(Dataset(X, Y))
    with pytest.raises(ValueError, match="shuffle='often'"):
        Dataset(X, Y, shuffle="often")
    with pytest.raises(TypeError, match="standardize without like= needs arrays"):
        Dataset(batches()).standardize()


@given(st.integers(1, 200), st.none() | st.integers(1, 250), st.none() | st.integers(1, 30))
def test_batches_of_a_pass(rows, batch_size, steps):
    batch, count = batches_of_pass(rows, batch_size, steps)
    assert batch == batch_size or batch_size is None
    assert count == steps or steps is None
    if batch_size is None and steps is None:
        assert batch == 32
    if batch_size is None or steps is None:
        assert rows <= batch * count < rows + max(batch, count)


def test_passes_load_no_dataset():
    code = (
        "import sys, gdcore.data.passes\n"
        "assert 'gdcore.data.dataset' not in sys.modules\n"
        "assert 'Dataset' in dir(gdcore.data)\n"
        "assert gdcore.Dataset is gdcore.data.Dataset is gdcore.data.dataset.Dataset\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="has no attribute 'Datasets'"):
        _ = gdcore.data.Datasets


def test_batches_of_0_1_0_are_found():
    from gdcore import _dataset

    data = pickle.loads(pickle.dumps(Dataset(Indexed(), None)))
    assert isinstance(data._batches, _dataset._Batches)
    equal(trained(data, shuffle=False), trained(Indexed(), shuffle=False))


def test_one_hot():
    data = Dataset(X, Y).one_hot()
    np.testing.assert_array_equal(data.y, np.eye(3)[Y])
    assert Dataset(X, Y).one_hot(5).y.shape == (103, 5)
    model = net(loss="categorical_crossentropy")
    model.fit(data, epochs=2, verbose=0)
    equal((model.get_weights(), {}), (trained(X, Y, epochs=2)[0], {}))
    with pytest.raises(ValueError, match="one-hot already"):
        data.one_hot()
    with pytest.raises(ValueError, match="2"):
        Dataset(X, Y).one_hot(2)
    with pytest.raises(ValueError, match="no targets"):
        Dataset(X).one_hot()


@pytest.mark.parametrize("kind", ["array", "file", "float64", "bytes"])
def test_standardize(tmp_path, small_blocks, kind):
    values = {"float64": X.astype(np.float64) + 1e3, "bytes": RNG.integers(0, 200, X.shape, np.uint8)}.get(kind, X)
    values[:, 2] = 7  # a column that never changes
    data = Dataset(on_disk(tmp_path, "x", values) if kind == "file" else values, Y)
    scaled = data.standardize()
    exact = values.astype(np.float64)
    np.testing.assert_allclose(scaled.mean, exact.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(scaled.scale, np.where(exact.std(axis=0) > 0, exact.std(axis=0), 1), rtol=1e-9)
    np.testing.assert_allclose(np.delete(scaled.x.std(axis=0), 2), 1, rtol=1e-5)
    np.testing.assert_allclose(scaled.x[:, 2], 0, atol=1e-7)
    other = Dataset(values[:9]).standardize(like=scaled)
    np.testing.assert_array_equal(other.x, scaled.x[:9])
    history = net().fit(scaled, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"][0])
    with pytest.raises(ValueError, match="standardized already"):
        scaled.standardize()
    with pytest.raises(ValueError, match="like is not standardized"):
        data.standardize(like=data)


def test_take_batch_and_iteration():
    data = Dataset(X, Y, 10)
    assert len(data) == 11
    assert len(data.batch(50)) == 3
    assert data.take(5).rows == 5
    np.testing.assert_array_equal(data.take([3, 1]).x, X[[3, 1]])
    np.testing.assert_array_equal(data.take(slice(4, 8)).y, Y[4:8])
    for (x, y), first in zip(data, range(0, 103, 10), strict=True):
        np.testing.assert_array_equal(x, X[first : first + 10])
        np.testing.assert_array_equal(y, Y[first : first + 10])
    shuffled = Dataset(X, Y, 10, True, seed=1)
    rows = np.concatenate([x for x, _ in shuffled])
    assert not np.array_equal(rows, X)
    assert sorted(map(tuple, rows)) == sorted(map(tuple, X))
    assert len(list(Dataset(batches()))) == 11
    assert [len(part) for part in next(iter(Dataset(X, Y, 3, sample_weight=np.ones(103))))] == [3, 3, 3]
    for rows in (104, -1):
        with pytest.raises(ValueError, match=f"rows={rows} is not between 0 and 103"):
            data.take(rows)
    with pytest.raises(TypeError, match="is not a number, a slice or an array"):
        data.take("few")
    with pytest.raises(TypeError, match="take needs arrays, but this data comes in batches"):
        Dataset(batches()).take(3)
    assert "streamed" in repr(Dataset(batches()))
    assert repr(data) == "<Dataset: x float32 (103, 4), y int64 (103,)>"


def test_pandas_frames():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    equal(trained(Dataset(frame, pandas.Series(Y))), trained(X, Y))
    equal(trained(frame, pandas.Series(Y)), trained(X, Y))
