import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import {
  AuditIntakeService,
  type Leaf,
} from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { problemError } from "@wellapi/rpc";
import { type Logger, randomIds, silentLogger, systemClock } from "@wellapi/runtime";
import { openSqliteStore, type Store, StoreError } from "@wellapi/store";
import type { Kms } from "@wellapi/vault";
import { openLocalKms } from "@wellapi/vault";
import { onTestFinished } from "vitest";
import { type AccessLogOptions, createLeafSealer, leavesCollection, openAccessLog } from "../src/index.ts";

export const patient = "local/pat_00000000000000000000000001";

/** A folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "access-log-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A store whose commits can be made to fail, before or after they happened. */
export interface FaultyStore extends Store {
  mode: "works" | "refuses" | "commits_and_fails";
  /** Commits that were asked for. */
  attempts: number;
}

export function faulty(store: Store): FaultyStore {
  return {
    ...store,
    mode: "works",
    attempts: 0,
    async commit(commit) {
      this.attempts += 1;
      const failure = new StoreError("unavailable", "the disk is full");
      if (this.mode === "refuses") throw failure;
      const result = await store.commit(commit);
      if (this.mode === "commits_and_fails") throw failure;
      return result;
    },
  };
}

/** An intake that keeps what it gets, and answers as it is told. */
export function createFakeIntake() {
  const state = {
    leaves: [] as Leaf[],
    calls: 0,
    down: false,
    /** Takes nothing, because the tree of the log is damaged. */
    damaged: false,
    refuseIds: new Set<string>(),
    /** Never answers, as a process that is stopped. */
    silent: false,
    /** How many leaves and how many bytes of bodies each request brought. */
    requests: [] as { readonly count: number; readonly bytes: number }[],
    /** When each request came, in monotonic milliseconds. */
    times: [] as number[],
    /** Why each request that was not answered ended. */
    ended: [] as Code[],
  };
  const transport = createRouterTransport(({ service }) => {
    service(AuditIntakeService, {
      append(request, { signal }) {
        state.calls += 1;
        const bytes = request.leaves.reduce((sum, { body }) => sum + body.length, 0);
        state.times.push(performance.now());
        state.requests.push({ count: request.leaves.length, bytes });
        if (state.silent) {
          signal.addEventListener("abort", () => state.ended.push(ConnectError.from(signal.reason).code));
          return new Promise<never>(() => {});
        }
        if (state.down) throw new ConnectError("down", Code.Unavailable);
        if (state.damaged)
          throw problemError({ code: Code.Unavailable, reason: "LOG_DAMAGED", message: "damaged" });
        if (request.leaves.length > 1000) throw new ConnectError("too many", Code.InvalidArgument);
        if (request.leaves.some(({ id }) => state.refuseIds.has(id)))
          throw new ConnectError("a bad leaf", Code.InvalidArgument);
        state.leaves.push(...request.leaves);
        return {};
      },
    });
  });
  return { state, transport, ids: () => state.leaves.map(({ id }) => id) };
}

export async function openWorld(
  options: {
    reserveBytes?: number;
    folder?: string;
    backoffMs?: number;
    gatherMs?: number;
    log?: Logger;
  } = {},
) {
  const folder = options.folder ?? (await temporaryFolder());
  const kms: Kms = await openLocalKms({ path: join(folder, "master.key") });
  const store = faulty(
    await openSqliteStore({
      thread: "callers",
      path: join(folder, "store.db"),
      collections: [leavesCollection],
    }),
  );
  const intake = createFakeIntake();
  const settings: AccessLogOptions = {
    store,
    ids: randomIds,
    clock: systemClock,
    sealer: await createLeafSealer({ kms, service: "records" }),
    intake: intake.transport,
    reserve: { path: join(folder, "leaves.reserve"), bytes: options.reserveBytes ?? 16_384 },
    log: options.log ?? silentLogger,
    backoffMs: options.backoffMs ?? 1,
    ...(options.gatherMs === undefined ? {} : { gatherMs: options.gatherMs }),
  };
  const log = await openAccessLog(settings);
  async function close() {
    await log.close();
    await store.close();
  }
  onTestFinished(close);
  async function outbox(): Promise<string[]> {
    const page = await store.scan("leaves", { equals: [], limit: 10_000 });
    return page.documents.map(({ document }) => String(document.id));
  }
  return { folder, store, intake, settings, log, close, outbox, reservePath: settings.reserve.path };
}
