package dev.wellapi.verification;

import static dev.wellapi.verification.Verification.check;
import static dev.wellapi.verification.Verification.unverified;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Notes and checkpoints that a key signed: C2SP signed-note and tlog-checkpoint, by Ed25519. Safe on hostile input. */
public final class SignedNotes {
  private static final Pattern SIGNATURE = Pattern.compile("\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)");
  private static final Pattern SIZE = Pattern.compile("0|[1-9][0-9]{0,15}");
  private static final Pattern CONTROL = Pattern.compile("[\\x00-\\x09\\x0b-\\x1f]");
  private static final int LARGEST_NOTE = 1_000_000;
  private static final int MOST_SIGNATURES = 100;

  private SignedNotes() {}

  /**
   * What a log commits to: its tree of this size has this root.
   *
   * @param root of 32 bytes
   */
  public record Checkpoint(String origin, long size, byte[] root) {}

  /** The text of a note that the key signed. Throws ClientException `VERIFICATION`. */
  public static String openNote(String note, VerifierKey key) {
    check(
        note.length() <= LARGEST_NOTE
            && note.getBytes(StandardCharsets.UTF_8).length <= LARGEST_NOTE
            && !CONTROL.matcher(note).find(),
        "the note is too long, or has control characters");
    int end = note.lastIndexOf("\n\n");
    check(end >= 0 && note.endsWith("\n"), "the note has no signatures");
    String text = note.substring(0, end + 1);
    List<String> lines = Arrays.asList(note.substring(end + 2).split("\n"));
    check(!lines.get(0).isEmpty() && lines.size() <= MOST_SIGNATURES, "the note has no signatures");
    boolean verified = false;
    for (String line : lines) {
      Matcher found = SIGNATURE.matcher(line);
      byte[] body = found.matches() ? Verification.decoded(found.group(2)) : null;
      check(body != null && body.length > 4, "a line after the text is no signature");
      if (!key.isNamed(found.group(1), body)) continue;
      check(key.verifies(text, Arrays.copyOfRange(body, 4, body.length)), "the signature is wrong");
      verified = true;
    }
    check(verified, "the note is not signed by the trusted key");
    return text;
  }

  /** The checkpoint that the key signed, of the log that is named as the key. Throws ClientException `VERIFICATION`. */
  public static Checkpoint openCheckpoint(String note, VerifierKey key) {
    String[] lines = openNote(note, key).split("\n");
    byte[] root = lines.length >= 3 ? Verification.decoded(lines[2]) : null;
    boolean isCheckpoint =
        root != null
            && root.length == 32
            && SIZE.matcher(lines[1]).matches()
            && Arrays.stream(lines).skip(3).noneMatch(String::isEmpty);
    if (!isCheckpoint || Long.parseLong(lines[1]) > Merkle.LARGEST_SIZE) throw unverified("the note is no checkpoint");
    check(lines[0].equals(key.name()), "the checkpoint is of another log");
    return new Checkpoint(lines[0], Long.parseLong(lines[1]), root);
  }
}
