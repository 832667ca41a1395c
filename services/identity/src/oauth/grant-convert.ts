import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Grant_Kind, type GrantSchema } from "@wellapi/gen/wellapi/identity/v1/grant_service_pb";
import type { Application, Organization } from "../organizations/organization.ts";
import type { Grant } from "./grant.ts";

const kinds: Readonly<Record<Grant["kind"], Grant_Kind>> = {
  connect: Grant_Kind.CONNECT,
  patient_app: Grant_Kind.PATIENT_APP,
  user: Grant_Kind.USER,
  person: Grant_Kind.SIGN_IN,
  account: Grant_Kind.ACCOUNT,
  member: Grant_Kind.MEMBER,
  staff: Grant_Kind.STAFF,
};

export function toGrantMessage(
  grant: Grant,
  application: Application,
  { id, displayName, verification }: Organization,
): MessageInitShape<typeof GrantSchema> {
  return {
    id: grant.id,
    kind: kinds[grant.kind],
    application: application.id,
    applicationName: application.displayName,
    organization: id,
    organizationName: verification?.legalName ?? displayName,
    organizationVerified: verification !== undefined,
    account: grant.account,
    memberOf: grant.memberOf ?? "",
    consents: [...grant.consents],
    createTime: timestampFromMs(grant.createTime),
    expireTime: timestampFromMs(grant.expireTime),
  };
}
