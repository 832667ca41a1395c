import { Code, ConnectError, createRouterTransport, type HandlerContext } from "@connectrpc/connect";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { describe, expect, it } from "vitest";
import { createParties } from "../src/parties-client.ts";

/** Whether there are the two parties, where identity ends each call with this code; and what time it was given. */
function asked(code: Code) {
  const times: Array<number | undefined> = [];
  const end = (_: unknown, context: HandlerContext): never => {
    times.push(context.timeoutMs());
    throw new ConnectError("no", code);
  };
  const identity = createRouterTransport(({ service }) => {
    service(OrganizationService, { getOrganization: end });
    service(PatientDirectoryService, { resolvePatient: end });
  });
  const parties = createParties(identity);
  return { times, answers: [() => parties.isOrganization("org_1"), () => parties.isPatient("local/pat_1")] };
}

describe("whether identity knows the parties of a consent", () => {
  it("is asked with a limit of time, and what has no answer by then can be sent again", async () => {
    const { times, answers } = asked(Code.DeadlineExceeded);
    for (const answer of answers) await expect(answer()).rejects.toMatchObject({ code: Code.Unavailable });
    expect(times).toHaveLength(2);
    for (const time of times) expect(time).toBeLessThanOrEqual(2_000);
  });

  it("is no for what it does not find, and unknown where it fails otherwise", async () => {
    expect(await Promise.all(asked(Code.NotFound).answers.map((answer) => answer()))).toEqual([false, false]);
    for (const answer of asked(Code.Internal).answers) {
      await expect(answer()).rejects.toMatchObject({ code: Code.Internal });
    }
  });
});
