import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { type Consent, Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { describe, expect, test } from "vitest";
import { permissionsOf, readCategories } from "../app/sharing/permission.ts";
import { stop } from "../app/sharing/stopping.ts";
import { consent, deny, permit } from "./consents.ts";

/** Holds consents, and revokes all but one. */
function openConsents(all: readonly Consent[], unreachable: string | undefined) {
  const left = new Map(all.map((one) => [one.id, one]));
  const transport = createRouterTransport(({ service }) => {
    service(ConsentService, {
      async revokeConsent({ consent: id }) {
        if (id === unreachable) throw new ConnectError("not now", Code.Unavailable);
        left.delete(id);
        return { consent: { id, state: Consent_State.REVOKED, revokeTime: { seconds: 7n } } };
      },
    });
  });
  return {
    client: createClient(ConsentService, transport),
    left: () => [...left.keys()],
    readable: () => permissionsOf([...left.values()]).flatMap(readCategories),
  };
}

describe("stopping an organization", () => {
  // The page has the newest first, and a denial is often the newest.
  const all = [
    consent({ id: "con_denies", provisions: [deny(["sleep", "body"])] }),
    consent({ id: "con_both", provisions: [permit(["heart", "body"]), deny(["glucose"])] }),
    consent({ id: "con_sleep", provisions: [permit(["sleep"])] }),
    consent({ id: "con_glucose", provisions: [permit(["glucose", "activity"])] }),
  ];

  test("revokes all of its consents, and says when the last was", async () => {
    const server = openConsents(all, undefined);
    expect(await stop(server.client, all)).toEqual({ at: 7_000, stopped: 4, problem: undefined });
    expect(server.left()).toEqual([]);
  });

  test.each(all.map(({ id }) => id))("gives it nothing that it did not have where %s stays", async (id) => {
    const server = openConsents(all, id);
    const before = server.readable();
    expect(before).toEqual(["activity", "heart"]);
    const { problem, stopped } = await stop(server.client, all);
    expect(problem).toBe("unreachable");
    expect(stopped).toBe(4 - server.left().length);
    expect(before).toEqual(expect.arrayContaining(server.readable()));
    expect(server.left()).toContain(id);
  });

  test("goes on after a failure with what only permits, and keeps what denies", async () => {
    const server = openConsents(all, "con_sleep");
    await stop(server.client, all);
    expect(server.left()).toEqual(["con_denies", "con_both", "con_sleep"]);
  });
});
