/** The consent service as a process: P8 revokes while an enforcer is stopped. */
import { openGrpcServer } from "@wellapi/rpc";
import { randomIds, silentLogger } from "@wellapi/runtime";
import type { Tls } from "../src/certificates.ts";
import { serveProgram } from "../src/program.ts";
import { interceptorsForRecords } from "./as-service.ts";
import { type ConsentHost, openConsentHost } from "./consent-host.ts";

let host: ConsentHost;

const commands = {
  async open({ folder, tls }: { folder: string; tls: Tls }): Promise<number> {
    host = await openConsentHost(folder);
    const server = await openGrpcServer({
      routes: host.routes,
      interceptors: interceptorsForRecords() as Parameters<typeof openGrpcServer>[0]["interceptors"],
      host: "127.0.0.1",
      port: 0,
      tls: { certificate: tls.cert, privateKey: tls.key, clientAuthority: tls.ca },
      reflection: false,
      log: silentLogger,
    });
    return server.port;
  },
  async grant(): Promise<{ patient: string; consent: string }> {
    const patient = randomIds.next("pat");
    return { patient, consent: await host.grant(patient) };
  },
  /** Milliseconds until the revocation had returned. */
  async revoke({ patient, consent }: { patient: string; consent: string }): Promise<number> {
    const started = performance.now();
    await host.revoke(patient, consent);
    return performance.now() - started;
  },
};

export type ConsentProcess = typeof commands;
serveProgram(commands);
