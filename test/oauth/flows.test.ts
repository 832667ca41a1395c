/** Every flow of OAuth 2 and OpenID Connect in one process; mesh.it.test.ts has the same in a mesh. */
import { createClient } from "@connectrpc/connect";
import { operatorAt } from "@wellapi/demo/people";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { decodeProtectedHeader } from "jose";
import * as oidc from "openid-client";
import { expect, test } from "vitest";
import { describeFlows } from "./flows.ts";
import { confidentialClient, connected, inOneProcess } from "./world.ts";

inOneProcess((given) => {
  describeFlows(given);

  test("after a change of the signing key tokens are signed by the new one, and refresh tokens go on", async () => {
    const world = given();
    const { configuration } = await confidentialClient(world);
    const before = await (await connected(world, configuration)).tokens();
    const { kid } = await createClient(TokenService, operatorAt(world.server)).rotateSigningKey({
      immediately: true,
    });
    const after = await oidc.refreshTokenGrant(configuration, before.refresh_token!);
    expect(decodeProtectedHeader(after.access_token).kid).toBe(kid);
  });
});
