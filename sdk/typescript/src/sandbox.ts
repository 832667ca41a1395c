import { randomUUID } from "node:crypto";
import { createClient, type Transport } from "@connectrpc/connect";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { type Connection, connect } from "./connection.ts";

/** A patient's token, which an operator may issue in a sandbox. */
export async function issuePatientToken(operator: Transport, patient: string): Promise<string> {
  const tokens = createClient(TokenService, operator);
  const { token } = await tokens.issuePatientToken({ requestId: randomUUID(), patient });
  return token;
}

/** Signs in as a patient, which an operator's key permits in a sandbox. `url` is the gateway's. */
export async function connectAsPatient(options: {
  readonly url: string;
  readonly operatorKey: string;
  readonly patient: string;
}): Promise<Connection> {
  const { url, operatorKey, patient } = options;
  return connect({ url, token: await issuePatientToken(connect({ url, apiKey: operatorKey }), patient) });
}
