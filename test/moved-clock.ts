/** An organization of a sandbox moves its clock forward: for one process and for a mesh of processes. */
import { randomUUID } from "node:crypto";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Transport } from "@connectrpc/connect";
import { consentFor } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson, type Person } from "@wellapi/demo/people";
import { heartRate } from "@wellapi/demo/reading";
import type { Announcement } from "@wellapi/demo/server";
import { Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  ConsentRequest_State,
  ConsentRequestService,
} from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import {
  DeletionObligation_State,
  DeletionObligationService,
} from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Event_Kind, EventService } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { Notice_Kind } from "@wellapi/gen/wellapi/notices/v1/notices_pb";
import { NoticesService } from "@wellapi/gen/wellapi/notices/v1/notices_service_pb";
import { PreviewedKind_Withheld, PreviewService } from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { beforeAll, describe, expect, test } from "vitest";

const day = 86_400_000;
const seconds = (days: number) => ({ seconds: BigInt(Math.round(days * 86_400)) });

/** What is refused because something cannot be decided for a moment is asked again, as users do. */
async function again<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if ((error as { reason?: string }).reason !== "UNAVAILABLE" || tries === 20) throw error;
      await new Promise((done) => setTimeout(done, 250));
    }
  }
}

interface Scene {
  /** Moves its clock. */
  readonly mover: Company;
  /** Does not. */
  readonly other: Company;
  readonly person: Person;
  /** UTC milliseconds: ten days after the consents were granted. */
  readonly end: number;
  /** Consents to read of each, by organization. */
  readonly reading: ReadonlyMap<string, string>;
  /** The ids of the patient, by organization. */
  readonly known: ReadonlyMap<string, string>;
}

/** Both organizations may contribute without an end, and read until in ten days. */
async function openScene(server: Announcement): Promise<Scene> {
  const [mover, other] = [await enrolCompany(server, "Mover"), await enrolCompany(server, "Stays")];
  const person = await enrolPerson(server, "Ida");
  const end = Date.now() + 10 * day;
  const consents = createClient(ConsentService, person.transport);
  const [reading, known] = [new Map<string, string>(), new Map<string, string>()];
  for (const company of [mover, other]) {
    const grant = (direction: Direction, validity?: { endTime: ReturnType<typeof timestampFromMs> }) =>
      consents.createConsent({
        requestId: randomUUID(),
        consent: { ...consentFor(company, direction), ...(validity && { validity }) },
      });
    await grant(Direction.CONTRIBUTE);
    const { consent } = await grant(Direction.READ, { endTime: timestampFromMs(end) });
    reading.set(company.organization, consent!.id);
    const own = await createClient(ConsentService, company.transport).listConsents({});
    known.set(company.organization, own.consents[0]!.patient);
  }
  return { mover, other, person, end, reading, known };
}

function sceneActs({ person, reading, known }: Scene) {
  const stateOf = async (transport: Transport, { organization }: Company) => {
    const consents = createClient(ConsentService, transport);
    const asked = { consent: reading.get(organization)! };
    return Consent_State[(await again(() => consents.getConsent(asked))).consent!.state];
  };
  return {
    /** As its patient and as its organization see the consent to read. */
    states: async (company: Company) => [
      await stateOf(person.transport, company),
      await stateOf(company.transport, company),
    ],
    /** How many samples it reads, or why it does not. */
    read: (company: Company) =>
      again(() =>
        createClient(RecordsService, company.transport).querySeries({
          patient: known.get(company.organization)!,
          code: { code: heartRate },
          purpose: Purpose.TREATMENT,
        }),
      ).then(
        ({ series }) => series.length,
        (error: { reason: string }) => error.reason,
      ),
    /** What is said of one sample of that time. */
    async send(company: Company, timeMs: number) {
      const batch = {
        requestId: randomUUID(),
        patient: known.get(company.organization)!,
        series: [
          {
            code: { code: heartRate },
            unit: "/min",
            times: {
              start: { case: "startTime" as const, value: timestampFromMs(timeMs) },
              utcOffsetMinutes: 0,
            },
            values: { case: "decimals" as const, value: { mantissas: [70] } },
          },
        ],
      };
      const ingestion = createClient(IngestionService, company.transport);
      const { receipt } = await again(() => ingestion.createSeries({ batch }));
      return receipt!.items[0]!.violations.map(({ reason }) => reason);
    },
    async move(company: Company, days: number) {
      const sandbox = createClient(SandboxService, company.transport);
      const { clockAhead } = await again(() => sandbox.moveClock({ clockAhead: seconds(days) }));
      return clockAhead!.seconds;
    },
    async ahead(company: Company) {
      const { currentTime, clockAhead } = await createClient(SandboxService, company.transport).getSandbox(
        {},
      );
      return { seconds: clockAhead!.seconds, aheadMs: timestampMs(currentTime!) - Date.now() };
    },
  };
}

