/** What others wrote reaches a terminal as text that it does not obey. */
import { Code } from "@connectrpc/connect";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { problemError } from "@wellapi/grpc-client";
import { expect, test } from "vitest";
import { printable } from "../src/output.ts";
import { openGateway, wellapi } from "./commands/world.ts";

/** ESC with CSI, OSC 8 (a link), OSC 0 (the title), CSI as one character, carriage return, backspace, DEL, bidi controls. */
const hostile =
  "a\u001b[2Jb\u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007\u001b]0;title\u0007\u009b31mc\rd\be\u007ff\u202eg\u2066h\u2069\u2028i";
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\u061c]/;

const env = () =>
  openGateway(({ service }) => {
    service(OrganizationService, {
      listOrganizations: () => ({ organizations: [{ id: "org_1", displayName: `${hostile}\norg_2` }] }),
    });
    service(ConsentService, {
      listConsents() {
        const violations = [{ field: hostile, description: hostile, reason: "r" }];
        throw problemError({ code: Code.InvalidArgument, reason: "BECAUSE", message: hostile, violations });
      },
    });
  });

test("a name cannot command the terminal, nor make a line of its own", async () => {
  expect(hostile).toMatch(obeyed);
  const { code, out } = await wellapi(["organization", "list"], { env: await env() });
  expect(code).toBe(0);
  expect(out).not.toMatch(obeyed);
  expect(out).toContain("a\\u001b[2Jb\\u001b]8;;https://evil.example\\u0007link");
  expect(out).toContain("\\u009b31mc\\u000dd\\u0008e\\u007ff\\u202eg\\u2066h\\u2069\\u2028i\\u000aorg_2");
  expect(out.split("\n").filter((line) => line.includes("org_2"))).toHaveLength(1);
  expect(out.split("\n").some((line) => line.trim().startsWith("org_2"))).toBe(false);
});

test("JSON holds no such character, and means the same name", async () => {
  const { out } = await wellapi(["organization", "list", "--json"], { env: await env() });
  expect(out).not.toMatch(obeyed);
  expect(JSON.parse(out)).toMatchObject({ displayName: `${hostile}\norg_2` });
});

test("neither an error of the exchange nor a command line that is echoed commands the terminal", async () => {
  const given = { env: await env() };
  const refused = await wellapi(["consent", "list"], given);
  expect(refused.code).toBe(8);
  expect(refused.err).toContain("BECAUSE: a\\u001b[2J");
  expect(refused.err).not.toMatch(obeyed);
  const json = await wellapi(["consent", "list", "--json"], given);
  expect(json.err).not.toMatch(obeyed);
  expect(JSON.parse(json.err)).toMatchObject({ error: { message: hostile } });
  const echoed = await wellapi(["consent", hostile.replaceAll("\u0000", "")]);
  expect([echoed.code, echoed.err]).toEqual([2, expect.not.stringMatching(obeyed)]);
});

test("text of people stays as it is: tabs, lines, accents, right-to-left letters, joined emoji", () => {
  const text = "Zoë\tžluťoučký\nשלום مرحبا 健康 👩‍⚕️ −2.5 °C";
  expect(printable(text)).toBe(text);
});
