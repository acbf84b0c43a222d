"""Rows that scikit-learn's train_test_split draws: `splits.json`, for tests/test_data.py.

python tests/keras_figures/make_splits.py        (needs scikit-learn)
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelBinarizer

CASES = [
    # labels, test_size, random_state, what to stratify by
    ("digits", 0.2, 42, "one-hot"),  # the course's
    ("digits", 0.2, 42, "classes"),
    ("digits", 0.2, 42, None),
    ("digits", 0.33, 0, "one-hot"),
    ("iris", 0.2, 42, "classes"),
    ("iris", 0.25, 7, "one-hot"),
    ("iris", 10, 1, "classes"),
    ("iris", 0.1, 3, None),
    ("odd", 0.3, 5, "classes"),
    ("odd", 4, 6, "one-hot"),
    ("odd", 7, 11, "classes"),
]


def labels(name):
    if name == "odd":
        return np.array([0] * 5 + [2] * 3 + [1] * 2 + [3] * 7)[np.random.RandomState(0).permutation(17)]
    return {"digits": load_digits, "iris": load_iris}[name]().target


def main():
    figures = []
    for name, size, state, kind in CASES:
        y = labels(name)
        by = {None: None, "classes": y, "one-hot": LabelBinarizer().fit_transform(y)}[kind]
        train, test = train_test_split(np.arange(len(y)), test_size=size, random_state=state, stratify=by)
        figures.append(
            {"labels": name, "test_size": size, "seed": state, "stratify": kind, "train": train.tolist(),
             "test": test.tolist()}
        )  # fmt: skip
    versions = {"scikit-learn": sklearn.__version__, "numpy": np.__version__}
    path = Path(__file__).with_name("splits.json")
    path.write_text(json.dumps({"versions": versions, "odd": labels("odd").tolist(), "splits": figures}) + "\n")


if __name__ == "__main__":
    main()
