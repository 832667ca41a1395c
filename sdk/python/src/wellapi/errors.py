"""What fails, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from protobuf import Message

from ._details.google.rpc.error_details_pb import BadRequest, ErrorInfo, RetryInfo

if TYPE_CHECKING:
    from .type.v1.vocabulary_pb import Failure, FieldViolation

M = TypeVar("M", bound=Message)

ERROR_DOMAIN = "wellapi.dev"
"""The domain of every google.rpc.ErrorInfo of the exchange."""

# google.rpc.Code, by number.
_CODES = (
    None,
    Code.CANCELED,
    Code.UNKNOWN,
    Code.INVALID_ARGUMENT,
    Code.DEADLINE_EXCEEDED,
    Code.NOT_FOUND,
    Code.ALREADY_EXISTS,
    Code.PERMISSION_DENIED,
    Code.RESOURCE_EXHAUSTED,
    Code.FAILED_PRECONDITION,
    Code.ABORTED,
    Code.OUT_OF_RANGE,
    Code.UNIMPLEMENTED,
    Code.INTERNAL,
    Code.UNAVAILABLE,
    Code.DATA_LOSS,
    Code.UNAUTHENTICATED,
)

_TRANSIENT = frozenset(
    {
        Code.UNAVAILABLE,
        # A stream that the server resets; a call that is cancelled here raises asyncio.CancelledError.
        Code.CANCELED,
        Code.ABORTED,
        Code.DEADLINE_EXCEEDED,
        Code.INTERNAL,
        Code.UNKNOWN,
    }
)


@dataclass(frozen=True)
class Violation:
    """One field that is wrong."""

    field: str
    """A path from the request's root: `series[2].times`."""
    description: str
    """What is wrong and how to mend it."""
    reason: str
    """UPPER_SNAKE_CASE: `TIME_IN_FUTURE`."""


class WellApiError(Exception):
    """A call that failed, with the exchange's reason."""

    def __init__(
        self,
        code: Code,
        reason: str,
        message: str,
        *,
        violations: tuple[Violation, ...] = (),
        retry_after: float | None = None,
        request_id: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{reason}: {message}")
        self.code = code
        self.reason = reason
        """UPPER_SNAKE_CASE, of google.rpc.ErrorInfo: `CONSENT_REQUIRED`. The code's name if another server answered."""
        self.message = message
        """What is wrong and how to mend it. Carries no health data."""
        self.violations = violations
        self.retry_after = retry_after
        """Seconds that the server asks to wait for (google.rpc.RetryInfo)."""
        self.request_id = request_id
        """The call's id in the server's logs. None if no server answered."""
        self.metadata = metadata or {}
        """Further facts of google.rpc.ErrorInfo."""

    @property
    def transient(self) -> bool:
        """
        Whether the same call may succeed later: its connection or server ended, or the server names a delay. Its effect is
        then unknown, so repeat only what is safe to repeat.
        """
        return self.code in _TRANSIENT or self.retry_after is not None

    @property
    def remedy(self) -> str:
        """What to do, in a sentence: mend the named fields, send it again, or what the message says."""
        if self.violations:
            return "; ".join(f"{one.field}: {one.description}" for one in self.violations)
        if self.transient:
            after = "" if self.retry_after is None else f" after {self.retry_after:g} s"
            return f"send it again{after}, under the same request_id"
        return self.message


class ClientError(Exception):
    """
    A failure that this library detects. Its `code`:

    - `cut`: an answer ended before it was complete. Data is missing: ask again.
    - `verification`: a proof of the log, or a receipt, does not hold.
    - `break`: the log declares the loss of entries that the checkpoint covers, so they cannot be proven.
    - `input`: an argument is malformed.
    """

    def __init__(self, code: Literal["cut", "verification", "break", "input"], message: str) -> None:
        super().__init__(message)
        self.code = code


def error_of_call(error: ConnectError, request_id: str | None = None) -> WellApiError:
    """The typed error in what a call has raised."""
    info = next((one for one in _details(error, ErrorInfo) if one.domain == ERROR_DOMAIN), None)
    bad = next(_details(error, BadRequest), None)
    delay = next((one.retry_delay for one in _details(error, RetryInfo) if one.retry_delay is not None), None)
    return WellApiError(
        error.code,
        error.code.name if info is None else info.reason,
        error.message,
        violations=() if bad is None else _violations(bad.field_violations),
        retry_after=None if delay is None else delay.seconds + delay.nanos / 1e9,
        request_id=request_id,
        metadata={} if info is None else dict(info.metadata),
    )


def _details(error: ConnectError, kind: type[M]) -> Iterator[M]:
    name = f"google.rpc.{kind.__name__}"
    for detail in error.details:
        if detail.type_name == name and (read := detail.value(kind)) is not None:
            yield read


def _violations(fields: Iterable[FieldViolation | BadRequest.FieldViolation]) -> tuple[Violation, ...]:
    return tuple(Violation(one.field, one.description, one.reason) for one in fields)


def error_of_failure(failure: Failure) -> WellApiError:
    """The typed error in a failure inside an answer: of one batch, while the stream goes on."""
    code = _CODES[failure.code] if 0 < failure.code < len(_CODES) else None
    return WellApiError(
        code or Code.UNKNOWN,
        failure.reason,
        failure.message,
        violations=_violations(failure.violations),
        retry_after=failure.retry_after_ms / 1000 if failure.retry_after_ms > 0 else None,
    )


def failure_of_error(error: WellApiError) -> Failure:
    """The inverse of `error_of_failure`, for a batch that was sent by a call of its own."""
    from .type.v1.vocabulary_pb import Failure, FieldViolation

    return Failure(
        code=_CODES.index(error.code),
        reason=error.reason,
        message=error.message,
        violations=[
            FieldViolation(field=one.field, description=one.description, reason=one.reason)
            for one in error.violations
        ],
        retry_after_ms=round((error.retry_after or 0) * 1000),
    )
