import { setTimeout as pause } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { Authenticated } from "../src/caller/authentication.ts";
import { createCredentialWatch } from "../src/caller/credential-watch.ts";
import { problemError, problemOf, type Role } from "../src/index.ts";

const principal = { kind: "application", id: "app_1", organization: "org_1" } as const;
const member = { kind: "member", id: "usr_1", organization: "org_1" } as const;
const revoked = problemError({
  code: Code.Unauthenticated,
  reason: "CREDENTIAL_INVALID",
  message: "revoked",
});

/** A credential that counts how often it is looked at, and is good until the test says otherwise. */
function createCredential(name: string) {
  const state = { looks: 0, good: true, roles: undefined as readonly Role[] | undefined };
  const authenticated = (): Authenticated => ({
    caller: {
      principal: state.roles === undefined ? principal : { ...member, roles: state.roles },
      workload: "door",
      token: `token ${state.looks}`,
    },
    credential: name,
    async renew() {
      state.looks += 1;
      if (!state.good) throw revoked;
      return authenticated();
    },
  });
  return { state, authenticated };
}

describe("the credentials of open streams", () => {
  test("are looked at once for all streams of one, and each stream has the newest token", async () => {
    const watch = createCredentialWatch(20);
    const { state, authenticated } = createCredential("key");
    const streams = Array.from({ length: 1_000 }, () => watch.join(authenticated(), () => {}));
    await expect.poll(() => state.looks).toBeGreaterThanOrEqual(3);
    expect(state.looks).toBeLessThan(200); // one for each stream would be thousands
    const tokens = new Set(streams.map(({ caller }) => caller().token));
    expect([...tokens]).toEqual([`token ${state.looks}`]);
    for (const { leave } of streams) leave();
    const { looks } = state;
    await pause(60);
    expect(state.looks).toBe(looks);
  });

  test("that are refused end all their streams, and nobody else's", async () => {
    const watch = createCredentialWatch(10);
    const [one, other] = [createCredential("one"), createCredential("other")];
    const reasons: unknown[] = [];
    for (let i = 0; i < 3; i++) watch.join(one.authenticated(), (reason) => reasons.push(reason));
    const rest = watch.join(other.authenticated(), () => expect.fail("the other credential is good"));
    one.state.good = false;
    await expect.poll(() => reasons.length).toBe(3);
    expect(problemOf(reasons[0] as never).reason).toBe("CREDENTIAL_INVALID");
    await pause(30);
    expect(reasons).toHaveLength(3);
    rest.leave();
  });

  test("end one by one where there is an objection to the stream by what is known now", async () => {
    const watch = createCredentialWatch(10);
    const { authenticated } = createCredential("key");
    const ended: unknown[] = [];
    let objection: string | undefined;
    watch.join(
      authenticated(),
      (reason) => ended.push(reason),
      () => objection,
    );
    const other = watch.join(
      authenticated(),
      () => expect.fail("nobody objects to this one"),
      () => undefined,
    );
    await pause(40);
    expect(ended).toEqual([]);
    objection = "the policies are others now";
    await expect.poll(() => ended).toEqual(["the policies are others now"]);
    await pause(30);
    expect(ended).toHaveLength(1);
    other.leave();
  });

  test("that left go on for those who stay", async () => {
    const watch = createCredentialWatch(10);
    const { state, authenticated } = createCredential("key");
    const ended: string[] = [];
    const first = watch.join(authenticated(), () => ended.push("first"));
    watch.join(authenticated(), () => ended.push("second"));
    first.leave();
    state.good = false;
    await expect.poll(() => ended).toEqual(["second"]);
  });

  test("of a member who lost a role end; a role more ends nothing", async () => {
    const watch = createCredentialWatch(10);
    const { state, authenticated } = createCredential("session");
    state.roles = ["clinician"];
    const reasons: unknown[] = [];
    watch.join(authenticated(), (reason) => reasons.push(reason));
    state.roles = ["clinician", "auditor"];
    await expect.poll(() => state.looks).toBeGreaterThanOrEqual(3);
    expect(reasons).toEqual([]);
    state.roles = ["auditor"];
    await expect.poll(() => reasons.length).toBe(1);
    expect(problemOf(reasons[0] as never).reason).toBe("ROLE_REQUIRED");
  });

  test("of before end where the next stream shows that a role is gone", async () => {
    const watch = createCredentialWatch(60_000);
    const { state, authenticated } = createCredential("session");
    state.roles = ["clinician", "auditor"];
    const ended: string[] = [];
    watch.join(authenticated(), () => ended.push("first"));
    state.roles = ["auditor"];
    const { leave } = watch.join(authenticated(), () => ended.push("second"));
    expect(ended).toEqual(["first"]);
    leave();
  });
});
