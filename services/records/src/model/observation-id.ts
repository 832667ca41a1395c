import type { Pairwise } from "@wellapi/vault";

/** The place of an observation: its internal batch id and its position there. */
export interface ObservationPlace {
  readonly batch: string;
  readonly item: number;
}

/** `obs_<26 characters>_<item>`: the batch's bits, made pairwise with a separate prefix, once for each batch. */
export function observationIds(pairwise: Pairwise, party: string): (place: ObservationPlace) => string {
  const outward = new Map<string, string>();
  return ({ batch, item }) => {
    const known = outward.get(batch) ?? pairwise.outward(party, batch.replace(/^bat_/, "obs_"));
    outward.set(batch, known);
    return `${known}_${item}`;
  };
}

/** The place that an id stands for; undefined where the id is malformed. */
export function observationPlace(
  pairwise: Pairwise,
  party: string,
  id: string,
): ObservationPlace | undefined {
  const parts = /^(obs_[0-9a-z]{26})_(0|[1-9][0-9]{0,3})$/.exec(id);
  const inward = parts && pairwise.inward(party, "obs", parts[1]!);
  return inward ? { batch: inward.replace(/^obs_/, "bat_"), item: Number(parts[2]) } : undefined;
}