/** `told`: whether what is told later is waited for, too. */
export function describeMovedClock(server: () => Announcement, { told = false } = {}): void {
  describe("an organization whose clock is moved forward", () => {
    let scene: Scene;
    let acts: ReturnType<typeof sceneActs>;
    beforeAll(async () => {
      scene = await openScene(server());
      acts = sceneActs(scene);
    });

    test("sends what is measured at its own time, and not beyond; nobody else does", async () => {
      const { mover, other } = scene;
      const inFiveDays = Date.now() + 5 * day;
      expect(await acts.ahead(mover)).toMatchObject({ seconds: 0n });
      expect(await acts.send(mover, inFiveDays)).toEqual(["TIME_IN_FUTURE"]);
      expect(await acts.move(mover, 5)).toBe(5n * 86_400n);
      expect(await acts.send(mover, inFiveDays)).toEqual([]);
      expect(await acts.send(mover, inFiveDays + day)).toEqual(["TIME_IN_FUTURE"]);
      expect(await acts.send(other, inFiveDays)).toEqual(["TIME_IN_FUTURE"]);
      const { seconds: ahead, aheadMs } = await acts.ahead(mover);
      expect([ahead, Math.round(aheadMs / day)]).toEqual([5n * 86_400n, 5]);
      expect(await acts.read(mover)).toBe(1);
    });

    test("is never moved back, and the same again changes nothing", async () => {
      const { mover } = scene;
      const back = createClient(SandboxService, mover.transport).moveClock({ clockAhead: seconds(4) });
      await expect(back).rejects.toMatchObject({ reason: "CLOCK_AHEAD" });
      expect(await acts.move(mover, 5)).toBe(5n * 86_400n);
    });

    test("has no consent any more that ends before its time, as itself and as its patient see it; others have", async () => {
      const { mover, other, person, reading } = scene;
      const soon = await overSoon();
      expect(await acts.states(mover)).toEqual(["ACTIVE", "ACTIVE"]);
      await acts.move(mover, 11);
      expect(await acts.read(mover)).toBe("CONSENT_REQUIRED");
      expect(await acts.states(mover)).toEqual(["EXPIRED", "EXPIRED"]);
      const consents = createClient(ConsentService, person.transport);
      const { consents: active } = await consents.listConsents({ states: [Consent_State.ACTIVE] });
      expect(active.map(({ id }) => id)).not.toContain(reading.get(mover.organization));
      const preview = createClient(PreviewService, person.transport);
      const viewed = async ({ organization }: Company) => {
        const view = { case: "organization" as const, value: organization };
        const asked = { patient: person.id, purpose: Purpose.TREATMENT, view };
        return (await preview.previewReads(asked)).kinds.map(({ withheld }) => withheld);
      };
      expect(await viewed(mover)).toEqual([PreviewedKind_Withheld.NOT_PERMITTED]);
      expect(await viewed(other)).toEqual([PreviewedKind_Withheld.UNSPECIFIED]);
      expect(await acts.states(other)).toEqual(["ACTIVE", "ACTIVE"]);
      expect(await acts.read(other)).toBe(1);
      await soon.told();
    });

    /** A request that lapses, and what is told of the consent's end, where that is waited for. */
    async function overSoon() {
      const { mover, person, known, reading } = scene;
      const requests = createClient(ConsentRequestService, mover.transport);
      const { consentRequest } = await requests.createConsentRequest({
        requestId: randomUUID(),
        consentRequest: {
          patient: known.get(mover.organization)!,
          provisions: consentFor(mover, Direction.READ, ["activity"]).provisions,
          validity: { endTime: timestampFromMs(Date.now() + 100 * day) },
          expireTime: timestampFromMs(Date.now() + 10 * day),
          why: "to see how it goes",
        },
      });
      const notices = createClient(NoticesService, person.transport);
      const kinds = async () =>
        (await notices.listNotices({})).notices
          .filter(({ consent }) => consent === reading.get(mover.organization))
          .map(({ kind }) => Notice_Kind[kind]);
      if (told) {
        // Of a consent of less than two weeks its patient is told a day before it ends.
        await acts.move(mover, 9.5);
        await expect.poll(kinds).toContain("CONSENT_ENDING");
      }
      return {
        async told() {
          const { id } = consentRequest!;
          const found = await requests.getConsentRequest({ consentRequest: id });
          expect(ConsentRequest_State[found.consentRequest!.state]).toBe("LAPSED");
          if (!told) return;
          const events = createClient(EventService, mover.transport);
          const happened = async () =>
            (await events.listEvents({ pageSize: 100 })).events.map(({ kind }) => Event_Kind[kind]);
          await expect
            .poll(happened)
            .toEqual(
              expect.arrayContaining([
                "CONSENT_ENDED",
                "CONSENT_REQUEST_LAPSED",
                "DELETION_OBLIGATION_CREATED",
              ]),
            );
          const obligations = createClient(DeletionObligationService, person.transport);
          const owed = async () =>
            (
              await obligations.listDeletionObligations({ organization: mover.organization })
            ).deletionObligations.map(({ state }) => DeletionObligation_State[state]);
          expect(await owed()).toEqual(["OPEN"]);
          await acts.move(mover, 50);
          expect(await owed()).toEqual(["OVERDUE"]);
        },
      };
    }
  });
}
