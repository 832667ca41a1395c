/** Every flow again in a mesh: a process a service, identity twice, MongoDB between them. */
import type { Mesh } from "@wellapi/host/mesh-launcher";
import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTools, ToolsError } from "../../scripts/tools.ts";
import { describeClinicians } from "./clinicians.ts";
import { describeDoors } from "./doors.ts";
import { describeFlows } from "./flows.ts";
import { openMeshWorld } from "./mesh-world.ts";
import { describeCertificates } from "./mtls.ts";
import { describeRefusals } from "./refused.ts";
import { confidentialClient, connected, type World } from "./world.ts";

/** Whether MongoDB and NATS can be had. A laptop skips, and says so; CI fails. */
async function serversCanBeHad(): Promise<boolean> {
  try {
    await openTools(["mongo", "nats"]);
    return true;
  } catch (error) {
    if (!(error instanceof ToolsError) || process.env.CI) throw error;
    process.stderr.write(`\nSKIPPED: OAuth in a mesh was not tested: ${error.message}\n\n`);
    return false;
  }
}

describe.skipIf(!(await serversCanBeHad()))("in a mesh with two replicas of identity", () => {
  let mesh: Mesh;
  let world: World;

  beforeAll(async () => {
    ({ mesh, world } = await openMeshWorld({ WELLAPI_REPLICAS: "identity=2" }));
  }, 300_000);
  afterAll(() => world?.close(), 150_000);

  describeFlows(() => world);
  describeRefusals(() => world);
  describeDoors(() => world);
  describeClinicians(() => world);
  describeCertificates(() => world);

  test("what began at one replica goes on at the other, and is used there once", async () => {
    await mesh.stop("identity", 2);
    const { configuration } = await confidentialClient(world);
    const { back, checks, tokens } = await connected(world, configuration);
    const { tokens: second } = await connected(world, configuration);
    const first = await second();
    await mesh.start("identity", 2);
    await mesh.stop("identity", 1);
    const given = await tokens();
    const refused = { error: "invalid_grant" };
    await expect(oidc.authorizationCodeGrant(configuration, back, checks)).rejects.toMatchObject(refused);
    await expect(oidc.refreshTokenGrant(configuration, given.refresh_token!)).rejects.toMatchObject(refused);
    expect(await oidc.tokenIntrospection(configuration, first.access_token)).toMatchObject({ active: true });
    const renewed = await oidc.refreshTokenGrant(configuration, first.refresh_token!);
    await oidc.tokenRevocation(configuration, renewed.refresh_token!);
    await mesh.start("identity", 1);
    await mesh.stop("identity", 2);
    expect(await oidc.tokenIntrospection(configuration, first.access_token)).toEqual({ active: false });
    await mesh.start("identity", 2);
  }, 150_000);
});
