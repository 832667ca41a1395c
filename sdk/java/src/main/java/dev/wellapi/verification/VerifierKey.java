package dev.wellapi.verification;

import dev.wellapi.client.ClientException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** `name+hash+key`, as golang.org/x/mod/sumdb/note writes it. */
public final class VerifierKey {
  private static final Pattern FORM = Pattern.compile("([^+]+)\\+([0-9a-f]{8})\\+([A-Za-z0-9+/=]+)");
  private static final Pattern SPACE = Pattern.compile("\\s", Pattern.UNICODE_CHARACTER_CLASS);
  private static final int ED25519 = 1;

  private final String text;
  private final String name;
  private final byte[] keyId;
  private final byte[] publicKey;

  private VerifierKey(String text, String name, byte[] keyId, byte[] publicKey) {
    this.text = text;
    this.name = name;
    this.keyId = keyId;
    this.publicKey = publicKey;
  }

  /** Throws ClientException `INPUT` if anything disagrees, the key's id included. */
  public static VerifierKey parse(String text) {
    Matcher found = FORM.matcher(text);
    byte[] typed = found.matches() ? Verification.decoded(found.group(3)) : null;
    if (typed == null || typed.length != 33 || typed[0] != ED25519) throw input("this is no Ed25519 verifier key");
    String name = found.group(1);
    if (SPACE.matcher(name).find()) throw input("a key's name has no white space");
    byte[] hash = Verification.sha256((name + "\n").getBytes(StandardCharsets.UTF_8), typed);
    byte[] keyId = Arrays.copyOf(hash, 4);
    if (!HexFormat.of().formatHex(keyId).equals(found.group(2))) {
      throw input("the verifier key's id does not belong to its name and key");
    }
    return new VerifierKey(text, name, keyId, Arrays.copyOfRange(typed, 1, 33));
  }

  public String text() {
    return text;
  }

  public String name() {
    return name;
  }

  /** Whether a signature with this name and these first four bytes claims to be by this key. */
  boolean isNamed(String signer, byte[] signature) {
    return signer.equals(name) && Arrays.equals(Arrays.copyOf(signature, 4), keyId);
  }

  boolean verifies(String note, byte[] signature) {
    return Ed25519.verifies(publicKey, note.getBytes(StandardCharsets.UTF_8), signature);
  }

  private static ClientException input(String message) {
    return new ClientException(ClientException.Code.INPUT, message);
  }
}
