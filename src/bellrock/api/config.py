"""What the API is told by whoever composes it. Everything has a default that suits one machine."""

from dataclasses import dataclass, field

from bellrock.api.rate_limit import RateLimits


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """``public_url`` is the address people reach us at; None takes it from each request.

    ``public_badges``: whoever knows the id of a check or group sees its badge. Else it needs a key.
    """

    public_url: str | None = None
    rate_limits: RateLimits = field(default_factory=RateLimits)
    max_body_bytes: int = 10 * 1024**2
    completion_wait_s: float = 30
    keep_alive_s: float = 5
    link_lifetime_s: int = 3_600
    public_badges: bool = False
