"""SecantusDB, MongoDB's stand-in, with what the mesh's tests need of it and its command has no options for."""

import runpy

import secantus.server
import secantus.storage
import secantus.transactions

# transactionLifetimeLimitSeconds, as deploy/mongodb sets it: what a killed process leaves open holds its documents.
secantus.server.SecantusDBServer.__init__.__kwdefaults__["transaction_lifetime_seconds"] = 5.0

EVERY_SECONDS = 0.2


def prune(self):
    """Its reaper, which looks at every session at every statement, and waits there for each that is at work: then
    nobody works. A transaction in which a statement is under way is not idle, and a look now and then is enough."""
    now = self._time()
    if now - getattr(self, "_pruned_at", float("-inf")) < EVERY_SECONDS:
        return 0
    self._pruned_at = now
    reaped = 0
    in_progress = secantus.transactions.TxnState.IN_PROGRESS
    for txn in self._txns.values():
        if txn.state is not in_progress or not txn.mutex.acquire(blocking=False):
            continue
        try:
            if txn.state is in_progress and txn.last_use < now - self._lifetime:
                self._rollback_quietly(txn)
                txn.state = secantus.transactions.TxnState.ABORTED
                reaped += 1
        finally:
            txn.mutex.release()
    return reaped


secantus.transactions.TransactionRegistry._prune_locked = prune

find_by_index = secantus.storage.Storage._try_index_id_keys


def find_by_key(self, db, coll, filter, **options):
    """Its planner uses an index for all fields or for one: a key with a revision beside it made it look at the whole
    partition. The key's index alone finds the document; who asks compares the rest anyhow."""
    if filter and "_rev" in filter and len(filter) > 1:
        key = {field: value for field, value in filter.items() if field != "_rev"}
        found = find_by_index(self, db, coll, key, **options)
        if found is not None:
            return found
    return find_by_index(self, db, coll, filter, **options)


secantus.storage.Storage._try_index_id_keys = find_by_key

find_matching = secantus.storage.Storage.find_matching


def find_without_walk(self, db, coll, filter=None, *args, hint=None, **options):
    """A hint made it walk the whole index, which only bounds (min and max) need. It still has to name one."""
    bounded = options.get("min_bound") or options.get("max_bound")
    if hint is not None and filter and not bounded:
        self._resolve_hint(db, coll, hint)
        hint = None
    return find_matching(self, db, coll, filter, *args, hint=hint, **options)


secantus.storage.Storage.find_matching = find_without_walk
runpy.run_module("secantus", run_name="__main__", alter_sys=True)
