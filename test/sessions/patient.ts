import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { samplesOf } from "@wellapi/client";
import { type Company, enrolPerson } from "@wellapi/demo/people";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { ItemOutcome_Status, SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { RecordsWriteService } from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import {
  Direction as DirectionMessage,
  Purpose,
  Resolution,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Callers } from "./callers.ts";
import type { Answer, Direction, Grant, Operation, Read, Revoke, Watch, Write } from "./history.ts";
import { answerOf, type Recorder, type Writable } from "./recorder.ts";
import type { Replica, World } from "./world.ts";

const code = "8867-4";
const beginning = Date.parse("2026-05-01T00:00:00Z");
const markMs = 1_000;
const purpose = Purpose.TREATMENT;
/** What ingestion was called with. */
const createSeries = "wellapi.ingestion.v1.IngestionService/CreateSeries";

/** Longer than a process is paused here, so that what waits in its socket is still wanted. */
const moveWithinMs = 10_000;
const consentWithinMs = 15_000;

/** A patient, and what a maker and a clinic do with their data. Every step is recorded; none throws. */
export interface Patient {
  grant(direction: Direction, consent: Replica): Promise<Answer>;
  /** Takes back every consent of the direction that is left. */
  revoke(direction: Direction, consent: Replica): Promise<Answer>;
  write(records: Replica): Promise<Answer>;
  /** `any`: through the gateway, which chooses. */
  read(records: Replica | "any"): Promise<Answer>;
  /** Resolves with its first answer: `ok` where it is open. It goes on until the server or the signal ends it. */
  watch(records: Replica, signal: AbortSignal): Promise<{ answer: Answer; ended: Promise<void> }>;
}

export interface Stage {
  readonly world: World;
  readonly callers: Callers;
  readonly maker: Company;
  readonly clinic: Company;
  readonly recorder: Recorder;
}

const memberOf = (service: "records" | "consent", replica: Replica): string =>
  replica === 1 ? service : `${service}-${replica}`;

/** With a consent of each direction, given at the first replica. */
export async function enrolPatient(stage: Stage, name: string): Promise<Patient> {
  const { world, callers, maker, clinic, recorder } = stage;
  const person = await enrolPerson(world.server, `${name} ${randomUUID()}`);
  const asPerson = await callers.forPerson(person);
  const asMaker = await callers.forCompany(maker, "ingestion");
  const asClinic = await callers.forCompany(clinic, "gateway");
  const inForce: Record<Direction, Set<string>> = { contribute: new Set(), read: new Set() };
  const atCompany: Record<Direction, string> = { contribute: "", read: "" };
  let marks = 0;

  const consentsAt = (replica: Replica) =>
    createClient(ConsentService, callers.to("gateway", "consent", replica));

  /** Runs a call as an operation: `fill` completes it with what came back. */
  async function record<T>(
    operation: Writable<Operation>,
    call: () => Promise<T>,
    fill: (result: T) => Answer = () => ({ kind: "ok" }),
  ): Promise<Answer> {
    try {
      operation.answer = fill(await call());
    } catch (error) {
      operation.answer = answerOf(error);
    }
    operation.completed = recorder.now();
    return operation.answer;
  }

  const patient: Patient = {
    async grant(direction, consent) {
      const reading = direction === "read";
      const request = randomUUID();
      const message = {
        grantee: (reading ? clinic : maker).organization,
        provisions: [
          {
            effect: Provision_Effect.PERMIT,
            directions: [reading ? DirectionMessage.READ : DirectionMessage.CONTRIBUTE],
            categories: [{ name: "heart" }],
            purposes: reading ? [purpose] : [],
            resolution: Resolution.RAW,
          },
        ],
      };
      for (;;) {
        const operation = recorder.add<Grant>({
          kind: "grant",
          ...{ patient: name, replica: memberOf("consent", consent), direction, request },
          invoked: recorder.now(),
        });
        const answer = await record(
          operation,
          () =>
            consentsAt(consent).createConsent(
              { requestId: request, consent: message },
              { headers: asPerson, timeoutMs: consentWithinMs },
            ),
          ({ consent: given }) => {
            operation.consent = given!.id;
            inForce[direction].add(given!.id);
            return { kind: "ok" };
          },
        );
        // Else nobody could ever revoke what may have been given.
        if (answer.kind !== "unsure") return answer;
        await pause(200);
      }
    },

    async revoke(direction, consent) {
      let last: Answer = { kind: "ok" };
      for (const id of inForce[direction]) {
        const operation = recorder.add<Revoke>({
          kind: "revoke",
          ...{ patient: name, replica: memberOf("consent", consent), consent: id },
          invoked: recorder.now(),
        });
        last = await record(operation, () =>
          consentsAt(consent).revokeConsent(
            { consent: id },
            { headers: asPerson, timeoutMs: consentWithinMs },
          ),
        );
        if (last.kind !== "ok") return last;
        inForce[direction].delete(id);
      }
      return last;
    },

    write(records) {
      const mark = ++marks;
      const operation = recorder.add<Write>({
        kind: "write",
        ...{ patient: name, replica: memberOf("records", records), mark },
        invoked: recorder.now(),
      });
      const start = timestampFromMs(beginning + mark * markMs);
      const batch = create(SeriesBatchSchema, {
        requestId: randomUUID(),
        patient: atCompany.contribute,
        series: [
          {
            code: { code },
            unit: "/min",
            times: {
              start: { case: "startTime", value: start },
              utcOffsetMinutes: 0,
              spacing: { case: "periodMs", value: markMs },
            },
            values: { case: "decimals", value: { mantissas: [60 + (mark % 40)] } },
          },
        ],
      });
      const client = createClient(RecordsWriteService, callers.to("ingestion", "records", records));
      return record(
        operation,
        () =>
          client.appendSeries({ batch, method: createSeries }, { headers: asMaker, timeoutMs: moveWithinMs }),
        ({ receipt }) => {
          const status = receipt?.items[0]?.status;
          if (status === ItemOutcome_Status.ACCEPTED) return { kind: "ok" };
          return { kind: "wrong", reason: `the item is ${status}` };
        },
      );
    },

    read(records) {
      const any = records === "any";
      const operation = recorder.add<Read>({
        kind: "read",
        ...{ patient: name, replica: any ? "any" : memberOf("records", records) },
        invoked: recorder.now(),
      });
      const client = createClient(
        RecordsService,
        any ? clinic.transport : callers.to("gateway", "records", records),
      );
      const request = { patient: atCompany.read, code: { code }, purpose, pageSize: 10_000 };
      return record(
        operation,
        () => client.querySeries(request, { ...(!any && { headers: asClinic }), timeoutMs: moveWithinMs }),
        ({ series, nextPageToken }) => {
          operation.marks = series.flatMap(samplesOf).map(markOf);
          return nextPageToken === "" ? { kind: "ok" } : { kind: "wrong", reason: "more than a page" };
        },
      );
    },

    async watch(records, signal) {
      const deliveries: { mark: number; at: number }[] = [];
      const operation = recorder.add<Watch>({
        kind: "watch",
        ...{ patient: name, replica: memberOf("records", records) },
        deliveries,
        invoked: recorder.now(),
      });
      const client = createClient(RecordsService, callers.to("gateway", "records", records));
      const first = Promise.withResolvers<Answer>();
      const follow = async () => {
        const request = { patient: atCompany.read, codes: [{ code }], purpose };
        const stream = client.watchSeries(request, { headers: asClinic, signal });
        for await (const { payload } of stream) {
          if (payload.case === "start") {
            operation.started = recorder.now();
            first.resolve({ kind: "ok" });
          }
          if (payload.case !== "series") continue;
          for (const sample of samplesOf(payload.value)) {
            deliveries.push({ mark: markOf(sample), at: recorder.now() });
          }
        }
      };
      const ended = record(operation, async () => {
        try {
          await follow();
        } catch (error) {
          if (!signal.aborted) throw error;
        }
      }).then((answer) => first.resolve(answer));
      return { answer: await first.promise, ended };
    },
  };

  for (const direction of ["contribute", "read"] as const) {
    await patient.grant(direction, 1);
    const [consent] = inForce[direction];
    const { transport } = direction === "read" ? clinic : maker;
    const found = await createClient(ConsentService, transport).getConsent({ consent: consent! });
    atCompany[direction] = found.consent!.patient;
  }
  return patient;
}

function markOf({ timeMs }: { readonly timeMs: number }): number {
  return (timeMs - beginning) / markMs;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
