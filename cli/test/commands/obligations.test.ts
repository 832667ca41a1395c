import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  ConsentReceiptService,
  type GetConsentReceiptRequest,
} from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import {
  type AnswerDeletionObligationRequest,
  DataKept_Reason,
  DeletionObligation_State,
  DeletionObligationService,
  type ListDeletionObligationsRequest,
} from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

const time = timestampFromMs(Date.UTC(2026, 3, 12, 8));
const until = timestampFromMs(Date.UTC(2036, 0, 1));
const obligation = {
  id: "dob_1",
  patient: "pat_1",
  organization: "org_1",
  consent: "con_1",
  received: [
    { category: "heart", reads: 2n, values: 120n, firstTime: time, lastTime: time },
    { reads: 1n, unknownAmountReads: 1n, firstTime: time, lastTime: time },
  ],
  dueTime: time,
  state: DeletionObligation_State.OVERDUE,
};

async function openObligations() {
  const answers: AnswerDeletionObligationRequest[] = [];
  const lists: ListDeletionObligationsRequest[] = [];
  const receipts: GetConsentReceiptRequest[] = [];
  const env = await openGateway(({ service }) => {
    service(DeletionObligationService, {
      listDeletionObligations(request) {
        lists.push(request);
        const value = { reason: DataKept_Reason.RESEARCH, citation: "a rule", keepUntilTime: until };
        const kept = { ...obligation, id: "dob_2", answers: [{ answer: { case: "kept" as const, value } }] };
        return { deletionObligations: [obligation, { ...kept, state: DeletionObligation_State.KEPT }] };
      },
      answerDeletionObligation(request) {
        answers.push(request);
        const deleted = request.answer?.answer.case === "deleted";
        const state = deleted ? DeletionObligation_State.DELETED : DeletionObligation_State.KEPT;
        return { deletionObligation: { ...obligation, state } };
      },
    });
    service(ConsentReceiptService, {
      getConsentReceipt(request) {
        receipts.push(request);
        return { jws: "a.b.c" };
      },
    });
  });
  return { env, answers, lists, receipts };
}

test("lists what was received, when an answer is due, and what was answered", async () => {
  const { env, lists } = await openObligations();
  const { code, out } = await wellapi(["obligations", "list", "--state", "open", "overdue"], { env });
  expect(code).toBe(0);
  expect(lists[0]!.states).toEqual([DeletionObligation_State.OPEN, DeletionObligation_State.OVERDUE]);
  expect(out).toMatch(/dob_1 .* heart: 120, 2026-04-12T08:00:00.000Z to .* overdue/);
  expect(out).toMatch(/\(no category\): 0\+/);
  expect(out).toMatch(/dob_2 .* kept .* research: a rule, until 2036-01-01T00:00:00.000Z/);
});

test("attests a deletion, and answers by which law data is kept", async () => {
  const { env, answers } = await openObligations();
  const attest = [
    "obligations",
    "attest",
    "dob_1",
    "--statement",
    "gone",
    "--request-id",
    "r1",
    "--etag",
    "e",
  ];
  expect((await wellapi(attest, { env })).out).toBe("dob_1 deleted");
  const keep = ["obligations", "keep", "dob_1", "--reason", "legal-claims", "--citation", "a rule"];
  expect((await wellapi([...keep, "--until", "2036-01-01T00:00:00Z"], { env })).out).toBe("dob_1 kept");
  expect(answers).toMatchObject([
    {
      deletionObligation: "dob_1",
      answer: { answer: { value: { statement: "gone" } } },
      requestId: "r1",
      etag: "e",
    },
    {
      answer: {
        answer: {
          case: "kept",
          value: { reason: DataKept_Reason.LEGAL_CLAIMS, citation: "a rule", keepUntilTime: until },
        },
      },
    },
  ]);
  expect(answers[1]!.requestId).not.toBe("");
  const wrong = await wellapi(["obligations", "keep", "dob_1", "--reason", "habit", "--citation", "x"], {
    env,
  });
  expect([wrong.code, answers.length]).toEqual([2, 2]);
});

test("prints the receipt of an answer", async () => {
  const { env, receipts } = await openObligations();
  const { out } = await wellapi(["obligations", "receipt", "dob_1", "--answer", "1"], { env });
  expect(out).toBe("a.b.c");
  expect(receipts).toMatchObject([
    { decision: { case: "obligationAnswer", value: { deletionObligation: "dob_1", number: 1 } } },
  ]);
});
