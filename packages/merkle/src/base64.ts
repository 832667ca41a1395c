/** Standard base64 with padding, RFC 4648 section 4. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

/**
 * Undefined unless `text` is the one canonical encoding of its bytes: Node's decoder also takes the URL
 * alphabet, missing padding, white space and stray bits, any of which would let one note have many forms.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? new Uint8Array(bytes) : undefined;
}
