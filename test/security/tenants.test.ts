/** Reads and changes across tenants, at the doors of a real server: nobody gets anything by another's ids. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Transport } from "@connectrpc/connect";
import { Code, WellApiError } from "@wellapi/client";
import { type Company, enrolCompany, enrolPerson, type Person } from "@wellapi/demo/people";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { DeletionObligationService } from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import { IngestionService, RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { beforeAll, describe, expect, test } from "vitest";
import { decided } from "../decided.ts";
import { sharedExchange } from "../shared-exchange.ts";

const T0 = Date.UTC(2026, 4, 1, 8);
const server = sharedExchange();
let maker: Company;
let clinic: Company;
let stranger: Company;
let person: Person;
let somebody: Person;
/** What the clinic and the maker know, and nobody else may use. */
const known = { atMaker: "", atClinic: "", batch: "", consent: "", access: "", observation: "" };

async function consent(grantee: string, direction: Direction): Promise<string> {
  const provision = {
    effect: Provision_Effect.PERMIT,
    directions: [direction],
    categories: [{ name: "heart" }, { name: "body" }],
    purposes: direction === Direction.READ ? [Purpose.TREATMENT] : [],
    resolution: Resolution.RAW,
  };
  const created = await createClient(ConsentService, person.transport).createConsent({
    requestId: `tenants-${direction}`,
    consent: { grantee, provisions: [provision] },
  });
  return created.consent!.id;
}

const patientOf = async (company: Company) =>
  (await createClient(ConsentService, company.transport).listConsents({})).consents[0]!.patient;

beforeAll(async () => {
  [maker, clinic, stranger] = [
    await enrolCompany(server, "Pulse"),
    await enrolCompany(server, "Hillside"),
    await enrolCompany(server, "Stranger"),
  ];
  [person, somebody] = [await enrolPerson(server, "Ada"), await enrolPerson(server, "Bob")];
  await consent(maker.organization, Direction.CONTRIBUTE);
  known.consent = await consent(clinic.organization, Direction.READ);
  known.atMaker = await patientOf(maker);
  known.atClinic = await patientOf(clinic);
  const ingestion = createClient(IngestionService, maker.transport);
  const start = { case: "startTime" as const, value: timestampFromMs(T0) };
  const { receipt } = await ingestion.createSeries({
    batch: {
      requestId: "series",
      patient: known.atMaker,
      series: [
        {
          code: { code: "8867-4" },
          unit: "/min",
          times: { start, utcOffsetMinutes: 0, spacing: { case: "periodMs", value: 60_000 } },
          values: { case: "decimals", value: { mantissas: [72, 75, 74] } },
        },
      ],
    },
  });
  known.batch = receipt!.batch;
  const stored = await ingestion.createObservations({
    batch: {
      requestId: "observations",
      patient: known.atMaker,
      observations: [
        {
          code: { code: "29463-7" },
          effective: { case: "effectiveTime", value: timestampFromMs(T0) },
          utcOffsetMinutes: 0,
          value: { case: "quantity", value: { value: "80.5", unit: "kg" } },
        },
      ],
    },
  });
  expect([known.batch, stored.receipt!.batch]).toEqual([
    expect.stringMatching(/^bat_/),
    expect.stringMatching(/^bat_/),
  ]);
  const listed = await createClient(RecordsService, clinic.transport).listObservations(
    weightsOf(known.atClinic),
  );
  known.observation = listed.observations[0]!.id;
  known.access = listed.access;
});

function queryOf(patient: string, purpose = Purpose.TREATMENT) {
  const interval = { startTime: timestampFromMs(T0), endTime: timestampFromMs(T0 + 3_600_000) };
  return { patient, purpose, interval, code: { code: "8867-4" } };
}

function weightsOf(patient: string, purpose?: Purpose) {
  return { ...queryOf(patient, purpose), code: { code: "29463-7" } };
}

/** Every read, as a caller makes it. */
const reads: readonly [
  string,
  (transport: Transport, patient: string, purpose?: Purpose) => Promise<unknown>,
][] = [
  [
    "ReadSeries",
    async (transport, patient, purpose) => {
      const stream = createClient(RecordsService, transport).readSeries(queryOf(patient, purpose));
      return Array.fromAsync(stream);
    },
  ],
  [
    "QuerySeries",
    (transport, patient, purpose) =>
      createClient(RecordsService, transport).querySeries(queryOf(patient, purpose)),
  ],
  [
    "ListSeries",
    (transport, patient, purpose) =>
      createClient(RecordsService, transport).listSeries({ patient, purpose: purpose ?? Purpose.TREATMENT }),
  ],
  [
    "AggregateSeries",
    (transport, patient, purpose) =>
      createClient(RecordsService, transport).aggregateSeries({
        ...queryOf(patient, purpose),
        bucketSize: 2,
      }),
  ],
  [
    "MergeSeries",
    (transport, patient, purpose) =>
      createClient(RecordsService, transport).mergeSeries({ ...queryOf(patient, purpose), rule: 1 }),
  ],
  [
    "ListObservations",
    (transport, patient, purpose) =>
      createClient(RecordsService, transport).listObservations(weightsOf(patient, purpose)),
  ],
  [
    "GetObservation",
    (transport, patient, purpose) =>
      createClient(RecordsService, transport).getObservation({
        patient,
        purpose: purpose ?? Purpose.TREATMENT,
        observation: known.observation,
      }),
  ],
];

