import {
  create,
  createFileRegistry,
  type DescMethodUnary,
  type DescService,
  setExtension,
} from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import type { Transport } from "@connectrpc/connect";
import { CallerKind, CallersSchema, service_callers } from "@wellapi/gen/wellapi/type/v1/callers_pb";

/**
 * What `buf generate` would make of this contract, which no folder of contracts holds:
 *
 *     package wellapi.tally.v1;
 *     service TallyService {
 *       option (wellapi.type.v1.service_callers) = { kinds: [CALLER_KIND_PATIENT] workloads: ["door", "gateway"] };
 *       // How many batches about the caller have been stored.
 *       rpc GetTally(GetTallyRequest) returns (GetTallyResponse);
 *     }
 *     message GetTallyRequest {}
 *     message GetTallyResponse { uint32 batches = 1; }
 */
function describe(): DescService {
  const callers = create(CallersSchema, { kinds: [CallerKind.PATIENT], workloads: ["door", "gateway"] });
  const options = create(ServiceOptionsSchema);
  setExtension(options, service_callers, callers);
  const file = create(FileDescriptorProtoSchema, {
    name: "wellapi/tally/v1/tally_service.proto",
    package: "wellapi.tally.v1",
    syntax: "proto3",
    messageType: [
      { name: "GetTallyRequest" },
      {
        name: "GetTallyResponse",
        field: [
          {
            name: "batches",
            number: 1,
            type: FieldDescriptorProto_Type.UINT32,
            label: FieldDescriptorProto_Label.OPTIONAL,
          },
        ],
      },
    ],
    service: [
      {
        name: "TallyService",
        options,
        method: [
          {
            name: "GetTally",
            inputType: ".wellapi.tally.v1.GetTallyRequest",
            outputType: ".wellapi.tally.v1.GetTallyResponse",
          },
        ],
      },
    ],
  });
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
  return registry.getService("wellapi.tally.v1.TallyService")!;
}

export const TallyService = describe();

/** The RPC, as the generated client would call it. */
export async function getTally(transport: Transport): Promise<{ readonly batches: number }> {
  const method = TallyService.methods[0] as DescMethodUnary;
  const { message } = await transport.unary(method, undefined, undefined, undefined, {});
  return message as unknown as { readonly batches: number };
}
