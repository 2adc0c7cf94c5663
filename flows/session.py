"""What a command or a flow works with: its lake, its settings, and the Hub they name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_lake.errors import LakeError
from data_lake.layout import Lake
from data_lake.settings import LOCAL_ENDPOINT, Settings, load_settings
from flows.local_hub import HubAddress, local_hub
from tasks.hub import Hub, connect


@dataclass(frozen=True)
class Workplace:
    """A lake and the settings of a profile."""

    lake: Lake
    settings: Settings

    @property
    def endpoint(self) -> str:
        """The Hub's address, or `local`. `HF_ENDPOINT` overrides the profile."""
        return os.environ.get("HF_ENDPOINT") or self.settings.hub.endpoint


def workplace(lake: str, profile: str) -> Workplace:
    """Opens a lake (created where it is missing) with a profile.

    Raises:
        SettingsError: the profile does not fit.
        LakeError: the lake cannot be a folder.
    """
    settings = load_settings(profile)
    root = Path(lake).expanduser().absolute()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LakeError(
            f"{root} cannot be a lake: {error.strerror}",
            left="Nothing was written",
            mend="Name a folder you can write to with --lake",
        ) from error
    return Workplace(Lake(root), settings)


@contextmanager
def hub_address(place: Workplace) -> Iterator[HubAddress]:
    """The Hub's address and token; the lake's own Hub is kept up for as long as the block lasts."""
    if place.endpoint == LOCAL_ENDPOINT:
        with local_hub(place.lake) as address:
            yield address
    else:
        # None: the client looks for HF_TOKEN and in its own store.
        yield HubAddress(place.endpoint.rstrip("/"), None, local=False)


@contextmanager
def hub_of(place: Workplace) -> Iterator[Hub]:
    """The connected Hub of a workplace.

    Raises:
        HubError: not reachable, or the token is missing or wrong.
    """
    with hub_address(place) as address:
        yield connect(
            address.endpoint,
            address.token,
            namespace=place.settings.hub.namespace,
            name=place.settings.hub.name,
            private=place.settings.hub.private,
            cache=place.lake.hub_cache(address.endpoint, local=address.local),
            xet="HF_HUB_DISABLE_XET" not in os.environ and not address.local,
        )
