import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, parseConfig } from "@wellapi/runtime";
import { expect, onTestFinished, test } from "vitest";
import { smtpUrlSetting } from "../src/config.ts";
import { parseIdentityConfig } from "../src/index.ts";

test("nothing set is the sandbox", () => {
  const { origin, ...config } = parseIdentityConfig({});
  expect(config).toEqual({ profile: "sandbox", trustDomain: "wellapi.local", region: "local" });
  expect(origin()).toBe("http://localhost:7080");
});

test("every problem is told at once", () => {
  const parse = () => parseIdentityConfig({ WELLAPI_PROFILE: "test", WELLAPI_TRUST_DOMAIN: "Not/A/Domain" });
  expect(parse).toThrow(ConfigError);
  expect(parse).toThrow(
    /WELLAPI_PROFILE[\s\S]*WELLAPI_TRUST_DOMAIN|WELLAPI_TRUST_DOMAIN[\s\S]*WELLAPI_PROFILE/,
  );
});

test("the mail server's address may be in a file, which has to be there", () => {
  const folder = mkdtempSync(join(tmpdir(), "wellapi-smtp-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "url");
  writeFileSync(file, "smtps://mail:secret@smtp.example:465\n");
  const read = (env: Record<string, string>) =>
    parseConfig(env, (reader) => ({ url: smtpUrlSetting.read(reader) })).url;
  const from = { WELLAPI_MAIL_FROM: "accounts@wellapi.example" };
  expect(read({ ...from, WELLAPI_SMTP_URL_FILE: file })).toBe("smtps://mail:secret@smtp.example:465");
  expect(() => read({ WELLAPI_SMTP_URL_FILE: file })).toThrow(/WELLAPI_MAIL_FROM/);
  expect(() => read({ ...from, WELLAPI_SMTP_URL_FILE: join(folder, "none") })).toThrow(/cannot be read/);
  expect(read({})).toBeUndefined();
});
