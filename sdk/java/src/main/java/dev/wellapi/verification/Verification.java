package dev.wellapi.verification;

import dev.wellapi.client.ClientException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/** What the verifiers of this package share. */
final class Verification {
  private Verification() {}

  static ClientException unverified(String message) {
    return new ClientException(ClientException.Code.VERIFICATION, "NOT VERIFIED: " + message);
  }

  static void check(boolean holds, String message) {
    if (!holds) throw unverified(message);
  }

  static byte[] sha256(byte[]... parts) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (byte[] part : parts) digest.update(part);
      return digest.digest();
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** Base64 in its one canonical form; null where it is not. */
  static byte[] decoded(String base64) {
    try {
      byte[] decoded = Base64.getDecoder().decode(base64);
      return Base64.getEncoder().encodeToString(decoded).equals(base64) ? decoded : null;
    } catch (IllegalArgumentException malformed) {
      return null;
    }
  }
}
