/** The version of this program; the image and the client libraries have it, too (scripts/release/versions.ts). */
export const version = "1.0.0";
