"""SecantusDB, MongoDB's stand-in, with what the mesh's tests need of it and its command has no options for."""

import functools
import re
import runpy

import bson
import secantus.server
import secantus.storage
import secantus.transactions
import wiredtiger

swig_wiredtiger = wiredtiger.swig_wiredtiger

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
implies_partial = secantus.storage.Storage._query_implies_partial


def find_by_key(self, db, coll, filter, **options):
    """Its planner knows equality and one range, but neither beside `$exists: true`, nor a revision beside a key: then
    it looked at the whole collection or partition. The index finds a few too many; who asks compares the rest anyhow."""
    found = find_by_index(self, db, coll, plain(filter), **options) if filter else None
    return find_by_index(self, db, coll, filter, **options) if found is None else found


def plain(filter):
    clauses = {}
    for field, clause in filter.items():
        if field.startswith("$") or (field == "_rev" and len(filter) > 1):
            continue
        if isinstance(clause, dict) and clause.get("$exists") is True:
            clause = {operator: value for operator, value in clause.items() if operator != "$exists"}
            if set(clause) == {"$eq"}:
                clause = clause["$eq"]
            elif not clause:
                continue
        clauses[field] = clause
    return clauses


def implies_present(query, partial):
    """An index of what has its fields holds all that compares them with something."""
    present = all(clause == {"$exists": True} and query.get(field) for field, clause in partial.items())
    return present or implies_partial(query, partial)


secantus.storage.Storage._try_index_id_keys = find_by_key
secantus.storage.Storage._query_implies_partial = staticmethod(implies_present)

find_matching = secantus.storage.Storage.find_matching


def find_without_walk(self, db, coll, filter=None, *, hint=None, **options):
    """A hint made it walk the whole index, and bounds (min and max) with it, which only select of what was found. It
    still has to name an index."""
    if hint is None or not filter:
        return find_matching(self, db, coll, filter, hint=hint, **options)
    self._resolve_hint(db, coll, hint)
    bounds = [options.pop(bound, None) for bound in ("min_bound", "max_bound")]
    if bounds == [None, None]:
        return find_matching(self, db, coll, filter, **options)
    limit = options.pop("limit", 0)
    found = find_matching(self, db, coll, filter, **options)
    within = self._apply_minmax_bounds(db, coll, found, hint, *bounds, None)
    return within[:limit] if limit > 0 else within


secantus.storage.Storage.find_matching = find_without_walk

pack_slowly, unpack_slowly = swig_wiredtiger.pack, swig_wiredtiger.unpack
pack_int, unpack_int = pack_slowly.__globals__["pack_int"], pack_slowly.__globals__["unpack_int"]


@functools.lru_cache(maxsize=None)
def columns(format):
    """How many texts, and whether a whole number or bytes follow; as all its keys and values are. Its bindings read the
    format anew, letter by letter, at each key and each value."""
    plain = re.fullmatch("(?=.)(S*)([qu]?)", format)
    return (len(plain[1]), plain[2]) if plain else None


def pack(format, *values):
    known = columns(format)
    texts = values[: known[0]] if known else ()
    rest = values[len(texts) :]
    if not known or len(rest) != len(known[1]) or "\0" in "".join(texts):
        return pack_slowly(format, *values)
    packed = "".join([text + "\0" for text in texts]).encode()
    if known[1] == "u":
        return packed + rest[0] if type(rest[0]) is bytes else pack_slowly(format, *values)
    return packed + pack_int(rest[0]) if rest else packed


def unpack(format, packed):
    known = columns(format)
    if not known or packed is None:
        return unpack_slowly(format, packed)
    *texts, rest = packed.split(b"\0", known[0])
    values = [text.decode() for text in texts]
    if known[1]:
        values.append(rest if known[1] == "u" else unpack_int(rest)[0])
    return values


swig_wiredtiger.pack, swig_wiredtiger.unpack = pack, unpack


# What a collection is and has for indexes is asked for nine times a command. It is read from the disk's pages each time,
# in the snapshot of who asks; only that the same bytes mean the same is kept. Copies, as who asks may add to them.
decode = functools.lru_cache(maxsize=1024)(bson.decode)


def iterate_indexes(self, db, coll):
    cursor = self._cursor(secantus.storage._IDX_TABLE)
    cursor.set_key(db, coll, "")
    place = cursor.search_near()
    if place == wiredtiger.WT_NOTFOUND or (place < 0 and cursor.next() != 0):
        return
    prefix = pack("SS", db, coll)
    while (key := cursor._get_key()).startswith(prefix):
        index = decode(cursor._get_value())
        yield key[len(prefix) : -1].decode(), dict(index.get("key", {})), dict(index.get("options", {}))
        if cursor.next() != 0:
            return


def collection_options(self, db, coll):
    cursor = self._cursor(secantus.storage._COLL_TABLE)
    cursor.set_key(db, coll)
    if cursor.search() != 0:
        return None
    blob = cursor._get_value()
    return dict(decode(blob)) if blob else {}


secantus.storage.Storage._iter_indexes = iterate_indexes
secantus.storage.Storage._coll_options = collection_options
runpy.run_module("secantus", run_name="__main__", alter_sys=True)
