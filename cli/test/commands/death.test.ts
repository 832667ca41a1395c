/** The commands about deaths of patients. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { DeathReport_State, DeathService } from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

const time = timestampFromMs(Date.UTC(2026, 3, 12, 8));

async function openDeaths() {
  const calls: unknown[] = [];
  const report = (state: DeathReport_State, id = "dth_1") => ({
    ...{ id, patient: "pat_1", organization: "org_1", dateOfDeath: "2026-03-31", grounds: "certificate 12" },
    ...{ state, createTime: time, note: "seen" },
  });
  const env = await openGateway((router) => {
    router.service(DeathService, {
      reportDeath({ patient, dateOfDeath, grounds, requestId }) {
        calls.push(["report", patient, dateOfDeath, grounds, requestId]);
        return { deathReport: report(DeathReport_State.REPORTED) };
      },
      listDeathReports: ({ pageToken }) => ({
        deathReports: [report(DeathReport_State.CONFIRMED, `dth_${pageToken || "0"}`)],
        nextPageToken: pageToken === "" ? "1" : "",
      }),
      confirmDeath({ deathReport, note }) {
        calls.push(["confirm", deathReport, note]);
        return { deathReport: report(DeathReport_State.CONFIRMED) };
      },
      dismissDeathReport({ deathReport, note }) {
        calls.push(["dismiss", deathReport, note]);
        return { deathReport: report(DeathReport_State.DISMISSED) };
      },
      undoDeath({ deathReport, note }) {
        calls.push(["undo", deathReport, note]);
        return { deathReport: report(DeathReport_State.UNDONE) };
      },
    });
  });
  return { env, calls };
}

test("a member reports a death, with what it rests on", async () => {
  const { env, calls } = await openDeaths();
  const asked = ["death", "report", "--patient", "pat_1", "--date", "2026-03-31"];
  expect((await wellapi(asked, { env })).err).toContain("--grounds");
  const said = [...asked, "--grounds", "certificate 12", "--request-id", "r1"];
  expect((await wellapi(said, { env })).out).toBe("dth_1  reported");
  expect(calls).toEqual([["report", "pat_1", "2026-03-31", "certificate 12", "r1"]]);
});

test("reports are listed over all pages", async () => {
  const { env } = await openDeaths();
  const { out } = await wellapi(["death", "list"], { env });
  expect(out).toMatch(/dth_0 .*pat_1 .*org_1 .*2026-03-31 .*confirmed[\s\S]*dth_1 /);
});

test.each([
  ["confirm", "confirmed"],
  ["dismiss", "dismissed"],
  ["undo", "undone"],
])("the privacy officer's %s needs a note, and says what the report is now", async (command, state) => {
  const { env, calls } = await openDeaths();
  expect((await wellapi(["death", command, "dth_1"], { env })).err).toContain("--note");
  const done = await wellapi(["death", command, "dth_1", "--note", "seen"], { env });
  expect(done.out).toBe(`dth_1  ${state}`);
  expect(calls).toEqual([[command, "dth_1", "seen"]]);
});
