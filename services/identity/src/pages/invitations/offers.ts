import { createClient } from "@connectrpc/connect";
import { Delegation_Kind, DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import {
  type GetInvitationResponse,
  MemberService,
} from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import type { HttpRequest, SurfaceContext } from "@wellapi/http";
import { msOf } from "../account/account-view.ts";
import { call } from "../signed-in.ts";

/** What a code offers: work at an organization or among the staff, or to act for a patient. */
export type Offer =
  | { readonly kind: "work"; readonly work: GetInvitationResponse }
  | {
      readonly kind: "record";
      readonly as: "carer" | "guardian" | "representative";
      readonly patientName: string;
      readonly endMs: number;
    };

/** A code of either kind, as links hold it. */
export function looksLikeCode(text: string): boolean {
  return /^[\w-]{1,64}$/.test(text);
}

function isOfRecord(code: string): boolean {
  return code.startsWith("wellapi_dc_");
}

/** Throws what the call throws: INVITATION_INVALID for every code that is not in force. */
export async function offerOf(context: SurfaceContext, request: HttpRequest, code: string): Promise<Offer> {
  const transport = context.asAnyone(request);
  if (!isOfRecord(code)) {
    return { kind: "work", work: await createClient(MemberService, transport).getInvitation({ code }, call) };
  }
  const delegations = createClient(DelegationService, transport);
  const { kind, patientName, expireTime } = await delegations.getDelegationOffer({ code }, call);
  return { kind: "record", as: asOf(kind), patientName, endMs: msOf(expireTime) };
}

function asOf(kind: Delegation_Kind): "carer" | "guardian" | "representative" {
  if (kind === Delegation_Kind.GUARDIAN) return "guardian";
  return kind === Delegation_Kind.REPRESENTATIVE ? "representative" : "carer";
}

/** As the signed-in person. Returns the patient for whom they act from now on; nothing where it is work. */
export async function acceptOffer(
  context: SurfaceContext,
  request: HttpRequest,
  code: string,
): Promise<string | undefined> {
  const transport = context.as(request, "account");
  if (isOfRecord(code)) {
    return (await createClient(DelegationService, transport).acceptDelegation({ code }, call)).patient;
  }
  await createClient(MemberService, transport).acceptInvitation({ code }, call);
  return undefined;
}
