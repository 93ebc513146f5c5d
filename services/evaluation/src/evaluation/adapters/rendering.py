"""Pages are rendered in a process of their own: Vega's engine holds the interpreter's lock for up to a second, which would
stop everything else the API serves, and takes 150 MB, which go back with the process.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict

from chassis.database import Unavailable

_AT_ONCE = 2
_PATIENCE_SECONDS = 20.0
_KEPT = 16


class PageRenderer:
    """Turns reports into pages, two at a time; pages of final reports are kept, the last 16 of them."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._pages: OrderedDict[tuple[str, bool], str] = OrderedDict()

    async def page(self, text: str, *, digest: str, final: bool, synthetic: bool) -> str:
        """The page of a report's JSON text.

        Raises:
            Unavailable: it took too long.
        """
        kept = self._pages.get((digest, synthetic))
        if kept is not None:
            self._pages.move_to_end((digest, synthetic))
            return kept
        async with self._free:
            page = await _rendered(text, synthetic=synthetic)
        if final:
            self._pages[(digest, synthetic)] = page
            if len(self._pages) > _KEPT:
                self._pages.popitem(last=False)
        return page


async def _rendered(text: str, *, synthetic: bool) -> str:
    arguments = ["-m", "evaluation.adapters.report_page", *(["--synthetic"] if synthetic else [])]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        page, _ = await asyncio.wait_for(process.communicate(text.encode()), _PATIENCE_SECONDS)
    except TimeoutError as error:
        raise Unavailable("the page took too long") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"rendering ended with {process.returncode}")
    return page.decode()
