import { fromBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { ConsentRequest_State as State } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentRequestChangedSchema } from "@wellapi/gen/wellapi/internal/consent/v1/consent_events_pb";
import { Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { partition, patientId } from "./installation.ts";
import { problem, reading } from "./messages.ts";
import { day, openScene } from "./requests-scene.ts";

const open = { code: Code.ResourceExhausted, reason: "CONSENT_REQUESTS_OPEN" };

describe("limits", () => {
  it("lets three requests of an organization wait for a patient, also where they come at once", async () => {
    const { ask, refuse, application, asked, pairwise, person } = await openScene();
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => ask()));
    const made = outcomes.filter((one) => one.status === "fulfilled");
    expect(made).toHaveLength(3);
    for (const one of outcomes.filter(({ status }) => status === "rejected")) {
      expect(await problem(Promise.reject((one as PromiseRejectedResult).reason))).toMatchObject(open);
    }
    const patient = pairwise.outward("org_maker", patientId);
    await application("org_maker").createConsentRequest({
      consentRequest: asked({ patient }),
      requestId: "m1",
    });
    const [first, second] = made.map(({ value }) => value.id);
    await application().withdrawConsentRequest({ consentRequest: first! });
    await ask();
    expect(await problem(ask())).toMatchObject(open);
    await refuse(second!);
    await ask({ provisions: [{ ...reading, resolution: Resolution.DAILY }] });
    expect((await person().listConsentRequests({ states: [State.OPEN] })).consentRequests).toHaveLength(4);
  });

  it("lets an organization ask a patient ten times within 30 days, whatever becomes of it", async () => {
    const { ask, application, pass } = await openScene();
    for (let i = 0; i < 10; i += 1) {
      await application().withdrawConsentRequest({ consentRequest: (await ask()).id });
    }
    expect(await problem(ask())).toMatchObject(open);
    pass(30 * day);
    await ask();
  });

  it("lets an organization make so many requests a day, over restarts, and counts ids that it guessed", async () => {
    const { ask, application, asked, pairwise, pass, restart, clock } = await openScene({
      requestsPerDay: 20,
    });
    pass(day - (clock.now() % day));
    const guessed = (i: number) => pairwise.outward("org_clinic", `pat_${String(i).padStart(26, "0")}`);
    for (let i = 100; i < 119; i += 1) {
      expect(await problem(ask({ patient: guessed(i) }))).toMatchObject({ code: Code.NotFound });
    }
    const validity = asked().validity;
    const { id } = await ask({ validity }, "kept");
    await restart();
    const limited = { code: Code.ResourceExhausted, reason: "CONSENT_REQUESTS_LIMITED" };
    expect(await problem(ask())).toMatchObject(limited);
    expect(await problem(ask({ patient: guessed(200) }))).toMatchObject(limited);
    const patient = pairwise.outward("org_maker", patientId);
    await application("org_maker").createConsentRequest({
      consentRequest: asked({ patient }),
      requestId: "m1",
    });
    expect((await application().getConsentRequest({ consentRequest: id })).consentRequest!.state).toBe(
      State.OPEN,
    );
    // What the attempt before did is told, whatever is left of the day.
    expect((await ask({ validity }, "kept")).id).toBe(id);
    pass(day);
    await ask();
  });
});

describe("a thousand requests of one organization", () => {
  it("leave the patient with three, and are listed page by page by who made them", async () => {
    const { ask, application, person } = await openScene({ requestsPerDay: 40 });
    const outcomes: Array<string | undefined> = [];
    for (let i = 0; i < 60; i += 1) outcomes.push((await problem(ask()))?.reason);
    expect(outcomes.filter((one) => one === undefined)).toHaveLength(3);
    expect(outcomes.slice(3, 40).every((one) => one === "CONSENT_REQUESTS_OPEN")).toBe(true);
    expect(outcomes.slice(40).every((one) => one === "CONSENT_REQUESTS_LIMITED")).toBe(true);
    expect((await person().listConsentRequests({})).consentRequests).toHaveLength(3);
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await application().listConsentRequests({ pageSize: 2, pageToken });
      seen.push(...page.consentRequests.map(({ id }) => id));
      if (page.nextPageToken !== "") {
        const foreign = application("org_maker").listConsentRequests({
          pageSize: 2,
          pageToken: page.nextPageToken,
        });
        expect(await problem(foreign)).toMatchObject({ reason: "INVALID_PAGE_TOKEN" });
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(new Set(seen).size).toBe(3);
    expect(seen).toHaveLength(3);
  });
});

describe("what is kept of a request", () => {
  it("lies sealed: neither why, nor who asks, nor what for can be read in the store", async () => {
    const { ask, store } = await openScene();
    await ask({ why: "a word that nobody else writes: zanthoxyl" });
    for (const collection of ["consent_requests", "consent_askings", "consent_request_days"]) {
      const { documents } = await store.scan(collection, { equals: [], limit: 10 });
      expect(documents).toHaveLength(1);
      const text = Buffer.concat(
        Object.values(documents[0]!.document).map((value) =>
          value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value)),
        ),
      ).toString("latin1");
      for (const word of ["zanthoxyl", "org_clinic", "heart", "treatment"]) expect(text).not.toContain(word);
    }
  });

  it("is an entry for each step, with the consent that it came to, and an event of references alone", async () => {
    const { ask, accept, refuse, application, logged, store } = await openScene();
    const first = await ask();
    const { consent } = await accept(first.id);
    const second = await ask({ why: "other" });
    await refuse(second.id);
    const third = await ask({ provisions: [{ ...reading, resolution: Resolution.DAILY }] });
    await application().withdrawConsentRequest({ consentRequest: third.id });
    const entries = (await logged()).filter(({ method }) => method.includes("ConsentRequestService"));
    expect(entries.map(({ method }) => method.split("/")[1])).toEqual([
      "CreateConsentRequest",
      "AcceptConsentRequest",
      "CreateConsentRequest",
      "RefuseConsentRequest",
      "CreateConsentRequest",
      "WithdrawConsentRequest",
    ]);
    expect(entries.every(({ outcome }) => outcome === Access_Outcome.PERMITTED)).toBe(true);
    expect(entries[1]!.consents).toMatchObject([{ consent: consent!.id, version: 1 }]);
    const events = (await store.readOutbox(100)).map(({ event }) => event);
    const steps = events.map(({ subject }) => subject.replace("consent.", ""));
    expect(steps).toEqual([
      "request.created",
      "consent.created",
      "request.accepted",
      "request.created",
      "request.refused",
      "request.created",
      "request.withdrawn",
    ]);
    expect(fromBinary(ConsentRequestChangedSchema, events[0]!.data)).toMatchObject({
      partition,
      consentRequest: first.id,
    });
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  });
});
