"""Table 4: bits/dim, of the zoo's records and of released flows that are evaluated here."""

from typing import Any

from keras_iresnet import zoo
from keras_iresnet.comparison.contestants import CONTESTANTS
from keras_iresnet.comparison.published import published_bits
from keras_iresnet.evaluation.bits_per_dim import evaluate_bits_per_dim
from keras_iresnet.report.exhibit import Exhibit, Shown
from keras_iresnet.report.sources import SOURCES, Sources, records_on

# How many of the first test images are evaluated here; the record of a model is of all of them.
IMAGES = {"mnist_flow_small": 500, "fashion_mnist_flow_small": 500, "digits_flow": 360, "hybrid_classifier": 360}
_LATER = {"Residual Flow (2019)": (0.970, 3.280), "i-DenseNet (2021)": (None, 3.25)}


def make(sources: Sources) -> Shown:
    """The paper's table, and ours."""
    arrays: dict[str, Any] = {}
    rows, settings = [], []
    for name in sources.available(list(IMAGES)):
        batches = sources.splits(name).test.map(lambda image, label: image).take(IMAGES[name])
        found = evaluate_bits_per_dim(sources.model(name), batches, seed=sources.seed, max_passes=3)
        arrays[name] = [found.mean, found.standard_error]
        rows.append(
            {
                "released flow": name,
                "data": SOURCES[name].dataset,
                "bits/dim here": f"{found.mean:.3f} ± {found.standard_error:.3f}",
                "images": found.images,
                "record": next((one.number() for one in _bits(SOURCES[name].model, SOURCES[name].dataset)), None),
            }
        )
        settings.append(
            f"{sources.told(name)}; {found.images} test images, bias below "
            f"{found.bias_bound:.0e} bits/dim, uniform dequantization, {found.bins} values a pixel"
        )
    tables = {"The paper's table": _papers()}
    tables |= {"Released flows, evaluated for this page": rows} if rows else {}
    tables["Records of the zoo"] = _records()
    mnist = _bits("mnist_flow_small", "mnist")
    beside = [
        (
            "bits/dim of MNIST",
            "1.06, 96 blocks, 200 epochs",
            f"{mnist[0].number() if mnist else '–'}, mnist_flow_small",
        ),
        ("bits/dim of CIFAR-10", "3.45, 96 blocks, 200 epochs", "not trained: it wants a GPU"),
    ]
    return Shown(arrays, beside=beside, tables=tables, settings=settings)


def _papers():
    mnist, cifar = published_bits("mnist"), published_bits("cifar10")
    names = sorted(mnist, key=lambda name: -mnist[name])
    rows = [{"flow": CONTESTANTS[name].title, "MNIST": mnist[name], "CIFAR-10": cifar.get(name)} for name in names]
    return rows + [{"flow": f"{name}, came later", "MNIST": a, "CIFAR-10": b} for name, (a, b) in _LATER.items()]


def _bits(model, dataset):
    return [one for one in records_on(model, dataset) if one.metric == "bits_per_dim"]


def _records():
    return [
        {
            "model": name,
            "data": one.dataset,
            "bits/dim": one.number(),
            "test images": one.examples,
            "training": one.training_minutes and f"{one.training_minutes:g} min",
            "commit": one.commit,
            "machine": one.machine,
        }
        for name, record in ((name, zoo.get(name).record) for name in zoo.list())
        for one in (record.reached if record else ())
        if one.metric == "bits_per_dim"
    ]


EXHIBIT = Exhibit(
    "table-4",
    "Table 4: bits per dimension",
    "The paper compares flows by bits/dim of MNIST and CIFAR-10. Here those of the released flows, evaluated by its "
    "own protocol, and what the zoo's models reached; smaller networks, trained for minutes.",
    make,
    released=list(IMAGES),
    records=None,
)
