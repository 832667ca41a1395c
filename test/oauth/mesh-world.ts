import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mesh, openMesh, parseMeshConfig } from "@wellapi/host/mesh-launcher";
import { createLogger } from "@wellapi/runtime";
import { populate, settingsIn, type World } from "./world.ts";

/** As `openWorld`, in a mesh: a process a service, MongoDB and NATS between them (`scripts/tools.ts`). Takes up to a minute. */
export async function openMeshWorld(
  env: Record<string, string> = {},
): Promise<{ readonly mesh: Mesh; readonly world: World }> {
  const folder = mkdtempSync(join(tmpdir(), "wellapi-oauth-mesh-"));
  const settings = {
    ...process.env,
    ...settingsIn(folder),
    WELLAPI_HOST: "127.0.0.1",
    WELLAPI_MTLS_PORT: "0",
    WELLAPI_PROFILE: "sandbox",
    WELLAPI_LOG_LEVEL: "error",
    WELLAPI_DRAIN_MS: "1000",
    ...env,
  };
  const mesh = await openMesh(
    parseMeshConfig(settings),
    settings,
    createLogger({ name: "mesh", env: settings }),
  );
  try {
    return { mesh, world: await populate(mesh, () => rmSync(folder, { recursive: true })) };
  } catch (error) {
    await mesh.close();
    throw error;
  }
}
