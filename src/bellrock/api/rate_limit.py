"""How often an account may ask, and how often an address may guess keys.

Windows move; counts live in this process. With several replicas each counts for itself, which
lets an account through at most that many times more often.
"""

import math
import time
from dataclasses import dataclass, field
from uuid import UUID

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from bellrock.domain.errors import TooManyRequests


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Requests per minute: of one account, and with a bad key from one address."""

    per_account: int = 600
    bad_keys_per_address: int = 120


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """Counts requests. Raises `TooManyRequests` with the seconds until the next is allowed."""

    limits: RateLimits
    _window: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()))

    async def count_request(self, account_id: UUID) -> None:
        """One more request of an account."""
        limit = RateLimitItemPerMinute(self.limits.per_account, namespace="account")
        if not await self._window.hit(limit, str(account_id)):
            said = f"Your account may make {self.limits.per_account} requests in 60 seconds."
            raise TooManyRequests(said, retry_after_s=await self._wait_s(limit, str(account_id)))

    async def refuse_guessing(self, address: str) -> None:
        """Before a key is looked up: refuse an address that showed too many bad ones."""
        limit = self._guesses()
        if not await self._window.test(limit, address):
            said = "Too many requests with a key that is not good came from this address."
            raise TooManyRequests(said, retry_after_s=await self._wait_s(limit, address))

    async def count_bad_key(self, address: str) -> None:
        """One more bad key from an address."""
        await self._window.hit(self._guesses(), address)

    def _guesses(self) -> RateLimitItem:
        return RateLimitItemPerMinute(self.limits.bad_keys_per_address, namespace="address")

    async def _wait_s(self, limit: RateLimitItem, key: str) -> int:
        stats = await self._window.get_window_stats(limit, key)
        return max(1, math.ceil(stats.reset_time - time.time()))
