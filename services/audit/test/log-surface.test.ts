import { Code } from "@connectrpc/connect";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { openTestSurface } from "@wellapi/http/testing";
import { problemError } from "@wellapi/rpc";
import { partialRoute } from "@wellapi/rpc/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { logSurface } from "../src/index.ts";
import { openAudit } from "./harness.ts";

const files: Readonly<Record<string, string>> = {
  checkpoint: "wellapi.test/log\n1\n",
  "tile/0/000": "full",
  "tile/0/x001/234.p/5": "part",
};

function stored(path: string): Uint8Array {
  const text = files[path];
  if (text === undefined) throw problemError({ code: Code.NotFound, reason: "NOT_FOUND", message: "x" });
  return new TextEncoder().encode(text);
}

async function open(read: (path: string) => Uint8Array = stored): Promise<string> {
  const getLogFile = ({ path }: { path: string }) => ({ content: read(path) });
  const { url, close } = await openTestSurface(logSurface, {
    routes: [partialRoute(AuditService, { getLogFile })],
  });
  onTestFinished(() => close());
  return url;
}

describe("the log's files", () => {
  test("that can't be read", async () => {
    const url = await open(() => {
      throw new Error("CANARY disk");
    });
    const file = await fetch(`${url}/log/checkpoint`);
    expect(file.status).toBe(500);
    expect(await file.json()).toEqual({ code: "internal", reason: "INTERNAL", message: "internal error" });
  });

  test("say when to ask again where the service has no answer now", async () => {
    const url = await open(() => {
      throw problemError({ code: Code.Unavailable, reason: "STORE_UNAVAILABLE", message: "x" });
    });
    const file = await fetch(`${url}/log/checkpoint`);
    expect(file.status).toBe(503);
    expect(file.headers.get("retry-after")).toBe("1");
  });

  test("with what caches may keep", async () => {
    const url = await open();
    const checkpoint = await fetch(`${url}/log/checkpoint`);
    expect(await checkpoint.text()).toBe("wellapi.test/log\n1\n");
    expect(checkpoint.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(checkpoint.headers.get("cache-control")).toBe("no-cache");
    const tile = await fetch(`${url}/log/tile/0/000`);
    expect(await tile.text()).toBe("full");
    expect(tile.headers.get("cache-control")).toContain("immutable");
    const part = await fetch(`${url}/log/tile/0/x001/234.p/5`);
    expect(await part.text()).toBe("part");
    expect(part.headers.get("cache-control")).toBe("no-cache");
  });

  test.each([
    "tile/0/001",
    "tile/64/000",
    "tile/0/../../secret",
    "tile/0/000.p/256",
    "secret",
    "tile/0/%2e%2e",
  ])("no file: %s", async (path) => {
    const url = await open();
    const response = await fetch(`${url}/log/${path}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "not_found" });
  });

  test("are public: whatever credential is shown, nobody looks at it", async () => {
    const url = await open();
    const headers = { authorization: "Bearer wellapi_sk_wrong" };
    expect((await fetch(`${url}/log/checkpoint`, { headers })).status).toBe(200);
  });

  test("are those of the log", async () => {
    const world = await openAudit();
    const { url, close } = await openTestSurface(logSurface, { routes: world.routes.slice(0, 1) });
    onTestFinished(() => close());
    const { checkpoint } = await world.as({}).getCheckpoint({});
    expect(await (await fetch(`${url}/log/checkpoint`)).text()).toBe(checkpoint);
    expect(await (await fetch(`${url}/log/successions`)).json()).toEqual([]);
  });
});
