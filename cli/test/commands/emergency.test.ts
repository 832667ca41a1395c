/** The commands about emergency access: what each asks of the exchange, and what its user reads. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { EmergencyAccess_State } from "@wellapi/gen/wellapi/consent/v1/emergency_pb";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

const opened = timestampFromMs(Date.UTC(2026, 3, 12, 8));
const expires = timestampFromMs(Date.UTC(2026, 3, 12, 9));
const reason = "found unconscious, no relatives here";
const access = (id: string, state = EmergencyAccess_State.OPEN) => ({
  id,
  patient: "pat_1",
  organization: "org_1",
  clinician: "usr_1",
  reason,
  state,
  createTime: opened,
  expireTime: expires,
});

/** An exchange that writes down what it is asked. */
async function openEmergencies() {
  const calls: unknown[] = [];
  const settings = { refused: false, codeCreateTime: opened };
  const env = await openGateway((router) => {
    router.service(EmergencyService, {
      openEmergencyAccess({ who, reason: why, requestId }) {
        calls.push(["open", who.case, who.value, why, requestId]);
        if (who.value === "AAAA-AAAA-AAAA") throw new ConnectError("no such patient", Code.NotFound);
        return { emergencyAccess: access("emg_1") };
      },
      endEmergencyAccess({ emergencyAccess }) {
        calls.push(["end", emergencyAccess]);
        return { emergencyAccess: access(emergencyAccess, EmergencyAccess_State.ENDED) };
      },
      listEmergencyAccesses: ({ pageToken }) => ({
        emergencyAccesses: [
          access(`emg_${pageToken || "0"}`, EmergencyAccess_State[pageToken === "" ? "OPEN" : "EXPIRED"]),
        ],
        nextPageToken: pageToken === "" ? "1" : "",
      }),
      endOpenEmergencyAccesses({ whose }) {
        calls.push(["end open", whose.case, whose.value]);
        return { endedCount: 2 };
      },
      createEmergencyCode() {
        calls.push(["code"]);
        return { emergencyCode: "7K2M-QX4R-9TBD", createTime: opened };
      },
      deleteEmergencyCode() {
        calls.push(["withdraw"]);
        return {};
      },
      refuseEmergencyAccess() {
        calls.push(["refuse"]);
        return { settings: { refused: true, refuseTime: opened } };
      },
      allowEmergencyAccess() {
        calls.push(["allow"]);
        return { settings };
      },
      getEmergencySettings: () => ({ settings }),
    });
    router.service(OrganizationService, {
      enableEmergencyAccess({ organization }) {
        calls.push(["on", organization]);
        return { organization: { id: organization, emergencyAccessTime: opened } };
      },
      disableEmergencyAccess({ organization }) {
        calls.push(["off", organization]);
        return { organization: { id: organization } };
      },
    });
  });
  return { calls, run: (...parameters: string[]) => wellapi(parameters, { env }) };
}

test("open names the patient by the organization's id or by the code, and says until when and how to read", async () => {
  const { calls, run } = await openEmergencies();
  const byCode = ["emergency", "open", "--code", "7K2M-QX4R-9TBD", "--reason", reason];
  expect(await run(...byCode, "--request-id", "r1")).toEqual({
    code: 0,
    out: "emg_1 is open until 2026-04-12T09:00:00.000Z: read patient pat_1 with --purpose emergency. The patient is told.",
    err: "",
  });
  await run("emergency", "open", "--patient", "pat_1", "--reason", reason);
  expect(calls).toEqual([
    ["open", "emergencyCode", "7K2M-QX4R-9TBD", reason, "r1"],
    ["open", "patient", "pat_1", reason, expect.stringMatching(/^[0-9a-f-]{36}$/)],
  ]);
  expect(JSON.parse((await run(...byCode, "--json")).out)).toMatchObject({
    id: "emg_1",
    state: "STATE_OPEN",
  });
});

test("open without a patient, with two, or without a reason asks nothing of the exchange", async () => {
  const { calls, run } = await openEmergencies();
  for (const wrong of [
    ["--reason", reason],
    ["--patient", "pat_1", "--code", "7K2M-QX4R-9TBD", "--reason", reason],
    ["--patient", "pat_1"],
  ]) {
    const { code, out } = await run("emergency", "open", ...wrong);
    expect([code, out], wrong.join(" ")).toEqual([2, ""]);
  }
  expect(calls).toEqual([]);
});

