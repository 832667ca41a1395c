/** What the reference reads of the OpenAPI document (scripts/openapi). */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

/** Of JSON Schema 2020-12; keywords that the reference does not know stop its build. */
export type Schema = Readonly<Record<string, unknown>> & {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly items?: Schema;
};

export interface CallersInWords {
  readonly principals: readonly string[];
  readonly members: readonly string[];
  readonly staff: readonly string[];
  readonly signIn: string;
  readonly scopes: readonly string[];
}

interface Content {
  readonly content: Readonly<Record<string, { readonly schema: Schema; readonly "x-item-schema"?: Schema }>>;
}

export interface Operation {
  readonly description?: string;
  readonly "x-callers": CallersInWords;
  readonly "x-max-request-bytes": number;
  readonly "x-idempotency"?: string;
  readonly "x-stream"?: "server";
  readonly requestBody: Content;
  readonly responses: { readonly "200": Content };
}

interface GrpcMethod {
  readonly path: string;
  readonly description?: string;
  readonly "x-callers": CallersInWords;
  readonly "x-max-request-bytes": number;
  readonly "x-request-schema": Schema;
  readonly "x-answer-schema": Schema;
}

export interface Contract {
  readonly info: { readonly description: string };
  readonly tags: readonly {
    readonly name: string;
    readonly description?: string;
    readonly "x-grpc-methods"?: readonly GrpcMethod[];
  }[];
  readonly paths: Readonly<Record<string, { readonly get?: object; readonly post: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export function readContract(): Contract {
  return parse(
    readFileSync(fileURLToPath(import.meta.resolve("@wellapi/gen/openapi/openapi.yaml")), "utf8"),
  ) as Contract;
}

/** One RPC as its page shows it. */
export interface Rpc {
  readonly name: string;
  /** `/<package>.<Service>/<Method>`. */
  readonly path: string;
  readonly description: string;
  readonly callers: CallersInWords;
  readonly requestBytes: number;
  readonly idempotency?: string;
  readonly form: "unary" | "unary, also GET" | "stream of answers" | "stream both ways";
  readonly request: Schema;
  readonly answer: Schema;
}

/** The RPCs of a service, those in streams both ways last. */
export function rpcsOf({ tags, paths }: Contract, service: string): readonly Rpc[] {
  const carried = Object.entries(paths)
    .filter(([path]) => path.startsWith(`/${service}/`))
    .map(([path, { get, post }]): Rpc => {
      const streamed = post["x-stream"] !== undefined;
      return {
        name: nameOf(path),
        path,
        description: post.description ?? "",
        callers: post["x-callers"],
        requestBytes: post["x-max-request-bytes"],
        ...(post["x-idempotency"] !== undefined && { idempotency: post["x-idempotency"] }),
        form: streamed ? "stream of answers" : get === undefined ? "unary" : "unary, also GET",
        request: messageOf(post.requestBody, streamed),
        answer: messageOf(post.responses["200"], streamed),
      };
    });
  const both = tags.find(({ name }) => name === service)?.["x-grpc-methods"] ?? [];
  return [
    ...carried,
    ...both.map(
      (method): Rpc => ({
        name: nameOf(method.path),
        path: method.path,
        description: method.description ?? "",
        callers: method["x-callers"],
        requestBytes: method["x-max-request-bytes"],
        form: "stream both ways",
        request: method["x-request-schema"],
        answer: method["x-answer-schema"],
      }),
    ),
  ];
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function messageOf({ content }: Content, streamed: boolean): Schema {
  return streamed
    ? content["application/connect+json"]!["x-item-schema"]!
    : content["application/json"]!.schema;
}
