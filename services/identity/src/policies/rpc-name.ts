/** Finds the RPC that a person means by its whole name or by the end of it; or the ones that they may have meant. */
export function findRpc(
  rpcs: Iterable<string>,
  asked: string,
): { readonly rpc: string } | { readonly near: readonly string[] } {
  const all = [...rpcs];
  const wanted = asked.replace(/^\//, "").toLowerCase();
  const ending = all.filter((rpc) => {
    const name = rpc.toLowerCase();
    return name === wanted || name.endsWith(`/${wanted}`) || name.endsWith(`.${wanted}`);
  });
  if (ending.length === 1) return { rpc: ending[0]! };
  if (ending.length > 1) return { near: ending };
  const last = wanted.slice(wanted.lastIndexOf("/") + 1);
  const near = all
    .map((rpc) => ({ rpc, away: distance(rpc.slice(rpc.indexOf("/") + 1).toLowerCase(), last) }))
    .filter(({ away }) => away <= Math.max(2, Math.floor(last.length / 4)))
    .sort((a, b) => a.away - b.away)
    .slice(0, 3);
  return { near: near.map(({ rpc }) => rpc) };
}

/** Levenshtein's: how many characters to insert, delete or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
