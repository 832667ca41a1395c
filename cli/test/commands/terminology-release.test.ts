import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { CodeReleaseService } from "@wellapi/gen/wellapi/codes/v1/code_release_service_pb";
import { CodeRelease_State, type Concept } from "@wellapi/gen/wellapi/codes/v1/codes_pb";
import { expect, onTestFinished, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

/** An exchange that keeps what is loaded, as the service does; `cut` makes the call with this number fail once. */
async function openReleases({ cut = 0 }: { cut?: number } = {}) {
  const kept: Concept[] = [];
  const begun: object[] = [];
  let calls = 0;
  let state = CodeRelease_State.LOADING;
  const release = () => ({ id: "rel_1", state, concepts: BigInt(kept.length) });
  const env = await openGateway(({ service }) =>
    service(CodeReleaseService, {
      createCodeRelease({ release: asked }) {
        const { kind, url, version, title } = asked!;
        begun.push({ kind, url, version, title });
        return { release: release() };
      },
      addConcepts({ offset, concepts }) {
        calls++;
        if (calls === cut) throw new ConnectError("cut", Code.FailedPrecondition);
        if (Number(offset) > kept.length) throw new ConnectError("missing", Code.FailedPrecondition);
        kept.push(...concepts.slice(kept.length - Number(offset)));
        return { release: release() };
      },
      activateCodeRelease({ concepts }) {
        if (Number(concepts) !== kept.length) throw new ConnectError("missing", Code.FailedPrecondition);
        state = CodeRelease_State.ACTIVE;
        return { release: release() };
      },
    }),
  );
  const codes = () => kept.map(({ system, code, display, inactive }) => [system, code, display, inactive]);
  return { env, codes, begun };
}

function folderWith(files: Readonly<Record<string, string>>): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "wellapi-terminology-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return (name) => join(folder, name);
}

const codeSystem = {
  resourceType: "CodeSystem",
  url: "http://example.org/cs",
  version: "3",
  title: "Ours",
  content: "complete",
  concept: [
    {
      code: "a",
      display: "A",
      concept: [{ code: "b", display: "B", property: [{ code: "inactive", valueBoolean: true }] }],
    },
    { code: "c" },
  ],
};

test("loads a CodeSystem of FHIR with its version, those within others too", async () => {
  const { env, codes, begun } = await openReleases();
  const at = folderWith({ "cs.json": JSON.stringify(codeSystem) });
  const { code, out } = await wellapi(["terminology", "load", at("cs.json")], { env });
  expect([code, out]).toEqual([0, expect.stringMatching(/rel_1 .* active .* 3/)]);
  expect(begun).toEqual([{ kind: 1, url: "http://example.org/cs", version: "3", title: "Ours" }]);
  const { url } = codeSystem;
  expect(codes()).toEqual([
    [url, "a", "A", false],
    [url, "b", "B", true],
    [url, "c", "", false],
  ]);
});

test("loads a ValueSet by its expansion, or by the codes that it lists", async () => {
  const contains = [{ abstract: true, code: "x", contains: [{ system: "s", code: "y", display: "Y" }] }];
  const include = [{ system: "s", concept: [{ code: "z" }] }];
  const set = { resourceType: "ValueSet", url: "http://example.org/vs", version: "1" };
  const at = folderWith({
    "expanded.json": JSON.stringify({ ...set, expansion: { contains } }),
    "listed.json": JSON.stringify({ ...set, compose: { include } }),
    "ruled.json": JSON.stringify({ ...set, compose: { include: [{ system: "s", filter: [] }] } }),
  });
  for (const [file, expected] of [
    ["expanded.json", ["s", "y", "Y", false]],
    ["listed.json", ["s", "z", "", false]],
  ] as const) {
    const { env, codes } = await openReleases();
    expect((await wellapi(["terminology", "load", at(file)], { env })).code).toBe(0);
    expect(codes()).toEqual([expected]);
  }
  const { env } = await openReleases();
  const ruled = await wellapi(["terminology", "load", at("ruled.json")], { env });
  expect([ruled.code, ruled.err]).toEqual([8, expect.stringContaining("defined by rules")]);
});

