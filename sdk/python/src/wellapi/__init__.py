"""
WellAPI's client library. `Client` waits, `AsyncClient` is for asyncio; the contracts' messages are in `wellapi.<area>.v1`:
`from wellapi.records.v1.records_service_pb import ReadSeriesRequest`.
"""

from connectrpc.code import Code

from .blocking import Client
from .client import AsyncClient
from .connection import Certificate
from .deprecations import Deprecation
from .errors import ClientError, Violation, WellApiError
from .frames import to_arrow, to_pandas
from .oauth import OAuthClient
from .receipts import Receipt, verify_receipt
from .retries import Backoff, Retries
from .samples import BatchOptions, Row, Sample, abatches_of, batches_of, samples_of
from .upload import Answer, ProgressFile, UploadProgress

__all__ = [
    "Answer",
    "AsyncClient",
    "Backoff",
    "BatchOptions",
    "Certificate",
    "Client",
    "ClientError",
    "Code",
    "Deprecation",
    "OAuthClient",
    "ProgressFile",
    "Receipt",
    "Retries",
    "Row",
    "Sample",
    "UploadProgress",
    "Violation",
    "WellApiError",
    "abatches_of",
    "batches_of",
    "samples_of",
    "to_arrow",
    "to_pandas",
    "verify_receipt",
]
