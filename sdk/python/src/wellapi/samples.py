"""Samples as people write them, and back. Decimals stay exact: no value is ever a float."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import count, pairwise
from typing import Literal

from protobuf import Oneof
from protobuf.wkt import Timestamp

from .errors import ClientError
from .ingestion.v1.ingestion_pb import SeriesBatch
from .records.v1.records_pb import SourcedSeries
from .type.v1.series_pb import CodedValues, ComponentValues, Decimals, Gaps, SampleTimes, Series
from .type.v1.vocabulary_pb import CaptureMethod, Coding, Device, Granularity

_LONGEST_SPAN = timedelta(days=30)
_LARGEST_MANTISSA = 2**53 - 1
_FINEST_SCALE = 9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Sample:
    """One sample of a series."""

    time: datetime
    """With the offset at capture."""
    value: Decimal | str
    """A decimal with its digits as they were sent: 98.60 stays 98.60. Of coded values the code."""
    unit: str
    """UCUM; empty for codes."""
    component: str = ""
    """The component's code, where a sample has several numbers: 8480-6 of a blood pressure."""
    duration: timedelta = timedelta()
    """Zero for an instant; else the sample is about the half-open interval of this length from `time` on."""


def samples_of(run: SourcedSeries | Series) -> list[Sample]:
    """
    The samples of a run, by time. A sample of components gives one row a component. Raises ClientError `input` for values of a
    kind that a later version has: left out they would look like a gap in the data.
    """
    series = run.series if isinstance(run, SourcedSeries) else run
    if series is None or series.times is None:
        return []
    columns: list[tuple[str, str, Sequence[Decimal | str]]]
    values = None if series.values is None else series.values.value
    if isinstance(values, Decimals):
        columns = [("", series.unit, _decimals(values))]
    elif isinstance(values, CodedValues):
        codes = [one.code for one in values.dictionary]
        columns = [("", "", [codes[at] for at in values.indexes])]
    elif isinstance(values, ComponentValues):
        columns = [
            (one.code.code if one.code else "", one.unit, _decimals(one.decimals) if one.decimals else [])
            for one in values.components
        ]
    else:
        raise ClientError("input", "this version does not know this kind of values: install a newer one")
    times = _times(series.times, max((len(values) for _, _, values in columns), default=0))
    return [
        Sample(time, column[at], unit, component, duration)
        for at, (time, duration) in enumerate(times)
        for component, unit, column in columns
        if at < len(column)
    ]


def _decimals(column: Decimals) -> list[Decimal]:
    if column.values:
        return [Decimal(text) for text in column.values]
    return [_decimal(mantissa, column.scale) for mantissa in column.mantissas or column.wide_mantissas]


def _decimal(mantissa: int, scale: int) -> Decimal:
    # Not by a division, which rounds to the digits of the thread's context.
    return Decimal((mantissa < 0, tuple(map(int, str(abs(mantissa)))), -scale))


