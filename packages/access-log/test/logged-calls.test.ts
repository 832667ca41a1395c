import type { DescMethod } from "@bufbuild/protobuf";
import { Code, createContextValues, type HandlerContext } from "@connectrpc/connect";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { type Caller, callerKey } from "@wellapi/rpc";
import { randomIds } from "@wellapi/runtime";
import { createPairwise } from "@wellapi/vault";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type AccessInit,
  type AccessLog,
  createLoggedCalls,
  type LoggedCall,
  outcomeOf,
} from "../src/index.ts";

const alice = randomIds.next("pat");
const bob = randomIds.next("pat");
const caller: Caller = {
  principal: { kind: "patient", id: alice, partition: `local/${alice}` },
  workload: "gateway",
  token: "t",
};
const patient = { id: alice, partition: `local/${alice}` };
const consent = { id: "con_1", version: 3 };
const { revokeConsent, listConsents } = ConsentService.method;

describe("a logged call", () => {
  let written: { partition: string; patient: boolean; access: AccessInit }[];
  let woken: number;
  let full: boolean;

  beforeEach(() => {
    written = [];
    woken = 0;
    full = false;
  });

  const accessLog: AccessLog = {
    leaf: (partition, named, access) => {
      written.push({ partition, patient: named, access });
      return { id: "acc_1", change: { kind: "delete", collection: "leaves", key: ["x"] } };
    },
    async record(partition, named, access) {
      if (full) throw new Error("the log is full");
      written.push({ partition, patient: named, access });
      return "acc_1";
    },
    logDamaged: () => false,
    notify() {
      woken += 1;
    },
    close: async () => {},
  };

  const run = <T>(work: (call: LoggedCall) => Promise<T>, method: DescMethod = revokeConsent) => {
    const values = createContextValues();
    values.set(callerKey, caller);
    const pairwise = createPairwise({ secret: new Uint8Array(32) });
    const calls = createLoggedCalls({ accessLog, pairwise, home: "consent" });
    return calls.run({ values } as HandlerContext, method, "r1", work);
  };

  test("that changed nothing is written down before it is answered, with what it showed", async () => {
    const answer = await run(async ({ about }) => {
      about(patient);
      about(patient, [consent]);
      expect(written).toEqual([]);
      return "answer";
    }, listConsents);
    expect(answer).toBe("answer");
    expect(written).toHaveLength(1);
    expect(written[0]).toMatchObject({
      partition: `local/${alice}`,
      patient: true,
      access: {
        method: "wellapi.consent.v1.ConsentService/ListConsents",
        outcome: Access_Outcome.PERMITTED,
        reason: "",
        consents: [{ consent: "con_1", version: 3 }],
        items: 1,
        requestId: "r1",
      },
    });
  });

  test("that committed its leaf with its change leaves no second one", async () => {
    await run(async ({ about, leaf, committed }) => {
      about(patient);
      leaf(patient, [consent]);
      committed();
    });
    expect(written).toHaveLength(1);
    expect(woken).toBe(1);
  });

  test("about several patients leaves an entry with each", async () => {
    const other = { id: bob, partition: `local/${bob}` };
    await run(async ({ about }) => {
      about(patient);
      about(other);
    });
    expect(written.map(({ partition }) => partition)).toEqual([`local/${alice}`, `local/${bob}`]);
  });

  test("about nobody leaves an entry of the service", async () => {
    await run(async () => {}, OrganizationService.method.createOrganization);
    expect(written).toMatchObject([{ partition: "consent", patient: false, access: { patient: "" } }]);
  });

  test("that is denied says why, and shows no consent", async () => {
    const denial = Object.assign(new Error("no"), {
      problem: { code: Code.NotFound, reason: "NOT_FOUND", message: "no" },
    });
    const call = run(async ({ about }) => {
      about(patient, [consent]);
      throw denial;
    });
    await expect(call).rejects.toBe(denial);
    expect(written).toMatchObject([
      { access: { outcome: Access_Outcome.DENIED, reason: "NOT_FOUND", consents: [], items: 0 } },
    ]);
  });

  test("that fails, or whose request is wrong, leaves nothing", async () => {
    const broken = run(async () => {
      throw new Error("disk");
    });
    await expect(broken).rejects.toThrow("disk");
    const problem = { code: Code.InvalidArgument, reason: "INVALID_FIELD", message: "wrong" };
    const wrong = run(async () => {
      throw Object.assign(new Error("wrong"), { problem });
    });
    await expect(wrong).rejects.toThrow("wrong");
    expect(written).toEqual([]);
  });

  test("is not answered where its entry cannot be written", async () => {
    full = true;
    await expect(run(async () => "answer")).rejects.toThrow("the log is full");
  });

  test("of an RPC that leaves no entry by the table is a mistake of the service, not of the caller", async () => {
    const call = run(async () => {}, OrganizationService.method.getOrganization);
    await expect(call).rejects.toThrow(TypeError);
  });
});

describe("what an entry says of a failed call", () => {
  const problem = (code: Code, reason = "X") => ({ code, reason, message: "" });

  test.each([Code.PermissionDenied, Code.NotFound, Code.FailedPrecondition, Code.Aborted])(
    "status %i is a denial, whatever the call is about",
    (code) => {
      expect(outcomeOf(problem(code), "change")).toBe("denied");
      expect(outcomeOf(problem(code), "data")).toBe("denied");
    },
  );

  test.each([Code.InvalidArgument, Code.OutOfRange, Code.AlreadyExists])(
    "status %i counts where data was asked for, for then the answer may depend on the data",
    (code) => {
      expect(outcomeOf(problem(code), "change")).toBeUndefined();
      expect(outcomeOf(problem(code), "data")).toBe("denied");
    },
  );

  test.each([
    Code.Unavailable,
    Code.Internal,
    Code.DataLoss,
    Code.Unknown,
    Code.Unauthenticated,
    Code.ResourceExhausted,
  ])("status %i is a failure of the installation, or comes before the call: no entry", (code) => {
    expect(outcomeOf(problem(code), "data")).toBeUndefined();
  });

  test("what could not be decided is no denial, and damage is none either", () => {
    expect(outcomeOf(problem(Code.Unavailable, "UNDECIDED"), "data")).toBe("undecided");
    expect(outcomeOf(problem(Code.DataLoss, "DATA_DAMAGED"), "data")).toBe("permitted");
  });
});
