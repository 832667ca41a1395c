import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { companyAt, enrolCompany, enrolPerson, operatorAt, personAt } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Push } from "./closing.ts";
import { makeStart } from "./make-start.ts";
import type { Target } from "./raw-client.ts";

export interface Patient {
  /** Their own id. */
  readonly id: string;
  /** The maker's id for them. */
  readonly atMaker: string;
  /** The consent to read. */
  readonly reading: string;
}

/** A real server process on an empty data folder, a maker, and patients who let it contribute and read. */
export interface World {
  readonly server: Server;
  readonly dataDir: string;
  readonly patients: readonly Patient[];
  /** The gRPC door as the maker. */
  readonly target: Target;
  /** The maker's API key, for the gateway. */
  readonly apiKey: string;
  /** Stops the server in order and starts it again on the same data. */
  restart(): Promise<void>;
  /** Stops the server in order, which also settles its files. */
  stop(): Promise<void>;
  /**
   * Begins or ends a profile of the server's main thread, where `--profile` asked for profiles. Resolves once the server has heard it:
   * of two signals at once it would hear one.
   */
  toggleProfile(): Promise<void>;
  /** A fresh consent to read. */
  grantReading(patient: string, requestId: string): Promise<string>;
  /** Signs in as a patient, so that the revocation itself is one call. */
  revoker(patient: string): Promise<(consent: string) => Promise<void>>;
}

const enrolAtOnce = 8;
/** For a signal to be heard, and a profile to be written. */
const profileMs = 500;

export async function openWorld(
  options: { readonly patients: number; readonly env?: Readonly<Record<string, string>> },
  push: Push,
): Promise<World> {
  const folder = temporaryFolder();
  push(folder.remove);
  const start = {
    dataDir: folder.path,
    env: { WELLAPI_LOG_LEVEL: "error", ...makeStart, ...profiling(), ...options.env },
  };
  let server = await startServer(start);
  const { operatorKey } = server;
  let running = true;
  const stop = async () => {
    if (running) await server.stop();
    running = false;
  };
  push(stop);

  const maker = await enrolCompany(server, "Bench Maker");
  const apiKey = await createApiKey(server, maker.organization);
  const consentsOf = async (patient: string) =>
    createClient(ConsentService, (await personAt(server, patient)).transport);
  const grantReading = async (patient: string, requestId: string) => {
    const { consent } = await (await consentsOf(patient)).createConsent({
      requestId,
      consent: {
        grantee: maker.organization,
        provisions: [
          {
            effect: Provision_Effect.PERMIT,
            directions: [Direction.READ],
            categories: [{ name: "heart" }],
            purposes: [Purpose.TREATMENT],
            resolution: Resolution.RAW,
          },
        ],
      },
    });
    return consent!.id;
  };

  async function enrol(number: number): Promise<{ id: string; contributing: string; reading: string }> {
    const person = await enrolPerson(server, `Person ${number}`);
    const { consent } = await createClient(ConsentService, person.transport).createConsent({
      requestId: "contribute",
      consent: {
        grantee: maker.organization,
        provisions: [
          {
            effect: Provision_Effect.PERMIT,
            directions: [Direction.CONTRIBUTE],
            categories: [{ name: "heart" }],
          },
        ],
      },
    });
    return { id: person.id, contributing: consent!.id, reading: await grantReading(person.id, "read") };
  }

  const enrolled: Awaited<ReturnType<typeof enrol>>[] = [];
  for (let first = 0; first < options.patients; first += enrolAtOnce) {
    const count = Math.min(enrolAtOnce, options.patients - first);
    enrolled.push(...(await Promise.all(Array.from({ length: count }, (_, i) => enrol(first + i)))));
  }
  const atMaker = new Map<string, string>();
  let pageToken = "";
  do {
    const client = createClient(ConsentService, companyAt(server, maker).transport);
    const page = await client.listConsents({ pageSize: 1_000, pageToken });
    for (const consent of page.consents) atMaker.set(consent.id, consent.patient);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");

  return {
    get server() {
      return server;
    },
    dataDir: folder.path,
    apiKey,
    patients: enrolled.map(({ id, contributing, reading }) => ({
      id,
      reading,
      atMaker: atMaker.get(contributing)!,
    })),
    get target() {
      return { address: new URL(server.grpc).host, tls: maker.certificate };
    },
    async restart() {
      await stop();
      server = { ...(await startServer(start)), ...(operatorKey ? { operatorKey } : {}) };
      running = true;
    },
    stop,
    async toggleProfile() {
      if (process.env.BENCH_PROFILE_DIR === undefined) return;
      process.kill(server.pid, "SIGUSR2");
      await delay(profileMs);
    },
    grantReading,
    async revoker(patient) {
      const client = await consentsOf(patient);
      return async (consent) => {
        await client.revokeConsent({ consent });
      };
    },
  };
}

/** Makes the server profile itself where `--profile` asked for it. */
function profiling(): Record<string, string> {
  if (process.env.BENCH_PROFILE_DIR === undefined) return {};
  const hook = new URL("profile-hook.ts", import.meta.url).href;
  return { NODE_OPTIONS: `${makeStart.NODE_OPTIONS} --import=${hook}` };
}

async function createApiKey(server: Server, organization: string): Promise<string> {
  const operator = operatorAt(server);
  const { application } = await createClient(OrganizationService, operator).createApplication({
    application: { organization, displayName: "bench over HTTP" },
    requestId: "bench-http",
  });
  const { apiKey } = await createClient(CredentialService, operator).createApiKey({
    requestId: randomUUID(),
    application: application!.id,
  });
  return apiKey;
}