def _times(times: SampleTimes, samples: int) -> Iterator[tuple[datetime, timedelta]]:
    if times.start is None or times.start.field != "start_time":
        raise ClientError("input", "these times are not those of an answer")
    zone = timezone(timedelta(minutes=times.utc_offset_minutes or 0))
    start: Timestamp = times.start.value
    at = _EPOCH + timedelta(seconds=start.seconds, microseconds=start.nanos // 1000)
    spacing = times.spacing
    gaps: Iterator[int] = iter(())
    if spacing is not None and spacing.field == "period_ms":
        gaps = (spacing.value for _ in count())
    elif spacing is not None and spacing.field == "gaps":
        gaps = iter(spacing.value.gaps_ms)
    for index in range(samples):
        if index > 0:
            gap = next(gaps, None)
            if gap is None:
                raise ClientError("input", "there are fewer times than values")
            at += gap * _MS
        length = times.durations_ms[index] if times.durations_ms else times.duration_ms
        yield at.astimezone(zone), length * _MS


@dataclass(frozen=True)
class BatchOptions:
    """What all batches of a source have in common."""

    patient: str
    """By the sender's own id: `ListConsents` tells it."""
    code: str
    """LOINC: `8867-4` is heart rate."""
    unit: str
    """UCUM: `/min`."""
    device: str = ""
    method: CaptureMethod = CaptureMethod.UNSPECIFIED
    duration: timedelta = timedelta()
    """What each sample is about; zero for an instant."""
    granularity: Granularity = Granularity.UNSPECIFIED
    """Required with a duration."""
    samples_per_batch: int = 1000


Row = tuple[datetime, Decimal | int | str]
"""A time with its offset, and a value. A float is refused: 98.6 is not a float."""


def batches_of(rows: Iterable[Row], options: BatchOptions) -> Generator[SeriesBatch]:
    """
    Rows in ascending order of time, in batches of one series each. The request id of a batch is a digest of what it holds,
    so that sending it again is safe. Raises ClientError `input` where a row cannot be sent exactly.
    """
    chunk = _Chunk(options)
    for row in rows:
        yield from chunk.add(row)
    yield from chunk.rest()


async def abatches_of(rows: AsyncIterable[Row], options: BatchOptions) -> AsyncGenerator[SeriesBatch]:
    """As `batches_of`, for rows that come in their own time."""
    chunk = _Chunk(options)
    async for row in rows:
        for batch in chunk.add(row):
            yield batch
    for batch in chunk.rest():
        yield batch


class _Chunk:
    """The rows of the batch that is being filled."""

    def __init__(self, options: BatchOptions) -> None:
        self._options = options
        self._rows: list[Row] = []

    def add(self, row: Row) -> list[SeriesBatch]:
        """The batch that the row has no place in, if there is one."""
        full = self.rest() if self._rows and self._is_full_for(row) else []
        self._rows.append(row)
        return full

    def rest(self) -> list[SeriesBatch]:
        rows, self._rows = self._rows, []
        return [_batch_of(rows, self._options)] if rows else []

    def _is_full_for(self, row: Row) -> bool:
        first = self._rows[0][0]
        return (
            len(self._rows) >= self._options.samples_per_batch
            or _offset(row[0]) != _offset(first)
            or row[0] - first > _LONGEST_SPAN
        )


def _batch_of(rows: list[Row], options: BatchOptions) -> SeriesBatch:
    batch = SeriesBatch(patient=options.patient, series=[_series_of(rows, options)])
    batch.request_id = f"py-{hashlib.sha256(batch.to_binary()).hexdigest()[:40]}"
    return batch


def _series_of(rows: list[Row], options: BatchOptions) -> Series:
    times = [_ms_of(time) for time, _ in rows]
    gaps = [after - before for before, after in pairwise(times)]
    if any(gap <= 0 for gap in gaps):
        raise ClientError("input", "times are ascending, a millisecond apart at least")
    spacing: Oneof[Literal["period_ms"], int] | Oneof[Literal["gaps"], Gaps] | None = None
    if gaps and all(gap == gaps[0] for gap in gaps):
        spacing = Oneof("period_ms", gaps[0])
    elif gaps:
        spacing = Oneof("gaps", Gaps(gaps_ms=gaps))
    return Series(
        code=Coding(code=options.code),
        unit=options.unit,
        device=Device(identifier=options.device) if options.device else None,
        method=options.method,
        granularity=options.granularity,
        times=SampleTimes(
            start=Oneof("start_time", Timestamp(seconds=times[0] // 1000, nanos=times[0] % 1000 * 1_000_000)),
            utc_offset_minutes=_offset(rows[0][0]),
            spacing=spacing,
            duration_ms=options.duration // _MS,
        ),
        values=Oneof("decimals", _column_of([_exact(value) for _, value in rows])),
    )


def _column_of(values: list[tuple[int, int]]) -> Decimals:
    # The column has the finest scale of its values: 52 beside 52.5 is sent as 52.0.
    scale = max(scale for _, scale in values)
    mantissas = [mantissa * 10 ** (scale - own) for mantissa, own in values]
    if any(abs(mantissa) > _LARGEST_MANTISSA for mantissa in mantissas):
        raise ClientError(
            "input", "a value has more digits than 2^53 holds, at the finest scale of its batch"
        )
    narrow = all(-(2**31) <= mantissa < 2**31 for mantissa in mantissas)
    return Decimals(scale=scale, **{"mantissas" if narrow else "wide_mantissas": mantissas})


def _exact(value: Decimal | int | str) -> tuple[int, int]:
    """Mantissa and scale."""
    if isinstance(value, (float, bool)) or not isinstance(value, (Decimal, int, str)):
        raise ClientError("input", "a value is a Decimal, an int or a text: a float is not exact")
    try:
        number = Decimal(value)
    except ArithmeticError:
        raise ClientError("input", "a value is no number") from None
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise ClientError("input", "a value is no finite number")
    if exponent < -_FINEST_SCALE or exponent > 16:
        raise ClientError("input", "a value has at most 9 digits after the point, and 16 in all")
    mantissa = int("".join(map(str, digits))) * 10 ** max(0, exponent)
    return (-mantissa if sign else mantissa), max(0, -exponent)


def _offset(time: datetime) -> int:
    offset = time.utcoffset()
    if offset is None:
        raise ClientError("input", "a time has its offset: datetime(..., tzinfo=...)")
    return offset // timedelta(minutes=1)


def _ms_of(time: datetime) -> int:
    """To the millisecond, as the contract has it; what is finer is cut."""
    _offset(time)
    return (time - _EPOCH) // _MS
