"""The connection to a Hub: huggingface.co, or the one that Roundhouse brings along. The client is the same."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from data_lake.errors import HubError, HubUnavailableError, LostRaceError
from data_lake.files import sha256_of

DATASET, MODEL = "dataset", "model"

# Without it every request to a Hub is a line on standard error.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Hub:
    """A Hub as one user sees it, and the four repositories of one dataset."""

    api: HfApi
    namespace: str
    name: str
    private: bool
    cache: Path
    """Folder for downloads from this Hub."""

    @property
    def endpoint(self) -> str:
        return self.api.endpoint

    @property
    def dataset_repo(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def adapter_repo(self) -> str:
        return f"{self.namespace}/{self.name}-lora"

    @property
    def state_repo(self) -> str:
        return f"{self.namespace}/{self.name}-state"

    @property
    def base_repo(self) -> str:
        return f"{self.namespace}/{self.name}-base"

    def create(self, repo: str, kind: str) -> None:
        """Creates a repository unless it is there."""
        with told(f"create {repo}"):
            self.api.create_repo(repo, repo_type=kind, private=self.private, exist_ok=True)

    def head(self, repo: str, kind: str, revision: str) -> str | None:
        """The commit a branch or tag stands at, or None where the repository or the revision is absent."""
        with told(f"look up {repo}"):
            try:
                return self.api.repo_info(repo, repo_type=kind, revision=revision).sha
            except (RepositoryNotFoundError, RevisionNotFoundError) as error:
                if _status(error) == 401:
                    raise
                return None

    def file(self, repo: str, kind: str, revision: str, path: str) -> Path:
        """Downloads one file of a commit, unless it is in the cache, and returns where it lies."""
        with told(f"download {path} of {repo}"):
            return Path(self.api.hf_hub_download(repo, path, repo_type=kind, revision=revision, cache_dir=self.cache))

    def folder(self, repo: str, kind: str, revision: str, patterns: list[str] | None = None) -> Path:
        """Downloads the files of a commit, unless they are in the cache, and returns their folder."""
        with told(f"download {repo}"):
            return Path(
                self.api.snapshot_download(
                    repo, repo_type=kind, revision=revision, cache_dir=self.cache, allow_patterns=patterns
                )
            )

    def hashes(self, repo: str, kind: str, revision: str) -> dict[str, str]:
        """The files of a commit: path → sha256 for large files, git's sha1 of the blob for small text files."""
        with told(f"list {repo}"):
            tree = self.api.list_repo_tree(repo, repo_type=kind, revision=revision, recursive=True)
            return {
                entry.path: entry.lfs.sha256 if entry.lfs else entry.blob_id
                for entry in tree
                if isinstance(entry, RepoFile)
            }


def connect(
    endpoint: str, token: str | None, *, namespace: str, name: str, private: bool, cache: Path, xet: bool
) -> Hub:
    """Connects to a Hub and finds out whose token it is.

    Args:
        endpoint: the Hub's address.
        token: None for the client's own store (`hf auth login`).
        namespace: where repositories lie; empty for the token's owner.
        name, private: the dataset's name and whether new repositories are private.
        cache: folder for downloads.
        xet: whether the Hub speaks Xet; the client would use it unasked and not fall back.

    Raises:
        HubError: not reachable, or the token is missing or wrong.
    """
    constants.HF_HUB_DISABLE_XET = not xet
    constants.HF_HUB_DISABLE_TELEMETRY = True
    api = HfApi(endpoint=endpoint, token=token, library_name="roundhouse")
    with told("sign in"):
        owner = api.whoami()["name"]
    return Hub(api, namespace or owner, name, private, cache)


def unchanged(path: Path, published: str | None) -> bool:
    """Whether a published file (see `Hub.hashes`) holds the same large file as `path`."""
    return published is not None and published == sha256_of(path)


@contextmanager
def told(action: str) -> Iterator[None]:
    """Turns the client's errors into one line that says what to do.

    Raises:
        LostRaceError: somebody else committed first.
        HubError: everything else the Hub or the way to it can answer.
    """
    left = "What the Hub held before is unchanged"
    try:
        yield
    except LocalTokenNotFoundError as error:
        raise HubError(
            f"No token for the Hub: could not {action}", left=left, mend="Set HF_TOKEN or run: hf auth login"
        ) from error
    except (HfHubHTTPError, EntryNotFoundError) as error:
        raise _answered(action, error, left) from error
    except (httpx.HTTPError, ConnectionError) as error:
        raise HubUnavailableError(
            f"The Hub does not answer: could not {action} ({type(error).__name__})",
            left=left,
            mend="Start it (roundhouse hub, or check HF_ENDPOINT and the network) and run the command again",
        ) from error
    except HFValidationError as error:
        raise HubError(
            f"Could not {action}: {error}", left=left, mend="Change hub.namespace or hub.name in the profile"
        ) from error


def _answered(action: str, error: Exception, left: str) -> HubError:
    status = _status(error)
    if status == 412:
        return LostRaceError(
            f"Could not {action}: another worker published first",
            left="Its work stands, this worker's was discarded",
            mend="Run roundhouse status to see it; the next roundhouse train continues from there",
        )
    mends = {
        401: "Set HF_TOKEN to a valid token, or run: hf auth login",
        403: "Use a token that may write to this namespace, or change hub.namespace in the profile",
        404: "Run roundhouse status to see what is published",
        429: "Wait some minutes and run the command again",
    }
    what = {401: "the Hub refuses the token", 403: "the token may not do this", 404: "the Hub does not hold it"}
    why = what.get(status or 404, f"the Hub answered {status}")
    kind = HubUnavailableError if status == 429 or (status or 0) >= 500 else HubError
    return kind(f"Could not {action}: {why}", left=left, mend=mends.get(status or 404, "Run the command again"))


def _status(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    return None if response is None else response.status_code
