"""Names that are imported late, and those that are not there."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import cnnfast
import cnnfast.utils.data
import cnnfast.utils.display
from cnnfast import utils
from cnnfast.utils.facade import facade

MODULES = (
    *("applications", "backend", "callbacks", "config", "datasets", "mixed_precision"),
    *("optimizers", "preprocessing", "preprocessing.image", "preprocessing.sequence", "utils"),
)


def test_a_name_that_is_not_there_says_why_in_every_way_of_asking() -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'FeatureSpace': it turns tables"):
        cnnfast.utils.FeatureSpace  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError, match=r"cannot import name 'FeatureSpace'.*it turns tables"):
        exec("from cnnfast.utils import FeatureSpace")
    assert not hasattr(cnnfast.utils, "FeatureSpace")
    assert getattr(cnnfast.utils, "FeatureSpace", 3) == 3


def test_an_unknown_name_is_an_ordinary_error() -> None:
    with pytest.raises(
        AttributeError, match=r"^module 'cnnfast.utils' has no attribute 'nothing'$"
    ):
        cnnfast.utils.nothing  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError, match=r"cannot import name 'nothing' from 'cnnfast.utils'"):
        exec("from cnnfast.utils import nothing")


@pytest.mark.parametrize("name", MODULES)
def test_all_that_dir_shows_is_there(name: str) -> None:
    module = importlib.import_module(f"cnnfast.{name}")
    assert set(module.__all__) <= set(dir(module))
    for one in dir(module):
        assert getattr(module, one) is not None


def test_modules_that_moved_into_folders_have_their_old_names_too() -> None:
    for folder in (utils.data, utils.display):
        names = [module.name for module in pkgutil.iter_modules(folder.__path__)]
        assert names
        for name in names:
            old = importlib.import_module(f"cnnfast.utils.{name}")
            assert old is importlib.import_module(f"{folder.__name__}.{name}")


def test_a_name_may_have_another_one_where_it_is() -> None:
    find, names = facade("cnnfast.utils", {"dense": "layers:Dense", "home": "layers:"})
    assert find("dense") is cnnfast.layers.Dense
    assert find("home") is cnnfast.layers
    assert names() == ["dense", "home"]
    del cnnfast.utils.dense, cnnfast.utils.home  # type: ignore[attr-defined]


@pytest.mark.long
def test_importing_the_package_imports_none_of_them() -> None:
    code = (
        "import sys, cnnfast\n"
        "rooms = ('backend', 'callbacks', 'datasets', 'mixed_precision', 'optimizers',\n"
        "         'preprocessing', 'random', 'tree', 'applications', 'dtype_policies')\n"
        "assert not [r for r in rooms if f'cnnfast.{r}' in sys.modules]\n"
        "assert 'cnnfast.utils.data.images' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
