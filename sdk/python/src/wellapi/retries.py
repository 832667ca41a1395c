"""How long to wait before a repetition, and how many there may be."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Backoff:
    """Delays between attempts in seconds, doubled each time."""

    first: float
    longest: float

    def before(self, attempt: int, retry_after: float | None) -> float:
        """
        Seconds before attempt number `attempt` (1 is the first repetition), never less than the server asks for. A random
        part of up to a quarter is added, so that clients that were cut together do not return together.
        """
        delay = min(self.longest, self.first * 2 ** (attempt - 1))
        return max(delay, retry_after or 0.0) * (1 + random.random() / 4)


@dataclass
class Retries:
    """
    When a single call is repeated: where the contract says that it is idempotent, or the request carries a `request_id`; and
    the error is transient. Streams repeat by rules of their own.

    The budget belongs to the client: each repetition takes one from it, each call that succeeds gives a tenth back. So a
    server that fails for everybody gets a tenth more calls, and not four times as many.
    """

    attempts: int = 4
    """Calls in all; 1 repeats nothing."""
    budget: float = 10.0
    """Repetitions that the client may be ahead of its successes."""
    longest_wait: float = 30.0
    """Seconds. An error that asks for more is raised."""
    backoff: Backoff = field(default_factory=lambda: Backoff(first=0.2, longest=5.0))

    def __post_init__(self) -> None:
        self._left = self.budget

    def succeeded(self) -> None:
        self._left = min(self.budget, self._left + 0.1)

    def wait_before(self, attempt: int, retry_after: float | None) -> float | None:
        """Seconds to wait before repetition number `attempt`, which is paid for; None: raise the error."""
        if attempt >= self.attempts or self._left < 1:
            return None
        wait = self.backoff.before(attempt, retry_after)
        if wait > self.longest_wait * 1.25 or (retry_after or 0) > self.longest_wait:
            return None
        self._left -= 1
        return wait
