/** An enforcer as a process, which can be stopped (SIGSTOP). */
import { randomUUID } from "node:crypto";
import { type Enforcer, openEnforcer } from "@wellapi/enforcer";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { openGrpcTransport } from "@wellapi/rpc";
import { silentLogger, systemClock } from "@wellapi/runtime";
import { heartRate } from "../src/input.ts";
import { serveProgram } from "../src/program.ts";
import type { Target } from "../src/raw-client.ts";
import { grantee, partitionOf } from "./consent-host.ts";

let enforcer: Enforcer;

const commands = {
  async open({ address, tls }: Target): Promise<void> {
    const { transport } = openGrpcTransport({
      address,
      tls: { serverAuthority: tls.ca, certificate: tls.cert, privateKey: tls.key },
    });
    enforcer = openEnforcer({ transport, instance: randomUUID(), clock: systemClock, log: silentLogger });
    await enforcer.ready();
  },
  async permits(patient: string): Promise<boolean> {
    const decision = await enforcer.decide({
      partition: partitionOf(patient),
      organization: grantee,
      direction: Direction.READ,
      code: heartRate,
      purpose: Purpose.TREATMENT,
      region: "local",
    });
    return decision.permitted;
  },
};

export type EnforcerProcess = typeof commands;
serveProgram(commands);
