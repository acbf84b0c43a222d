"""Records what Keras gives for the set-ups of ``gdcore verify``, into the package.

Run it in a scratch environment with a real Keras and with gdcore:

    pip install keras tensorflow-cpu h5py
    python tests/keras_figures/make_verify.py

It writes ``gdcore/verification/figures/keras.npz``; the set-ups are those of ``gdcore/verification/setups`` for the
seed 0.
"""

import os

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

from gdcore.verification import comparison, stored


def main():
    keras = comparison.import_keras()
    stored.save_figures(stored.make_figures(keras), comparison.versions(keras))


if __name__ == "__main__":
    main()
