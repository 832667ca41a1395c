import type { Interceptor } from "@connectrpc/connect";
import { type Authentication, type Caller, peerWorkloadKey, serverInterceptors } from "@wellapi/rpc";
import { silentLogger } from "@wellapi/runtime";

/** The wire's own interceptors, with every caller taken for the workload `records`: for hosts of one service. */
export function interceptorsForRecords(): readonly Interceptor[] {
  const workload = "records";
  const caller: Caller = { principal: { kind: "service", id: workload }, workload, token: "" };
  const authentication: Authentication = {
    recheckMs: 60_000,
    forget: () => {},
    async authenticate({ contextValues }) {
      contextValues.set(peerWorkloadKey, workload);
      return { caller };
    },
  };
  return serverInterceptors({ log: silentLogger, authentication });
}
