import type { Vault } from "@wellapi/vault";
import type { BlockRepository, KnownSeries } from "../blocks/block-repository.ts";
import { type PatientBox, withBox } from "../blocks/patient-box.ts";
import type { ConsentPermit } from "../gate/permit.ts";
import { namesDevices } from "../gate/sources.ts";
import type { Contributor } from "../model/contributor.ts";
import type { Source } from "../model/provenance.ts";

/** The requested sources; undefined: all. */
export interface SourceFilter {
  readonly organizations: ReadonlySet<string> | undefined;
  /** Internal ids. */
  readonly devices: ReadonlySet<string> | undefined;
  readonly methods: ReadonlySet<number> | undefined;
  readonly granularities: ReadonlySet<number> | undefined;
}

type Filtered = Pick<Source, "organization" | "device" | "method" | "granularity">;

export const ANY_SOURCE: SourceFilter = {
  organizations: undefined,
  devices: undefined,
  methods: undefined,
  granularities: undefined,
};

/** Whether the source is one of the requested ones. */
export function fits(filter: SourceFilter, box: PatientBox, source: Filtered): boolean {
  const { organizations, devices, methods, granularities } = filter;
  return (
    (organizations?.has(source.organization) ?? true) &&
    (methods?.has(source.method) ?? true) &&
    (granularities?.has(source.granularity) ?? true) &&
    (devices?.has(box.deviceId(source.organization, source.device) ?? "none") ?? true)
  );
}

/** The series of a code and of these sources, by ascending id from `first` on. */
export async function* seriesOf(
  { blocks, vault }: { readonly blocks: BlockRepository; readonly vault: Vault },
  partition: string,
  { code, sources }: { readonly code: string; readonly sources: SourceFilter },
  first?: string,
): AsyncGenerator<KnownSeries> {
  for await (const known of blocks.series(partition, code, first)) {
    if (await fitsSource(vault, partition, sources, known.descriptor)) yield known;
  }
}

export async function fitsSource(
  vault: Vault,
  partition: string,
  filter: SourceFilter,
  source: Filtered,
): Promise<boolean> {
  return filter === ANY_SOURCE || withBox(vault, partition, (box) => fits(filter, box, source));
}

/**
 * Of whom data is, as these permits ask for it: with its device only where they name any, whose id takes the patient's key. At once where
 * they name none.
 */
export function contributorOf(
  vault: Vault,
  partition: string,
  permits: readonly ConsentPermit[],
  { organization, device, method }: Pick<Source, "organization" | "device" | "method">,
): Contributor | Promise<Contributor> {
  if (!namesDevices(permits)) return { organization, device: undefined, method };
  return withBox(vault, partition, (box) => {
    return { organization, device: box.deviceId(organization, device) ?? "", method };
  });
}