/** The refusal, without what differs from call to call. */
const refusal = (call: () => Promise<unknown>) =>
  decided(
    () => refusalOnce(call),
    ({ reason }) => reason,
  );

async function refusalOnce(
  call: () => Promise<unknown>,
): Promise<{ code: Code; reason: string; message: string }> {
  const error = await call().then(
    () => undefined,
    (thrown: unknown) => WellApiError.from(thrown),
  );
  expect(error, "the call was answered").toBeInstanceOf(WellApiError);
  const { code, reason, rawMessage } = error!;
  return { code, reason, message: rawMessage };
}

describe.each(reads)("%s", (_name, read) => {
  test("answers whom the patient has permitted", async () => {
    await read(clinic.transport, known.atClinic);
  });

  test("tells a stranger the same of every id, real or not", async () => {
    const unknown = await refusal(() => read(stranger.transport, "pat_00000000000000000000000000"));
    for (const id of [known.atClinic, known.atMaker, person.id, somebody.id]) {
      expect(await refusal(() => read(stranger.transport, id)), id).toEqual(unknown);
    }
  });

  test("tells the clinic nothing by the id that the maker knows, nor by the patient's own", async () => {
    const unknown = await refusal(() => read(clinic.transport, "pat_00000000000000000000000000"));
    for (const id of [known.atMaker, person.id]) {
      expect(await refusal(() => read(clinic.transport, id)), id).toEqual(unknown);
    }
  });

  test("tells another patient nothing, also for their own request", async () => {
    const unknown = await refusal(() =>
      read(somebody.transport, "pat_00000000000000000000000000", Purpose.PATIENT_REQUEST),
    );
    for (const id of [person.id, known.atClinic, known.atMaker]) {
      expect(await refusal(() => read(somebody.transport, id, Purpose.PATIENT_REQUEST)), id).toEqual(unknown);
    }
  });
});

test("consents and accesses of others are not found, and lists hold one's own alone", async () => {
  for (const { transport } of [stranger, somebody]) {
    const consents = createClient(ConsentService, transport);
    const audit = createClient(AuditService, transport);
    expect((await refusal(() => consents.getConsent({ consent: known.consent }))).code).toBe(Code.NotFound);
    expect((await refusal(() => audit.getAccess({ access: known.access }))).code).toBe(Code.NotFound);
    expect((await consents.listConsents({})).consents).toEqual([]);
    expect((await audit.listAccesses({})).accesses.map(({ id }) => id)).not.toContain(known.access);
  }
});

test("nobody revokes another's consent, retracts another's batch or erases another", async () => {
  const asSomebody = createClient(ConsentService, somebody.transport);
  expect((await refusal(() => asSomebody.revokeConsent({ consent: known.consent }))).code).toBe(
    Code.NotFound,
  );
  for (const company of [clinic, stranger]) {
    const retraction = (patient: string) =>
      createClient(IngestionService, company.transport).retractBatch({
        patient,
        target: { case: "batch", value: known.batch },
        reason: RetractionReason.SUPERSEDED,
      });
    for (const id of [known.atMaker, known.atClinic])
      expect((await refusal(() => retraction(id))).code).toBe(Code.NotFound);
  }
  const erase = () => createClient(RecordsService, somebody.transport).erasePatient({ patient: person.id });
  expect([Code.NotFound, Code.PermissionDenied]).toContain((await refusal(erase)).code);
  const { series } = await createClient(RecordsService, clinic.transport).querySeries(
    queryOf(known.atClinic),
  );
  expect(series).toHaveLength(1);
});

test("what the clinic received under a consent that ends is named to it and to the patient, by the log, and to nobody else", async () => {
  const audit = createClient(AuditService, person.transport);
  const { organization } = clinic;
  await createClient(ConsentService, person.transport).revokeConsent({ consent: known.consent });
  const listed = (transport: Transport) =>
    createClient(DeletionObligationService, transport)
      .listDeletionObligations({})
      .then((answer) => answer.deletionObligations);
  await expect.poll(() => listed(clinic.transport), { timeout: 15_000 }).toHaveLength(1);
  const [obligation] = await listed(clinic.transport);
  expect(obligation).toMatchObject({ consent: known.consent, organization, patient: known.atClinic });
  // The obligation is made once what was under way has left its entries.
  const { disclosures } = await audit.aggregateDisclosures({ organization });
  const [disclosure] = disclosures;
  const read = disclosure!.total!;
  expect(read).toMatchObject({ finestResolution: Resolution.RAW, purposes: [Purpose.TREATMENT] });
  expect(read.consents.map(({ consent }) => consent)).toEqual([known.consent]);
  expect(read.accesses).toContain(known.access);
  const amounts = (categories: readonly { category: string; values: bigint }[]) =>
    categories.map(({ category, values }) => [category, values]).filter(([, values]) => values !== 0n);
  const disclosed = disclosure!.categories.map(({ category, figures }) => ({
    category,
    values: figures!.values,
  }));
  expect(amounts(obligation!.received)).toEqual(amounts(disclosed));
  expect(obligation!.received.map(({ category }) => category)).toEqual(["body", "heart"]);
  expect((await listed(person.transport)).map(({ id }) => id)).toEqual([obligation!.id]);
  for (const { transport } of [stranger, somebody, maker]) {
    expect(await listed(transport)).toEqual([]);
    const get = () =>
      createClient(DeletionObligationService, transport).getDeletionObligation({
        deletionObligation: obligation!.id,
      });
    expect((await refusal(get)).code).toBe(Code.NotFound);
  }
});
