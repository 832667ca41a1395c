import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { PatientMailService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_mail_service_pb";
import type { Language } from "./preferences.ts";

/** Who gets mail about a patient. */
export interface Recipient {
  readonly account: string;
  readonly language: Language;
  /** Categories of which this one is told nothing. */
  readonly hides: readonly string[];
}

/** Who may be told of a patient's record now. */
export interface Readers {
  /** False: nobody may, whoever acts for the patient. */
  readonly patient: boolean;
  /** By account, of those that act for the patient: categories of which this one is told nothing. */
  readonly acting: ReadonlyMap<string, readonly string[]>;
}

export interface Letter {
  readonly partition: string;
  readonly account: string;
  readonly messageId: string;
  readonly subject: string;
  readonly text: string;
}

/** What identity knows, and the mail that it sends. Throws ConnectError. */
export interface IdentityClient {
  /** IANA zone of the patient's record at that time. */
  timeZone(partition: string, time: number): Promise<string>;
  recipients(partition: string): Promise<readonly Recipient[]>;
  /** Which of these accounts may be told. */
  readers(partition: string, accounts: readonly string[]): Promise<Readers>;
  /** The mail server has it when it resolves, or the account is no recipient any more. */
  send(letter: Letter): Promise<void>;
}

export function createIdentityClient(transport: Transport): IdentityClient {
  const patients = createClient(PatientDirectoryService, transport);
  const mail = createClient(PatientMailService, transport);
  return {
    async timeZone(partition, time) {
      try {
        const { timeZones } = await patients.resolvePatient({ partition });
        const begun = timeZones.filter(
          ({ startTime }) => startTime === undefined || timestampMs(startTime) <= time,
        );
        return (begun.at(-1) ?? timeZones[0])?.timeZone ?? "UTC";
      } catch (error) {
        if (ConnectError.from(error).code === Code.NotFound) return "UTC";
        throw error;
      }
    },
    async recipients(partition) {
      const { recipients } = await mail.listMailRecipients({ partition });
      return recipients.map(({ account, language, hides }) => ({
        account,
        language: language === "de" ? "de" : "en",
        hides,
      }));
    },
    async readers(partition, accounts) {
      try {
        const { patient, readers } = await patients.resolveReaders({ partition, accounts: [...accounts] });
        return { patient, acting: new Map(readers.map(({ account, hides }) => [account, hides])) };
      } catch (error) {
        if (ConnectError.from(error).code === Code.NotFound) return { patient: false, acting: new Map() };
        throw error;
      }
    },
    async send(letter) {
      await mail.sendPatientMail(letter);
    },
  };
}
