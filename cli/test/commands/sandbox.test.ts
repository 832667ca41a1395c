import { existsSync } from "node:fs";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { problemError } from "@wellapi/grpc-client";
import { expect, test } from "vitest";
import { openFolder, openGateway, wellapi } from "./world.ts";

test("nothing is made at an exchange that is no sandbox", async () => {
  const made: string[] = [];
  const env = await openGateway(({ service }) => {
    service(TokenService, {
      issuePatientToken() {
        throw problemError({
          code: Code.FailedPrecondition,
          reason: "SANDBOX_ONLY",
          message: "only in a sandbox",
        });
      },
    });
    service(OrganizationService, {
      createOrganization({ organization }) {
        made.push(organization!.displayName);
        return {};
      },
    });
  });
  const folder = join(openFolder(), "sandbox");
  const { code, err } = await wellapi(["sandbox", "create", "--folder", folder], { env });
  expect(code).toBe(6);
  expect(err).toContain("SANDBOX_ONLY");
  expect(made).toEqual([]);
  expect(existsSync(folder)).toBe(false);
});

test("a folder that holds no sandbox, and days and seconds that cannot be, are refused", async () => {
  const env = await openGateway(() => {});
  const folder = openFolder();
  const streamed = await wellapi(["sandbox", "stream", "--folder", folder], { env });
  expect(streamed).toMatchObject({
    code: 8,
    err: `${folder} holds no sandbox: wellapi sandbox create makes one`,
  });
  expect((await wellapi(["sandbox", "create", "--days", "0", "--folder", folder], { env })).code).toBe(2);
  // Longer than a timer of Node can be: it would send without a pause.
  expect((await wellapi(["sandbox", "stream", "--every", "999999999"], { env })).code).toBe(2);
});

test("the clock of an organization is told, and moved from where it is", async () => {
  let ahead = 86_400n;
  const clock = () => ({
    currentTime: timestampFromMs(Date.UTC(2026, 3, 12) + Number(ahead) * 1_000),
    clockAhead: { seconds: ahead },
  });
  const asked: bigint[] = [];
  const env = await openGateway(({ service }) => {
    service(SandboxService, {
      getSandbox: () => ({ organization: "org_a", ...clock() }),
      moveClock({ clockAhead }) {
        ahead = clockAhead!.seconds;
        asked.push(ahead);
        return clock();
      },
    });
  });
  const told = await wellapi(["sandbox", "clock"], { env });
  expect(told.out).toContain("2026-04-13T00:00:00.000Z is the time for org_a, 1 day ahead");
  const moved = await wellapi(["sandbox", "clock", "--forward", "36h", "--json"], { env });
  expect(JSON.parse(moved.out)).toEqual({
    organization: "org_a",
    currentTime: "2026-04-14T12:00:00.000Z",
    aheadSeconds: 2.5 * 86_400,
  });
  expect(asked).toEqual([216_000n]);
  expect((await wellapi(["sandbox", "clock", "--forward", "-1d"], { env })).code).toBe(2);
  expect((await wellapi(["sandbox", "clock", "--forward", "30"], { env })).code).toBe(2);
});
