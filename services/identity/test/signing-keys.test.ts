import { randomUUID } from "node:crypto";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { silentLogger } from "@wellapi/runtime";
import { describe, expect, test } from "vitest";
import { INSTALLATION } from "../src/collections.ts";
import { createInstallationKeyRepository } from "../src/installation-key-repository.ts";
import { openSigningKeys } from "../src/tokens/signing-keys.ts";
import { createInstallation, createPatient, type Installation, operator } from "./installation.ts";
import { problem } from "./problem.ts";

const tokenOf = async (installation: Installation, patient: string) =>
  (await installation.as(operator).tokens.issuePatientToken({ requestId: randomUUID(), patient })).token;

const kidOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split(".")[0]!, "base64url").toString()) as { kid: string }).kid;

async function kids(installation: Installation): Promise<string[]> {
  const { jwks } = await installation.as(operator).tokens.getJwks({});
  return (JSON.parse(jwks) as { keys: Array<{ kid: string }> }).keys.map(({ kid }) => kid);
}

const exchanged = (installation: Installation, bearerToken: string) =>
  installation.exchange("gateway")({ credential: { case: "bearerToken", value: bearerToken } });

const refused = problem(Code.Unauthenticated, "CREDENTIAL_INVALID");

describe("the key of tokens is replaced", () => {
  test("in time: published at once, signing a minute later, and what the old one signed goes on", async () => {
    const installation = await createInstallation();
    const { patient } = await createPatient(installation);
    const before = await tokenOf(installation, patient.id);
    installation.clock.time += 1_000; // keys are ordered by their time
    const { kid, signTime, droppedKids } = await installation.as(operator).tokens.rotateSigningKey({});
    expect(droppedKids).toEqual([]);
    expect(Number(signTime!.seconds) * 1000).toBe(installation.clock.time + 60_000);
    expect(await kids(installation)).toEqual([kid, kidOf(before)]);
    expect(kidOf(await tokenOf(installation, patient.id))).toBe(kidOf(before));
    installation.clock.time += 60_000;
    const after = await tokenOf(installation, patient.id);
    expect(kidOf(after)).toBe(kid);
    for (const token of [before, after]) await exchanged(installation, token);
  });

  test("at once: every other is dropped, and no restore brings it back", async () => {
    const installation = await createInstallation();
    const { patient } = await createPatient(installation);
    const stolen = await tokenOf(installation, patient.id);
    const database = join(installation.folder, "identity.db");
    await installation.reopen();
    await cp(database, `${database}.backup`);

    const { kid, droppedKids } = await installation
      .as(operator)
      .tokens.rotateSigningKey({ immediately: true });
    expect(droppedKids).toEqual([kidOf(stolen)]);
    expect(await kids(installation)).toEqual([kid]);
    expect(kidOf(await tokenOf(installation, patient.id))).toBe(kid);
    await expect(exchanged(installation, stolen)).rejects.toSatisfy(refused);

    await installation.reopen(() => cp(`${database}.backup`, database));
    expect(await kids(installation)).not.toContain(kidOf(stolen));
    await expect(exchanged(installation, stolen)).rejects.toSatisfy(refused);
  });

  test("by one replica: the others verify with it as soon as they meet it", async () => {
    const installation = await createInstallation();
    const { store, kms, clock } = installation;
    const told: string[] = [];
    const open = () =>
      openSigningKeys({
        repository: createInstallationKeyRepository(store, kms),
        journal: {
          owed: () => ({ kind: "delete", collection: "journal_owed", key: [INSTALLATION, "none", "none"] }),
          tell: async ({ subject }) => void told.push(subject),
        },
        clock,
        log: silentLogger,
      });
    const [one, other] = [await open(), await open()];
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // it looks no more often
    const { kid } = await one.rotate(true);
    expect(await other.verificationKey(kid)).toBeDefined();
    expect(other.current().kid).toBe(kid);
    expect(told).toHaveLength(1);
    for (const keys of [one, other]) keys.close();
  });
});
