/** Who may call what: docs/permissions.md, cell by cell, against the interceptor that decides. */
import { readFileSync } from "node:fs";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { ConnectError, createContextValues } from "@connectrpc/connect";
import { CallerKind } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import {
  type Caller,
  callerKey,
  callersOf,
  isPublic,
  type Principal,
  peerWorkloadKey,
  problemOf,
  type Role,
  roles,
} from "@wellapi/rpc";
import { describe, expect, test } from "vitest";
import { authorizationInterceptor } from "../packages/rpc/src/interceptors/authorization.ts";
import { contractServices } from "../scripts/manifests/callers-table.ts";

type Assurance = NonNullable<Principal["assurance"]>;

const services = (await contractServices()).filter(isPublic);
const methods = services.flatMap((service) => service.methods);
const organization = "org_1";
const staffRoles: readonly Role[] = ["operator", "privacy_officer", "staff_auditor", "support"];

/** Everybody who can stand at a door, signed in as strongly as can be. */
const seats: Readonly<Record<string, Principal>> = {
  application: { kind: "application", id: "app_1", organization },
  patient: { kind: "patient", id: "pat_1", partition: "local/pat_1", assurance: "fresh" },
  representative: {
    ...{ kind: "patient", id: "pat_1", partition: "local/pat_1", assurance: "fresh" },
    actor: { kind: "representative", id: "usr_2" },
  },
  person: { kind: "person", id: "usr_1", assurance: "fresh" },
  script: { kind: "operator", id: "opr_1" },
  ...Object.fromEntries(roles.map((role) => [role, seatOf(role, "fresh")])),
};

function seatOf(role: Role, assurance: Assurance): Principal {
  const signedIn = { id: "usr_1", credential: "ses_1", roles: [role], assurance };
  return staffRoles.includes(role)
    ? { kind: "operator", ...signedIn }
    : { kind: "member", organization, ...signedIn };
}

/** What the interceptor says of a call by way of the gateway: "" where it lets it pass. */
async function refusal(method: DescMethod, principal: Principal): Promise<string> {
  const caller: Caller = { principal, workload: "gateway", token: "t" };
  const contextValues = createContextValues();
  contextValues.set(callerKey, caller);
  contextValues.set(peerWorkloadKey, undefined);
  const request = { service: method.parent, method, contextValues } as never;
  const passed = async () => ({}) as never;
  try {
    await authorizationInterceptor({})(passed)(request);
    return "";
  } catch (error) {
    return problemOf(ConnectError.from(error))?.reason ?? "no reason";
  }
}

/** The cells of an RPC's row, by the heads of its table. */
function rowOf(page: string, { parent, name }: DescMethod): Record<string, string> | undefined {
  const lines = page.split(`\n## ${parent.typeName}\n`)[1]?.split("\n## ")[0]?.split("\n") ?? [];
  const cells = (line: string) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const head = cells(lines.find((line) => line.startsWith("| RPC")) ?? "");
  const found = lines.find((line) => line.startsWith(`| \`${name}\``));
  return found === undefined
    ? undefined
    : Object.fromEntries(cells(found).map((cell, i) => [head[i] ?? "", cell]));
}

const page = readFileSync(new URL("../docs/permissions.md", import.meta.url), "utf8");

