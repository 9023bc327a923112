"""What the pages need to be told from outside: addresses, and where Playwright's trace viewer lies."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_VIEWER = Path("playwright-core/lib/vite/traceViewer")


@dataclass(frozen=True, slots=True)
class WebOptions:
    """Settings of the pages.

    ``content_url`` is the base address of a second host name that leads to this server as well: what
    users made (HTML reports, traces) is shown there, where no cookie of ours exists. Without it, a
    server that is reached as 127.0.0.1 uses localhost for that, and any other only offers downloads.
    ``trace_viewer`` finds a folder with Playwright's own trace viewer, None where there is none yet.
    """

    content_url: str | None = None
    trace_viewer: Callable[[], Path | None] = lambda: None


def content_base(options: WebOptions, *, scheme: str, host: str) -> str | None:
    """The base address for content, for somebody who reached us as ``host``; None if there is none."""
    if options.content_url:
        return options.content_url.rstrip("/")
    name, _, port = host.partition(":")
    if name != "127.0.0.1":
        return None
    return f"{scheme}://localhost:{port}" if port else f"{scheme}://localhost"


def is_content_host(options: WebOptions, host: str) -> bool:
    """Whether a request to this host asks for content, and must never see a cookie of ours."""
    if options.content_url:
        return urlsplit(options.content_url).netloc == host
    return host.partition(":")[0] == "localhost"


def app_base(options: WebOptions, *, scheme: str, host: str) -> str | None:
    """Where somebody who opened a page on the content host is sent; None where that is not known."""
    if options.content_url or not is_content_host(options, host):
        return None
    port = host.partition(":")[2]
    return f"{scheme}://127.0.0.1:{port}" if port else f"{scheme}://127.0.0.1"


class TraceViewerFinder:
    """Finds Playwright's trace viewer below `node_modules` folders, and remembers where it was.

    The viewer belongs to Playwright, and a newer one opens the traces of older versions: any
    installed `playwright-core` will do, so none is shipped with Bellrock. Asked again as long as
    there is none: the first suite that is run brings one.
    """

    def __init__(self, node_modules: Callable[[], Iterable[Path]]) -> None:
        self._node_modules = node_modules
        self._found: Path | None = None

    def __call__(self) -> Path | None:
        """The viewer's folder, or None."""
        if self._found is None or not _is_viewer(self._found):
            viewers = (folder / _VIEWER for folder in self._node_modules())
            self._found = next(filter(_is_viewer, viewers), None)
        return self._found


def _is_viewer(folder: Path) -> bool:
    return (folder / "index.html").is_file()
