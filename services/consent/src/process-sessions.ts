import { type EnforcerSession, owes, type Sessions, sessionsPartition } from "./session-repository.ts";

/**
 * Sessions in memory, for an exchange in one process: its enforcers live and die with this service, so no session outlives
 * what is known of it, and a renewal needs no room on the disk. Each method changes a session in one turn.
 */
export function createProcessSessions(): Sessions {
  const sessions = new Map<string, EnforcerSession>();
  const change = (session: string, changed: Partial<EnforcerSession>): void => {
    sessions.set(session, { ...sessions.get(session)!, ...changed });
  };
  return {
    async open(session, enforcer, expiresHint) {
      if (sessions.has(session)) throw new Error(`the session id ${session} was given twice`);
      const partition = sessionsPartition;
      sessions.set(session, { partition, session, enforcer, expires_hint: expiresHint, owed: [] });
    },
    async renew(session, expiresHint) {
      const known = sessions.get(session);
      if (known === undefined) return { kind: "gone" };
      if (known.owed.length > 0) return { kind: "owes", owed: known.owed };
      change(session, { expires_hint: expiresHint });
      return { kind: "renewed" };
    },
    async owe(session, recall) {
      const known = sessions.get(session);
      if (known === undefined) return false;
      if (!owes(known, recall.recall)) change(session, { owed: [...known.owed, recall] });
      return true;
    },
    async acknowledge(session, recall) {
      const known = sessions.get(session);
      if (known === undefined || !owes(known, recall)) return;
      change(session, { owed: known.owed.filter((other) => other.recall !== recall) });
    },
    async deleteOwing(session, recall) {
      const known = sessions.get(session);
      return known !== undefined && owes(known, recall) && sessions.delete(session);
    },
    async get(session) {
      const document = sessions.get(session);
      return document && { document };
    },
    list: async () => [...sessions.keys()],
    stale: async (wall) =>
      [...sessions.values()].filter((one) => one.expires_hint < wall).map(({ session }) => session),
  };
}
