/** The pages that there are, as the surfaces add them to their router. */
import { identityService } from "@wellapi/identity";

const surfaces = ["sign-in", "account"];

/** Paths of GET, without those that only send on to another page. */
export async function pageRoutes(): Promise<readonly string[]> {
  const found: string[] = [];
  const app = {
    addHook() {},
    get: (path: string) => void found.push(path),
    post() {},
  };
  for (const surface of (identityService.surfaces ?? []).filter(({ name }) => surfaces.includes(name))) {
    await surface.mount(app as never, {} as never);
  }
  return found.filter((path) => !path.endsWith("*") && path !== "/office");
}
