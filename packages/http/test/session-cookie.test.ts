import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { createClient } from "@connectrpc/connect";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { createTrustingAuthentication, partialRoute } from "@wellapi/rpc/testing";
import { expect, onTestFinished, test } from "vitest";
import type { Surface } from "../src/index.ts";
import { openTestSurface } from "../src/testing.ts";

const session = `wellapi_ss_${"0".repeat(26)}_${"A".repeat(43)}`;
const cookie = `theme=dark; __Host-wellapi=${session}`;
const opened = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };

/** What the door is shown of a request to a surface: as the one who asks, and as anybody. */
async function openSurface() {
  const seen: Record<string, string | null>[] = [];
  const config = { rpc: PatientService.method.getPatient };
  const surface: Surface = {
    name: "patients",
    paths: ["/patients/"],
    methods: ["GET", "POST"],
    bodies: { limit: 20, parsers: { "application/json": (bytes) => JSON.parse(bytes.toString()) } },
    mount(app, context) {
      app.get("/patients/", async (asked) => {
        await createClient(PatientService, context.as(asked)).getPatient({ patient: "pat_1" });
        await createClient(PatientService, context.asAnyone(asked)).getPatient({ patient: "pat_1" });
        return {};
      });
      app.post("/patients/", { config }, async (asked) => {
        await createClient(PatientService, context.as(asked)).getPatient({ patient: "pat_1" });
        return {};
      });
    },
  };
  const routes = [
    partialRoute(PatientService, {
      getPatient(_request, { requestHeader }) {
        seen.push({ cookie: requestHeader.get("cookie"), site: requestHeader.get("sec-fetch-site") });
        return { patient: { id: "pat_1" } };
      },
    }),
  ];
  const caller = { principal: { kind: "operator", id: "opr_1" }, workload: "gateway", token: "t" } as const;
  const authentication = createTrustingAuthentication(caller);
  const { url, close } = await openTestSurface(surface, { routes, authentication });
  onTestFinished(() => close());

  /** Sends exactly these headers; `fetch` would add its own. */
  async function send(method: "GET" | "POST", headers: Readonly<Record<string, string>>) {
    seen.length = 0;
    const body = method === "POST" ? "1" : undefined;
    const all = { ...headers, ...(body && { "content-type": "application/json", "content-length": "1" }) };
    const call = request(`${url}/patients/`, { method, headers: all });
    call.end(body);
    const [answer] = (await once(call, "response")) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(200);
    return seen.map((one) => one.cookie);
  }
  return { send };
}

const own = `__Host-wellapi=${session}`;

test.each([
  ["our own page", { "sec-fetch-site": "same-origin" }, own],
  ["our own page in a script", { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" }, own],
  ["somebody who types the address", { "sec-fetch-site": "none", ...opened }, own],
  ["a link on another page", { "sec-fetch-site": "cross-site", ...opened }, own],
  ["a script of another page", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, null],
  [
    "a frame of another page",
    { "sec-fetch-site": "cross-site", ...opened, "sec-fetch-dest": "iframe" },
    null,
  ],
  ["a sibling host", { "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" }, null],
  ["a browser that says nothing", {}, null],
  ["a program that says half of it", opened, null],
])("a GET of %s is made with the session: %#", async (_who, headers, expected) => {
  const { send } = await openSurface();
  // No other cookie gets in, and nothing where the surface asks for anybody.
  expect(await send("GET", { cookie, ...headers })).toEqual([expected, null]);
});

test.each([
  ["our own form", { "sec-fetch-site": "same-origin", ...opened }, own],
  ["a form on another page", { "sec-fetch-site": "cross-site", ...opened }, null],
  ["a form on a sibling host", { "sec-fetch-site": "same-site", ...opened }, null],
  ["a browser that says nothing", {}, null],
])("a POST of %s is made with the session: %#", async (_who, headers, expected) => {
  const { send } = await openSurface();
  expect(await send("POST", { cookie, ...headers })).toEqual([expected]);
});

test("two sessions, or something else in the cookie, are no session", async () => {
  const { send } = await openSurface();
  for (const wrong of [`${own}; ${own}`, "__Host-wellapi=", "__Host-wellapi=x y", `wellapi=${session}`]) {
    expect(await send("GET", { cookie: wrong, "sec-fetch-site": "same-origin" })).toEqual([null, null]);
  }
});
