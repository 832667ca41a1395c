import { existsSync } from "node:fs";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
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
