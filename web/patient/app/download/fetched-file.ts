/** What became of a file that was fetched. */
export type FetchedFile =
  | { readonly kind: "file"; readonly name: string; readonly content: Blob }
  /** It is not there any more, or never was for this reader. */
  | { readonly kind: "ended" }
  /** As many as the exchange makes at once are under way. */
  | { readonly kind: "busy" }
  /** The reader is not signed in any more, or has to confirm that it is them. */
  | { readonly kind: "signIn" }
  /** It broke off, and nothing of it is kept. */
  | { readonly kind: "cut" };

/** Fetches a file of this origin. `onBytes`: how many have come so far. Rejects only where `signal` aborts. */
export async function fetchFile(
  address: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<FetchedFile> {
  try {
    const answer = await fetch(address, { signal, redirect: "manual", cache: "no-store" });
    if (answer.type === "opaqueredirect") return { kind: "signIn" };
    if (answer.status === 404) return { kind: "ended" };
    if (answer.status === 503 || answer.status === 429) return { kind: "busy" };
    if (!answer.ok || answer.body === null) return { kind: "cut" };
    let bytes = 0;
    const counting = new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, controller) {
        bytes += piece.byteLength;
        onBytes(bytes);
        controller.enqueue(piece);
      },
    });
    // The browser keeps it on its disk where it is large.
    const content = await new Response(answer.body.pipeThrough(counting)).blob();
    return { kind: "file", name: nameIn(answer.headers), content };
  } catch (error) {
    if (signal.aborted) throw error;
    return { kind: "cut" };
  }
}

function nameIn(headers: Headers): string {
  return /filename="([\w.-]+)"/.exec(headers.get("content-disposition") ?? "")?.[1] ?? "health-record.zip";
}
