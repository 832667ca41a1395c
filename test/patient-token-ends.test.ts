/** A patient's token that is revoked: at the gateway, over HTTP, with what it had opened. */
import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { enrolPerson, operatorAt } from "@wellapi/demo/people";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { describe, expect, test } from "vitest";
import { sharedExchange } from "./shared-exchange.ts";

describe("a patient's token", () => {
  const server = sharedExchange();

  test("that is revoked is refused by the next call, and its open stream ends; the patient's other one goes on", async () => {
    const { id: patient } = await enrolPerson(server, "Ada");
    const tokens = createClient(TokenService, operatorAt(server));
    const issue = async () => {
      const { token, tokenId } = await tokens.issuePatientToken({ requestId: randomUUID(), patient });
      const transport = connect({ url: server.http, token });
      const read = () =>
        createClient(PatientService, transport)
          .getPatient({ patient })
          .then(
            () => "read",
            (error: unknown) => problemOf(error as never).reason,
          );
      return { tokenId, transport, read };
    };
    const [lost, kept] = [await issue(), await issue()];
    // Both are believed by the door's cache from now on.
    expect([await lost.read(), await kept.read()]).toEqual(["read", "read"]);
    const stream = createClient(RecordsService, lost.transport)
      .watchSeries({ patient, codes: [{ code: "8867-4" }], purpose: Purpose.PATIENT_REQUEST })
      [Symbol.asyncIterator]();
    await stream.next();
    const ended = stream.next().then(
      () => "a message",
      (error: unknown) => problemOf(error as never).reason,
    );

    const began = performance.now();
    await tokens.revokePatientTokens({ patient, tokens: [lost.tokenId] });
    expect(await lost.read()).toBe("CREDENTIAL_INVALID");
    const refused = performance.now() - began;
    expect(await ended).toBe("CREDENTIAL_INVALID");
    const cut = performance.now() - began;
    process.stderr.write(
      `a revoked token was refused after ${Math.round(refused)} ms, its stream ended after ${Math.round(cut)} ms\n`,
    );
    expect(await kept.read()).toBe("read");
  }, 120_000);
});
