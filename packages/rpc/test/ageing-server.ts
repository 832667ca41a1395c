/**
 * A server of the mesh in a process of its own, whose connections age within moments: `<folder> <age, milliseconds>`.
 * Says its port, and at the end of its standard input how many calls it ran.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { silentLogger, systemClock } from "@wellapi/runtime";
import {
  certificateIdentity,
  createAuthentication,
  openGrpcServer,
  serverInterceptors,
} from "../src/index.ts";
import { partialRoute } from "../src/testing.ts";

const [folder, age] = process.argv.slice(2) as [string, string];
const read = (name: string) => readFileSync(join(folder, name), "utf8");
let ran = 0;

const server = await openGrpcServer({
  routes: [
    partialRoute(AuditService, {
      async getLogFile() {
        const size = 1_000 * (1 + (ran++ % 900));
        await delay(size / 50_000);
        return { content: new Uint8Array(size) };
      },
    }),
  ],
  interceptors: serverInterceptors({
    log: silentLogger,
    authentication: createAuthentication({
      verifier: { verify: () => Promise.reject(new Error("nobody has a token")) },
      clock: systemClock,
    }),
  }),
  host: "127.0.0.1",
  port: 0,
  tls: { certificate: read("tls.crt"), privateKey: read("tls.key"), clientAuthority: read("ca.crt") },
  peers: certificateIdentity({ trustDomain: "wellapi.test" }),
  limits: { connectionAgeMs: Number(age) },
  reflection: false,
  log: silentLogger,
});
process.stdout.write(`${server.port}\n`);
process.stdin.resume().once("end", async () => {
  process.stdout.write(`${ran}\n`);
  await server.close();
});
