import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const main = fileURLToPath(import.meta.resolve("@wellapi/cli/main"));
const month = fileURLToPath(new URL("./data/fitbit/minute-heart-rate-2022484408.csv", import.meta.url));

// The guide's commands, as a newcomer types them: real processes against a real server.
// Each step starts several processes.
describe("the wellapi command", { timeout: 60_000 }, () => {
  const folder = temporaryFolder();
  let server: Server;
  const id: Record<string, string> = {};

  async function run(...parameters: string[]): Promise<{ code: number | null; out: string; err: string }> {
    const child = spawn(process.execPath, [main, ...parameters], {
      env: {
        ...process.env,
        WELLAPI_URL: server.http,
        WELLAPI_GRPC_URL: server.grpc,
        WELLAPI_API_KEY: server.operatorKey!,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);
    return { code: code as number | null, out: out.trim(), err: err.trim() };
  }

  /** Runs a command that must succeed, and gives what it printed. */
  async function ok(...parameters: string[]): Promise<string> {
    const { code, out, err } = await run(...parameters);
    expect(`${code} ${err}`, parameters.join(" ")).toMatch(/^0/);
    return out;
  }

  const documents = (out: string) =>
    out.split("\n").map((line) => JSON.parse(line) as Record<string, string>);

  beforeAll(async () => {
    server = await startServer({ dataDir: join(folder.path, "data") });
  });

  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  test("enrols companies and a patient", async () => {
    for (const name of ["maker", "clinic"] as const) {
      id[name] = await ok("organization", "create", name);
      const application = await ok("application", "create", "app", "--organization", id[name]);
      await ok("credential", "issue", "--application", application, "--out", join(folder.path, name));
      expect(await ok("application", "list", "--organization", id[name])).toContain(application);
      expect(await ok("credential", "list", "--application", application)).toContain("certificate");
    }
    expect(await ok("organization", "list")).toContain("clinic");
    id.patient = await ok("patient", "create", "Participant", "--time-zone", "Europe/Berlin");
    expect(await ok("patient", "list")).toContain("Europe/Berlin");
    expect(await ok("token", "issue", id.patient)).toMatch(/^ey/);
  });

  test("invites members and a carer, and makes a code by which the patient is claimed", async () => {
    const of = ["--organization", id.clinic!];
    await ok("member", "invite", "kim@clinic.example", ...of, "--role", "owner");
    expect(await ok("member", "invitations", ...of)).toMatch(/kim@clinic.example .* owner .* pending/);
    const patient = ["--as-patient", id.patient!];
    expect(await ok("carer", "invite", "sam@example.com", "--name", "Sam", ...patient)).toMatch(
      / {2}offered$/,
    );
    expect(await ok("carer", "list", ...patient)).toMatch(/Sam .* offered/);
    expect(await ok("patient", "claim-code", id.patient!)).toMatch(/^wellapi_cc_/);
  });

  test("grants, and each organization finds the patient by an id of its own", async () => {
    const grant = ["consent", "create", "--as-patient", id.patient!, "--category", "heart"];
    await ok(...grant, "--grantee", id.maker!, "--direction", "contribute");
    id.reading = await ok(
      ...grant,
      ...["--grantee", id.clinic!, "--direction", "read", "--purpose", "treatment", "--resolution", "raw"],
    );
    for (const name of ["maker", "clinic"]) {
      const [consent] = documents(
        await ok("consent", "list", "--credentials", join(folder.path, name), "--json"),
      );
      id[`at ${name}`] = consent!.patient!;
    }
    expect(id["at maker"]).not.toBe(id["at clinic"]);
  });

  const ingest = (file: string, ...more: string[]) => [
    ...["ingest", file, "--credentials", join(folder.path, "maker"), "--patient", id["at maker"]!],
    ...["--code", "8867-4", "--unit", "/min", "--time-zone", "UTC", "--json", ...more],
  ];

  test("says what can be stored, and what consents can name", async () => {
    const credentials = ["--credentials", join(folder.path, "maker")];
    const codes = await ok("codes", "heart", "--category", "heart", ...credentials);
    expect(codes).toMatch(/8867-4 .* Heart rate .* quantity .* \/min .* heart .* 10 to 600/);
    expect(codes).not.toContain("29463-7");
    expect(await ok("categories", ...credentials)).toMatch(/activity .* 2 \(current\) .*workout/);
  });

  test("ingests a month; a second time nothing is stored twice", async () => {
    const file = join(folder.path, "month.csv");
    writeFileSync(file, readFileSync(month));
    const [first] = documents(await ok(...ingest(file)));
    expect(first).toMatchObject({ samples: 20_097, accepted: 20_097, duplicate: 0, rejected: 0, failed: 0 });
    const [second] = documents(await ok(...ingest(file)));
    expect(second).toMatchObject({ samples: 20_097, accepted: 0, duplicate: 20_097 });
  });

  test("a bad row stops it before anything is sent, and names the line", async () => {
    const file = join(folder.path, "bad.csv");
    writeFileSync(file, "time,value\n2026-01-01T00:00:00,70\n2026-01-01T00:01:00,abc\n");
    const { code, err } = await run(...ingest(file));
    expect(code).toBe(8);
    expect(err).toContain("line 3");
  });

  const atClinic = () => ["--credentials", join(folder.path, "clinic"), "--patient", id["at clinic"]!];

  test("reads, and aggregates by the patient's own day", async () => {
    const read = await ok(
      ...["read", ...atClinic(), "--code", "8867-4"],
      ...["--from", "2016-04-12T10:00:00Z", "--to", "2016-04-12T11:00:00Z"],
    );
    expect(read.split("\n").length).toBeGreaterThan(30);
    expect(read.split("\n")[0]).toMatch(/^2016-04-12T10:00:00.000Z,\d+,\/min$/);
    const days = await ok(
      ...["aggregate", ...atClinic(), "--code", "8867-4", "--by", "day"],
      ...["--from", "2016-04-01T00:00:00+02:00", "--to", "2016-05-01T00:00:00+02:00"],
    );
    // The patient's day in Berlin starts at 22:00 UTC in summer time.
    expect(days).toMatch(/^2016-04-\d\dT22:00:00.000Z count \d+ min \d+ mean [\d.]+ max \d+ sum \d+ \/min$/m);
  });

  test("lists what there is that may be read, and reads a code by its system", async () => {
    const listed = await ok("series", "list", ...atClinic());
    expect(listed).toMatch(/8867-4.*Heart rate.*\/min/);
    expect(listed).not.toContain("55423-8");
    const [line] = (await ok("series", "list", ...atClinic(), "--code", "8867-4", "--json")).split("\n");
    expect(JSON.parse(line!)).toMatchObject({ code: { code: "8867-4" }, count: expect.any(Number) });
    const byName = ["read", ...atClinic(), "--code", "http://loinc.org|8867-4"];
    const read = await ok(...byName, "--from", "2016-04-12T10:00:00Z", "--to", "2016-04-12T10:01:00Z");
    expect(read).toMatch(/^2016-04-12T10:00:/);
    const other = await run("read", ...atClinic(), "--code", "http://example.org|8867-4");
    expect(other.err).toContain("CONSENT_REQUIRED");
  });

  test("denies a day within what is permitted, shows both, and takes the denial back", async () => {
    const file = join(folder.path, "denial.json");
    const asPatient = ["--as-patient", id.patient!];
    const captured = { startTime: "2016-04-12T00:00:00Z", endTime: "2016-04-13T00:00:00Z" };
    const provision = {
      effect: "EFFECT_DENY",
      directions: ["DIRECTION_READ"],
      categories: [{ name: "heart" }],
      capturedWithin: captured,
    };
    const write = (content: object) => writeFileSync(file, JSON.stringify(content));
    write({ grantee: id.clinic, provisions: [{ ...provision, withNobody: true }] });
    const unknown = await run("consent", "create", ...asPatient, "--from", file);
    expect(unknown).toMatchObject({ code: 8, err: expect.stringContaining("withNobody") });
    write({ grantee: id.clinic, provisions: [{ ...provision, masks: ["MASK_DEVICE"] }] });
    const later = await run("consent", "create", ...asPatient, "--from", file);
    expect(later).toMatchObject({ code: 8, err: expect.stringContaining("provisions[0].masks") });

    const week = ["--from", "2016-04-10T00:00:00Z", "--to", "2016-04-16T00:00:00Z"];
    const daysRead = async () => {
      const lines = (await ok("read", ...atClinic(), "--code", "8867-4", ...week)).split("\n");
      return new Set(lines.map((line) => line.slice(0, 10)));
    };
    const before = await daysRead();
    expect(before).toContain("2016-04-12");
    write({ grantee: id.clinic, provisions: [provision] });
    const denial = await ok("consent", "create", ...asPatient, "--from", file);
    expect(await daysRead()).toEqual(new Set([...before].filter((day) => day !== "2016-04-12")));
    const listed = await ok("consent", "list", ...asPatient, "--grantee", id.clinic!, "--active");
    expect(listed).toContain("permit read heart@1 for treatment raw");
    expect(listed).toContain(
      "deny read heart@1 captured from 2016-04-12T00:00:00.000Z until 2016-04-13T00:00:00.000Z",
    );
    await ok("consent", "revoke", denial, ...asPatient);
    expect(await daysRead()).toEqual(before);
  });

  test("lists accesses, verifies one and the log's growth; a tampered checkpoint fails with code 9", async () => {
    const checkpoint = join(folder.path, "before.checkpoint");
    writeFileSync(checkpoint, `${await ok("audit", "checkpoint")}\n`);
    const accesses = documents(await ok("audit", "list", "--as-patient", id.patient!, "--json"));
    const access = (accesses[0] as unknown as { access: { id: string } }).access.id;
    const verified = await ok("audit", "verify", access, "--as-patient", id.patient!, "--since", checkpoint);
    expect(verified).toMatch(/unchanged/);
    writeFileSync(checkpoint, readFileSync(checkpoint, "utf8").replace(/\n(\d+)\n/, "\n1\n"));
    const tampered = await run("audit", "verify", "--since", checkpoint);
    expect(tampered.code).toBe(9);
    expect(tampered.err).toContain("NOT VERIFIED");
  });

  test("after a revocation the clinic is refused with code 4", async () => {
    await ok("consent", "revoke", id.reading!, "--as-patient", id.patient!);
    const { code, err } = await run("read", ...atClinic(), "--code", "8867-4");
    expect(code).toBe(4);
    expect(err).toContain("CONSENT_REQUIRED");
  });

  test("retracts a batch", async () => {
    const file = join(folder.path, "wrong.csv");
    writeFileSync(file, "time,value\n2026-01-01T00:00:00,70\n");
    const [outcome] = documents(await ok(...ingest(file)));
    const [batch] = outcome!.batches as unknown as string[];
    const own = ["read", "--as-patient", id.patient!, "--patient", id.patient!, "--code", "8867-4"];
    const range = ["--from", "2026-01-01T00:00:00Z", "--to", "2026-01-02T00:00:00Z"];
    expect(await ok(...own, ...range)).toContain("70");
    await ok("retract", batch!, "--credentials", join(folder.path, "maker"), "--patient", id["at maker"]!);
    expect(await ok(...own, ...range)).toBe("");
  });

  test("erases, only when told twice", async () => {
    const refused = await run("erase", id.patient!, "--as-patient", id.patient!);
    expect(refused.code).toBe(2);
    const erased = await ok("erase", id.patient!, "--as-patient", id.patient!, "--yes");
    expect(erased).toMatch(/^era_\w+: key_\w+ destroyed at .* access acc_\w+\n/);
    expect(await ok("erase", id.patient!, "--as-patient", id.patient!, "--status")).toBe(erased);
    const receipt = join(folder.path, "erasure.txt");
    const keys = join(folder.path, "receipt-keys.json");
    writeFileSync(receipt, erased);
    writeFileSync(keys, await ok("receipt", "keys"));
    expect(await ok("receipt", "verify", receipt, "--keys", keys)).toMatch(/^VERIFIED\n.*key_ids: key_/s);
    const last = erased.trim().split("\n").at(-1)!;
    writeFileSync(receipt, `${last.slice(0, -20)}${last.slice(-20).split("").reverse().join("")}`);
    const changed = await run("receipt", "verify", receipt, "--keys", keys);
    expect(changed.code).toBe(9);
    expect(changed.err).toContain("NOT VERIFIED");
  });

  test("changes, disables and deletes an organization and its application", async () => {
    const organization = await ok("organization", "create", "Passing");
    expect(await ok("organization", "update", organization, "--name", "Passing AG")).toContain("Passing AG");
    const application = await ok("application", "create", "app", "--organization", organization);
    const request = ["--request-id", randomUUID()];
    const issue = ["credential", "issue", "--application", application, "--api-key", "--json", ...request];
    const issued = JSON.parse(await ok(...issue)) as { credential: string; apiKey: string };
    expect(JSON.parse(await ok(...issue))).toEqual(issued);
    const key = join(folder.path, "passing.key");
    writeFileSync(key, issued.apiKey, { mode: 0o600 });
    const byKey = () => run("consent", "list", "--api-key-file", key);
    expect((await byKey()).code).toBe(0);
    expect(await ok("organization", "disable", organization)).toContain("disabled");
    const refused = await byKey();
    expect(refused.code).not.toBe(0);
    expect(refused.err).toContain("disabled or deleted");
    expect(await ok("organization", "enable", organization)).toContain("active");
    expect((await byKey()).code).toBe(0);
    const inUse = await run("organization", "delete", organization);
    expect(inUse.err).toContain("delete those first");
    expect(await ok("application", "delete", application)).toContain("deleted");
    expect(await ok("credential", "get", issued.credential)).toContain("API key");
    expect(await ok("organization", "delete", organization)).toContain("deleted");
    expect(await ok("organization", "list")).not.toContain("Passing");
    expect(await ok("organization", "list", "--deleted")).toContain("Passing AG");
  });

  test("corrects a patient's time zones", async () => {
    const patient = await ok("patient", "create", "Mover", "--time-zone", "Europe/Berlin");
    const history = "Europe/Paris,2026-04-01T00:00:00Z=Asia/Tokyo";
    const updated = await ok("patient", "update", patient, "--time-zone", history);
    expect(updated).toContain("Europe/Paris, Asia/Tokyo from 2026-04-01T00:00:00.000Z");
    expect(await ok("patient", "get", patient)).toBe(updated);
    expect((await run("patient", "update", patient)).code).toBe(2);
  });

  test("says what to do without a credential, a server or a known command", async () => {
    const nobody = await run("audit", "list", "--api-key-file", "/no/such/file");
    expect(nobody.code).toBe(2);
    const unreachable = await run("audit", "checkpoint", "--url", "http://127.0.0.1:1");
    expect(unreachable).toMatchObject({ code: 7 });
    expect(unreachable.err).toContain("make start");
    expect((await run("conquer")).code).not.toBe(0);
    expect((await run("consent", "create", "--help")).out).toContain("Example:");
  });
});
