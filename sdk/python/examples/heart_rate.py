import os
import sys
from datetime import datetime, timedelta

from wellapi import BatchOptions, Certificate, Client, batches_of, samples_of
from wellapi.consent.v1.consent_pb import Consent
from wellapi.consent.v1.consent_service_connect import ConsentServiceClientSync
from wellapi.consent.v1.consent_service_pb import ListConsentsRequest
from wellapi.records.v1.records_service_pb import ReadSeriesRequest
from wellapi.type.v1.vocabulary_pb import Coding, Purpose

folder, url = sys.argv[1], os.environ.get("WELLAPI_URL", "https://localhost:7443")

with Client(url, certificate=Certificate.from_folder(folder)) as client:
    # The patient has an id of your own organization: consents name it.
    in_force = ListConsentsRequest(states=[Consent.State.ACTIVE])
    consents = client.service(ConsentServiceClientSync).list_consents(in_force).consents
    patient = consents[0].patient

    start = datetime.fromisoformat("2026-04-12T08:00:00+02:00")
    rows = [(start + timedelta(minutes=minute), value) for minute, value in enumerate(["72", "75", "74.5"])]
    for answer in client.upload_series(batches_of(rows, BatchOptions(patient, "8867-4", "/min"))):
        if answer.error:
            sys.exit(f"{answer.error.reason}: {answer.error.remedy}")
        print([item.status.name for item in answer.receipt.items])

    request = ReadSeriesRequest(patient=patient, code=Coding(code="8867-4"), purpose=Purpose.TREATMENT)
    for run in client.read_series(request):
        for sample in samples_of(run):
            print(sample.time.isoformat(), sample.value, sample.unit)
