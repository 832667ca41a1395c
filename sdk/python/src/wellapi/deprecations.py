"""What the exchange tells of what a call has used and that will go."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

_LOG = logging.getLogger("wellapi")


@dataclass(frozen=True)
class Deprecation:
    """Something that a call has used and that will go."""

    name: str
    """The full name of the RPC (`wellapi.x.v1.XService.GetX`), or of the field of a request."""
    instead: str | None
    """The full name of what to use in its place; None: nothing takes it."""
    sunset: datetime | None
    """The earliest of the days from which it may no longer work, of all that the call has used."""


class Deprecations:
    """Tells each name once: to `tell`, or as a warning to the logger `wellapi`."""

    def __init__(self, tell: Callable[[Deprecation], None] | None) -> None:
        self._tell = tell or _warn
        self._told: set[str] = set()

    def look(self, headers: Mapping[str, str]) -> None:
        """At the headers of an answer, also of one that failed."""
        names = headers.get("wellapi-deprecated")
        if not names:
            return
        sunset = headers.get("sunset")
        # A list of tokens with a parameter (RFC 9651).
        for item in names.split(","):
            name, *parameters = (part.strip() for part in item.split(";"))
            if name in self._told:
                continue
            self._told.add(name)
            given = (one.removeprefix("instead=") for one in parameters if one.startswith("instead="))
            self._tell(Deprecation(name, next(given, None), _day(sunset)))


def _day(sunset: str | None) -> datetime | None:
    try:
        return None if sunset is None else parsedate_to_datetime(sunset)
    except ValueError:
        return None


def _warn(deprecation: Deprecation) -> None:
    until = "" if deprecation.sunset is None else f" and may not work from {deprecation.sunset.date()} on"
    use = "" if deprecation.instead is None else f": use {deprecation.instead}"
    _LOG.warning("%s of WellAPI is deprecated%s%s", deprecation.name, until, use)
