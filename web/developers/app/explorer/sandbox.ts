import { ConnectError } from "@connectrpc/connect";
import { faultHeader } from "@wellapi/descriptors";
import { reasonIn } from "@wellapi/ui/browser/problem";
import type { Connection } from "../api/connection.ts";

/** Whether the exchange is a sandbox: it alone carries the order out. False where that cannot be told. */
export async function isSandbox({ requests }: Connection, signal: AbortSignal): Promise<boolean> {
  const headers = { [faultHeader]: "unavailable" };
  const error = await requests.listRequests({ pageSize: 1 }, { headers, signal }).catch((thrown) => thrown);
  return error instanceof ConnectError && reasonIn(error) === "FAULT_ORDERED";
}
