"""How often an account may ask, and how often an address may guess keys.

Windows move; counts live in this process. With several replicas each counts for itself, which
lets an account through at most that many times more often.
"""

import math
import time
from dataclasses import dataclass, field
from uuid import UUID

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from bellrock.domain.errors import TooManyRequests


@dataclass(frozen=True, slots=True)
class RateLimits:
    """``requests`` of an account, and ``bad_keys`` shown by an address, in any ``window_s`` seconds."""

    requests: int = 600
    window_s: int = 60
    bad_keys: int = 120


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """Counts requests. Raises `TooManyRequests` with the seconds until the next is allowed."""

    limits: RateLimits
    _window: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()))

    async def count_request(self, account_id: UUID) -> None:
        """One more request of an account."""
        limit = self._limit(self.limits.requests, "account")
        if not await self._window.hit(limit, str(account_id)):
            said = f"An account may make {self.limits.requests} requests in {self.limits.window_s} seconds."
            raise TooManyRequests(said, retry_after_s=await self._wait_s(limit, str(account_id)))

    async def count_bad_key(self, address: str) -> None:
        """One more bad key from an address. A good key is never refused for what its neighbours show."""
        limit = self._limit(self.limits.bad_keys, "address")
        if not await self._window.hit(limit, address):
            said = "Too many requests with a key that is not good came from this address."
            raise TooManyRequests(said, retry_after_s=await self._wait_s(limit, address))

    def _limit(self, amount: int, of: str) -> RateLimitItem:
        return RateLimitItemPerSecond(amount, self.limits.window_s, namespace=of)

    async def _wait_s(self, limit: RateLimitItem, key: str) -> int:
        stats = await self._window.get_window_stats(limit, key)
        return max(1, math.ceil(stats.reset_time - time.time()))
