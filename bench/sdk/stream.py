"""sdk-streams.ts's program of the library for Python: `python stream.py FOLDER URL`; a line `PATIENT SAMPLES` on its input is an upload."""

import json
import sys
import time
from datetime import datetime, timedelta
from decimal import Decimal

from wellapi import BatchOptions, Certificate, Client, batches_of

folder, url = sys.argv[1:]
start = datetime.fromisoformat("2026-01-01T01:00:00+01:00")

with Client(url, certificate=Certificate.from_folder(folder)) as client:
    for line in sys.stdin:
        patient, samples = line.split()
        rows = (
            (start + timedelta(seconds=at), Decimal(600 + at % 50).scaleb(-1)) for at in range(int(samples))
        )
        prepared = list(batches_of(rows, BatchOptions(patient, "8867-4", "/min")))
        began = time.perf_counter()
        stored = sum(answer.receipt is not None for answer in client.upload_series(iter(prepared)))
        print(json.dumps({"seconds": time.perf_counter() - began, "stored": stored}), flush=True)
