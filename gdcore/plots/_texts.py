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
    # grids of trainings
    "learning_rate": "tasa de aprendizaje",
    "accuracy": "exactitud",
    "val_loss": "pérdida de validación",
    "val_accuracy": "exactitud de validación",
    "rate": "tasa",
    "best: {}": "mejor: {}",
    "diverged": "diverge",
    "not tried": "sin probar",
    "unstable": "inestable",
    "none": "ninguno",
    "last epoch": "última época",
    "best rate": "mejor tasa",
    "unstable at": "inestable con",
    "median loss": "mediana de la pérdida",
    "median restlessness": "mediana de la inquietud",
    "Best: {} at a rate of {:g}, loss {:.3g}.": "El mejor: {} con una tasa de {:g}, pérdida {:.3g}.",
    "restlessness: all rises of the loss from one epoch to the next (the first one left out), as a share\n"
    "of the way from its highest to its lowest value; above {:.0%} is unstable.": (
        "inquietud: suma de las subidas de la pérdida de una época a la siguiente (sin contar la primera), como parte\n"
        "del recorrido entre su valor más alto y el más bajo; por encima del {:.0%} es inestable."
    ),
    "Unstable at {:g}: {} of {} optimizers.": "Inestables con {:g}: {} de {} optimizadores.",
    "(A high rate steps over the minimum, so that the loss jumps up and down, gets stuck where units are\n"
    "saturated, or runs away.)": (
        "(Una tasa alta salta por encima del mínimo, de modo que la pérdida sube y baja, se queda atascada donde las\n"
        "neuronas están saturadas o se dispara.)"
    ),
    "Calm at {:g}: {} of {}; with {} of them the loss still fell in the last epoch: a low rate needs more.": (
        "Tranquilos con {:g}: {} de {}; con {} la pérdida aún bajaba al final: una tasa baja necesita más épocas."
    ),
    "{} trainings in {:.3g} s": "{} entrenamientos en {:.3g} s",
    "{} by epoch; framed: the least loss": "{} por época; enmarcada: la menor pérdida",
    "Iris, net 4-8-3 with selu and softmax, {} epochs of {} rows in batches of 32": (
        "Iris, red 4-8-3 con selu y softmax, {} épocas de {} filas en lotes de 32"
    ),
    "Digits, net 64-128-64-32-16-10 with selu and softmax, {} epochs of {} rows in batches of 32": (
        "Dígitos, red 64-128-64-32-16-10 con selu y softmax, {} épocas de {} filas en lotes de 32"
    ),
    "seen to be unstable after {} epochs: {}": "se ven inestables tras {} épocas: {}",
    "unstable in the {} epochs of 5.A: {}": "inestables en las {} épocas de 5.A: {}",
    "seen in time: {}": "vistos a tiempo: {}",
    "seen only later: {}": "vistos solo después: {}",
    "calmed down: {}": "se calmaron: {}",
    "loss by epoch": "pérdida por época",
    "then": "después",
    "because": "porque",
    "go on": "seguir",
    "stop": "parar",
    "no better than guessing: its units are saturated or dead": (
        "no mejor que adivinar: sus neuronas están saturadas o muertas"
    ),
    "its loss rises": "su pérdida sube",
    "slow, but it falls steadily: more epochs will help": "lenta, pero baja sin parar: más épocas ayudarán",
    "it falls fast and steadily": "baja deprisa y sin parar",
    "good in the end (accuracy >= {})": "bueno al final (exactitud >= {})",
    "not good": "no bueno",
    "chosen in 6.A": "elegido en 6.A",
    "not chosen": "no elegido",
    "not chosen though good: {}": "no elegidos aunque buenos: {}",
    "chosen though not good: {}": "elegidos aunque no buenos: {}",
    "the best in the end, {}, was chosen": "el mejor al final, {}, fue elegido",
    "the best in the end, {}, was not chosen": "el mejor al final, {}, no fue elegido",
    # exercises 1 to 4
    "parameter": "parámetro",
    "derivative": "derivada",
    "the loss": "la pérdida",
    "so the parameter should": "el parámetro se debe",
    "rises": "crece",
    "falls": "decrece",
    "increase": "aumentar",
    "decrease": "disminuir",
    "The sign says which way to go, the size how much the loss gains.": (
        "El signo dice hacia dónde ir; el tamaño, cuánto gana la pérdida."
    ),
    "Loss by each parameter (line), where it is now (dot) and its slope there (dashed)": (
        "Pérdida según cada parámetro (línea), su valor actual (punto) y la pendiente en él (discontinua)"
    ),
    "steeply": "mucho",
    "gently": "poco",
    "{} epochs": "{} épocas",
    "Loss by learning rate and epochs; w and b at the end": (
        "Pérdida según la tasa de aprendizaje y las épocas; w y b al final"
    ),
    "The loss comes as near to 0 as one likes: larger w and -b make a steeper step between the species.": (
        "La pérdida se acerca a 0 cuanto se quiera: con w y -b mayores, el escalón entre las especies es más empinado."
    ),
    # MNIST
    "MNIST -> Dense(10, softmax) from zeros, cross-entropy, SGD, batches of {}, seed {}": (
        "MNIST -> Dense(10, softmax) desde ceros, entropía cruzada, SGD, lotes de {}, semilla {}"
    ),
    "Cost by epoch (mean over the batches, each before its update); accuracy on the test rows:": (
        "Coste por época (media de los lotes, cada uno antes de su actualización); exactitud en las filas de prueba:"
    ),
    "A rate ten times smaller needs about ten times as many epochs: {} comes to {:.4f} in epoch {}, "
    "{} to {:.4f} in epoch {}.": (
        "Una tasa diez veces menor necesita unas diez veces más épocas: {} llega a {:.4f} en la época {}, "
        "{} a {:.4f} en la época {}."
    ),
    "The best rate is {}; its cost rose from one epoch to the next {} times.": (
        "La mejor tasa es {}; veces que su coste subió de una época a la siguiente: {}."
    ),
    "cost": "coste",
    "cost on the training rows": "coste en las filas de entrenamiento",
    "accuracy on the test rows": "exactitud en las filas de prueba",
    "Softmax regression on MNIST: what the learning rate does": (
        "Regresión softmax en MNIST: el efecto de la tasa de aprendizaje"
    ),
    "MNIST -> Dense(10, softmax) from zeros, cross-entropy, SGD, decay {}, batches of {}; {} seeds from {} on.": (
        "MNIST -> Dense(10, softmax) desde ceros, entropía cruzada, SGD, decay {}, lotes de {}; {} semillas desde {}."
    ),
    '"applied": the constant rate lr (1 - d) that the code of the course uses;': (
        '"aplicada": la tasa constante lr (1 - d) que usa el código del curso;'
    ),
    '"printed": the rate lr (1 - d)^(k + 1) in epoch k that it prints.': (
        '"impresa": la tasa lr (1 - d)^(k + 1) en la época k que imprime.'
    ),
    "Means over the seeds, the standard deviation behind +-.": (
        "Medias de las semillas, con la desviación típica tras +-."
    ),
    "lr printed": "lr impresa",
    "course": "curso",
    "applied": "aplicada",
    "printed": "impresa",
    "off by": "desvío",
    "rates printed digit for digit: {} of {}": "tasas iguales cifra por cifra: {} de {}",
    "costs from epoch 1 on, farthest from those of the course: applied {}, printed {}": (
        "costes desde la época 1, mayor distancia a los del curso: aplicada {}, impresa {}"
    ),
    "least to greatest": "del menor al mayor",
    "off by, in percent": "desvío, en porcentaje",
    "agreement asked for": "acuerdo exigido",
    "gdcore, mean of {} seeds": "gdcore, media de {} semillas",
    "the course": "el curso",
    "learning rate {}, decay {}, batches of {}": "tasa de aprendizaje {}, decay {}, lotes de {}",
    "epoch, counted from 0": "época, contada desde 0",
    "activation": "activación",
    "weights": "pesos",
    "stuck before": "quietas antes",
    "after": "después",
    "slope before": "pendiente antes",
    "cross-entropy": "entropía cruzada",
    "not a number": "no es un número",
    "dead from the start": "muerta desde el principio",
    "died": "murió",
    "saturated": "saturada",
    "cost not a number at times": "a veces el coste no es un número",
    "gets worse": "empeora",
    "saturated at first": "saturada al principio",
    "learns": "aprende",
    "mostly dead at first": "casi muerta al principio",
    "MNIST -> Dense(10), SGD at {} (1 - {}), batches of {}, {} epochs, seed {}.": (
        "MNIST -> Dense(10), SGD con {} (1 - {}), lotes de {}, {} épocas, semilla {}."
    ),
    "stuck: share of outputs where the slope of the activation is below {}: nothing flows back;": (
        "quietas: parte de las salidas donde la pendiente de la activación es menor que {}: nada fluye hacia atrás;"
    ),
    "slope: root mean square of the derivatives of the loss, on {} rows; accuracy on the test rows.": (
        "pendiente: media cuadrática de las derivadas de la pérdida, en {} filas; exactitud en las filas de prueba."
    ),
    "output of the unit": "salida de la neurona",
    "Outputs of ten units on {} pictures, mean squared error": (
        "Salidas de diez neuronas con {} imágenes, error cuadrático medio"
    ),
    "log10 of the slope": "log10 de la pendiente",
    "Slopes of the loss by the 7840 weights, mean squared error (zeros are not drawn)": (
        "Pendientes de la pérdida según los 7840 pesos, error cuadrático medio (sin dibujar los ceros)"
    ),
    "all 0": "todo 0",
    "share": "proporción",
    "net": "red",
    "parameters": "parámetros",
    "bytes allowed": "bytes permitidos",
    "bytes for {}": "bytes para {}",
    "largest batch": "lote máximo",
    "Powers of two from {} down, float32, Adam, training tried for real:": (
        "Potencias de dos desde {} hacia abajo, float32, Adam, con el entrenamiento probado de verdad:"
    ),
    "layer": "capa",
    "bytes for them": "bytes para ellos",
    "bytes for a row at work": "bytes por fila en curso",
    "in common": "en común",
    "rows in a batch": "filas de un lote",
    "bytes for training": "bytes para entrenar",
    "it fits": "cabe",
    "too much": "no cabe",
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
