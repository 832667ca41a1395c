import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { fileRefusalOf, type HttpProblem, type Surface } from "@wellapi/http";

// <level> 0 to 63 or "entries"; <index> in groups of three digits, all but the last led by x; partial: .p/<width>
const tilePath =
  /^tile\/(?:[0-9]|[1-5][0-9]|6[0-3]|entries)\/(?:x[0-9]{3}\/){0,6}[0-9]{3}(?<partial>\.p\/(?:[1-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?$/;

const callMs = 5_000;

/** The log's files for anybody: `successions`, and as C2SP tlog-tiles `checkpoint` and tiles. */
export const logSurface: Surface = {
  name: "log",
  paths: ["/log/"],
  methods: ["GET"],
  refuse: fileRefusalOf,
  mount(app, context) {
    app.get<{ Params: { "*": string } }>("/log/*", async (request, reply) => {
      const path = request.params["*"];
      const tile = tilePath.exec(path);
      const known = path === "checkpoint" || path === "successions" || tile !== null;
      const client = createClient(AuditService, context.asAnyone(request));
      const file = known ? await fileOf(client, path) : undefined;
      if (file === undefined) {
        return reply.code(404).header("cache-control", "no-store").send(noSuchFile(known));
      }
      const full = tile !== null && tile.groups?.partial === undefined;
      return reply
        .header("content-type", contentTypeOf(path))
        .header("cache-control", full ? "public, max-age=31536000, immutable" : "no-cache")
        .send(Buffer.from(file.buffer, file.byteOffset, file.byteLength));
    });
  },
};

type LogFiles = Pick<ReturnType<typeof createClient<typeof AuditService>>, "getLogFile">;

async function fileOf(audit: LogFiles, path: string): Promise<Uint8Array | undefined> {
  try {
    return (await audit.getLogFile({ path }, { timeoutMs: callMs })).content;
  } catch (error) {
    if (ConnectError.from(error).code === Code.NotFound) return undefined;
    throw error;
  }
}

function contentTypeOf(path: string): string {
  if (path === "checkpoint") return "text/plain; charset=utf-8";
  return path === "successions" ? "application/json" : "application/octet-stream";
}

function noSuchFile(known: boolean): HttpProblem {
  return {
    code: "not_found",
    reason: "NOT_FOUND",
    message: known
      ? "the log has no such file: start from /log/checkpoint, its size says which tiles there are"
      : "not a path of the log: /log/checkpoint, /log/tile/<level>/<index> and /log/tile/entries/<index> are (C2SP tlog-tiles)",
  };
}
