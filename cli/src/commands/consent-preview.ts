import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Connection, createClient, paginate, samplesOf } from "@wellapi/client";
import { type Provision, Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentRequestService } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import {
  type PreviewedAmount,
  type PreviewedKind,
  PreviewedKind_Withheld,
  type PreviewedSums,
  type PreviewReadsResponse,
  PreviewReadsResponseSchema,
  PreviewService,
} from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Command } from "commander";
import { masks, nameOf, purposes, resolutions, wordOption } from "../arguments.ts";
import { connect } from "../connection.ts";
import { type CreateOptions, consentIn, consentOf, narrowed } from "../consent-text.ts";
import { patientOf } from "../delegation-text.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, table, timeText } from "../output.ts";
import { addExceptions, addProvisionOptions } from "../provision-options.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

interface PreviewOptions extends CreateOptions {
  readonly patient?: string;
  readonly organization?: string;
  readonly consent?: string;
  readonly request?: string;
  readonly for?: Purpose;
}

const withheldWords: Readonly<Record<PreviewedKind_Withheld, string>> = {
  [PreviewedKind_Withheld.UNSPECIFIED]: "",
  [PreviewedKind_Withheld.NOT_PERMITTED]: "not permitted",
  [PreviewedKind_Withheld.OTHER_PURPOSE]: "permitted for another purpose",
  [PreviewedKind_Withheld.DENIED]: "denied",
  [PreviewedKind_Withheld.OUTSIDE_WINDOW]: "of another time",
  [PreviewedKind_Withheld.COARSER]: "only sums",
  [PreviewedKind_Withheld.OTHER_SOURCE]: "of another source",
  [PreviewedKind_Withheld.JOINED]: "of several devices at one time, the later alone, as devices are left out",
};

/** What an organization reads, or would read. */
export function addConsentPreview(group: Command, io: Io): void {
  const preview = addConnectionOptions(group.command("preview"), io)
    .description(
      "show exactly what an organization reads or would read; it learns nothing of it (as the patient)",
    )
    .option("--patient <id>", "whose record, where it is not that of --as-patient")
    .option("--organization <org>", "what it reads now, by all consents in force")
    .option("--consent <consent>", "what this consent alone lets it read")
    .option(
      "--request <request>",
      "what it would read if this request were accepted, narrowed by the options below",
    )
    .option("--grantee <org>", "what it would read if this were granted, said by the options below")
    .addOption(
      wordOption("--for <word>", "what it reads for; default the first purpose that is named", purposes),
    );
  addExceptions(addProvisionOptions(preview))
    .option("--from <file>", "a whole consent in JSON, which would be granted, instead of these options")
    .addHelpText(
      "after",
      "\nExample: wellapi consent preview --request crq_... --category heart --resolution daily --as-patient pat_...\n" +
        "         wellapi consent preview --organization org_... --for treatment --as-patient pat_...\n" +
        "         wellapi consent preview --grantee org_... --direction read --category heart --purpose treatment --as-patient pat_...\n" +
        "\n'seen' is what leaves as it was recorded; beside it stands what is in the patient's own record.",
    )
    .action(async (options: PreviewOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const connection = await connect(settings);
      const { view, purpose } = await viewOf(connection, options);
      const asked = { patient: patientOf(options.patient, settings), view, purpose: options.for ?? purpose };
      const client = createClient(PreviewService, connection);
      const pages: PreviewReadsResponse[] = [];
      const kinds = await Array.fromAsync(
        paginate(
          async (pageToken) => {
            const page = await client.previewReads({ ...asked, pageToken });
            pages.push(page);
            return page;
          },
          (page) => page.kinds,
        ),
      );
      // Clinical records are in the first page alone.
      print(createOutput(io, settings.json), { ...pages[0]!, kinds, nextPageToken: "" });
    });
}

type View = Parameters<ReturnType<typeof clientOf>["previewReads"]>[0]["view"];
const clientOf = (connection: Connection) => createClient(PreviewService, connection);

