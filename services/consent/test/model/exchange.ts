import {
  type Answer,
  type ConsentLink,
  type Enforcer,
  type Question,
  runEnforcer,
  Session,
  sessionOptions,
  type Timers,
  type WatchStream,
} from "@wellapi/enforcer";
import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createFollower, type Journal } from "@wellapi/journal";
import { type Ids, silentLogger } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import { consentCollections } from "../../src/collections.ts";
import type { CurrentConsents } from "../../src/consent.ts";
import { ConsentRepository } from "../../src/consent-repository.ts";
import { decide, deniedUntil } from "../../src/decision.ts";
import { scopeOfDispute, withDispute, withoutDispute } from "../../src/disputes.ts";
import { Granting } from "../../src/granting.ts";
import { Recalls, type RecallsOptions } from "../../src/recall.ts";
import { RecalledChanges } from "../../src/recalled-changes.ts";
import { Revocations } from "../../src/revocation.ts";
import { SessionRepository } from "../../src/session-repository.ts";
import { type FromEnforcer, SessionStreams, type ToEnforcer } from "../../src/session-streams.ts";
import { createStandingChanges, type StandingChanges } from "../../src/standing/standing-changes.ts";
import { scopes, sealing } from "../sealing.ts";
import { createNodeStore, SharedDocuments } from "./memory-store.ts";
import { Oracle } from "./oracle.ts";
import { Node, World } from "./world.ts";

/** The production parts that a planted mistake replaces. */
export interface Parts {
  session(): Session;
  sessions(store: Store, timers: Timers): SessionRepository;
  consents(store: Store, sessions: SessionRepository): ConsentRepository;
  recalls(options: RecallsOptions): Recalls;
}

export const soundParts: Parts = {
  session: () => new Session(sessionOptions()),
  sessions: (store, timers) => new SessionRepository(store, scopes, timers),
  consents: (store) => new ConsentRepository(store, sealing, scopes),
  recalls: (options) => new Recalls(options),
};

const clinic = "org_clinic";
const anyCategory = { has: () => true, knows: () => true };
export const patients = 2;

function partitionOf(patient: number): string {
  return `local/pat_${patient}`;
}

function questionOf(patient: number): Question {
  return {
    partition: partitionOf(patient),
    organization: clinic,
    direction: Direction.READ,
    code: "8867-4",
    purpose: Purpose.TREATMENT,
    region: "local",
  };
}

interface Replica {
  readonly node: Node;
  readonly streams: SessionStreams;
  readonly revocations: Revocations;
  readonly granting: Granting;
  readonly consents: ConsentRepository;
  readonly changes: RecalledChanges;
  readonly standing: StandingChanges;
}

interface EnforcerNode {
  readonly name: string;
  readonly node: Node;
  readonly enforcer: Enforcer;
  readonly streams: Set<Connection>;
  asking: number;
}

interface Connection {
  cut(clientNotices: number, serverNotices: number): void;
}

/** Replicas of the consent service on one store, enforcers, and a network that does its worst on request. */
export class Exchange {
  readonly world: World;
  readonly oracle = new Oracle();
  readonly shared = new SharedDocuments(consentCollections);
  readonly #parts: Parts;
  readonly #ids: Ids;
  readonly #replicas: Replica[] = [];
  readonly #enforcers: EnforcerNode[] = [];
  /** What messages to and from each enforcer take, in milliseconds, and until when. */
  readonly #slow: Array<{ until: number; upMs: number; downMs: number }> = [];
  /** False in the quiet end: nothing fails any more, and everything must work. */
  faults = true;
  pendingCalls = 0;

  constructor(parts: Parts, seed: number, replicas: number, enforcers: number) {
    this.#parts = parts;
    this.world = new World(seed);
    let next = 0;
    this.#ids = { next: (prefix) => `${prefix}_${String(next++).padStart(6, "0")}` };
    for (let r = 0; r < replicas; r += 1) this.#startReplica(r);
    for (let e = 0; e < enforcers; e += 1) {
      this.#slow.push({ until: 0, upMs: 0, downMs: 0 });
      this.#startEnforcer(e);
    }
  }

