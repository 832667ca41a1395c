/**
 * Keeps each text that the tests get as FHIR in the folder that WELLAPI_FHIR_EMITTED names, for HAPI's validator
 * (packages/fhir-r4/test/hapi.it.test.ts). Reads nothing that its test does not read.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.env.WELLAPI_FHIR_EMITTED;
const wrapped = Symbol.for("wellapi.fhir.emitted");
const { fetch } = globalThis;

if (folder !== undefined && !(wrapped in fetch)) {
  mkdirSync(folder, { recursive: true });
  const keep = (text: string, encoding: string): void => {
    const name = `${createHash("sha256").update(text).digest("hex").slice(0, 32)}.${encoding}`;
    if (text === "" || existsSync(join(folder, name))) return;
    // Who looks at the folder finds whole texts.
    const unfinished = join(folder, `.${process.pid}-${name}`);
    writeFileSync(unfinished, text);
    renameSync(unfinished, join(folder, name));
  };
  const keepAnswer = (text: string, encoding: string): void => {
    if (encoding !== "ndjson") keep(text, encoding);
    else for (const line of text.split("\n")) keep(line, "json");
  };
  const keeping: typeof fetch = async (...call) => {
    const answer = await fetch(...call);
    const [, encoding] =
      /^application\/fhir\+(json|xml|ndjson)/.exec(answer.headers.get("content-type") ?? "") ?? [];
    if (encoding === undefined) return answer;
    const read = answer.text.bind(answer);
    const text = async () => {
      const got = await read();
      keepAnswer(got, encoding);
      return got;
    };
    return Object.assign(answer, { text, json: async () => JSON.parse(await text()) });
  };
  globalThis.fetch = Object.assign(keeping, { [wrapped]: true });
}