/** What is looked at, and the first purpose that its terms name. */
async function viewOf(
  connection: Connection,
  options: PreviewOptions,
): Promise<{ readonly view: NonNullable<View>; readonly purpose: Purpose }> {
  const { organization, consent, request, grantee, from } = options;
  const named = [organization, consent, request, grantee ?? from].filter((one) => one !== undefined);
  if (named.length !== 1) {
    throw new CliError("usage", "use one of --organization, --consent, --request, and --grantee or --from");
  }
  if (organization !== undefined) {
    return { view: { case: "organization", value: organization }, purpose: Purpose.TREATMENT };
  }
  if (consent !== undefined) {
    const found = await createClient(ConsentService, connection).getConsent({ consent });
    return { view: { case: "consent", value: consent }, purpose: firstPurpose(found.consent?.provisions) };
  }
  if (request !== undefined) return acceptanceOf(connection, request, options);
  const value = from === undefined ? consentOf(options) : consentIn(from);
  return { view: { case: "grant", value }, purpose: firstPurpose(value.provisions) };
}

async function acceptanceOf(connection: Connection, consentRequest: string, options: PreviewOptions) {
  const client = createClient(ConsentRequestService, connection);
  const { consentRequest: asked } = await client.getConsentRequest({ consentRequest });
  const provisions = narrowed(asked?.provisions ?? [], options, Date.now());
  const { validTo } = options;
  const value = {
    consentRequest,
    provisions,
    ...(validTo !== undefined && { validity: { endTime: timestampFromMs(validTo) } }),
  };
  return { view: { case: "acceptance", value } as const, purpose: firstPurpose(provisions) };
}

/** Where nothing names one, what is usual. */
function firstPurpose(
  provisions: ReadonlyArray<Partial<Pick<Provision, "effect" | "purposes">>> | undefined = [],
): Purpose {
  const permits = provisions.filter(({ effect }) => effect === Provision_Effect.PERMIT);
  return permits.flatMap(({ purposes: all = [] }) => all)[0] ?? Purpose.TREATMENT;
}

function print(output: Output, preview: PreviewReadsResponse): void {
  const { kinds, records, organization, decisionTime } = preview;
  output.message(PreviewReadsResponseSchema, preview, () => {
    const measured = kinds.flatMap(rowsOf);
    const clinical = records.map(({ resourceType, held, seen }) => [
      resourceType,
      `${seen} records`,
      "",
      "",
      "",
      `${held}`,
      seen === held ? "" : "not permitted",
    ]);
    const rows = [...measured, ...clinical];
    if (rows.length === 0) return "nothing is in the patient's record";
    return table(["kind", "seen", "from", "to", "first", "in the record", "not seen"], rows);
  });
  output.note(`what ${organization} reads at ${timeText(decisionTime)}; it is not told that you looked`);
}

function rowsOf(kind: PreviewedKind): string[][] {
  const { code, held, seen, sums, withheld, masks: left } = kind;
  const name = code?.display || code?.code || "";
  const raw = [
    name,
    amountText(seen),
    timeText(seen?.span?.startTime),
    timeText(seen?.span?.endTime),
    firstText(kind),
    amountText(held),
    [
      withheldWords[withheld] ?? "for a reason that this program does not know",
      ...left.map((mask) => `without ${nameOf(masks, mask)}`),
    ]
      .filter(Boolean)
      .join(", "),
  ];
  return [raw, ...sums.map((one) => sumsRow(name, one))];
}

function sumsRow(name: string, { resolution, buckets, span, first }: PreviewedSums): string[] {
  const means = (first?.buckets ?? []).map(({ mean }) => `${mean} ${first?.unit ?? ""}`);
  return [
    name,
    `${nameOf(resolutions, resolution)}: ${buckets} sums`,
    timeText(span?.startTime),
    timeText(span?.endTime),
    `mean ${means.join(", ")}`,
    "",
    "",
  ];
}

function amountText(amount: PreviewedAmount | undefined): string {
  if (amount === undefined) return "nothing";
  const { values, observations } = amount;
  return values === 0n ? `${observations} observations` : `${values} values`;
}

function firstText({ firstSamples }: PreviewedKind): string {
  const samples = firstSamples.flatMap((one) => samplesOf(one));
  return samples
    .slice(0, 3)
    .map(({ value, unit }) => `${value} ${unit}`.trim())
    .join(", ");
}
