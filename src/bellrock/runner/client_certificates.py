"""Which client certificate a host gets to see."""

import re
from collections.abc import Sequence
from functools import lru_cache

from bellrock.domain.specs import HostCertificate


def certificate_for_host(host: str, certificates: Sequence[HostCertificate]) -> HostCertificate | None:
    """The newest one that matches a host, of those without a `*` first. They come oldest first."""
    fitting = [one for one in certificates if _pattern(one.host).fullmatch(host.lower())]
    if not fitting:
        return None
    return next((one for one in reversed(fitting) if "*" not in one.host), fitting[-1])


@lru_cache(maxsize=512)
def _pattern(glob: str) -> re.Pattern[str]:
    name = glob.strip().lower()
    return re.compile(".*".join(re.escape(part) for part in name.split("*")))
