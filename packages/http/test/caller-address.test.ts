import { silentLogger } from "@wellapi/runtime";
import { expect, onTestFinished, test } from "vitest";
import { openHttpServer, type Surface } from "../src/index.ts";

const where: Surface = {
  name: "where",
  paths: ["/where"],
  methods: ["GET"],
  mount(app) {
    app.get("/where", async ({ callerAddress }) => ({ callerAddress }));
  },
};

/** The address that the server takes for the caller's, who says that it was forwarded for others. */
async function addressSeen(trustedProxies: number | undefined, forwardedFor?: string): Promise<string> {
  const server = await openHttpServer({
    host: "127.0.0.1",
    port: 0,
    portSetting: "WELLAPI_HTTP_PORT",
    surfaces: [{ surface: where }],
    corsOrigins: [],
    ...(trustedProxies !== undefined && { trustedProxies }),
    log: silentLogger,
  });
  onTestFinished(() => server.close());
  const headers: Record<string, string> =
    forwardedFor === undefined ? {} : { "x-forwarded-for": forwardedFor };
  const answer = await fetch(`http://127.0.0.1:${server.port}/where`, { headers });
  return ((await answer.json()) as { callerAddress: string }).callerAddress;
}

test("a caller's address is that of its connection, whatever it says", async () => {
  expect(await addressSeen(undefined)).toBe("127.0.0.1");
  expect(await addressSeen(undefined, "192.0.2.7")).toBe("127.0.0.1");
});

test("behind trusted proxies it is what the last of them says, and nothing that came before", async () => {
  expect(await addressSeen(1, "198.51.100.1, 192.0.2.7")).toBe("192.0.2.7");
  expect(await addressSeen(2, "198.51.100.1, 192.0.2.7, 10.0.0.1")).toBe("192.0.2.7");
  expect(await addressSeen(1)).toBe("127.0.0.1");
});
