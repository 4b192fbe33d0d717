"""The models on this disk: where each is, how it is fetched, under which licence it may be used."""

from __future__ import annotations

import contextlib
import fcntl
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import BridgeError, ProviderMissing
from bridge.extras import install
from bridge.models import hub
from bridge.models.catalogue import (
    KINDS,
    LICENCES,
    NAME,
    Kind,
    check_name,
    repository_of,
    short,
    voice_files,
)
from bridge.models.terms import CoquiTerms, agreed
from bridge.settings import Settings

WEIGHTS = re.compile(r"(model|pytorch_model)(-\d+-of-\d+)?\.(bin|safetensors)(\.index\.json)?")
KOKORO = re.compile(r"kokoro[\w.-]*\.onnx|voices[\w.-]*\.bin")
COQUI = ("config.json", "model.pth", "vocab.json", "speakers_xtts.pth")
TEXTS = re.compile(r"[\w.-]+\.(json|model|txt)")

SOURCE = "source.json"
"""Written into each pulled model: where it came from."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One pulled model; `bytes` on disk."""

    kind: Kind
    name: str
    bytes: int
    licence: str
    source: str
    path: str


def folder() -> Path:
    """Where downloaded models are: MODELS_DIR, else `models` in DATA_DIR."""
    settings = Settings.read()
    return (settings.models_dir or settings.data_dir / "models").absolute()


def where(kind: Kind, name: str) -> Path:
    """The folder that belongs to a pulled model, whether it is there or not."""
    return folder() / kind / short(kind, name).replace("/", "--")


def locate(kind: Kind, name: str) -> Path:
    """The folder of a model, for piper the .onnx file of the voice. Never asks the hub.

    `name` is a path, which is given back as it is, or the name of a model that was pulled. Raises
    ProviderMissing where there is neither.
    """
    given = Path(name)
    with contextlib.suppress(RuntimeError):  # nobody of that name has a home
        given = given.expanduser()
    if name and given.exists():
        return given
    place = where(kind, name) if NAME.fullmatch(name) else None
    if place is None or not place.is_dir():
        raise ProviderMissing(
            f"There is no {kind} model {name or '(empty name)'}, neither as a path nor in {folder()}.",
            f"speechbridge models pull {kind} {name}" if place else "Give a model's name or a path.",
        )
    return place / f"{name}.onnx" if kind == "piper" else place


def pulled() -> list[Entry]:
    """The models in the folder, sorted by kind and name."""
    return [
        _entry(kind, place)
        for kind in KINDS
        for place in sorted((folder() / kind).glob("*"))
        if place.is_dir() and not place.name.startswith(".")
    ]


def remove(kind: Kind, name: str) -> int:
    """Deletes a pulled model and what an interrupted pull left of it; gives the bytes that became free.

    Raises BridgeError where there is neither, and while the model is being pulled.
    """
    check_name(kind, name)
    place = where(kind, name)
    found = [path for path in (place, _part(place)) if path.is_dir()]
    if not found:
        raise BridgeError(f"There is no {kind} model {name} in {folder()}.", "speechbridge models list")
    with _alone(_part(place), f"{kind} {name}"):
        freed = sum(_bytes(path) for path in found)
        for path in found:
            shutil.rmtree(path)
    return freed


def pull(kind: Kind, name: str, on_progress: hub.Progress) -> Entry:
    """Downloads a model and converts it where its engine needs that; at once if it is here already.

    It gets its place only when it is whole. Raises BridgeError with what to do: an unknown name, the
    hub out of reach, too little disk, a repository without such a model; ProviderMissing where a
    conversion needs packages that are not installed.
    """
    check_name(kind, name)
    place = where(kind, name)
    if not place.is_dir():
        with _alone(_part(place), f"{kind} {name}"):
            if not place.is_dir():
                _obtain(kind, name, place, on_progress)
    return _entry(kind, place)


def _obtain(kind: Kind, name: str, place: Path, on_progress: hub.Progress) -> None:
    if kind == "coqui":
        agreed(CoquiTerms.read())
    part = _part(place)
    source = _source(kind, name)
    if _converted(kind, source):
        made = _convert(source, part, on_progress)
    else:
        hub.download(source, part, on_progress)
        made = part
    _sign(kind, source, made)
    made.rename(place)
    shutil.rmtree(part, ignore_errors=True)


