import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  hkdfSync,
  randomBytes,
} from "node:crypto";
import { clone, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { Code } from "@connectrpc/connect";
import type { Problem, ProblemCarrier } from "../problem.ts";
import type { Caller } from "./caller.ts";

/** What a page token is bound to. */
export interface PageQuery {
  readonly caller: Caller;
  /** Full name of the RPC, for example `wellapi.records.v1.RecordsService/QuerySeries`. */
  readonly method: string;
  /** From `queryDigest`. */
  readonly digest: Uint8Array;
  /** The field of the request that the token comes back in; default `page_token`. */
  readonly field?: TokenField;
}

export type TokenField = "page_token" | "resume_token";

const remedies: Readonly<Record<TokenField, string>> = {
  page_token:
    "page_token is not one of this query's: pass next_page_token unchanged, with the same request otherwise, or leave it out to start anew",
  resume_token:
    "resume_token is not one of this query's: pass that of the last message unchanged, with the same request otherwise, or leave it out to watch from now on",
};

/** Opaque page tokens (AIP-158): sealed, so that nobody can read or forge a position. */
export interface PageTokens {
  /** A token for the position at which the next page begins. */
  seal(query: PageQuery, position: Uint8Array): string;
  /** The position. @throws PageTokenError for a forged token, another caller's, another query's. */
  open(query: PageQuery, token: string): Uint8Array;
}

export class PageTokenError extends Error implements ProblemCarrier {
  override readonly name = "PageTokenError";
  readonly code = "invalid-page-token";
  readonly problem: Problem;

  constructor(field: TokenField = "page_token") {
    super("page token refused");
    const reason = `INVALID_${field.toUpperCase()}`;
    const description = "is not a token of this caller's same query";
    this.problem = {
      code: Code.InvalidArgument,
      reason,
      message: remedies[field],
      violations: [{ field, description, reason }],
    };
  }
}

const nonceLength = 12;
const tagLength = 16;
const maximumLength = 2_048;

/** AES-256-GCM under a key derived from `key` (at least 32 bytes); caller, method and query are associated data. */
export function createPageTokens(key: Uint8Array): PageTokens {
  if (key.length < 32) throw new RangeError("a page token key has at least 32 bytes");
  const derived = createSecretKey(
    Buffer.from(hkdfSync("sha256", key, new Uint8Array(), "wellapi page tokens v1", 32)),
  );
  return {
    seal(query, position) {
      const nonce = randomBytes(nonceLength);
      const cipher = createCipheriv("aes-256-gcm", derived, nonce);
      cipher.setAAD(binding(query));
      const sealed = Buffer.concat([nonce, cipher.update(position), cipher.final(), cipher.getAuthTag()]);
      return sealed.toString("base64url");
    },
    open(query, token) {
      const sealed = Buffer.from(token, "base64url");
      const whole = sealed.length >= nonceLength + tagLength && token.length <= maximumLength;
      if (!whole || sealed.toString("base64url") !== token) throw new PageTokenError(query.field);
      try {
        const decipher = createDecipheriv("aes-256-gcm", derived, sealed.subarray(0, nonceLength), {
          authTagLength: tagLength,
        });
        decipher.setAAD(binding(query));
        decipher.setAuthTag(sealed.subarray(-tagLength));
        const position = decipher.update(sealed.subarray(nonceLength, -tagLength));
        return Uint8Array.from(Buffer.concat([position, decipher.final()]));
      } catch {
        throw new PageTokenError(query.field);
      }
    },
  };
}

/** SHA-256 of the request without its tokens and `page_size`, which may differ from page to page. */
export function queryDigest<S extends DescMessage>(schema: S, request: MessageShape<S>): Uint8Array {
  const query = clone(schema, request);
  const fields = reflect(schema, query);
  for (const name of ["page_token", "page_size", "resume_token"]) {
    const field = schema.fields.find((candidate) => candidate.name === name);
    if (field !== undefined) fields.clear(field);
  }
  return createHash("sha256").update(toBinary(schema, query)).digest();
}

/** Unambiguous, for the parts are JSON strings. */
function binding({ caller, method, digest, field = "page_token" }: PageQuery): Buffer {
  const { kind, id, organization } = caller.principal;
  return Buffer.from(
    JSON.stringify([kind, id, organization ?? "", method, field, Buffer.from(digest).toString("base64")]),
  );
}
