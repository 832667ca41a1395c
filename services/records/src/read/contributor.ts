import type { Vault } from "@wellapi/vault";
import { withBox } from "../blocks/patient-box.ts";
import type { ConsentPermit } from "../gate/permit.ts";
import { namesDevices } from "../gate/sources.ts";
import type { Contributor } from "../model/contributor.ts";
import type { Source } from "../model/provenance.ts";

/**
 * Of whom data is, as these permits ask for it: with its device only where they name any, whose id takes the patient's key. At once where
 * they name none.
 */
export function contributorOf(
  vault: Vault,
  partition: string,
  permits: readonly ConsentPermit[],
  { organization, device }: Pick<Source, "organization" | "device">,
): Contributor | Promise<Contributor> {
  if (!namesDevices(permits)) return { organization, device: undefined };
  return withBox(vault, partition, (box) => {
    return { organization, device: box.deviceId(organization, device) ?? "" };
  });
}