describe("docs/permissions.md", () => {
  test.each(methods.map((method) => [`${method.parent.typeName}/${method.name}`, method] as const))(
    "%s",
    async (_, method) => {
      const row = rowOf(page, method);
      expect(row, "a row of its own").toBeDefined();
      const listed = (column: string) => (row?.[column] ?? "").split(", ").filter((text) => text !== "");
      const people = listed("programs, people");
      const named = [...listed("members"), ...listed("staff")].map((role) => role.replace(" ", "_"));
      for (const [seat, principal] of Object.entries(seats)) {
        const byRole = seat === "script" ? listed("staff").includes("operator") : named.includes(seat);
        const permitted = people.includes("anyone") || people.includes(seat) || byRole;
        expect([seat, (await refusal(method, principal)) === ""]).toEqual([seat, permitted]);
      }

      const [, all = "", raised = all] = /^(\w*)(?: \((\w+)\))?$/.exec(row?.["sign-in"] ?? "") ?? [];
      for (const assurance of ["code", "passkey", "fresh"] as const) {
        for (const [seat, strong] of Object.entries(seats)) {
          if (strong.assurance === undefined || (await refusal(method, strong)) !== "") continue;
          const least = strong.kind === "member" || strong.kind === "operator" ? raised : all;
          const enough = people.includes("anyone") || rank(assurance) >= rank(least);
          const said = await refusal(method, { ...strong, assurance });
          expect([seat, assurance, said]).toEqual([seat, assurance, enough ? "" : "ASSURANCE_REQUIRED"]);
        }
      }
    },
  );

  test("has no row that no contract has", () => {
    expect(page.match(/^\| `/gm)).toHaveLength(methods.length);
  });
});

function rank(assurance: string): number {
  return ["", "code", "passkey", "fresh"].indexOf(assurance);
}

/** Whatever the contracts come to say: these hold. */
describe("never", () => {
  const serviceOf = (name: string) => services.find(({ typeName }) => typeName.endsWith(`.${name}`))!;
  const mayCall = async (service: DescService, seat: string) =>
    Promise.all(
      service.methods.map(async (method) => [method.name, await refusal(method, seats[seat]!)] as const),
    ).then((all) => all.filter(([, reason]) => reason === "").map(([name]) => name));

  test.each(
    Object.keys(seats).filter(
      (seat) => !["application", "patient", "representative", "clinician"].includes(seat),
    ),
  )("health data for %s", async (seat) =>
    expect(await mayCall(serviceOf("RecordsService"), seat)).toEqual([]),
  );

  test.each(["application", ...roles, "script", "person"])(
    "a consent in a patient's name by %s",
    async (seat) => {
      const called = await mayCall(serviceOf("ConsentService"), seat);
      expect(called.filter((name) => !/^(Get|List)/.test(name))).toEqual([]);
    },
  );

  test.each(["staff_auditor", "support", "auditor", "clinician", "privacy_officer"])(
    // But for the privacy officer's confirmation and switch of emergency access, and the code by which a person claims a patient.
    "a credential, an application, a role or a person by %s",
    async (seat) => {
      for (const name of ["CredentialService", "OrganizationService", "StaffService", "PatientService"]) {
        const called = await mayCall(serviceOf(name), seat);
        const changing = called.filter(
          (rpc) =>
            !/^(Get|BatchGet|List|ReportLeaked|EnrollCertificate)|^(Unv|V)erifyOrganization$|^(En|Dis)ableEmergencyAccess$|Claim/.test(
              rpc,
            ),
        );
        expect([name, changing]).toEqual([name, []]);
      }
    },
  );

  test("a representative without an entry for what is refused: what doors call with a patient's own token takes theirs", async () => {
    const internal = (await contractServices()).filter((service) => !isPublic(service));
    const ofPatients = internal
      .flatMap((service) => service.methods)
      .filter((method) => callersOf(method)?.kinds.includes(CallerKind.PATIENT));
    expect(ofPatients.map(({ name }) => name)).toContain("RecordDenials");
    expect(ofPatients.filter((method) => callersOf(method)?.representatives !== true)).toEqual([]);
  });

  test.each([
    "CreateConsent",
    "ErasePatient",
    "InviteCarer",
    "UpdatePatient",
    "EndGrants",
    "CompleteInteraction",
  ])("%s by a representative of a patient who died", async (name) => {
    const method = methods.find((one) => one.name === name)!;
    expect(await refusal(method, seats.patient!)).toBe("");
    expect(await refusal(method, seats.representative!)).toBe("CALLER_NOT_PERMITTED");
  });

  test("a change by a code sent by e-mail alone, but for what ends access and what a person begins", async () => {
    const ends =
      /^(Get|BatchGet|List|Query|Aggregate|Read|Watch|Revoke|Unverify|Remove|Disable|End|Cancel|Abort|AcceptInvitation|Validate|Lookup|Expand|Translate|Explain)/;
    for (const role of roles) {
      for (const method of methods) {
        const reason = await refusal(method, seatOf(role, "code"));
        const anyone = (await refusal(method, { kind: "anonymous", id: "" })) === "";
        if (reason === "" && !anyone) expect(method.name, role).toMatch(ends);
      }
    }
  });
});