def _part(place: Path) -> Path:
    return place.with_name(f".{place.name}.part")


@contextlib.contextmanager
def _alone(part: Path, what: str) -> Iterator[None]:
    """The folder of an unfinished model, made if need be, for this process alone."""
    try:
        part.mkdir(parents=True, exist_ok=True)
        lock = part.with_suffix(".lock").open("w")
    except OSError as error:
        raise BridgeError(
            f"{part.parent} cannot be written: {error.strerror}.",
            "Set MODELS_DIR to a folder that you may write.",
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BridgeError(f"{what} is being pulled by another process.", "Wait for its end.") from None
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                part.rmdir()  # nothing was kept


def _source(kind: Kind, name: str) -> hub.Repository:
    """The files to download: those of a ready model, else those that one can be converted from."""
    repository = repository_of(kind, name)
    if kind == "piper":
        source = hub.paths(repository, voice_files(name))
        complete = {file.name for file in source.files} >= {f"{name}.onnx", f"{name}.onnx.json"}
    elif kind == "kokoro":
        source = hub.repository(repository).only(lambda path: KOKORO.fullmatch(path) is not None)
        complete = {file.path.rpartition(".")[2] for file in source.files} == {"onnx", "bin"}
    elif kind == "coqui":
        source = hub.repository(repository).only(COQUI.__contains__)
        complete = {file.path for file in source.files} >= set(COQUI[:3])
    else:
        source = hub.repository(repository)
        safe = any(file.path.endswith(".safetensors") for file in source.files) and not source.has(
            "model.bin"
        )
        source = source.only(lambda path: _belongs(path, safe))
        complete = source.has("config.json") and any(WEIGHTS.fullmatch(file.path) for file in source.files)
    if not complete:
        raise BridgeError(
            f"{repository} has no {kind} model {name}.",
            f"See {hub.page(repository)} for what it has.",
            code="unknown_model",
        )
    return source


def _belongs(path: str, safe: bool) -> bool:
    """Of the same weights in two formats one is enough."""
    if WEIGHTS.fullmatch(path):
        return (".safetensors" in path) == safe
    return TEXTS.fullmatch(path) is not None


def _converted(kind: Kind, source: hub.Repository) -> bool:
    return kind in ("whisper", "nllb") and not source.has("model.bin")


def _convert(source: hub.Repository, part: Path, on_progress: hub.Progress) -> Path:
    """The model in the format of CTranslate2, beside the files that it was made from.

    float16: half the disk of float32; each compute type can be made from it while loading.
    """
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
        from ctranslate2.converters import TransformersConverter
    except ImportError as error:
        raise ProviderMissing(
            f"{source.name} has to be converted, but the package {error.name} is not installed.",
            f"{install('nllb-transformers')}  # for the conversion only; then pull again",
        ) from None
    total = sum(file.size for file in source.files)
    hub.download(source, part, on_progress, reserve=1)
    on_progress("converting", total, total)
    made = part / "converted"
    copies = [file.name for file in source.files if TEXTS.fullmatch(file.name) and file.name != "config.json"]
    try:
        TransformersConverter(str(part), copy_files=copies).convert(
            str(made), quantization="float16", force=True
        )
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise BridgeError(
            f"{source.name} cannot be converted to CTranslate2: {error}.",
            "Use a model of the M2M100 or Whisper architecture, or one that is converted already.",
        ) from error
    return made


def _sign(kind: Kind, source: hub.Repository, made: Path) -> None:
    signed = {"repository": source.name, "revision": source.revision, "licence": source.licence}
    if kind == "piper":
        card = made / "MODEL_CARD"
        said = re.search(r"License:\s*(.+)", card.read_text("utf-8", "replace")) if card.is_file() else None
        signed["licence"] = said[1].strip() if said else ""
    (made / SOURCE).write_text(json.dumps(signed, indent=2) + "\n")


def _entry(kind: Kind, place: Path) -> Entry:
    signed = json.loads((place / SOURCE).read_text()) if (place / SOURCE).is_file() else {}
    name = place.name.replace("--", "/")
    licence = signed.get("licence") or LICENCES[kind]
    return Entry(kind, name, _bytes(place), licence, signed.get("repository", ""), str(place))


def _bytes(place: Path) -> int:
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
