import { createClient } from "@connectrpc/connect";
import { ReceiptError, type ReceiptKind, verifyAnyReceipt, verifyReceipt } from "@wellapi/client";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import type { Command } from "commander";
import { wordOption } from "../arguments.ts";
import { connectAnonymously } from "../connection.ts";
import { CliError } from "../failure.ts";
import { fileText } from "../file-text.ts";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

type Keys = Parameters<typeof verifyAnyReceipt>[1];

const kinds: Readonly<Record<string, ReceiptKind>> = {
  erasure: "wellapi-erasure-receipt+jwt",
  consent: "wellapi-consent-receipt+jwt",
};

interface VerifyOptions {
  readonly keys: string;
  readonly kind?: ReceiptKind;
  readonly json: boolean;
}

export function addReceipt(program: Command, io: Io): void {
  const group = program.command("receipt").description("signed receipts, and their verification offline");
  addConnectionOptions(group.command("keys"), io)
    .description("print the keys that verify this installation's receipts; keep them")
    .addHelpText("after", "\nExample: wellapi receipt keys > receipt-keys.json")
    .action(async (_options: unknown, command: Command) => {
      const client = createClient(AuditService, await connectAnonymously(settingsOf(command, io)));
      createOutput(io, false).line((await client.getReceiptKeys({})).jwks);
    });
  group
    .command("verify <file>")
    .description("verify a receipt offline: nothing is asked of anybody (- reads standard input)")
    .requiredOption("--keys <file>", "the keys, kept from 'wellapi receipt keys'")
    .addOption(wordOption("--kind <kind>", "what it has to be a receipt of; default: any", kinds))
    .option("--json", "print the receipt's claims as JSON", false)
    .addHelpText(
      "after",
      "\nExample: wellapi receipt verify erasure.jws --kind erasure --keys receipt-keys.json",
    )
    .action(async (file: string, { keys, kind, json }: VerifyOptions) => {
      const claims = await verified(await textOf(file, io), keysOf(await textOf(keys, io)), kind);
      createOutput(io, json).object(claims, () =>
        [
          "VERIFIED",
          ...Object.entries(claims).map(([name, value]) => `  ${name}: ${textOfClaim(value)}`),
        ].join("\n"),
      );
    });
}

async function textOf(file: string, { stdin }: Io): Promise<string> {
  if (file !== "-") return fileText(file);
  let text = "";
  for await (const chunk of stdin) text += String(chunk);
  return text;
}

function keysOf(text: string): Keys {
  try {
    return JSON.parse(text) as Keys;
  } catch (cause) {
    const message = "--keys: not a JSON Web Key Set: get one with 'wellapi receipt keys'";
    throw new CliError("usage", message, { cause });
  }
}

function textOfClaim(value: unknown): string {
  const isFlat =
    typeof value !== "object" || (Array.isArray(value) && value.every((one) => typeof one === "string"));
  return isFlat ? String(value) : JSON.stringify(value);
}

/** What the receipt says, and its kind. */
async function verified(
  text: string,
  keys: Keys,
  wanted: ReceiptKind | undefined,
): Promise<Record<string, unknown>> {
  // `wellapi erase` and `wellapi consent receipt` print the receipt as their last line.
  const jws = text.trim().split("\n").at(-1) ?? "";
  try {
    const { kind, claims } =
      wanted === undefined
        ? await verifyAnyReceipt(jws, keys)
        : { kind: wanted, claims: await verifyReceipt(wanted, jws, keys) };
    // The kind is the signed header's, also where a claim is named so.
    return Object.assign({ kind }, claims, { kind });
  } catch (cause) {
    if (cause instanceof ReceiptError)
      throw new CliError("verification", `NOT VERIFIED: ${cause.message}`, { cause });
    throw cause;
  }
}
