import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";

/** Why something did not work, as the reader can act on it. */
export type Problem =
  /** Nothing answers: the reader is offline, or the exchange is. */
  | "unreachable"
  /** The reader has to prove once more who they are. */
  | "confirm"
  /** It changed meanwhile: what is shown is old. */
  | "changed"
  /** They may not. */
  | "refused"
  /** Too many calls in a short time. */
  | "busy"
  | "failed";

export function problemOf(error: unknown): Problem {
  const known = ConnectError.from(error);
  if (reasonIn(known) === "ASSURANCE_REQUIRED") return "confirm";
  switch (known.code) {
    case Code.Unavailable:
    case Code.DeadlineExceeded:
    case Code.Unknown:
      return "unreachable";
    case Code.Aborted:
      return "changed";
    case Code.PermissionDenied:
    case Code.NotFound:
      return "refused";
    case Code.ResourceExhausted:
      return "busy";
    default:
      return "failed";
  }
}

/** The reason in the error (google.rpc.ErrorInfo); empty where it has none. */
export function reasonIn(error: ConnectError): string {
  return error.findDetails(ErrorInfoSchema)[0]?.reason ?? "";
}
