import {
  create,
  createFileRegistry,
  type DescMethod,
  type DescService,
  setExtension,
} from "@bufbuild/protobuf";
import {
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  MethodOptionsSchema,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import type { ConnectError, Transport } from "@connectrpc/connect";
import { CallerKind, CallersSchema, service_callers } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import {
  DeprecationSchema,
  field_deprecation,
  method_deprecation,
} from "@wellapi/gen/wellapi/type/v1/deprecation_pb";
import { silentLogger, version } from "@wellapi/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMemoryTransport, deprecatedIn, type Route, serverInterceptors } from "../src/index.ts";
import { createTrustingAuthentication } from "../src/testing.ts";
import { openDoor } from "./open-door.ts";

const [optional, repeated] = [1, 3] as const;
const [text, message] = [9, 11] as const;

/**
 * XService: Ask (unary) and Talk (both ways) take a Letter, whose field `old` is deprecated, and which holds other letters (`inside`,
 * `all`, `either`); Send takes one in a box in a parcel; Gone is deprecated itself.
 */
function describe(): DescService {
  const terms = (since: string, sunset: string) => create(DeprecationSchema, { since, sunset });
  const old = create(FieldOptionsSchema, { deprecated: true });
  setExtension(old, field_deprecation, terms("2027-05-01", "2028-06-01"));
  const gone = create(MethodOptionsSchema, { deprecated: true });
  setExtension(gone, method_deprecation, terms("2027-03-01", "2029-01-01"));
  const options = create(ServiceOptionsSchema);
  const callers = { kinds: [CallerKind.APPLICATION], workloads: ["door"] };
  setExtension(options, service_callers, create(CallersSchema, callers));
  const [typeName, either] = [".x.v1.Letter", { type: message, label: optional, typeName: ".x.v1.Letter" }];
  const both = { inputType: typeName, outputType: ".x.v1.Answer" };
  const file = create(FileDescriptorProtoSchema, {
    name: "x/v1/x_service.proto",
    package: "x.v1",
    syntax: "proto3",
    messageType: [
      {
        name: "Letter",
        field: [
          { name: "old", number: 1, type: text, label: optional, options: old },
          { name: "inside", number: 2, type: message, label: optional, typeName },
          { name: "all", number: 3, type: message, label: repeated, typeName },
          { name: "either", number: 4, oneofIndex: 0, ...either },
          { name: "usual", number: 5, type: text, label: optional },
        ],
        oneofDecl: [{ name: "choice" }],
      },
      {
        name: "Parcel",
        field: [{ name: "box", number: 1, type: message, label: optional, typeName: ".x.v1.Box" }],
      },
      { name: "Box", field: [{ name: "letter", number: 1, type: message, label: optional, typeName }] },
      { name: "Answer" },
    ],
    service: [
      {
        name: "XService",
        options,
        method: [
          { name: "Ask", ...both },
          { name: "Send", inputType: ".x.v1.Parcel", outputType: ".x.v1.Answer" },
          { name: "Talk", ...both, clientStreaming: true, serverStreaming: true },
          { name: "Gone", ...both, options: gone },
          { name: "Plain", inputType: ".x.v1.Answer", outputType: ".x.v1.Answer" },
        ],
      },
    ],
  });
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getService("x.v1.XService")!;
}

const service = describe();
const method = (name: string) => service.methods.find((one) => one.name === name)! as DescMethod;
const route: Route = {
  service,
  implementation: {
    ask: () => ({}),
    send: () => ({}),
    plain: () => ({}),
    gone() {
      throw new TypeError("broken");
    },
    async *talk(letters: AsyncIterable<object>) {
      for await (const _letter of letters) yield {};
    },
  },
};
const interceptors = serverInterceptors({
  log: silentLogger,
  authentication: createTrustingAuthentication({
    principal: { kind: "application", id: "app_1", organization: "org_1" },
    workload: "door",
    token: "t",
  }),
});

let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor([route], interceptors);
});
afterAll(() => door.close());

async function ask(letter: object, name = "Ask", transport: Transport = door.transport): Promise<Headers> {
  const given = letter as never;
  const { header } = await transport.unary(method(name) as never, undefined, undefined, undefined, given);
  return header;
}

const told = (header: Headers) => header.get("wellapi-deprecated");

test("a field is told where it is set, at any depth, once", async () => {
  const old = { old: "so" };
  for (const letter of [
    old,
    { inside: { inside: old } },
    { all: [{ usual: "new" }, old, old] },
    { choice: { case: "either", value: old } },
  ]) {
    expect(told(await ask(letter)), JSON.stringify(letter)).toBe("x.v1.Letter.old");
  }
  expect(told(await ask({ box: { letter: old } }, "Send"))).toBe("x.v1.Letter.old");
  for (const letter of [{}, { usual: "new" }, { all: [{ inside: {} }] }, { old: "" }]) {
    const header = await ask(letter);
    expect(told(header), JSON.stringify(letter)).toBeNull();
    expect(header.get("deprecation")).toBeNull();
    expect(header.get("wellapi-version")).toBe(version);
  }
});

test("a call that fails is told as well, by the earliest of its days", async () => {
  const error = await ask({ old: "so" }, "Gone").catch((caught: ConnectError) => caught);
  const { metadata } = error as ConnectError;
  expect(Object.fromEntries(metadata)).toMatchObject({
    deprecation: `@${Date.UTC(2027, 2, 1) / 1_000}`,
    sunset: "Thu, 01 Jun 2028 00:00:00 GMT",
    "wellapi-deprecated": "x.v1.XService.Gone, x.v1.Letter.old",
    "wellapi-version": version,
  });
});

test("a stream is told of what it set before its first answer", async () => {
  const talk = async (letters: readonly object[]) => {
    const sent = (async function* () {
      yield* letters;
    })();
    const answer = await door.transport.stream(
      method("Talk") as never,
      undefined,
      undefined,
      undefined,
      sent as never,
    );
    const answers = await Array.fromAsync(answer.message);
    return { answers: answers.length, told: told(answer.header) };
  };
  expect(await talk([{ old: "so" }, {}])).toEqual({ answers: 2, told: "x.v1.Letter.old" });
  expect(await talk([{}, {}])).toEqual({ answers: 2, told: null });
});

test("between services nothing is told", async () => {
  const inside = createMemoryTransport({ routes: [route], interceptors, workload: "door" });
  const header = await ask({ old: "so" }, "Ask", inside);
  expect(told(header)).toBeNull();
  expect(header.get("wellapi-version")).toBeNull();
});

test("a method without anything deprecated is not looked at", () => {
  expect(deprecatedIn(method("Plain"))).toBeUndefined();
  expect(deprecatedIn(method("Gone"))?.method?.name).toBe("x.v1.XService.Gone");
});
