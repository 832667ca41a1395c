import { sessionsPartition } from "./session-list.ts";
import { type EnforcerSession, owes, type SeenSession, type Sessions } from "./session-repository.ts";

/**
 * Sessions in memory, for an exchange in one process: its enforcers live and die with this service, so no session outlives
 * what is known of it, and a renewal needs no room on the disk. Each method changes a session in one turn.
 */
export function createProcessSessions(): Sessions {
  const sessions = new Map<string, SeenSession>();
  const change = (session: string, changed: Partial<EnforcerSession>): void => {
    const { document, revision } = sessions.get(session)!;
    sessions.set(session, { document: { ...document, ...changed }, revision: revision + 1 });
  };
  return {
    async open(session, enforcer, expiresHint) {
      if (sessions.has(session)) throw new Error(`the session id ${session} was given twice`);
      const partition = sessionsPartition;
      const document = { partition, session, enforcer, expires_hint: expiresHint, owed: [] } as const;
      sessions.set(session, { document, revision: 1 });
      return true;
    },
    async renew(session, expiresHint) {
      const known = sessions.get(session)?.document;
      if (known === undefined) return { kind: "gone" };
      if (known.owed.length > 0) return { kind: "owes", owed: known.owed };
      change(session, { expires_hint: expiresHint });
      return { kind: "renewed" };
    },
    async owe(session, ...recalls) {
      const known = sessions.get(session)?.document;
      if (known === undefined) return false;
      const news = recalls.filter(({ recall }) => !owes(known, recall));
      if (news.length > 0) change(session, { owed: [...known.owed, ...news] });
      return true;
    },
    async acknowledge(session, recall) {
      const known = sessions.get(session)?.document;
      if (known === undefined || !owes(known, recall)) return;
      change(session, { owed: known.owed.filter((other) => other.recall !== recall) });
    },
    async deleteOwing(session, recall) {
      const known = sessions.get(session)?.document;
      return known !== undefined && owes(known, recall) && sessions.delete(session);
    },
    async deleteUnchanged(session, seen) {
      if (sessions.get(session)?.revision === seen.revision) sessions.delete(session);
    },
    async forget(session) {
      sessions.delete(session);
    },
    get: async (session) => sessions.get(session),
    list: async () => [...sessions.keys()],
    stale: async (wall) =>
      [...sessions.values()]
        .filter(({ document }) => document.expires_hint < wall)
        .map(({ document }) => document.session),
  };
}
