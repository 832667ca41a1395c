import { ConnectError } from "@connectrpc/connect";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { systemClock } from "@wellapi/runtime";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  append,
  HEART_RATE,
  heartRates,
  openScene,
  queryInit,
  reasonOf,
  type WorldOptions,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const hour = 3_600_000;

/** A clinic without a consent, one of whose clinicians has opened emergency access. */
async function openEmergency(options: WorldOptions = {}) {
  const scene = await openScene({ codes: [], purposes: [] }, options);
  const { world, clinic, patient } = scene;
  await append(scene, "r1", [heartRates(T0, [70, 71, 72])]);
  const { organization } = clinic;
  const access = await world.grant(patient, {
    organization,
    direction: Direction.READ,
    codes: [HEART_RATE],
    purposes: [Purpose.EMERGENCY],
    emergency: { person: "usr_doctor", until: Date.now() + hour },
  });
  const as = (assurance: "code" | "passkey" | "fresh", id = "usr_doctor") =>
    world.member(organization, { id, roles: ["clinician"], assurance });
  const query = (purpose = Purpose.EMERGENCY) => queryInit(world.idFor(clinic, patient), { purpose });
  return { ...scene, access, as, query };
}

describe("a read under emergency access", () => {
  it("is marked in its entry, which names no consent", async () => {
    const { world, as, query, access } = await openEmergency();
    const { samples = [], ...answer } = { samples: (await as("fresh").querySeries(query())).series };
    expect([samples.length, answer]).toEqual([1, {}]);
    const [entry] = (await world.accesses()).filter(({ direction }) => direction === Direction.READ);
    expect(entry).toMatchObject({
      emergencyAccess: access,
      consents: [],
      purpose: Purpose.EMERGENCY,
      outcome: Access_Outcome.PERMITTED,
      actor: { id: "usr_doctor" },
    });
  });

  it("is for its purpose and its person alone, by a second factor of the last five minutes", async () => {
    const { as, query, world, clinic } = await openEmergency();
    const reason = async (...[assurance, id, purpose]: ["passkey" | "fresh", string?, Purpose?]) =>
      reasonOf(as(assurance, id).querySeries(query(purpose)));
    expect(await reason("fresh")).toBe("OK");
    expect(await reason("passkey")).toBe("POLICY_DENIED");
    expect(await reason("fresh", "usr_colleague")).toBe("CONSENT_REQUIRED");
    expect(await reason("fresh", undefined, Purpose.TREATMENT)).toBe("CONSENT_REQUIRED");
    expect(await reasonOf(world.reader(clinic).querySeries(query()))).toBe("CONSENT_REQUIRED");
  });

  it("is not had by a passkey alone where a consent permits a part of the same", async () => {
    const { as, query, world, clinic, patient } = await openEmergency();
    await world.grant(patient, {
      ...{ organization: clinic.organization, direction: Direction.READ, codes: [HEART_RATE] },
      ...{ purposes: [Purpose.EMERGENCY], window: { from: T0, to: T0 + 60_000 } },
    });
    expect(await reasonOf(as("passkey").querySeries(query()))).toBe("POLICY_DENIED");
    expect(await reasonOf(as("fresh").querySeries(query()))).toBe("OK");
  });

  it("ends with its hour, also in the midst of a stream that is open", async () => {
    let elapsed = 0;
    const enforcerClock = {
      now: () => systemClock.now() + elapsed,
      monotonic: () => systemClock.monotonic() + elapsed,
    };
    const scene = await openEmergency({ enforcerClock });
    const { world, as, access } = scene;
    const abort = new AbortController();
    onTestFinished(() => abort.abort());
    const { patient, purpose } = scene.query();
    const request = { patient, purpose, codes: [{ code: HEART_RATE }] };
    const messages = as("fresh").watchSeries(request, { signal: abort.signal })[Symbol.asyncIterator]();
    expect((await messages.next()).value?.payload.case).toBe("start");
    elapsed = hour;
    await append(scene, "r2", [heartRates(T0 + hour, [99])]);
    const rest = async () => {
      for (;;) {
        const { value, done } = await messages.next();
        if (done) return "the stream ended";
        if (value.payload.case === "series") return "data arrived";
      }
    };
    const end = await rest().catch((error: unknown) => problemOf(ConnectError.from(error)).reason);
    expect(end).toBe("CONSENT_REVOKED");
    const closing = (await world.accesses()).find(({ phase }) => phase === Access_Phase.CLOSED);
    expect(closing).toMatchObject({ emergencyAccess: access, outcome: Access_Outcome.DENIED });
  });
});
