# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads a published network for Blender, whose user has seen and accepted its licence."""

import time
from collections.abc import Callable
from typing import Final

from .catalogue import CATALOGUE
from .downloads import StoppedError
from .errors import ModelError
from .installed import ModelFolder
from .protocol import Cancelled, Fetched, FetchRequest, Progress
from .user_folder import user_folder

PROGRESS_PERIOD_S: Final = 0.2


def fetch_model(
    request: FetchRequest, report: Callable[[Progress], None], stopping: Callable[[], bool]
) -> Fetched | Cancelled:
    """Download a network into the user's folder of models.

    Args:
        request: Which, and the terms that the user accepted.
        report: Told of kilobytes done and in all, some five times a second.
        stopping: Asked whether to stop; what came is kept for the next time.

    Returns:
        Where it is, or that it was stopped.

    Raises:
        ModelError: There is no such network, its terms are others than those accepted, or it
            cannot be fetched.
    """
    model = next((one for one in CATALOGUE if one.name == request.model), None)
    if model is None:
        raise ModelError(f"There is no published network {request.model!r} in the catalogue")
    folder = ModelFolder(user_folder("models"))
    told_s = 0.0

    def tell(done: int, total: int | None) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= PROGRESS_PERIOD_S or done == total:
            told_s = time.monotonic()
            size = None if total is None else total >> 10
            report(Progress("fetch", done >> 10, size, 0, 0.0))

    try:
        card = folder.fetch(
            model,
            online=True,  # Blender asks for nothing while its user has it offline
            accept=lambda terms: str(terms) == request.licence,
            report=tell,
            stopping=stopping,
        )
    except StoppedError:
        return Cancelled(str(folder.folder), 0)
    return Fetched(model.name, str(folder.folder / card.file))