const loincTable = (rows: number) =>
  `"LOINC_NUM","COMPONENT","LONG_COMMON_NAME","STATUS"\n${Array.from(
    { length: rows },
    (_, i) => `"${i}-0","x","Name ""${i}"", of it","${i === 1 ? "DEPRECATED" : "ACTIVE"}"`,
  ).join("\n")}\n`;

test("loads LOINC's table, and goes on where it was cut off", async () => {
  const { env, codes } = await openReleases({ cut: 2 });
  const at = folderWith({ "Loinc.csv": loincTable(1_203) });
  const unversioned = await wellapi(["terminology", "load", at("Loinc.csv")], { env });
  expect([unversioned.code, unversioned.err]).toEqual([2, expect.stringContaining("--release")]);
  const parameters = ["terminology", "load", at("Loinc.csv"), "--release", "2.81"];
  expect((await wellapi(parameters, { env })).code).toBe(6);
  expect(codes()).toHaveLength(500);
  const { code, err } = await wellapi(parameters, { env });
  expect([code, err]).toEqual([0, expect.stringContaining("500 concepts are there from before")]);
  expect(codes()).toHaveLength(1_203);
  expect(codes().slice(0, 2)).toEqual([
    ["http://loinc.org", "0-0", 'Name "0", of it', false],
    ["http://loinc.org", "1-0", 'Name "1", of it', true],
  ]);
  expect(new Set(codes().map(([, one]) => one)).size).toBe(1_203);
});

test("loads SNOMED CT's snapshot: fully specified names of active descriptions, and which concepts are inactive", async () => {
  const { env, codes, begun } = await openReleases();
  const head =
    "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId";
  const line = (id: string, active: string, concept: string, type: string, term: string) =>
    [id, "20260901", active, "m", concept, "en", type, term, "c"].join("\t");
  const full = "900000000000003001";
  const at = folderWith({
    "sct2_Description_Snapshot-en_INT_20260901.txt": [
      head,
      line("1", "1", "195967001", full, 'Asthma "x" (disorder)'),
      line("2", "1", "195967001", "900000000000013009", "Asthma"),
      line("3", "0", "195967001", full, "Old name (disorder)"),
      line("4", "1", "2", full, "Gone (disorder)"),
    ].join("\r\n"),
    "sct2_Concept_Snapshot_INT_20260901.txt":
      "id\teffectiveTime\tactive\n195967001\t20260901\t1\n2\t20260901\t0\n",
  });
  const { code } = await wellapi(
    ["terminology", "load", at("sct2_Description_Snapshot-en_INT_20260901.txt")],
    { env },
  );
  expect([code, begun]).toEqual([0, [expect.objectContaining({ version: "20260901", title: "SNOMED CT" })]]);
  expect(codes()).toEqual([
    ["http://snomed.info/sct", "195967001", 'Asthma "x" (disorder)', false],
    ["http://snomed.info/sct", "2", "Gone (disorder)", true],
  ]);
});

test.each([
  ["notes.txt", "x", 2, "no file that can be loaded"],
  ["other.csv", "a,b\n1,2\n", 8, "no column LOINC_NUM"],
  ["part.json", JSON.stringify({ ...codeSystem, content: "fragment" }), 8, "a part of its code system"],
  ["patient.json", JSON.stringify({ ...codeSystem, resourceType: "Patient" }), 8, "neither a CodeSystem"],
  ["broken.json", "{", 8, "cannot read"],
  ["empty.json", JSON.stringify({ ...codeSystem, concept: [] }), 8, "no codes"],
])("says what is wrong with a file: %s", async (name, text, code, said) => {
  const { env } = await openReleases();
  const at = folderWith({ [name]: text });
  const told = await wellapi(["terminology", "load", at(name), "--release", "1"], { env });
  expect([told.code, told.err]).toEqual([code, expect.stringContaining(said)]);
});
