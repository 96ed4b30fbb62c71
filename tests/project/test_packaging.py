"""The wheel: built, installed, and run beside a pipeline that has its own router/ and training/."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("tierwise", "classifier", "router", "training", "data")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGE_DIR = PROJECT["tool"]["setuptools"]["package-dir"]

WALK = """
import importlib, pathlib, pkgutil, tierwise
print(pathlib.Path(tierwise.__file__).parent)
for module in pkgutil.walk_packages(tierwise.__path__, "tierwise."):
    if not module.name.endswith("__main__"):  # importing that one runs the command
        importlib.import_module(module.name)
        print(module.name)
"""
PIPELINE = """
import router, training, tierwise.router, tierwise.training
from tierwise import predict_tier
print(router.NAME, training.NAME, predict_tier("Draft a blog post about our bakery, 900 words.").tier)
"""


def pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy of the sources, so that no build folder appears beside them."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", out, source)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def names(wheel) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with nothing but the wheel's content."""
    target = tmp_path_factory.mktemp("site")
    pip("install", "--no-deps", "--no-index", "--no-compile", "--target", target, wheel)
    return target


@pytest.fixture
def pipeline(tmp_path) -> Path:
    """A working folder with packages of the same names as our folders."""
    for name in ("router", "training", "classifier", "data"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f'NAME = "own {name}"\n', encoding="utf-8")
    return tmp_path


def run(installed: Path, folder: Path, *arguments: str) -> list[str]:
    """Lines printed by this interpreter, with the installed wheel before everything else."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "name",
    [
        "tierwise/py.typed",
        "tierwise/__main__.py",
        "tierwise/data/tiers.toml",
        "tierwise/data/images.toml",
        "tierwise/data/seed_tasks.jsonl",
        "tierwise/data/README.md",
        "tierwise/data/champion/manifest.json",
        "tierwise/data/champion/arrays.safetensors",
        "tierwise/data/champion/vocabulary.txt",
        "tierwise/data/pipelines/article.toml",
        "tierwise/data/demo/thirty_tasks.jsonl",
        "tierwise/data/demo/article_pipeline.jsonl",
    ],
)
def test_the_wheel_contains(names, name):
    assert name in names


def test_the_wheel_contains_every_module_and_every_data_file(names):
    expected = {
        f"{package.replace('.', '/')}/{path.name}"
        for package, folder in PACKAGE_DIR.items()
        for path in (ROOT / folder).iterdir()
        if path.is_file() and not path.name.startswith(".")
    }
    assert expected - names == set()


def test_no_folder_with_modules_is_left_out():
    found = {
        path.parent.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
    }
    assert found - set(PACKAGE_DIR.values()) == set()
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(PACKAGE_DIR)


def test_everything_in_the_wheel_is_under_one_name(names):
    assert {name.split("/")[0].split("-")[0] for name in names} == {"tierwise"}
    assert [name for name in names if "test" in Path(name).name] == []


def test_the_base_install_needs_at_most_five_packages():
    assert len(PROJECT["project"]["dependencies"]) <= 5


def test_the_installed_files_stay_small(installed):
    megabytes = sum(path.stat().st_size for path in installed.rglob("*") if path.is_file()) / 1e6
    assert megabytes <= 22  # with numpy and the rest, the base install must stay within 100


def test_it_decides_beside_packages_of_the_same_names(installed, pipeline):
    assert run(installed, pipeline, "-c", PIPELINE) == ["own router own training sonnet"]


def test_every_module_imports_beside_packages_of_the_same_names(installed, pipeline):
    home, *modules = run(installed, pipeline, "-c", WALK)
    assert Path(home) == installed / "tierwise"  # not the sources
    for name in ("tierwise.classifier.model", "tierwise.router.predict", "tierwise.training.seeds.champion"):
        assert name in modules


def test_the_command_runs_beside_packages_of_the_same_names(installed, pipeline):
    assert "Thirty tasks of all trades" in run(installed, pipeline, "-m", "tierwise", "demo")
    (model,) = [line for line in run(installed, pipeline, "-m", "tierwise", "doctor") if "model:" in line]
    assert str(installed) in model
    assert (installed / "bin" / "tierwise").is_file() or (installed / "Scripts").is_dir()
    assert sorted(path.name for path in pipeline.iterdir() if path.is_file()) == []


def test_the_version_is_the_same_everywhere(wheel):
    from tierwise import __version__

    assert PROJECT["project"]["version"] == __version__ == wheel.name.split("-")[1]
