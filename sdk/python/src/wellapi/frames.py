"""Samples as columns: Arrow tables and pandas frames. Needs the extra `wellapi[arrow]` or `wellapi[pandas]`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from protobuf.wkt import Timestamp

from .errors import ClientError
from .records.v1.records_pb import SourcedSeries
from .samples import samples_of
from .type.v1.vocabulary_pb import TimeInterval

if TYPE_CHECKING:
    import pandas
    import pyarrow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_arrow(runs: Iterable[SourcedSeries]) -> pyarrow.Table:
    """
    The samples of runs, a row each, in their order:

    - `time`: timestamp[ms, UTC]; `utc_offset_minutes`: of the capture
    - `duration_ms`: 0 for an instant
    - `value`: decimal128, never a float, with the digits of the finest value; null for codes
    - `coded`: the code of a coded value, else null
    - `unit`, `code`, `component`, `organization`, `device`: text
    - `disputed`: whether the patient disputes it, and its contributor has not answered yet
    - `consents`: a list of the ids of your consents that let it through

    Reads all runs into memory. Raises ClientError `input` without pyarrow.
    """
    pa = _import("pyarrow", "arrow")
    columns: dict[str, list[Any]] = {name: [] for name, _ in _columns(pa, 0)}
    finest = 0
    for run in runs:
        source, code = run.source, run.series.code if run.series else None
        for sample in samples_of(run):
            number = sample.value if isinstance(sample.value, Decimal) else None
            if number is not None:
                finest = max(finest, -int(number.as_tuple().exponent))
            row = (
                sample.time,
                (sample.time.utcoffset() or timedelta()) // timedelta(minutes=1),
                sample.duration // timedelta(milliseconds=1),
                number,
                None if number is not None else sample.value,
                sample.unit,
                code.code if code else "",
                sample.component,
                source.organization if source else "",
                source.device_id if source else "",
                source is not None and _holds(source.disputed, sample.time),
                [
                    one.consent
                    for one in (source.consents if source else ())
                    if not one.intervals or _holds(one.intervals, sample.time)
                ],
            )
            for column, value in zip(columns.values(), row, strict=True):
                column.append(value)
    schema = pa.schema(_columns(pa, finest))
    return pa.table(
        [pa.array(columns[field.name], type=field.type) for field in schema],
        schema=schema,
    )


def to_pandas(runs: Iterable[SourcedSeries]) -> pandas.DataFrame:
    """As `to_arrow`, as a frame whose columns stay Arrow's: values are `decimal128[pyarrow]`, never a float."""
    pd = _import("pandas", "pandas")
    return to_arrow(runs).to_pandas(types_mapper=pd.ArrowDtype)


def _columns(pa: Any, scale: int) -> list[tuple[str, Any]]:
    return [
        ("time", pa.timestamp("ms", tz="UTC")),
        ("utc_offset_minutes", pa.int16()),
        ("duration_ms", pa.int64()),
        # 16 digits before the point, for each value with nine after it beside one without.
        ("value", pa.decimal128(16 + scale, scale)),
        *((name, pa.string()) for name in ("coded", "unit", "code", "component", "organization", "device")),
        ("disputed", pa.bool_()),
        ("consents", pa.list_(pa.string())),
    ]


def _holds(intervals: Iterable[TimeInterval], time: datetime) -> bool:
    return any(
        (one.start_time is None or _instant(one.start_time) <= time)
        and (one.end_time is None or time < _instant(one.end_time))
        for one in intervals
    )


def _instant(time: Timestamp) -> datetime:
    return _EPOCH + timedelta(seconds=time.seconds, microseconds=time.nanos // 1000)


def _import(module: str, extra: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as missing:
        raise ClientError("input", f"{module} is needed: pip install 'wellapi[{extra}]'") from missing
