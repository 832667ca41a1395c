import { create, createFileRegistry, type DescService, setExtension } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { CallerKind, CallersSchema, service_callers } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { describe, expect, test } from "vitest";
import { createRegistry, type ServiceDescriptor, ServiceError } from "../src/index.ts";

/** `wellapi.<area>.v1.<name>`, for applications at the edges. */
function contract(area: string, name: string): DescService {
  const options = create(ServiceOptionsSchema);
  const callers = create(CallersSchema, { kinds: [CallerKind.APPLICATION], workloads: ["door", "gateway"] });
  setExtension(options, service_callers, callers);
  const file = create(FileDescriptorProtoSchema, {
    name: `${area}/${name}.proto`,
    package: `wellapi.${area}.v1`,
    syntax: "proto3",
    service: [{ name, options }],
  });
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
  return registry.getService(`wellapi.${area}.v1.${name}`)!;
}

function service(name: string, more: Partial<ServiceDescriptor> = {}): ServiceDescriptor {
  return {
    name,
    contracts: [],
    needs: [],
    calls: [],
    replicas: "many",
    compose: async () => ({ routes: [] }),
    ...more,
  };
}

const edge = (): ServiceDescriptor => {
  const { compose: _, ...others } = service("edge");
  return others;
};

const refusal = (...descriptors: ServiceDescriptor[]): string => {
  try {
    createRegistry(descriptors);
  } catch (error) {
    if (error instanceof ServiceError && error.code === "invalid_registry") return error.message;
    throw error;
  }
  throw new Error("nothing was wrong");
};

describe("the order of a start", () => {
  test("each starts after those that it calls, in whatever order they are listed", () => {
    const descriptors = [
      service("c", { calls: ["b"] }),
      service("b", { calls: ["a"] }),
      service("a"),
      service("d", { calls: ["a", "c"] }),
    ];
    expect(createRegistry(descriptors).names).toEqual(["a", "b", "c", "d"]);
    expect(createRegistry(descriptors.toReversed()).names).toEqual(["a", "b", "c", "d"]);
  });

  test("who needs something starts after the service that provides it, which need not be listed under calls", () => {
    const registry = createRegistry([
      service("records", { needs: ["vault", "events"] }),
      service("keys", { provides: ["vault"] }),
    ]);
    expect(registry.names).toEqual(["keys", "records"]);
    expect(registry.calledBy("records")).toEqual(["keys"]);
  });

  test("the edge starts last, and calls whoever has a public contract", () => {
    const registry = createRegistry([
      edge(),
      service("open", { contracts: [contract("open", "OpenService")] }),
      service("closed", { contracts: [contract("internal.closed", "ClosedService")] }),
    ]);
    expect(registry.calledBy("edge")).toEqual(["open"]);
    expect(registry.names.indexOf("edge")).toBeGreaterThan(registry.names.indexOf("open"));
    expect(registry.publicContracts.map(({ typeName }) => typeName)).toEqual(["wellapi.open.v1.OpenService"]);
  });

  test("what a surface calls decides nothing, and is called all the same", () => {
    const surface = { name: "a", paths: ["/a"], methods: ["GET" as const], mount() {} };
    const registry = createRegistry([
      service("b", { calls: ["a"] }),
      service("a", { surfaces: [surface], surfaceCalls: ["b"] }),
    ]);
    expect(registry.names).toEqual(["a", "b"]);
    expect(registry.calledBy("a")).toEqual(["b"]);
    expect(refusal(service("a", { surfaceCalls: ["a"] }))).toBe("a has no surface that calls");
    expect(refusal(service("a", { surfaces: [surface], surfaceCalls: ["c"] }))).toContain(
      "c, which is no service",
    );
  });

  test("a circle is refused, and named", () => {
    expect(refusal(service("a", { calls: ["b"] }), service("b", { calls: ["a"] }))).toContain("a > b > a");
  });
});

describe("descriptors that do not fit together are refused:", () => {
  test("one name twice", () => {
    expect(refusal(service("a"), service("a"))).toContain("same name");
  });

  test("a surface that passes on a patient's data, without a session with consent", () => {
    const surface = { name: "web", paths: ["/web"], methods: ["GET" as const], mount() {} };
    const consent = service("consent", { provides: ["enforcement"] });
    const records = service("records", { contracts: [RecordsService], needs: ["enforcement"] });
    const web = { surfaces: [surface], surfaceCalls: ["records"] };
    expect(refusal(consent, records, service("web", web))).toContain("needs enforcement");
    const registry = createRegistry([consent, records, service("web", { ...web, needs: ["enforcement"] })]);
    expect(registry.calledBy("web")).toEqual(["consent", "records"]);
  });

  test("a call to nobody", () => {
    expect(refusal(service("a", { calls: ["b"] }))).toBe("a calls b, which is no service");
  });

  test("two that provide the same", () => {
    const provides = { provides: ["journal"] } as const;
    expect(refusal(service("a", provides), service("b", provides))).toBe("b and a both provide journal");
  });

  test("two that serve contracts of one package", () => {
    const a = service("a", { contracts: [contract("area", "OneService")] });
    const b = service("b", { contracts: [contract("area", "OtherService")] });
    expect(refusal(a, b)).toBe("b and a both serve contracts of wellapi.area.v1");
  });
});

test("a contract that is not there yet is served by the service of its package", () => {
  const registry = createRegistry([service("a", { contracts: [contract("area", "OneService")] })]);
  expect(registry.serving("wellapi.area.v1.NewService")?.name).toBe("a");
  expect(registry.serving("wellapi.areas.v1.OneService")).toBeUndefined();
});
