import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AuditService, type ListAccessesRequest } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

function logged(n: number) {
  const access = {
    id: `acc_${n}`,
    time: timestampFromMs(Date.UTC(2026, 3, 12, 8)),
    organization: "org_1",
    method: "/wellapi.records.v1.RecordsService/QuerySeries",
    phase: Access_Phase.CALL,
    outcome: n === 2 ? Access_Outcome.DENIED : Access_Outcome.PERMITTED,
    reason: n === 2 ? "CONSENT_REQUIRED" : "",
    purpose: Purpose.TREATMENT,
    codes: ["8867-4"],
    items: 7,
  };
  return { id: access.id, index: n === 0 ? -1n : BigInt(n), access };
}

/** Pages of two accesses, without end. */
async function openAudit(total = 0) {
  const asked: ListAccessesRequest[] = [];
  const env = await openGateway(({ service }) =>
    service(AuditService, {
      listAccesses(request) {
        asked.push(request);
        const at = Number(request.pageToken || "0");
        const damaged = { id: "acc_damaged", index: 3n, damaged: true };
        return {
          accesses: at === 0 ? [logged(0), logged(1)] : [logged(2), damaged],
          nextPageToken: String(at + 1),
          totalSize: at === 0 && request.showTotalSize ? total : 0,
        };
      },
      getCheckpoint: () => ({ checkpoint: "wellapi.local/log\n3\nroot\n\n— sig\n", verifierKey: "key+1" }),
    }),
  );
  return { env, asked };
}

test("lists as many accesses as asked for, over pages, and what of an entry is damaged or waits", async () => {
  const { env, asked } = await openAudit();
  const { code, out } = await wellapi(["audit", "list", "--limit", "4"], { env });
  expect(code).toBe(0);
  expect(asked.map(({ pageSize, pageToken }) => [pageSize, pageToken])).toEqual([
    [4, ""],
    [4, "1"],
  ]);
  const [pending, first, denied, damaged] = out.split("\n").filter((line) => line.includes("acc_"));
  expect(pending).toMatch(/2026-04-12T08:00:00.000Z .* org_1 .* QuerySeries .* call .* pending/);
  expect(first).toMatch(/permitted .* treatment .* 8867-4 .* 7 .* 1 /);
  expect(denied).toMatch(/denied \(CONSENT_REQUIRED\)/);
  expect(damaged).toMatch(/acc_damaged .* damaged .* 3 /);
});

test("asks for what fits, and for no count of it", async () => {
  const { env, asked } = await openAudit(75);
  const filter = ["--organization", "org_1", "--category", "heart", "sleep", "--refused"];
  const { code, err } = await wellapi(["audit", "list", "--limit", "2", ...filter], { env });
  expect([code, err, asked[0]!.showTotalSize]).toEqual([0, "", false]);
  const { DENIED, UNDECIDED } = Access_Outcome;
  const outcomes = [DENIED, UNDECIDED];
  expect(asked[0]!.filter).toMatchObject({ organization: "org_1", categories: ["heart", "sleep"], outcomes });
});

test("asks for no page that the limit does not reach, and says of how many these are", async () => {
  const { env, asked } = await openAudit(75);
  const { out, err } = await wellapi(["audit", "list", "--limit", "2", "--json"], { env });
  expect(err).toBe("the newest 2 of 75: --limit <n> shows more");
  expect(out.split("\n").map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(["acc_0", "acc_1"]);
  expect(asked).toHaveLength(1);
});

test.each([
  [1_001, "the newest 2 of more than 1000: --limit <n> shows more"],
  [1_000, "the newest 2 of 1000: --limit <n> shows more"],
  [2, ""],
])("of %i accesses it says: %s", async (total, said) => {
  const { env } = await openAudit(total);
  expect((await wellapi(["audit", "list", "--limit", "2"], { env })).err).toBe(said);
});

test("prints the checkpoint alone on stdout, so that it can be kept in a file, and the key beside it", async () => {
  const { env } = await openAudit();
  expect(await wellapi(["audit", "checkpoint"], { env })).toEqual({
    code: 0,
    out: "wellapi.local/log\n3\nroot\n\n— sig",
    err: "verifier key: key+1",
  });
  const json = await wellapi(["audit", "checkpoint", "--json"], { env });
  expect(JSON.parse(json.out)).toMatchObject({ verifierKey: "key+1" });
  expect(json.err).toBe("");
});

test("has to be told what to verify", async () => {
  const { env } = await openAudit();
  expect(await wellapi(["audit", "verify"], { env })).toMatchObject({
    code: 2,
    err: expect.stringContaining("--since FILE"),
  });
});
