"""Downloads from the model hub that go on where they were interrupted, also in another process.

The hub's own library lists the files and reads them; its download functions throw the part of a file
away when the process ends, which is 3 GB of a large model.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bridge.errors import BridgeError, ProviderMissing
from bridge.extras import install

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Progress = Callable[[str, int, int], None]
"""Hears what is being done, and of all files the bytes that are here and the bytes in all."""

UNREACHABLE = (
    "Behind a proxy set HTTPS_PROXY; a mirror is named by HF_ENDPOINT. Or copy the model from another"
    " machine and give its path in place of the name."
)


@dataclass(frozen=True, slots=True)
class File:
    """One file of a repository. Git's name of its content, `blob`, is that of a pointer to a large one."""

    path: str
    size: int
    blob: str
    sha256: str | None

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def part(self, into: Path) -> Path:
        """Where the beginning of this very content is kept until it is whole."""
        return into / f"{self.name}.{(self.sha256 or self.blob)[:12]}.part"

    def is_in(self, path: Path) -> bool:
        """Whether this very content is what the file `path` holds."""
        if _size(path) != self.size:
            return False
        # As git names a content, which the hub goes by for all but large files.
        begin = f"blob {self.size}\0".encode()
        digest = hashlib.sha256() if self.sha256 else hashlib.sha1(begin, usedforsecurity=False)
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest() == (self.sha256 or self.blob)


@dataclass(frozen=True, slots=True)
class Repository:
    """What the hub says of a model: the files wanted, at which revision, under which licence."""

    name: str
    revision: str
    licence: str
    files: tuple[File, ...]

    def only(self, wanted: Callable[[str], bool]) -> Self:
        """The same with those files whose path is wanted."""
        files = tuple(file for file in self.files if wanted(file.path))
        return type(self)(self.name, self.revision, self.licence, files)

    def has(self, path: str) -> bool:
        return any(file.path == path for file in self.files)


def repository(name: str) -> Repository:
    """All files of a repository. Raises BridgeError where there is none or the hub cannot be reached."""
    api = _api()
    with _explained(name):
        info = api.model_info(name, files_metadata=True)
    files = tuple(
        File(found.rfilename, found.size or 0, found.blob_id or "", found.lfs.sha256 if found.lfs else None)
        for found in info.siblings or ()
    )
    licence = str(info.card_data.get("license") or "") if info.card_data else ""
    return Repository(name, info.sha or "main", licence, files)


def paths(name: str, wanted: Sequence[str]) -> Repository:
    """Those of the wanted files that a repository has, for one too large to list. Raises BridgeError."""
    api = _api()
    with _explained(name):
        found = api.get_paths_info(name, list(wanted))
    files = tuple(
        File(file.path, file.size, file.blob_id, file.lfs.sha256 if file.lfs else None)
        for file in found
        if not hasattr(file, "tree_id")
    )
    return Repository(name, "main", "", files)


def download(source: Repository, into: Path, on_progress: Progress, reserve: float = 0) -> None:
    """The files of `source` in the folder `into`, without the folders of the repository.

    Whole files stay, a part of one is completed, what else is in the folder is deleted. `reserve` is
    what has to stay free for later work, as a multiple of all files. Raises BridgeError where the disk
    is too small, the hub fails or a file is not what the hub said of it.
    """
    _clear(into, source)
    total = sum(file.size for file in source.files)
    here = sum(_size(into / file.name) + _size(file.part(into)) for file in source.files)
    _check_space(into, round(total * (1 + reserve)) - here)
    done = 0
    for file in source.files:
        if not (into / file.name).is_file():
            _fetch(source, file, into, partial(_report, on_progress, file.name, done, total))
        done += file.size
        on_progress(file.name, done, total)


def _clear(into: Path, source: Repository) -> None:
    """Deletes what an earlier pull left of another revision, or of work on the files."""
    parts = {file.part(into) for file in source.files}
    whole = {into / file.name: file for file in source.files}
    for path in into.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path not in parts and not (path in whole and whole[path].is_in(path)):
            path.unlink()


def _report(on_progress: Progress, name: str, before: int, total: int, bytes_here: int) -> None:
    on_progress(name, before + bytes_here, total)


def _fetch(source: Repository, file: File, into: Path, report: Callable[[int], None]) -> None:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    part = file.part(into)
    url = hf_hub_url(source.name, file.path, revision=source.revision, endpoint=_endpoint())
    with _explained(source.name), part.open("ab") as beginning:
        http_get(
            url,
            beginning,
            resume_size=beginning.tell(),
            # A compressed answer could not be continued in its middle.
            headers=build_hf_headers() | {"Accept-Encoding": "identity"},
            expected_size=file.size,
            tqdm_class=partial(_Bar, report),  # type: ignore[arg-type]  # any callable will do
        )
    if not file.is_in(part):
        part.unlink()
        raise BridgeError(
            f"{file.path} of {source.name} is damaged: its checksum is not the one that the hub names.",
            "Pull it again. A proxy that changes files does such a thing each time.",
        )
    part.rename(into / file.name)


class _Bar:
    """Takes the place of the hub library's progress bar."""

    def __init__(self, report: Callable[[int], None], initial: int = 0, **_: Any) -> None:
        self._report = report
        self._bytes = initial

    def update(self, more: int) -> None:
        self._bytes += more
        self._report(self._bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is drawn here."""


def _api() -> HfApi:
    try:
        from huggingface_hub import HfApi
    except ImportError:
        raise ProviderMissing("The huggingface_hub package is not installed.", install("hub")) from None
    return HfApi(endpoint=_endpoint())


def page(name: str) -> str:
    """Where a person reads about a repository."""
    return f"{_endpoint()}/{name}"


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise _no_space(folder, f"{needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free")


def _no_space(folder: Path | str, said: str) -> BridgeError:
    return BridgeError(
        f"The disk of {folder} is too small: {said}.",
        "Free some space (speechbridge models remove KIND NAME), or set MODELS_DIR to another disk.",
        code="no_space",
    )


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turns what the hub's library raises into an error that says what to do."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError

    try:
        yield
    except HFValidationError:
        raise BridgeError(f"{name} is no name of a repository.", "Write it as OWNER/NAME.") from None
    except RepositoryNotFoundError:
        raise BridgeError(
            f"The hub at {_endpoint()} shows no model {name}.",
            "Check the name. Where its owner lets only some read it, set HF_TOKEN.",
            code="unknown_model",
        ) from None
    except HfHubHTTPError as error:
        raise BridgeError(
            f"The hub at {_endpoint()} answers {error.response.status_code} for {name}.",
            "Try again later; what was downloaded is kept.",
        ) from None
    except (ImportError, httpx2.InvalidURL, ValueError) as error:
        raise BridgeError(
            f"The hub at {_endpoint()} cannot be asked: {_words(error)}.",
            "Correct the proxy that HTTPS_PROXY or ALL_PROXY names, or unset it; one by HTTP does.",
            code="hub_unreachable",
        ) from None
    except (httpx2.HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise _no_space("the models", "it filled up during the download") from None
        raise BridgeError(
            f"The hub at {_endpoint()} cannot be reached or broke off: {_words(error)}.",
            f"{UNREACHABLE} A pull goes on where it was interrupted.",
            code="hub_unreachable",
        ) from None


def _words(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
