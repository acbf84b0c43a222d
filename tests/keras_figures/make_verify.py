"""Records what Keras gives for the set-ups of ``python -m gdcore verify``, into the package.

Run it in a scratch environment with a real Keras and with gdcore:

    pip install keras tensorflow-cpu h5py
    python tests/keras_figures/makecomparison.py

It writes ``gdcore/_figures/keras.npz``; the set-ups are those of ``gdcore/_setups.py`` for the seed 0.
"""

import os

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

from gdcore.verification import comparison


def main():
    keras = comparison._keras()
    comparison.save_figures(comparison.make_figures(keras), comparison.versions(keras))


if __name__ == "__main__":
    main()
