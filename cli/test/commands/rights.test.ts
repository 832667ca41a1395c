import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import {
  Restriction_Ground,
  RightsFulfilled_Measure,
  RightsRefused_Reason,
  RightsRequest_State,
} from "@wellapi/gen/wellapi/consent/v1/rights_request_pb";
import {
  type AnswerRightsRequestRequest,
  type CreateRightsRequestRequest,
  RightsService,
} from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

const time = timestampFromMs(Date.UTC(2026, 3, 13));
const request = { id: "rrq_1", patient: "pat_1", organization: "org_1", dueTime: time };

async function openRights() {
  const demands: CreateRightsRequestRequest[] = [];
  const answers: AnswerRightsRequestRequest[] = [];
  const env = await openGateway(({ service }) => {
    service(RightsService, {
      createRightsRequest(message) {
        demands.push(message);
        return { rightsRequest: { ...request, state: RightsRequest_State.OPEN } };
      },
      listRightsRequests() {
        const restriction = { ground: Restriction_Ground.UNLAWFUL, categories: ["heart"] };
        const value = { reason: RightsRefused_Reason.NO_GROUND, explanation: "a rule", remedies: "a court" };
        return {
          rightsRequests: [
            {
              ...request,
              right: { case: "restriction" as const, value: restriction },
              denial: "con_1",
              denied: true,
              state: RightsRequest_State.REFUSED,
              answers: [{ answer: { case: "refused" as const, value } }],
            },
          ],
        };
      },
      withdrawRightsRequest: () => ({ rightsRequest: { ...request, state: RightsRequest_State.WITHDRAWN } }),
      answerRightsRequest(message) {
        answers.push(message);
        return { rightsRequest: { ...request, state: RightsRequest_State.FULFILLED } };
      },
    });
    service(ConsentReceiptService, {
      getConsentReceipt: ({ decision }) => ({
        jws: decision.case === "rightsStep" ? `${decision.value.rightsRequest}.${decision.value.answer}` : "",
      }),
    });
  });
  return { env, demands, answers };
}

test("each right is demanded of an organization, in the patient's words, and taken back", async () => {
  const { env, demands } = await openRights();
  const say = async (...parameters: string[]) => (await wellapi(["rights", ...parameters], { env })).out;
  const from = "2026-03-01T00:00:00Z";
  const rectify = ["rectify", "org_1", "--category", "body", "--from", from, "--words", "80 kg"];
  expect(await say(...rectify)).toBe("rrq_1 open, due 2026-04-13T00:00:00.000Z");
  await say("restrict", "org_1", "--ground", "unlawful", "--category", "heart", "sleep");
  await say("object", "org_1", "--purpose", "research");
  await say("port", "org_1", "--request-id", "r1");
  expect(demands).toMatchObject([
    {
      rightsRequest: {
        organization: "org_1",
        statement: "80 kg",
        right: { case: "rectification", value: { category: "body", capturedWithin: { startTime: {} } } },
      },
    },
    {
      rightsRequest: {
        right: { value: { ground: Restriction_Ground.UNLAWFUL, categories: ["heart", "sleep"] } },
      },
    },
    { rightsRequest: { right: { value: { purpose: Purpose.RESEARCH } } } },
    { rightsRequest: { right: { case: "portability" } }, requestId: "r1" },
  ]);
  expect(new Set(demands.map(({ requestId }) => requestId)).size).toBe(4);
  expect(await say("withdraw", "rrq_1")).toMatch(/^rrq_1 withdrawn/);
  expect((await wellapi(["rights", "object", "org_1", "--purpose", "fun"], { env })).code).toBe(2);
});

test("demands are listed with what they deny and what was answered; an organization answers; receipts are printed", async () => {
  const { env, answers } = await openRights();
  const say = async (...parameters: string[]) => (await wellapi(["rights", ...parameters], { env })).out;
  const listed = await say("list", "--state", "refused");
  expect(listed).toMatch(
    /rrq_1 .* restriction: unlawful heart, reads denied .* refused .* no-ground: a rule/,
  );
  const fulfil = ["fulfil", "rrq_1", "--measure", "corrected", "--statement", "sent anew", "--etag", "e"];
  expect(await say(...fulfil)).toMatch(/^rrq_1 fulfilled/);
  await say("refuse", "rrq_1", "--reason", "accurate", "--explanation", "so", "--remedies", "a court");
  await say("extend", "rrq_1", "--reason", "three houses");
  expect(answers).toMatchObject([
    {
      answer: { answer: { value: { measure: RightsFulfilled_Measure.CORRECTED, statement: "sent anew" } } },
      etag: "e",
    },
    { answer: { answer: { value: { reason: RightsRefused_Reason.ACCURATE, remedies: "a court" } } } },
    { answer: { answer: { case: "extended", value: { reason: "three houses" } } } },
  ]);
  expect(await say("receipt", "rrq_1", "--answer", "2")).toBe("rrq_1.2");
});
