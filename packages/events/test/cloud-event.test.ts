import { CategorySchema } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect, test } from "vitest";
import { cloudEvent } from "../src/cloud-event.ts";

test("an event is protobuf bytes with the attributes of CloudEvents, as consumers of every release read them", () => {
  const { data, ...event } = cloudEvent(
    CategorySchema,
    { name: "heart", version: 2 },
    {
      id: "con_1.2",
      subject: "consent.consent.amended",
      source: "/wellapi/consent",
      time: 1_790_000_000_000,
    },
  );
  expect(event).toEqual({
    id: "con_1.2",
    subject: "consent.consent.amended",
    headers: {
      "ce-specversion": "1.0",
      "ce-id": "con_1.2",
      "ce-type": "wellapi.type.v1.Category",
      "ce-source": "/wellapi/consent",
      "ce-time": "2026-09-21T14:13:20.000Z",
      "content-type": "application/protobuf",
    },
  });
  expect(Buffer.from(data).toString("hex")).toBe("0a0568656172741002");
});
