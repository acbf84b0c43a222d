"""Data sets in files: found, read, checked; and `Dataset`, which feeds a model from arrays, files and generators."""

import gzip
import os
import struct
import sys
import types

import numpy as np
import pytest

from gdcore.datasets import _idx, fashion_mnist, mnist

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
