import { create } from "@bufbuild/protobuf";
import { connect, createClient } from "@wellapi/client";
import {
  ConsentService,
  ListConsentsRequestSchema,
} from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { expect, test } from "vitest";
import { openScriptedServer } from "../src/scripted-server.ts";

test("a library that sends what the last release does not know is found out", async () => {
  const server = await openScriptedServer();
  const rpc = "wellapi.consent.v1.ConsentService/ListConsents";
  server.begin({
    name: "of tomorrow",
    holds: "",
    over: ["gateway"],
    client: { do: "call", rpc, request: {}, attempts: 1 },
    server: [{ rpc, steps: [{ send: {} }] }],
    expect: { requests: [[{}]], result: {} },
  });
  const request = create(ListConsentsRequestSchema);
  request.$unknown = [{ no: 12_345, wireType: 0, data: Uint8Array.of(1) }];
  await createClient(ConsentService, connect({ url: server.gateway })).listConsents(request);
  expect(server.end({})).toEqual([
    "a wellapi.consent.v1.ListConsentsRequest has fields that the contract does not have",
  ]);
  await server.close();
});