  // What can happen.

  grant(patient: number): void {
    this.oracle.grantCalled(patient);
    const requestId = this.#ids.next("acc");
    const terms = {
      grantee: clinic,
      validity: {},
      provisions: [
        {
          effect: "permit",
          directions: ["read"],
          categories: [{ name: "heart", version: 1 }],
          purposes: ["treatment"],
          resolution: "raw",
          captured: {},
          // Of some patients only what one contributor sent, and a device of another's.
          ...(patient % 2 === 1 && {
            sources: {
              organizations: ["org_maker"],
              devices: [{ organization: "org_lab", device: "dev_1" }],
              methods: ["sensed"] as const,
            },
          }),
          regions: [],
        },
      ],
    } as const;
    this.#callUntilDone(async ({ granting }) => {
      const origin = { requestId, requestDigest: "" };
      const leafOf = this.#leafOf(patient);
      const { consent } = await granting.create(partitionOf(patient), terms, origin, author, leafOf);
      return () => this.oracle.grantReturned(patient, consent.id, this.world.now);
    });
  }

  revoke(patient: number): void {
    const consent = this.oracle.active(patient);
    if (consent === undefined) return;
    this.oracle.revokeCalled(consent, this.world.now);
    this.#callUntilDone(async ({ revocations }) => {
      await revocations.revoke(partitionOf(patient), { consent, etag: "" }, author, this.#leafOf(patient));
      return () => this.oracle.revokeReturned(consent, this.world.now);
    });
  }

  /** The patient disputes something, or what was disputed is decided. */
  dispute(patient: number): void {
    const known = this.oracle.disputed(patient);
    const request = known ?? this.#ids.next("rrq");
    if (known === undefined) this.oracle.disputeCalled(request, patient);
    else this.oracle.settleCalled(request);
    this.#callUntilDone(async ({ standing, changes }) => {
      const partition = partitionOf(patient);
      for (;;) {
        const before = await standing.before(partition);
        const after = disputing(before.current, request, known === undefined);
        if (after === before.current) await changes.again(partition, scopeOfDispute);
        else {
          const { change: leaf } = this.#leafOf(patient)();
          const change = { scope: scopeOfDispute, after, leaf, also: () => [], opens: true };
          if (!(await standing.make(before, change))) continue;
        }
        return () => {
          if (known === undefined) this.oracle.disputeReturned(request, this.world.now);
          else this.oracle.settleReturned(request, this.world.now);
        };
      }
    });
  }

  /** Cuts an enforcer's streams; either side may be long in noticing. */
  cut(enforcer: number): void {
    const { chance } = this.world;
    const notice = () => (chance.happens(0.4) ? chance.between(0, 20) : chance.between(500, 4_000));
    for (const stream of this.#enforcers[enforcer]!.streams) stream.cut(notice(), notice());
  }

  slow(enforcer: number, forMs: number, upMs: number, downMs: number): void {
    this.#slow[enforcer] = { until: this.world.now + forMs, upMs, downMs };
  }

  sleepEnforcer(enforcer: number, ms: number, monotonicStops: boolean): void {
    this.#enforcers[enforcer]!.node.suspend(ms, monotonicStops);
  }

  sleepReplica(replica: number, ms: number, monotonicStops: boolean): void {
    this.#replicas[replica % this.#replicas.length]!.node.suspend(ms, monotonicStops);
  }

  jumpEnforcer(enforcer: number, ms: number): void {
    this.#enforcers[enforcer]!.node.jump(ms);
  }

  jumpReplica(replica: number, ms: number): void {
    this.#replicas[replica % this.#replicas.length]!.node.jump(ms);
  }

  restartEnforcer(enforcer: number): void {
    const old = this.#enforcers[enforcer]!;
    old.node.die();
    for (const stream of old.streams) stream.cut(0, this.world.chance.between(0, 3_000));
    this.#startEnforcer(enforcer);
  }

  restartReplica(replica: number): void {
    const r = replica % this.#replicas.length;
    this.#replicas[r]!.node.die();
    for (const { streams } of this.#enforcers) for (const stream of streams) stream.cut(5, 0);
    this.#startReplica(r);
  }

  failStore(ms: number): void {
    this.shared.failing = true;
    this.world.after(ms, () => {
      this.shared.failing = false;
    });
  }

  /** Whether each enforcer that can answer says what the model says, for sure and for each patient. */
  async settled(): Promise<string[]> {
    const wrong: string[] = [];
    for (const { enforcer, name } of this.#enforcers) {
      for (let patient = 0; patient < patients; patient += 1) {
        const seen = enforcer.peek(questionOf(patient)) !== undefined;
        const expected = this.oracle.active(patient) !== undefined;
        if (seen !== expected) wrong.push(`${name} says ${seen} for patient ${patient}, not ${expected}`);
      }
    }
    return wrong;
  }

  // Replicas.

  #startReplica(index: number): void {
    const { world } = this;
    const node = new Node(world);
    const store = createNodeStore(world, node, this.shared, () => this.faults);
    const sessions = this.#parts.sessions(store, node.timers);
    const common = { clock: node.clock, timers: node.timers, ids: this.#ids, log: silentLogger };
    const streams: SessionStreams = new SessionStreams({
      ...common,
      sessions,
      onClosed: (session) => void recalls.retire(session).catch(() => {}),
    });
    const recalls = this.#parts.recalls({ ...common, sessions, streams });
    const consents = this.#parts.consents(store, sessions);
    // The model asks what a recall promises; the journal is told after it.
    const journal = createFollower({ store, journal: {} as Journal, log: silentLogger });
    const changes = new RecalledChanges({ ...common, consents, recalls });
    const revocations = new Revocations({ ...common, consents, changes, journal });
    const granting = new Granting({ ...common, consents, changes, journal });
    const standing = createStandingChanges({ consents, changes });
    this.#replicas[index] = { node, streams, revocations, granting, consents, changes, standing };
    const sweep = (first: boolean) => {
      changes.sweep(first).catch(() => {});
      node.timers.after(2_000, () => sweep(false));
    };
    sweep(true);
  }

  #someReplica(): Replica {
    return this.#replicas[this.world.chance.between(0, this.#replicas.length - 1)]!;
  }

  /** A patient's device: it calls again until the call has succeeded. */
  #callUntilDone(call: (replica: Replica) => Promise<() => void>): void {
    const { world } = this;
    this.pendingCalls += 1;
    const attempt = () => {
      const replica = this.#someReplica();
      let settled = false;
      const retry = () => {
        if (settled) return;
        settled = true;
        world.after(200, attempt);
      };
      replica.node.deliver(world.chance.between(1, 5), () => {
        call(replica).then((done) => {
          if (settled) return;
          settled = true;
          this.pendingCalls -= 1;
          done();
        }, retry);
      });
      const watch = () => {
        if (settled) return;
        if (replica.node.alive) world.after(100, watch);
        else retry();
      };
      watch();
    };
    attempt();
  }

  async #decide(replica: Replica, question: Question): Promise<Answer> {
    const current = await replica.consents.current(question.partition);
    const { partition, organization, code, region } = question;
    const asked = { partition, organization, code, region, direction: "read", purpose: "treatment" } as const;
    const now = replica.node.clock.now();
    const decision = decide(current, asked, now, anyCategory);
    if (!decision.permitted) {
      const until = deniedUntil(current, organization, decision.reason, now)!;
      return { denied: { permitted: false, reason: DenialReason.NO_CONSENT }, until };
    }
    const [first, ...rest] = decision.permits.map(({ consent, version, provision }) => {
      const always = { from: -1e15, to: 1e15, notBefore: -1e15, notAfter: 1e15 };
      return { consent, version, provision, resolution: Resolution.RAW, ...always };
    });
    const disputes = decision.disputes?.map(({ request }) => ({
      organization: request,
      from: -1e15,
      to: 1e15,
    }));
    return { permits: [first!, ...rest], ...(disputes && { disputes }) };
  }

  // Enforcers.

  #startEnforcer(index: number): void {
    const node = new Node(this.world);
    const streams = new Set<Connection>();
    const link = this.#link(index, node, streams);
    const session = this.#parts.session();
    const enforcer = runEnforcer({
      link,
      session,
      clock: node.clock,
      timers: node.timers,
      log: silentLogger,
      random: () => this.world.chance.next(),
    });
    const self = { name: `enforcer ${index}`, node, enforcer, streams, asking: 0 };
    this.#enforcers[index] = self;
    const read = () => {
      for (let patient = 0; patient < patients; patient += 1) this.#read(self, patient);
      node.deliver(this.world.chance.between(20, this.faults ? 100 : 300), read);
    };
    read();
  }

  #read(self: EnforcerNode, patient: number): void {
    const { oracle, world } = this;
    const began = world.now;
    const question = questionOf(patient);
    const sure = self.enforcer.peek(question);
    if (sure) oracle.decision(patient, sure, began, self.name, world.now);
    if (sure || self.asking >= 6) return;
    self.asking += 1;
    self.enforcer
      .decide(question)
      .then(
        (decision) => oracle.decision(patient, decision, began, self.name, world.now),
        () => {
          oracle.undecided += 1;
        },
      )
      .finally(() => {
        self.asking -= 1;
      });
  }

  /** How long a message to or from the enforcer takes. */
  #delay(enforcer: number, way: "upMs" | "downMs"): number {
    const { chance, now } = this.world;
    const slow = this.#slow[enforcer]!;
    if (this.faults && now < slow.until) return chance.between(slow[way] >> 2, slow[way]);
    return chance.between(1, 10);
  }

  #link(index: number, node: Node, streams: Set<Connection>): ConsentLink {
    const { world } = this;
    return {
      decide: (question) => {
        const replica = this.#someReplica();
        return new Promise((resolve, reject) => {
          const fail = () => reject(new Error("no answer"));
          node.timers.after(2_000, fail);
          replica.node.deliver(this.#delay(index, "upMs"), () => {
            this.#decide(replica, question).then(
              (answer) => node.deliver(this.#delay(index, "downMs"), () => resolve(answer)),
              () => node.deliver(this.#delay(index, "downMs"), fail),
            );
          });
        });
      },
      watch: (listener): WatchStream => {
        const replica = this.#someReplica();
        let broken = false;
        let up = 0;
        let down = 0;
        let inbox = Promise.resolve();
        const connection: Connection = {
          cut: (clientNotices, serverNotices) => {
            if (broken) return;
            broken = true;
            streams.delete(connection);
            node.deliver(clientNotices, () => listener.ended());
            replica.node.deliver(serverNotices, () => server.closed());
          },
        };
        streams.add(connection);
        // Messages of a stream arrive in order, as long as any arrive.
        const send = (message: ToEnforcer) => {
          down = Math.max(down, world.now + this.#delay(index, "downMs"));
          node.deliver(down - world.now, () => {
            if (!broken) listener.message(message);
          });
        };
        const server = replica.streams.connect(send);
        const receive = (message: FromEnforcer) => {
          up = Math.max(up, world.now + this.#delay(index, "upMs"));
          replica.node.deliver(up - world.now, () => {
            if (broken) return;
            inbox = inbox.then(() => server.receive(message)).catch(() => connection.cut(5, 0));
          });
        };
        if (!replica.node.alive) connection.cut(5, 0);
        return {
          send: (message) => receive(message.kind === "open" ? { ...message, enforcer: "e" } : message),
          close: () => connection.cut(0, world.chance.between(0, 50)),
        };
      },
    };
  }

  #leafOf(patient: number) {
    return () => {
      const id = this.#ids.next("acc");
      const document = { partition: partitionOf(patient), id };
      return { id, change: { kind: "insert", collection: "leaves", document } as const };
    };
  }
}

/** The same object where an earlier attempt of the call has done it. */
function disputing(current: CurrentConsents, request: string, begins: boolean): CurrentConsents {
  if (!begins) return withoutDispute(current, request);
  if (current.disputes?.some((one) => one.request === request)) return current;
  const category = { name: "heart", version: 1 };
  return withDispute(current, { request, organization: "org_maker", category, captured: {} });
}

const author = { kind: "patient", id: "pat_0" } as const;
