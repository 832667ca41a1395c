import type { Change, Document, Store } from "@wellapi/store";
import { collections, INSTALLATION } from "../collections.ts";
import type { Application } from "./organization.ts";

type OriginDocument = Document & { readonly origin: string; readonly application: string };

/** Most applications of one origin that are looked at. */
const mostApplications = 50;

/** Which applications have registered an origin, kept with the applications themselves: it finds them by the origin. */
export function originChanges(before: Application | undefined, after: Application): readonly Change[] {
  const [known, wanted] = [before, after].map((one) => new Set(one?.oauth?.allowedOrigins)) as [
    Set<string>,
    Set<string>,
  ];
  const keyOf = (origin: string) => ({ partition: INSTALLATION, origin, application: after.id });
  const collection = collections.clientOrigins;
  return [
    ...[...wanted.difference(known)].map(
      (origin): Change => ({ kind: "insert", collection, document: keyOf(origin) }),
    ),
    ...[...known.difference(wanted)].map(
      (origin): Change => ({ kind: "delete", collection, key: [INSTALLATION, origin, after.id] }),
    ),
  ];
}

/** Ids of the applications that have registered the origin, whether they may call or not. */
export async function applicationsOf(store: Store, origin: string): Promise<readonly string[]> {
  const scan = { equals: [INSTALLATION, origin], limit: mostApplications };
  const { documents } = await store.scan<OriginDocument>(collections.clientOrigins, scan);
  return documents.map(({ document }) => document.application);
}
