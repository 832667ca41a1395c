/** The OpenAPI 3.1 document of the public contracts. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Callers } from "../../gen/wellapi/type/v1/callers_pb.js";
import { callersOf, isPublic } from "../../packages/rpc/src/caller/callers.ts";
import { deprecatedIn } from "../../packages/rpc/src/checks/deprecation.ts";
import { requestBytesOf } from "../../packages/rpc/src/checks/request-size.ts";
import { callersInWords } from "../callers-words.ts";
import { commentOf, paragraphs } from "./comments.ts";
import { deprecationOf } from "./deprecation.ts";
import { errorSchemas } from "./errors.ts";
import {
  answerHeaders,
  operationId,
  pathItem,
  sharedParameters,
  streamsUp,
  whoMayCall,
} from "./operations.ts";
import { given, type JsonSchema, OpenApiError } from "./rules.ts";
import { createSchemas, type Schemas } from "./schemas.ts";
import { requirementsOf, securitySchemes } from "./security.ts";

const about = `The exchange for patients' wellness data under the patient's own consent: its public RPCs as JSON over HTTP, by Connect's
protocol. Generated from the contracts in \`proto/\`, which are the source.

- Each RPC is \`POST /<package>.<Service>/<Method>\` with \`content-type: application/json\`; those without side effects are \`GET\`, too.
- JSON is ProtoJSON: 64-bit integers and durations are text, enums are names, bytes are base64, fields with their zero value are left out.
- A schema that ends in \`.Input\` is what a request holds: it has the contract's rules, and an unknown field is refused. Schemas of
  answers require nothing, and later versions add fields and enum values: ignore what you do not know.
- A failed call answers \`connect.Error\` with exactly one \`google.rpc.ErrorInfo\`, by whose \`reason\` a program decides.
- Who uses what is deprecated is told by the headers \`deprecation\`, \`sunset\`, \`link\` and \`wellapi-deprecated\` of the answer (/docs/versions).
- Streams that go both ways need gRPC: a service's tag lists them in \`x-grpc-methods\`.`;

/** Undefined where none of the services is public. */
export function openApiDocument(services: readonly DescService[]): JsonSchema | undefined {
  const told = services.filter(isPublic).sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
  if (told.length === 0) return undefined;
  const methods = told.flatMap((service) => service.methods);
  assertUnique(methods.map(operationId));
  const schemas = createSchemas();
  const paths = methods.flatMap((method) => {
    const item = pathItem(method, requiredCallers(method), schemas);
    return item === undefined ? [] : [[`/${method.parent.typeName}/${method.name}`, item] as const];
  });
  const errors = errorSchemas(schemas);
  return {
    openapi: "3.1.1",
    info: {
      title: "WellAPI",
      summary: "Patients' wellness data under the patient's own consent",
      description: about,
      version: "v1",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    servers: [{ url: "/", description: "The installation that serves this document." }],
    tags: told.map((service) => tag(service, schemas)),
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: securitySchemes(methods.flatMap((method) => requirementsOf(requiredCallers(method)))),
      parameters: sharedParameters,
      headers: {
        RequestId: {
          description:
            "Names the call in the server's log: tell it to the operator when you ask about an answer.",
          schema: { type: "string" },
        },
        Version: {
          description: "The version of the program that served the call.",
          schema: { type: "string" },
        },
      },
      responses: {
        Error: {
          description: "The call was refused or failed.",
          headers: answerHeaders,
          content: { "application/json": { schema: { $ref: "#/components/schemas/connect.Error" } } },
        },
      },
      schemas: { ...schemas.all(), ...errors },
    },
  };
}

function tag(service: DescService, schemas: Schemas): JsonSchema {
  const grpc = service.methods.filter(streamsUp).map((method) => grpcMethod(method, schemas));
  return given({
    name: service.typeName,
    description: commentOf(service),
    "x-grpc-methods": grpc.length === 0 ? undefined : grpc,
  });
}

/** What an operation says, of an RPC that HTTP does not carry. */
function grpcMethod(method: DescMethod, schemas: Schemas): JsonSchema {
  const callers = requiredCallers(method);
  return given({
    path: `/${method.parent.typeName}/${method.name}`,
    description: paragraphs(commentOf(method), whoMayCall(callers)),
    ...deprecationOf(deprecatedIn(method)?.method?.terms),
    "x-callers": callersInWords(callers),
    "x-max-request-bytes": requestBytesOf(method),
    "x-request-schema": schemas.refTo(method.input, "request"),
    "x-answer-schema": schemas.refTo(method.output, "answer"),
  });
}

function requiredCallers(method: DescMethod): Callers {
  const callers = callersOf(method);
  if (callers === undefined) throw new OpenApiError(`${method}: the contract does not say who may call it`);
  return callers;
}

function assertUnique(names: readonly string[]): void {
  const again = names.find((name, place) => names.indexOf(name) !== place);
  if (again !== undefined) throw new OpenApiError(`two operations would be named ${again}`);
}
