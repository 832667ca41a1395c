import { durationFromMs, durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { Application_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import {
  createFilling,
  createTestPatients,
  type Filling,
  type TestPatients,
} from "@wellapi/sandbox-people/filling";
import { createBearerTransport, createPageTransport } from "@wellapi/ui/browser/page-transport";
import { connect } from "./connection.ts";

/** What time it is for the organization, and by how much its clock is ahead of the true time. Milliseconds. */
export interface OrganizationClock {
  readonly nowMs: number;
  readonly aheadMs: number;
}

/** What a member does with the test patients of the organization. */
export interface Sandbox {
  /** By the reader's session. */
  readonly patients: Pick<TestPatients, "list" | "erase" | "consentsOf" | "revoke">;
  readonly clock: {
    read(signal?: AbortSignal): Promise<OrganizationClock>;
    /** `aheadMs`: all in all, whole seconds. */
    move(aheadMs: number): Promise<void>;
  };
  /** By a key of the application that stands for the people's devices: in memory alone, for an hour at most, revoked after the work. */
  withDevices<T>(work: (filling: Filling) => Promise<T>): Promise<T>;
}

const applicationName = "Sandbox devices";
const keySeconds = 3_600n;
const mostListed = 1_000;

export function createSandbox(organization: string): Sandbox {
  const session = createPageTransport(organization);
  const { organizations, credentials } = connect(organization);
  const sandbox = createClient(SandboxService, session);

  async function devicesApplication(): Promise<string> {
    const { applications } = await organizations.listApplications({ organization, pageSize: mostListed });
    const found = applications.find(
      ({ displayName, state }) => displayName === applicationName && state === Application_State.ACTIVE,
    );
    if (found !== undefined) return found.id;
    const { application } = await organizations.createApplication({
      application: { organization, displayName: applicationName },
      requestId: crypto.randomUUID(),
    });
    return application!.id;
  }

  return {
    patients: createTestPatients({ organization: session, asPatient: createBearerTransport }),
    clock: {
      async read(signal) {
        const { currentTime, clockAhead } = await sandbox.getSandbox({}, signal ? { signal } : {});
        return { nowMs: timestampMs(currentTime!), aheadMs: clockAhead ? durationMs(clockAhead) : 0 };
      },
      async move(aheadMs) {
        await sandbox.moveClock({ clockAhead: durationFromMs(aheadMs) });
      },
    },
    async withDevices(work) {
      // Refused outside of a sandbox, before anything is made.
      await sandbox.getSandbox({});
      const { credential, apiKey } = await credentials.createApiKey({
        application: await devicesApplication(),
        displayName: applicationName,
        lifetime: { seconds: keySeconds },
        requestId: crypto.randomUUID(),
      });
      try {
        const devices = createBearerTransport(apiKey);
        return await work(createFilling({ organization: devices, asPatient: createBearerTransport }));
      } finally {
        // Where that fails, the key ends by itself.
        await credentials.revokeCredential({ credential: credential!.id }).catch(() => {});
      }
    },
  };
}
