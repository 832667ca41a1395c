import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { openTestSurface } from "@wellapi/http/testing";
import { createTrustingAuthentication, partialRoute } from "@wellapi/rpc/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { fhirSurface } from "../src/fhir-surface.ts";
import { createSlots } from "../src/rest/slots.ts";

const line = '{"resourceType":"Nothing"}\n';
const authentication = createTrustingAuthentication({
  principal: { kind: "application", id: "app_1", organization: "org_1" },
  workload: "gateway",
  token: "t",
});

/** Imports a line, and says how it went. */
async function imported(url: string): Promise<string> {
  const headers = { authorization: "Bearer good", "content-type": "application/fhir+ndjson" };
  const answer = await fetch(`${url}/fhir/R4/$import`, { method: "POST", headers, body: line });
  return `${answer.status} ${/NOT_SUPPORTED|throttled/.exec(await answer.text())?.[0]}`;
}

test("places for imports are free again when callers leave in the middle of what they send", async () => {
  const { url, close } = await openTestSurface(fhirSurface, {
    routes: [partialRoute(ClinicalRecordsService, {})],
    authentication,
    origin: () => "https://exchange.example.com",
  });
  onTestFinished(() => close());
  const head =
    "POST /fhir/R4/$import HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer good\r\ncontent-type: application/fhir+ndjson\r\ncontent-length: 1000";
  const slow: Socket[] = [];
  await expect
    .poll(() => {
      const socket = connect(Number(new URL(url).port), "localhost").on("error", () => {});
      socket.write(`${head}\r\n\r\n${line}`);
      slow.push(socket);
      return imported(url);
    })
    .toBe("503 throttled");
  for (const socket of slow) socket.resetAndDestroy();
  await Promise.all(slow.map((socket) => once(socket, "close")));
  await expect.poll(() => imported(url)).toBe("200 NOT_SUPPORTED");
});

describe("places", () => {
  const busy = expect.objectContaining({ code: "BUSY", message: "Come again" });

  test("are as many as there may be, and free again when a request is over", () => {
    const slots = createSlots(2, "Come again");
    const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()];
    slots.take(first.signal);
    slots.take(second.signal);
    expect(() => slots.take(third.signal)).toThrow(busy);
    first.abort();
    slots.take(third.signal);
    expect(() => slots.take(new AbortController().signal)).toThrow(busy);
  });

  test("are not taken for a request whose caller has left before", () => {
    const slots = createSlots(1, "Come again");
    const reason = new Error("left");
    expect(() => slots.take(AbortSignal.abort(reason))).toThrow(reason);
    slots.take(new AbortController().signal);
  });
});
