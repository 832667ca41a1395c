import type { Clock, Logger } from "@wellapi/runtime";
import type { Document, Store, Stored } from "@wellapi/store";
import type { ItemSealer } from "@wellapi/vault";
import { codeWrong, flowInvalid } from "../accounts/account-errors.ts";
import { collections } from "../collections.ts";
import { digestOf, newSecret, sameText } from "../secret.ts";
import { openSweep } from "../sweep.ts";
import { CODE_TRIES, FLOW_LIFETIME, type FlowContent, type FlowKind } from "./flow.ts";

type FlowDocument = Document & {
  /** Digest of its secret. */
  readonly id: string;
  readonly kind: FlowKind;
  /** UTC milliseconds. */
  readonly expireTime: number;
  /** Codes that were tried. */
  readonly tries: number;
  readonly sealed: Uint8Array;
};

/** A flow that began. */
export interface Begun {
  /** Its secret, which the caller keeps. */
  readonly flow: string;
  readonly expireTime: number;
}

/** Sign-ins under way. Each ends once, whoever tries it, over all replicas. All methods throw `flow_invalid`. */
export interface FlowRepository {
  begin(kind: FlowKind, content: FlowContent): Promise<Begun>;
  /** Leaves it as it is. */
  look(flow: string, kind: FlowKind): Promise<FlowContent>;
  amend(flow: string, kind: FlowKind, change: (content: FlowContent) => FlowContent): Promise<FlowContent>;
  /** Ends the flow. */
  take(flow: string, kind: FlowKind): Promise<FlowContent>;
  /**
   * Ends the flow where the code is right: `macOf` makes its MAC. The try is counted before it is judged, so that callers
   * who try at once have no more tries than others. Throws `code_wrong`, and calls `guessed` at the last wrong try.
   */
  tryCode(
    flow: string,
    kind: FlowKind,
    macOf: (flow: string) => string,
    wrong: (content: FlowContent, left: number) => void,
  ): Promise<FlowContent>;
  close(): Promise<void>;
}

export async function openFlowRepository(options: {
  readonly store: Store;
  readonly sealer: ItemSealer;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<FlowRepository> {
  const { store, sealer, clock } = options;
  const { flows: collection } = collections;
  const partitionOf = (id: string) => `flow/${id}`;
  const open = ({ partition, id, sealed }: FlowDocument): FlowContent =>
    JSON.parse(Buffer.from(sealer.open([partition, id], sealed)).toString()) as FlowContent;
  const seal = (partition: string, id: string, content: FlowContent) =>
    sealer.seal([partition, id], Buffer.from(JSON.stringify(content)));

  async function find(flow: string, kind: FlowKind): Promise<Stored<FlowDocument>> {
    const id = digestOf(flow);
    const stored = await store.get<FlowDocument>(collection, [partitionOf(id), id]);
    if (stored === undefined || stored.document.kind !== kind) throw flowInvalid();
    if (stored.document.expireTime <= clock.now()) throw flowInvalid();
    return stored;
  }

  async function replace(document: FlowDocument, ifRevision: number): Promise<boolean> {
    const { partition } = document;
    const change = { kind: "replace", collection, document, ifRevision } as const;
    return (await store.commit({ partition, changes: [change] })).committed;
  }

  async function remove({ partition, id }: FlowDocument, ifRevision: number): Promise<boolean> {
    const change = { kind: "delete", collection, key: [partition, id], ifRevision } as const;
    return (await store.commit({ partition, changes: [change] })).committed;
  }

  async function take(flow: string, kind: FlowKind): Promise<FlowContent> {
    for (;;) {
      const { document, revision } = await find(flow, kind);
      if (await remove(document, revision)) return open(document);
    }
  }

  const sweeping = await openSweep({ ...options, collection, keptMs: 0 });
  return {
    async begin(kind, content) {
      const flow = newSecret();
      const id = digestOf(flow);
      const partition = partitionOf(id);
      const expireTime = clock.now() + FLOW_LIFETIME;
      const document: FlowDocument = {
        partition,
        id,
        kind,
        expireTime,
        tries: 0,
        sealed: seal(partition, id, content),
      };
      await store.commit({ partition, changes: [{ kind: "insert", collection, document }] });
      return { flow, expireTime };
    },
    async look(flow, kind) {
      return open((await find(flow, kind)).document);
    },
    async amend(flow, kind, change) {
      for (;;) {
        const { document, revision } = await find(flow, kind);
        const content = change(open(document));
        const sealed = seal(document.partition, document.id, content);
        if (await replace({ ...document, sealed }, revision)) return content;
      }
    },
    take,
    async tryCode(flow, kind, macOf, wrong) {
      for (;;) {
        const { document, revision } = await find(flow, kind);
        if (document.tries >= CODE_TRIES) throw flowInvalid();
        const tries = document.tries + 1;
        if (!(await replace({ ...document, tries }, revision))) continue;
        const content = open(document);
        if (sameText(macOf(flow), content.codeMac ?? "")) return take(flow, kind);
        wrong(content, CODE_TRIES - tries);
        throw codeWrong(CODE_TRIES - tries);
      }
    },
    close: () => sweeping.close(),
  };
}
