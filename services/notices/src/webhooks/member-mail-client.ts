import { createClient, type Transport } from "@connectrpc/connect";
import { MemberMailService } from "@wellapi/gen/wellapi/internal/identity/v1/member_mail_service_pb";
import { unlessMissing } from "../consent-client.ts";
import type { AlertLetter } from "./alert.ts";

/** Mail to those who keep an organization's applications running. Throws ConnectError. */
export interface MemberMailClient {
  /** It is durable, or there is nobody to be told, when it resolves. */
  tell(organization: string, messageId: string, letters: readonly AlertLetter[]): Promise<void>;
}

export function createMemberMailClient(transport: Transport): MemberMailClient {
  const mail = createClient(MemberMailService, transport);
  return {
    async tell(organization, messageId, letters) {
      await unlessMissing(mail.tellDevelopers({ organization, messageId, letters: [...letters] }));
    },
  };
}
