import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Document } from "@wellapi/store";
import { openSqliteStore } from "@wellapi/store";
import { openLocalKms, openVault, vaultCollections } from "@wellapi/vault";
import { expect, test } from "vitest";
import { createAccessRepository } from "../src/access-repository.ts";
import { auditCheck } from "../src/check.ts";
import { auditCollections } from "../src/index.ts";
import { ada, bob, leafOf, openAudit, temporaryFolder, trustDomain } from "./harness.ts";

const clinic = "org_canary_clinic";
const insurer = "org_canary_insurer";
const asClinic = { kind: "application", id: "app_1", organization: clinic } as const;

const leaves = () => [
  leafOf(ada, { id: "acc_1", organization: clinic }, 1_000),
  leafOf(bob, { id: "acc_2", organization: clinic }, 2_000),
  leafOf(ada, { id: "acc_3", organization: insurer }, 3_000),
  leafOf(ada, { id: "acc_4" }, 4_000),
  leafOf("", { id: "acc_5", organization: clinic }, 5_000),
];

async function holders(folder: string): Promise<readonly string[]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  const contents = await Promise.all(paths.map((path) => readFile(path)));
  return paths.filter((_, i) => contents[i]!.includes("org_canary"));
}

/** The store as the version before wrote it: with the ids of organizations in clear. */
async function openVersionBefore(): Promise<string> {
  const folder = await temporaryFolder();
  const world = await openAudit({ folder });
  await world.intake.append({ leaves: leaves() });
  await world.settled();
  await world.shut();
  const store = await openSqliteStore({
    thread: "callers",
    path: join(folder, "store", "store.db"),
    collections: [...auditCollections, ...vaultCollections],
  });
  const ids = new Map(leaves().map(({ id, organization }) => [id, organization]));
  const { documents } = await store.scan<Document>("accesses", { equals: [], limit: 100 });
  for (const { document, revision: ifRevision } of documents) {
    const organization = ids.get(document.id as string) || undefined;
    const changed = { ...document, organization };
    const replace = { kind: "replace", collection: "accesses", document: changed, ifRevision } as const;
    expect(await store.commit({ partition: document.partition, changes: [replace] })).toEqual({
      committed: true,
    });
  }
  const note = {
    kind: "delete",
    collection: "document_migrations",
    key: ["migrations", "accesses_tagged"],
  } as const;
  await store.commit({ partition: "migrations", changes: [note] });
  await store.close();
  return folder;
}

test("no file names an organization beside a patient's partition", async () => {
  const world = await openAudit();
  await world.intake.append({ leaves: leaves() });
  await world.settled();
  expect(await holders(world.folder)).toEqual([]);
});

test("ids that the version before stored in clear become tags at the start, and lists stay as they were", async () => {
  const folder = await openVersionBefore();
  expect(await holders(folder)).not.toEqual([]);
  const world = await openAudit({ folder });
  expect(await holders(folder)).toEqual([]);
  const listed = await world.as(asClinic).listAccesses({});
  expect(listed.accesses.map(({ access }) => [access!.id, access!.organization])).toEqual([
    ["acc_5", clinic],
    ["acc_2", clinic],
    ["acc_1", clinic],
  ]);
  const own = await world.as({ kind: "patient", id: "pat_ada", partition: ada }).listAccesses({});
  expect(own.accesses.map(({ access }) => access!.organization)).toEqual(["", insurer, clinic]);
  expect((await world.as(asClinic).getAccess({ access: "acc_2" })).access!.access!.id).toBe("acc_2");
});

test("a page token of before is refused, not answered with another page", async () => {
  const folder = await openVersionBefore();
  const store = await openSqliteStore({
    thread: "callers",
    path: join(folder, "store", "store.db"),
    collections: [...auditCollections, ...vaultCollections],
  });
  const scan = { index: "byOrganization", equals: [clinic], order: "descending", limit: 1 } as const;
  const { cursor } = await store.scan("accesses", scan);
  await store.close();
  const world = await openAudit({ folder });
  const repository = createAccessRepository(world.store);
  const list = repository.list({ kind: "organization", organization: "mac:of another" }, {}, 1, cursor);
  await expect(list).rejects.toMatchObject({ name: "PageTokenError" });
});

test("where the audit key was destroyed an organization still sees which accesses are its own", async () => {
  const world = await openAudit();
  await world.intake.append({ leaves: leaves() });
  await world.settled();
  await world.vault.destroy(ada, "audit");
  const { accesses } = await world.as(asClinic).listAccesses({});
  expect(accesses.map(({ access }) => [access!.id, access!.organization])).toContainEqual(["acc_1", clinic]);
});

test("a tag of another organization is found by the check", async () => {
  const world = await openAudit();
  await world.intake.append({ leaves: leaves() });
  await world.settled();
  const [stored] = (await world.store.scan("accesses", { equals: [ada], limit: 1 })).documents;
  const check = async () => {
    const kms = await openLocalKms({ path: join(world.folder, "master.key") });
    const vault = await openVault({ store: world.store, kms });
    const folders = { directory: join(world.folder, "log"), publishedDirectory: join(world.folder, "log") };
    const { documents: looks } = await auditCheck({
      store: world.store,
      vault,
      kms,
      trustDomain,
      ...folders,
    });
    const { documents } = await world.store.scan("accesses", { equals: [], limit: 100 });
    const found = await Promise.all(documents.map(({ document }) => looks.accesses!(document)));
    await vault.close();
    await kms.close();
    return found.filter((finding) => finding !== undefined).map(({ what }) => what);
  };
  expect(await check()).toEqual([]);
  const document = { ...stored!.document, organization: "mac:of another" };
  const replace = {
    kind: "replace",
    collection: "accesses",
    document,
    ifRevision: stored!.revision,
  } as const;
  await world.store.commit({ partition: ada, changes: [replace] });
  expect(await check()).toEqual(["the organization beside it is another one"]);
});
