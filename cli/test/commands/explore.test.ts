import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { problemError } from "@wellapi/grpc-client";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

test("lists the public RPCs alone, and says which end something", async () => {
  const { out } = await wellapi(["explore", "list", "consentservice"]);
  expect(out).toMatch(/wellapi\.consent\.v1\.ConsentService\/RevokeConsent .*ends or replaces something/);
  expect(out).toMatch(/ConsentService\/ListConsents/);
  expect(out).not.toMatch(/internal|RecordsService/);
  const all = (await wellapi(["explore", "list", "--json"])).out.split("\n").map((line) => JSON.parse(line));
  expect(all.length).toBeGreaterThan(150);
  expect(all.filter(({ rpc }) => rpc.includes("internal"))).toEqual([]);
});

test("describes what an RPC takes, at any depth, with the contract's rules", async () => {
  const { out, code } = await wellapi(["explore", "describe", "RecordsService/QuerySeries"]);
  expect(code).toBe(0);
  expect(out).toContain("http://localhost:7080/docs/reference/wellapi.records.v1.RecordsService");
  expect(out).toMatch(/purpose: wellapi\.type\.v1\.Purpose .*PURPOSE_TREATMENT/);
  expect(out).toMatch(/\nwellapi\.type\.v1\.Coding\n(.*\n)* {2}code: string/);
  expect(out).toContain("      Which samples.");
  expect(out).toMatch(/pageSize: int32 {2}\{"int32":\{"gte":0\}\}/);
  const none = await wellapi(["explore", "describe", "RecordService/QuerySeries"]);
  expect(none).toMatchObject({ code: 2, err: expect.stringContaining("RecordsService/QuerySeries") });
});

/** What the exchange was asked, and by which call it was erased. */
function exchange(sandbox: boolean) {
  const asked: string[] = [];
  const routes = ({ service }: ConnectRouter) => {
    service(ConsentService, {
      listConsents: ({ pageSize }, { requestHeader }) => {
        asked.push(`${pageSize} ${requestHeader.get("authorization")}`);
        return { consents: [{ id: "con_1" }] };
      },
    });
    service(RecordsService, {
      erasePatient({ patient }, { requestHeader }) {
        if (requestHeader.has("wellapi-sandbox-fault"))
          throw problemError(
            sandbox
              ? { code: Code.Unavailable, reason: "FAULT_ORDERED", message: "nothing was done" }
              : { code: Code.FailedPrecondition, reason: "SANDBOX_ONLY", message: "no orders" },
          );
        asked.push(`erase ${patient}`);
        return {};
      },
      async *readSeries() {
        yield {};
        throw new ConnectError("cut", Code.Unavailable);
      },
    });
  };
  return { asked, env: () => openGateway(routes) };
}

test("calls with JSON from a flag or from standard input, with the credential of the settings", async () => {
  const { asked, env: open } = exchange(true);
  const env = await open();
  const call = ["explore", "call", "ConsentService/ListConsents"];
  const flag = await wellapi([...call, "--json", "--data", '{"pageSize": 5}'], { env });
  expect(flag).toMatchObject({ code: 0, out: '{"consents":[{"id":"con_1"}]}' });
  await wellapi([...call, "--data", "-"], { env, stdin: '{"pageSize": 6}' });
  expect(asked).toEqual(["5 Bearer wak_test", "6 Bearer wak_test"]);
  const wrong = await wellapi([...call, "--data", '{"pageSice": 5}'], { env });
  expect(wrong).toMatchObject({ code: 8, err: expect.stringContaining("pageSice") });
  const stream = await wellapi(["explore", "call", "RecordsService/ReadSeries"], { env });
  expect(stream).toMatchObject({ code: 7, out: "{}" });
  const up = await wellapi(["explore", "call", "IngestionService/StreamSeries"], { env });
  expect(up.code).toBe(2);
});

test("what ends something is called at a sandbox only, after a yes, and elsewhere after another", async () => {
  const call = ["explore", "call", "RecordsService/ErasePatient", "--data", '{"patient": "pat_1"}'];
  const sandbox = exchange(true);
  const env = await sandbox.env();
  expect(await wellapi(call, { env })).toMatchObject({ code: 2, err: expect.stringContaining("--yes") });
  expect(sandbox.asked).toEqual([]);
  expect((await wellapi([...call, "--yes"], { env })).code).toBe(0);
  expect(sandbox.asked).toEqual(["erase pat_1"]);
  const live = exchange(false);
  const other = await live.env();
  const refused = await wellapi([...call, "--yes"], { env: other });
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining("--live") });
  expect(live.asked).toEqual([]);
  expect((await wellapi([...call, "--yes", "--live"], { env: other })).code).toBe(0);
  expect(live.asked).toEqual(["erase pat_1"]);
});
