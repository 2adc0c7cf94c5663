"""Which failures are worth another try."""

import inspect
from typing import Any

from prefect.client.schemas.objects import TaskRun
from prefect.states import State, get_state_exception

from data_lake.errors import HubUnavailableError


async def when_unavailable(task: Any, run: TaskRun, state: State) -> bool:
    """True for a Hub that does not answer or asks for patience; a refusal stays a refusal."""
    error = get_state_exception(state)
    return isinstance(await error if inspect.isawaitable(error) else error, HubUnavailableError)
