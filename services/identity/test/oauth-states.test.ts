import { silentLogger } from "@wellapi/runtime";
import { type Store, StoreError } from "@wellapi/store";
import { expect, onTestFinished, test } from "vitest";
import { createAdapters } from "../src/oauth/adapter.ts";
import { openStateRepository, type StateRepository } from "../src/oauth/state-repository.ts";
import { createInstallation, type Installation } from "./installation.ts";

/** One replica's view of the store that all share. */
async function replica({ store, kms, clock }: Installation, over: Store = store): Promise<StateRepository> {
  const states = await openStateRepository({ store: over, kms, clock, log: silentLogger });
  onTestFinished(() => states.close());
  return states;
}

const code = (installation: Installation, id: string) => ({
  model: "AuthorizationCode",
  id,
  payload: { jti: id, grantId: "grn_1", redirectUri: "https://canary.example/cb" },
  expireTime: installation.clock.now() + 60_000,
  grant: "grn_1",
});

test("of two replicas that use a code at the same time, one may", async () => {
  const installation = await createInstallation();
  const replicas = [await replica(installation), await replica(installation)];
  for (let i = 0; i < 8; i += 1) {
    await replicas[i % 2]!.put(code(installation, `code-${i}`));
    const used = await Promise.all(
      [0, 1, 0, 1].map((which) => replicas[which]!.consume("AuthorizationCode", `code-${i}`)),
    );
    expect(used.filter(Boolean)).toHaveLength(1);
  }
});

test("of two replicas that see an assertion or a proof at the same time, one has seen it first", async () => {
  const installation = await createInstallation();
  const replicas = [await replica(installation), await replica(installation)];
  const seen = { ...code(installation, "jti-1"), model: "ReplayDetection" };
  const first = await Promise.all([0, 1, 0, 1].map((which) => replicas[which]!.insert(seen)));
  expect(first.filter(Boolean)).toHaveLength(1);
});

test("what was used stays used, whatever is stored again, and ends with its grant at every replica", async () => {
  const installation = await createInstallation();
  const [one, other] = [await replica(installation), await replica(installation)];
  await one.put(code(installation, "code"));
  await one.consume("AuthorizationCode", "code");
  await other.put(code(installation, "code"));
  expect(await other.find("AuthorizationCode", "code")).toMatchObject({ consumed: expect.any(Number) });
  await other.put({ ...code(installation, "refresh"), model: "RefreshToken" });
  await one.removeOfGrant("grn_1");
  expect(await other.find("RefreshToken", "refresh")).toBeUndefined();
});

test("a copy of the disk holds neither a code nor what it is for", async () => {
  const installation = await createInstallation();
  const states = await replica(installation);
  await states.put({ ...code(installation, "secret-code-canary"), lookup: "USERCODECANARY" });
  expect(await states.findByLookup("AuthorizationCode", "USERCODECANARY")).toMatchObject({
    jti: "secret-code-canary",
  });
  for (const { name, bytes } of await installation.files()) {
    for (const canary of ["secret-code-canary", "USERCODECANARY", "canary.example"])
      expect(bytes.includes(canary), `${canary} in ${name}`).toBe(false);
  }
});

test("a store that fails in the middle of a use leaves the code used once or not at all, and says to try again", async () => {
  const installation = await createInstallation();
  for (const before of [true, false]) {
    const id = `code-${before}`;
    await (await replica(installation)).put(code(installation, id));
    const failure = new StoreError("unavailable", "the store does not answer");
    const failing: Store = {
      ...installation.store,
      get: installation.store.get.bind(installation.store),
      scan: installation.store.scan.bind(installation.store),
      async commit(commit) {
        if (!before) await installation.store.commit(commit);
        throw failure;
      },
    };
    const adapters = createAdapters({
      states: await replica(installation, failing),
      organizations: undefined as never,
      clock: installation.clock,
      endGrant: async () => {},
    });
    await expect(adapters("AuthorizationCode").consume(id)).rejects.toMatchObject({
      error: "temporarily_unavailable",
      status: 503,
    });
    const again = await (await replica(installation)).consume("AuthorizationCode", id);
    expect(again).toBe(before);
  }
});

test("what is over is deleted; a code a while later, so that its second use is noticed", async () => {
  const installation = await createInstallation();
  const states = await replica(installation);
  await states.put(code(installation, "old"));
  installation.clock.time += 61_000;
  expect(await (await replica(installation)).find("AuthorizationCode", "old")).toBeUndefined();
});
