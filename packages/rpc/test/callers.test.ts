import { create, createFileRegistry, type DescService, setExtension, toBinary } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { CallerKind, CallersSchema, service_callers } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { silentLogger } from "@wellapi/runtime";
import { describe, expect, test } from "vitest";
import {
  type Caller,
  createMemoryTransport,
  isPublic,
  type Principal,
  problemOf,
  type Route,
  serverInterceptors,
} from "../src/index.ts";
import { createTrustingAuthentication } from "../src/testing.ts";

/** For patients, by the edges and by the surfaces of the service `fhir`. */
function contract(): DescService {
  const options = create(ServiceOptionsSchema);
  const callers = create(CallersSchema, {
    kinds: [CallerKind.PATIENT, CallerKind.SERVICE],
    workloads: ["door", "gateway"],
    surfaces: ["fhir"],
  });
  setExtension(options, service_callers, callers);
  const file = create(FileDescriptorProtoSchema, {
    name: "notes.proto",
    package: "wellapi.notes.v1",
    syntax: "proto3",
    messageType: [{ name: "Message" }],
    service: [
      {
        name: "NoteService",
        method: [
          { name: "Get", inputType: ".wellapi.notes.v1.Message", outputType: ".wellapi.notes.v1.Message" },
        ],
        options,
      },
    ],
  });
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getService(
    "wellapi.notes.v1.NoteService",
  )!;
}

const patient: Principal = { kind: "patient", id: "pat_1", partition: "local/pat_1" };

/** What a call by way of the workload is told; "called" where the handler got it. */
async function told(principal: Principal, workload: string): Promise<string> {
  const service = contract();
  const method = service.methods[0]!;
  const caller: Caller = { principal, workload, token: "t" };
  const route: Route = { service, implementation: { get: () => create(method.output) } };
  const transport = createMemoryTransport({
    routes: [route],
    workload,
    interceptors: serverInterceptors({
      log: silentLogger,
      authentication: createTrustingAuthentication(caller),
    }),
  });
  try {
    const { message } = await transport.unary(method as never, undefined, undefined, undefined, {});
    return toBinary(method.output, message).length === 0 ? "called" : "something else";
  } catch (error) {
    return problemOf(ConnectError.from(error)).reason;
  }
}

describe("a service that may carry calls by its surfaces", () => {
  test("carries those of callers from outside", async () => {
    expect(await told(patient, "gateway")).toBe("called");
    expect(await told(patient, "fhir")).toBe("called");
  });

  test("makes none on its own behalf, and no other service may do the same", async () => {
    expect(await told({ kind: "service", id: "fhir" }, "fhir")).toBe("CALLER_NOT_PERMITTED");
    expect(await told(patient, "records")).toBe("CALLER_NOT_PERMITTED");
    expect(await told({ kind: "operator", id: "opr_1" }, "fhir")).toBe("CALLER_NOT_PERMITTED");
  });

  test("does not make the contract less public", () => {
    expect(isPublic(contract())).toBe(true);
  });
});