test("a code that does not hold is said on stderr, with another exit code than a wrong command", async () => {
  const { run } = await openEmergencies();
  const { code, out, err } = await run("emergency", "open", "--code", "AAAA-AAAA-AAAA", "--reason", reason);
  expect([0, 2]).not.toContain(code);
  expect(out).toBe("");
  expect(err).toContain("no such patient");
});

test("list shows every page, and end ends the one that is named", async () => {
  const { calls, run } = await openEmergencies();
  const { out } = await run("emergency", "list");
  const rows = out.split("\n").filter((line) => line.includes("emg_"));
  expect(rows).toEqual([
    expect.stringMatching(/emg_0 .*org_1 .*usr_1 .*open .*2026-04-12T09:00:00.000Z .*found unconscious/),
    expect.stringMatching(/emg_1 .*expired/),
  ]);
  expect(await run("emergency", "end", "emg_7")).toMatchObject({ code: 0, out: "emg_7 ended" });
  expect(calls).toEqual([["end", "emg_7"]]);
});

test("code prints the code alone, so that it can go to a printer; --withdraw withdraws it", async () => {
  const { calls, run } = await openEmergencies();
  expect(await run("emergency", "code")).toEqual({ code: 0, out: "7K2M-QX4R-9TBD", err: "" });
  expect(await run("emergency", "code", "--withdraw")).toMatchObject({ code: 0, out: "withdrawn" });
  expect(calls).toEqual([["code"], ["withdraw"]]);
});

test("refuse, allow and status say what holds from now on", async () => {
  const { calls, run } = await openEmergencies();
  const possible = "emergency access is possible; there is a code, made 2026-04-12T08:00:00.000Z";
  expect((await run("emergency", "refuse")).out).toBe(
    "emergency access is refused since 2026-04-12T08:00:00.000Z; there is no code",
  );
  expect((await run("emergency", "allow")).out).toBe(possible);
  expect((await run("emergency", "status")).out).toBe(possible);
  expect(calls).toEqual([["refuse"], ["allow"]]);
});

test("the switch of an organization goes on and off, and to nothing else", async () => {
  const { calls, run } = await openEmergencies();
  expect((await run("organization", "emergency", "org_1", "on")).out).toBe(
    "org_1: emergency access since 2026-04-12T08:00:00.000Z",
  );
  expect((await run("organization", "emergency", "org_1", "off")).out).toBe("org_1: no emergency access");
  expect((await run("organization", "emergency", "org_1", "maybe")).code).toBe(2);
  expect(calls).toEqual([
    ["on", "org_1"],
    ["off", "org_1"],
  ]);
});

test("off with --end-open ends what is open of that organization, after it is off", async () => {
  const { calls, run } = await openEmergencies();
  const { code, out, err } = await run("organization", "emergency", "org_1", "off", "--end-open");
  expect({ code, out, err }).toEqual({
    code: 0,
    out: "org_1: no emergency access",
    err: "open ones that are ended: 2",
  });
  expect(calls).toEqual([
    ["off", "org_1"],
    ["end open", "organization", "org_1"],
  ]);
  expect((await run("organization", "emergency", "org_1", "on", "--end-open")).code).toBe(2);
});

test("end-open ends what is open of an organization or of one person, and asks nothing without one of them", async () => {
  const { calls, run } = await openEmergencies();
  const endOpen = (...whose: string[]) => run("emergency", "end-open", ...whose);
  expect(await endOpen("--organization", "org_1")).toEqual({ code: 0, out: "ended: 2", err: "" });
  expect(await endOpen("--clinician", "usr_1")).toMatchObject({ code: 0, out: "ended: 2" });
  expect((await endOpen()).code).toBe(2);
  expect((await endOpen("--organization", "org_1", "--clinician", "usr_1")).code).toBe(2);
  expect(calls).toEqual([
    ["end open", "organization", "org_1"],
    ["end open", "clinician", "usr_1"],
  ]);
});
