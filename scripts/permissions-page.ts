/**
 * Writes docs/permissions.md: who may call each public RPC, by the options of the contracts. `--check` compares with the
 * committed page instead.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { callersOf, isPublic } from "../packages/rpc/src/caller/callers.ts";
import { callersInWords } from "./callers-words.ts";
import { contractServices } from "./manifests/callers-table.ts";

const page = new URL("../docs/permissions.md", import.meta.url);

/** The page, as Markdown. */
export function permissionsPage(services: readonly DescService[]): string {
  const all = services.filter(isPublic).sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
  return `<!-- Generated from the contracts by scripts/permissions-page.ts (make generate). Do not edit. -->

# Who may call what

The one table: the options \`service_callers\` and \`method_callers\` of the contracts
([wellapi/type/v1/callers.proto](../proto/wellapi/type/v1/callers.proto)). The doors, the services and the mesh's policies decide by
it, and a test asks the interceptor about each cell of this page. What it permits is cut further by scope, policy, consent and
limits; the reason of a refusal says which one it was.

- **programs, people**: whoever calls with this kind of credential. *Application*: an organization's, by API key or certificate.
  *Patient*: about themselves, or for whom they act. *Representative*: of a patient who died. *Person*: a signed-in person about their account. *Anyone*: also without a
  credential.
- **members**: signed-in people who act for an organization, by role; for their own organization alone.
- **staff**: the installation's people, by role. A key of a script (\`wellapi operator create\`) has the role operator.
- **sign-in**: the least that a person needs. *code*: by a code sent by e-mail. *passkey*: by a passkey, or a code and a second
  factor. *fresh*: the same, within the last five minutes. In brackets, where members and staff need more. Programs are not asked.
- **scopes**: what an OAuth access token needs, any of them. Without: no access token is taken.

${all.map(section).join("\n\n")}
`;
}

function section(service: DescService): string {
  const rows = service.methods.map(row);
  return `## ${service.typeName}

${table(["RPC", "programs, people", "members", "staff", "sign-in", "scopes"], rows)}`;
}

function row(method: DescMethod): string[] {
  const { principals, members, staff, signIn, scopes } = callersInWords(callersOf(method)!);
  return [
    `\`${method.name}\``,
    principals.join(", "),
    members.join(", "),
    staff.join(", "),
    signIn,
    scopes.map((scope) => `\`${scope}\``).join(" "),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

if (import.meta.main) {
  const fresh = permissionsPage(await contractServices());
  if (!process.argv.includes("--check")) writeFileSync(page, fresh);
  else if (readFileSync(page, "utf8") !== fresh) {
    process.stdout.write('docs/permissions.md is not what the contracts say; run "make generate"\n');
    process.exitCode = 1;
  }
}
