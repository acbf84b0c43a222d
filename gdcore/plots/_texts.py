"""What stands in the pictures and in the lessons' reports, in the languages there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._names import look_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SPANISH = {
    # axes and legends
    "loss": "pérdida",
    "epoch": "época",
    "epoch {}": "época {}",
    "epochs": "épocas",
    "step": "paso",
    "steps": "pasos",
    "start": "inicio",
    "end": "final",
    "value": "valor",
    "validation": "validación",
    "learning rate": "tasa de aprendizaje",
    "optimizer": "optimizador",
    "value of the parameters": "valor de los parámetros",
    "local minimum": "mínimo local",
    "global minimum": "mínimo global",
    "random direction {}": "dirección aleatoria {}",
    "the model": "el modelo",
    "loss of each batch": "pérdida de cada lote",
    "smoothed": "suavizada",
    "steepest at": "máxima pendiente en",
    # lessons
    "wrote {}": "escrito: {}",
    "point reached": "punto alcanzado",
    "before": "antes",
    "as Keras": "como Keras",
    "by hand": "a mano",
    "Loss by epoch: as Keras and by hand lie on one line": "Pérdida por época: como Keras y a mano coinciden",
    "Loss when one parameter changes and the others stay (dot: its value now)": (
        "Pérdida cuando cambia un parámetro y los demás se quedan (punto: su valor actual)"
    ),
    "slope": "pendiente",
    "minimum": "mínimo",
    "falls: increase x": "decrece: aumentar x",
    "rises: decrease x": "crece: disminuir x",
    "Training by hand": "Entrenamiento a mano",
    "Loss over two of the ten parameters": "Pérdida según dos de los diez parámetros",
    "Loss along two random directions": "Pérdida a lo largo de dos direcciones aleatorias",
    "lowest loss": "pérdida mínima",
    "here": "aquí",
    "Which learning rate? iris, Dense(8, tanh), Dense(3, softmax)": (
        "¿Qué tasa de aprendizaje? iris, Dense(8, tanh), Dense(3, softmax)"
    ),
    "Parameters before training": "Parámetros antes del entrenamiento",
    "Parameters after training as Keras does (backpropagation, float32)": (
        "Parámetros tras el entrenamiento como lo hace Keras (retropropagación, float32)"
    ),
    "Parameters after training by hand (finite differences, h = {:.6f}, float64)": (
        "Parámetros tras el entrenamiento a mano (diferencias finitas, h = {:.6f}, float64)"
    ),
    "iris petal length -> Dense(3, sigmoid) -> Dense(1, sigmoid), loss MAE, SGD(0.001), 50 epochs of 99 rows": (
        "longitud del pétalo de iris -> Dense(3, sigmoid) -> Dense(1, sigmoid), pérdida MAE, SGD(0.001), "
        "50 épocas de 99 filas"
    ),
    "{:>2} of 10 the same, largest difference {:.0e}": "{:>2} de 10 iguales, mayor diferencia {:.0e}",
    "Against the digits printed in the course": "Comparación con las cifras impresas en el curso",
    "Loss and time": "Pérdida y tiempo",
    "loss {:.4f} at epoch 1, {:.4f} at epoch {}; {:.0f} us for {} epochs": (
        "pérdida {:.4f} en la época 1, {:.4f} en la época {}; {:.0f} us para {} épocas"
    ),
    "A loss of two parameters": "Una función de pérdida con dos parámetros",
    "Gradient descent from {}": "Descenso de gradiente desde {}",
    "Learning rate {}, {} epochs": "Tasa de aprendizaje {}, {} épocas",
    "Four starts": "Cuatro puntos de partida",
    "{} epochs from {}": "{} épocas desde {}",
    "{} epochs from {}, learning rate {} (Adadelta: 1)": "{} épocas desde {}, tasa de aprendizaje {} (Adadelta: 1)",
    "Race of the optimizers": "Carrera de los optimizadores",
}

_LANGUAGES: Mapping[str, Mapping[str, str] | None] = {"en": None, "es": SPANISH}


def translator(lang: str) -> Callable[[str], str]:
    """What turns the English texts of this package into those of a language: "en" or "es".

    Raises
    ------
    ValueError
        If there is no such language.
    """
    texts = look_up("lang", lang, _LANGUAGES)
    return str if texts is None else texts.__getitem__
