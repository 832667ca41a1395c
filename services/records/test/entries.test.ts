import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { AccessLogError, leavesCollection } from "@wellapi/access-log";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createLogger } from "@wellapi/runtime";
import { StoreError } from "@wellapi/store";
import { describe, expect, it, vi } from "vitest";
import {
  append,
  application,
  HEART_RATE,
  heartRates,
  openScene,
  type PatientRegister,
  queryInit,
  readAll,
  reasonOf,
  samplesOf,
  type WorldOptions,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const MINUTE = 60_000;

/** Two hours of heart rates, and what the log has of reads from here on. */
async function openLogged(options: WorldOptions = {}, terms: Parameters<typeof openScene>[0] = {}) {
  const scene = await openScene(terms, options);
  await append(scene, "r1", [
    heartRates(
      T0,
      Array.from({ length: 120 }, () => 70),
    ),
  ]);
  const { world, clinic, patient } = scene;
  const query = queryInit(world.idFor(clinic, patient), { from: T0, to: T0 + 120 * MINUTE });
  const read = () => world.reader(clinic).querySeries(query);
  /** In the order of the reading. Entries of one millisecond reach the log in any order: their ids are random. */
  const entries = async () =>
    (await world.accesses())
      .filter(({ direction }) => direction === Direction.READ)
      .sort((a, b) => timestampMs(a.time!) - timestampMs(b.time!) || a.phase - b.phase)
      .map(({ phase, outcome, reason, items, consents }) => ({
        phase: Access_Phase[phase],
        outcome: Access_Outcome[outcome],
        ...(reason === "" ? {} : { reason }),
        items: Number(items),
        consents: consents.map(({ consent }) => consent),
      }));
  return { ...scene, query, read, entries };
}

/** The next look for blocks fails so. */
function failOnce({ world: { store } }: Awaited<ReturnType<typeof openLogged>>, error: Error) {
  store.scanning = async (collection) => {
    if (collection !== "blocks" && collection !== "series") return;
    delete store.scanning;
    throw error;
  };
}

describe("a read that fails", () => {
  it("because the store can't be asked, or by a fault of ours, is denied to nobody: it leaves no entry", async () => {
    const scene = await openLogged();
    failOnce(scene, new StoreError("unavailable", "the disk is gone"));
    expect(await reasonOf(scene.read())).toBe("STORE_UNAVAILABLE");
    failOnce(scene, new TypeError("a fault of ours"));
    await expect(scene.read()).rejects.toMatchObject({ code: Code.Internal });
    expect(await scene.entries()).toEqual([]);
    await scene.read();
    expect(await scene.entries()).toEqual([
      { phase: "CALL", outcome: "PERMITTED", items: 120, consents: [scene.consent] },
    ]);
  });

  it("about a patient who does not exist leaves an entry that is nobody's, and about one who does is theirs", async () => {
    const scene = await openLogged();
    const { world, clinic, patient } = scene;
    const unknown = { ...scene.query, patient: "pat_00000000000000000000000000" };
    expect(await reasonOf(world.reader(clinic).querySeries(unknown))).toBe("CONSENT_REQUIRED");
    const stranger = application();
    const theirs = { ...scene.query, patient: world.idFor(stranger, patient) };
    expect(await reasonOf(world.reader(stranger).querySeries(theirs))).toBe("CONSENT_REQUIRED");
    await world.accesses();
    const denied = world.leaves.filter(({ access }) => access.outcome === Access_Outcome.DENIED);
    expect(denied.map(({ partition, access }) => [partition, access.patient, access.organization])).toEqual([
      ["", "", clinic.organization],
      [patient.partition, theirs.patient, stranger.organization],
    ]);
  });

  it("is refused as not logged where its denial can't be, and stays undecided where nothing was decided", async () => {
    const patients: PatientRegister = new Map();
    const scene = await openLogged({ patients });
    const { world, patient } = scene;
    const stranger = application();
    const denied = () =>
      reasonOf(
        world.reader(stranger).querySeries({ ...scene.query, patient: world.idFor(stranger, patient) }),
      );
    const { commit } = world.store;
    const withoutLog = () => {
      throw new AccessLogError("unavailable", "neither the store nor the reserve takes an entry");
    };
    world.store.commit = withoutLog;
    expect(await denied()).toBe("LOG_UNAVAILABLE");
    expect(await reasonOf(scene.read())).toBe("LOG_UNAVAILABLE");
    // Identity does not answer whether there is such a patient.
    patients.get = () => {
      throw new ConnectError("identity is down", Code.Unavailable);
    };
    expect(await denied()).toBe("UNDECIDED");
    world.store.commit = commit;
    expect(await denied()).toBe("UNDECIDED");
    delete (patients as { get?: unknown }).get;
    world.consent.state.reachable = false;
    await vi.waitFor(async () => expect(await reasonOf(scene.read())).toBe("UNDECIDED"), {
      timeout: 15_000,
      interval: 100,
    });
    world.store.commit = withoutLog;
    expect(await reasonOf(scene.read())).toBe("UNDECIDED");
  }, 30_000);
});

describe("an entry of a read", () => {
  it("is its patient's, as that of what was written is", async () => {
    const scene = await openLogged();
    await scene.read();
    await scene.world.accesses();
    const { partition } = scene.patient;
    expect(scene.world.leaves.map(({ partition: of, access }) => [of, access.direction]).sort()).toEqual(
      [
        [partition, Direction.CONTRIBUTE],
        [partition, Direction.READ],
      ].sort(),
    );
  });

  it("can't be made while the log is damaged, so nothing is read", async () => {
    let damaged = false;
    const scene = await openLogged({ logDamaged: () => damaged });
    damaged = true;
    expect(await reasonOf(scene.read())).toBe("LOG_DAMAGED");
    damaged = false;
    expect(await reasonOf(scene.read())).toBe("OK");
  });

  it("names the codes that were found where the call named none", async () => {
    const scene = await openLogged();
    const { world, clinic, patient } = scene;
    const { patient: id, purpose } = scene.query;
    await world.reader(clinic).listSeries({ patient: id, purpose });
    await world.reader(clinic).querySeries(scene.query);
    await world.own(patient).querySeries({
      ...scene.query,
      patient: world.ownId(patient),
      purpose: Purpose.PATIENT_REQUEST,
    });
    const [listed, queried, own] = (await world.accesses()).filter(
      ({ direction }) => direction === Direction.READ,
    );
    expect(listed!.codes).toContain(HEART_RATE);
    expect(listed!.codes.length).toBeGreaterThan(1);
    expect(queried!.codes).toEqual([HEART_RATE]);
    // A patient's own reading rests on no consent.
    expect([own!.codes, own!.consents]).toEqual([[HEART_RATE], []]);
  });

  it("of a patient's own reading is written, and the reading answered, though consent can't be decided", async () => {
    const scene = await openLogged();
    const { world, patient } = scene;
    world.consent.state.reachable = false;
    await vi.waitFor(async () => expect(await reasonOf(scene.read())).toBe("UNDECIDED"), {
      timeout: 15_000,
      interval: 100,
    });
    const own = { ...scene.query, patient: world.ownId(patient), purpose: Purpose.PATIENT_REQUEST };
    expect((await world.own(patient).querySeries(own)).series).toHaveLength(1);
    const last = (await scene.entries()).at(-1);
    expect(last).toEqual({ phase: "CALL", outcome: "PERMITTED", items: 120, consents: [] });
  });

  it("stands alone where consent changed under the read three times, and the third reading was the last", async () => {
    const scene = await openLogged();
    const { world, patient, clinic } = scene;
    const terms = { organization: clinic.organization, direction: Direction.READ, codes: [HEART_RATE] };
    let latest = scene.consent;
    let changes = 0;
    world.store.scanning = async (collection) => {
      if (collection !== "series" || changes === 2) return;
      changes++;
      const next = await world.grant(patient, terms);
      await world.consent.revoke(latest);
      latest = next;
    };
    const { series } = await scene.read();
    expect(samplesOf(series[0]!.series!)).toHaveLength(120);
    expect(await scene.entries()).toEqual([
      { phase: "CALL", outcome: "PERMITTED", items: 120, consents: [latest] },
    ]);
  });

  it("says that it was withheld where it can't be decided any more, and nothing leaves where that can't be said", async () => {
    const scene = await openLogged();
    const { world, consent } = scene;
    const betweenEntryAndAnswer = (run: () => Promise<void>) => {
      world.store.committed = async ({ changes }) => {
        if (
          !changes.some(({ collection, kind }) => kind === "insert" && collection === leavesCollection.name)
        )
          return;
        delete world.store.committed;
        await run();
      };
    };
    betweenEntryAndAnswer(async () => {
      world.consent.state.reachable = false;
      await vi.waitFor(async () => expect(await reasonOf(scene.read())).toBe("UNDECIDED"), {
        timeout: 15_000,
        interval: 100,
      });
    });
    expect(await reasonOf(scene.read())).toBe("UNDECIDED");
    const entries = await scene.entries();
    expect(entries[0]).toEqual({ phase: "CALL", outcome: "PERMITTED", items: 120, consents: [consent] });
    expect(entries.at(-1)).toEqual({
      ...{ phase: "CLOSED", outcome: "UNDECIDED", reason: "UNDECIDED", items: 0, consents: [] },
    });
    world.consent.state.reachable = true;
    await vi.waitFor(async () => expect(await reasonOf(scene.read())).toBe("OK"), {
      timeout: 15_000,
      interval: 100,
    });
    betweenEntryAndAnswer(async () => {
      await world.consent.revoke(consent);
      const { commit } = world.store;
      world.store.commit = () => {
        world.store.commit = commit;
        throw new TypeError("a fault of ours");
      };
    });
    await expect(scene.read()).rejects.toMatchObject({ code: Code.Internal });
  }, 30_000);
});

describe("the entries of a stream", () => {
  const stream = ({ world, clinic, query }: Awaited<ReturnType<typeof openLogged>>, signal?: AbortSignal) =>
    world
      .reader(clinic)
      .readSeries(query, signal === undefined ? {} : { signal })
      [Symbol.asyncIterator]();

  it("tell under which consents it went on once they changed, and what was sent", async () => {
    const scene = await openLogged();
    const { world, clinic, patient, consent } = scene;
    let other = "";
    const reading = stream(scene);
    await reading.next();
    other = await world.grant(patient, {
      organization: clinic.organization,
      direction: Direction.READ,
      codes: [HEART_RATE],
    });
    for (let step = await reading.next(); !step.done; step = await reading.next());
    expect(await scene.entries()).toEqual([
      { phase: "OPENED", outcome: "PERMITTED", items: 0, consents: [consent] },
      { phase: "CHANGED", outcome: "PERMITTED", items: 0, consents: [consent, other] },
      { phase: "CLOSED", outcome: "PERMITTED", items: 120, consents: [consent, other] },
    ]);
    const [opened, ...later] = (await world.accesses()).filter(
      ({ direction }) => direction === Direction.READ,
    );
    expect(opened!.openedBy).toBe("");
    expect(later.map(({ openedBy }) => openedBy)).toEqual([opened!.id, opened!.id]);
  });

  it("say that the reader went away, and how much had been sent by then", async () => {
    const scene = await openLogged();
    const leaving = new AbortController();
    const reading = stream(scene, leaving.signal);
    await reading.next();
    await reading.next();
    leaving.abort();
    await vi.waitFor(async () => expect(await scene.entries()).toHaveLength(2), 15_000);
    expect((await scene.entries())[1]).toEqual({
      ...{ phase: "CLOSED", outcome: "PERMITTED", reason: "CANCELED", items: 120 },
      consents: [scene.consent],
    });
  });

  it("say why it ended where the store or we were at fault, which denies nobody anything", async () => {
    const scene = await openLogged();
    failOnce(scene, new TypeError("a fault of ours"));
    await expect(readAll(scene)).rejects.toMatchObject({ code: Code.Internal });
    failOnce(scene, new StoreError("unavailable", "the disk is gone"));
    expect(await reasonOf(readAll(scene))).toBe("STORE_UNAVAILABLE");
    const closed = (await scene.entries()).filter(({ phase }) => phase === "CLOSED");
    expect(closed.map(({ outcome, reason, items }) => [outcome, reason, items])).toEqual([
      ["PERMITTED", "INTERNAL", 0],
      ["PERMITTED", "STORE_UNAVAILABLE", 0],
    ]);
  });

  it("say that it was denied once the consent permits coarser data alone, or undecided while none can be asked", async () => {
    const scene = await openLogged();
    const { world, clinic, patient } = scene;
    const reading = stream(scene);
    await reading.next();
    await world.grant(patient, {
      ...{ organization: clinic.organization, direction: Direction.READ, codes: [HEART_RATE] },
      resolution: 2,
    });
    await world.consent.revoke(scene.consent);
    expect(await reasonOf(reading.next())).toBe("RESOLUTION_TOO_FINE");
    expect((await scene.entries()).at(-1)).toMatchObject({
      ...{ phase: "CLOSED", outcome: "DENIED", reason: "RESOLUTION_TOO_FINE", items: 0 },
    });
  });

  it("say that it was denied once the patient's record is frozen, or what is left needs a sign-in that is fresh", async () => {
    const scene = await openLogged();
    const { world, patient } = scene;
    const reading = stream(scene);
    await reading.next();
    await world.consent.freeze(patient.partition);
    expect(await reasonOf(reading.next())).toBe("RECORD_FROZEN");
    expect((await scene.entries()).at(-1)).toMatchObject({ outcome: "DENIED", reason: "RECORD_FROZEN" });

    const other = await openLogged({}, { purposes: [Purpose.EMERGENCY] });
    const doctor = other.world.member(other.clinic.organization, {
      ...{ id: "usr_doctor", roles: ["clinician"], assurance: "passkey" as const },
    });
    const about = { ...other.query, purpose: Purpose.EMERGENCY };
    const theirs = doctor.readSeries(about)[Symbol.asyncIterator]();
    await theirs.next();
    // Emergency access is for who has just signed in.
    await other.world.grant(other.patient, {
      ...{ organization: other.clinic.organization, direction: Direction.READ, codes: [HEART_RATE] },
      ...{ purposes: [Purpose.EMERGENCY] },
      emergency: { person: "usr_doctor", until: Date.now() + 3_600_000 },
    });
    await other.world.consent.revoke(other.consent);
    expect(await reasonOf(theirs.next())).toBe("ASSURANCE_REQUIRED");
    expect((await other.entries()).at(-1)).toMatchObject({ outcome: "DENIED", reason: "ASSURANCE_REQUIRED" });
  });

  it("that can't be closed in the log are an operator's matter, and no reader's", async () => {
    const lines: string[] = [];
    const log = createLogger({
      name: "test",
      env: { WELLAPI_LOG_FORMAT: "json" },
      destination: { write: (line) => void lines.push(line) },
    });
    const scene = await openLogged({ log });
    const { commit } = scene.world.store;
    let entries = 0;
    scene.world.store.commit = async (asked) => {
      if (
        asked.changes.some(
          ({ collection, kind }) => kind === "insert" && collection === leavesCollection.name,
        )
      )
        entries++;
      if (entries === 2) throw new TypeError("a fault of ours");
      return commit.call(scene.world.store, asked);
    };
    expect(await readAll(scene)).toHaveLength(120);
    scene.world.store.commit = commit;
    expect(lines.filter((line) => line.includes("closing entry"))).toHaveLength(1);
  });
});
