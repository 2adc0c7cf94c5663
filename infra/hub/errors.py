"""Errors as the Hub answers them: a status, a message, and the code that clients turn into an exception type."""


class HubError(Exception):
    """An answer that is not a success.

    `code` becomes `X-Error-Code`, which `huggingface_hub` maps to RepositoryNotFoundError and its like.
    """

    def __init__(self, status: int, message: str, code: str | None = None, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers or {}

    def response_headers(self) -> dict[str, str]:
        """Headers of the answer; the message is cut down to what a header line may hold."""
        printable = "".join(c if " " <= c <= "~" else "?" for c in self.message)[:300]
        headers = {"X-Error-Message": printable, **self.headers}
        if self.code:
            headers["X-Error-Code"] = self.code
        return headers


def bad_request(message: str) -> HubError:
    return HubError(400, message)


def unauthorized(message: str) -> HubError:
    return HubError(401, message, headers={"WWW-Authenticate": 'Bearer realm="Authentication required"'})


def forbidden(message: str) -> HubError:
    return HubError(403, message)


def conflict(message: str) -> HubError:
    return HubError(409, message)


def too_large(message: str) -> HubError:
    return HubError(413, message)


def repo_not_found(anonymous: bool) -> HubError:
    """401 to the anonymous, 404 to others, so that a private repository looks the same as a missing one."""
    if anonymous:
        return HubError(401, "Invalid username or password.", "RepoNotFound")
    return HubError(404, "Repository not found", "RepoNotFound")


def revision_not_found(revision: str) -> HubError:
    return HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def entry_not_found(path: str, commit: str) -> HubError:
    """Names the commit, because clients remember per commit that a file does not exist."""
    return HubError(404, f"Entry not found: {path}", "EntryNotFound", {"X-Repo-Commit": commit})
