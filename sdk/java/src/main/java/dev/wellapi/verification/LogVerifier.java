package dev.wellapi.verification;

import static dev.wellapi.verification.Verification.check;
import static dev.wellapi.verification.Verification.unverified;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.wellapi.audit.v1.Access;
import dev.wellapi.audit.v1.AuditServiceGrpc;
import dev.wellapi.audit.v1.GetAccessRequest;
import dev.wellapi.audit.v1.GetAccessResponse;
import dev.wellapi.audit.v1.GetCheckpointRequest;
import dev.wellapi.audit.v1.GetConsistencyProofRequest;
import dev.wellapi.audit.v1.GetInclusionProofRequest;
import dev.wellapi.audit.v1.GetLogFileRequest;
import dev.wellapi.client.Client;
import dev.wellapi.client.ClientException;
import dev.wellapi.verification.SignedNotes.Checkpoint;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Verifies the audit log. Trusts one public key, which you keep from a day before you need it, and nothing that the server says.
 */
public final class LogVerifier {
  private static final int NONCE_BYTES = 32;
  private static final int TRIES = 50;
  private static final int BETWEEN_TRIES_MS = 200;
  private static final Pattern SUCCESSION =
      Pattern.compile(
          "wellapi\\.dev/log-succession/v1\\nfrom (?<from>\\S+)\\nto (?<to>\\S+)\\nreason (?<reason>rotated|restored)\\n"
              + "published (?:unknown|\\S+ \\S+)\\ncontinues (?<size>0|[1-9][0-9]{0,15}) \\S+\\ntime (?<time>\\S+)\\n");

  private final Client client;
  private final VerifierKey pinned;

  /** `verifierKey` like `log.example+1a2b3c4d+AQ...`. Throws ClientException `INPUT`. */
  public LogVerifier(Client client, String verifierKey) {
    this.client = client;
    this.pinned = VerifierKey.parse(verifierKey);
  }

  /**
   * A key of the log that took the place of another, signed by both.
   *
   * @param reason `rotated`: the same log. `restored`: a declared break, the log lost what was published from entry `continues` on
   */
  public record Succession(VerifierKey to, String reason, long continues, String time) {}

  /** The log's signed tree holds exactly this entry at this position. */
  public record VerifiedAccess(Access access, long index, long size) {}

  /** Sizes of the log, in entries. */
  public record Growth(long older, long newer) {}

  /**
   * Fetches an access with its proof and verifies it; waits up to ten seconds for the log to integrate it. One of a moment ago may not
   * have reached the log: then WellApiException `NOT_FOUND`.
   */
  public VerifiedAccess verifyLoggedAccess(String access) {
    List<Succession> steps = followKeys();
    VerifierKey key = steps.isEmpty() ? pinned : steps.get(steps.size() - 1).to();
    for (int tries = 0; tries < TRIES; tries++) {
      GetAccessResponse answer =
          client.call(
              AuditServiceGrpc.getGetAccessMethod(), GetAccessRequest.newBuilder().setAccess(access).build());
      check(answer.hasAccess(), "the log answered without the access");
      var logged = answer.getAccess();
      Checkpoint checkpoint = SignedNotes.openCheckpoint(currentCheckpoint(), key);
      if (0 <= logged.getIndex() && logged.getIndex() < checkpoint.size()) {
        GetInclusionProofRequest asked =
            GetInclusionProofRequest.newBuilder().setIndex(logged.getIndex()).setSize(checkpoint.size()).build();
        var proof = client.call(AuditServiceGrpc.getGetInclusionProofMethod(), asked).getHashesList();
        check(logged.getNonce().size() == NONCE_BYTES, "a nonce has 32 bytes");
        // What the log publishes hides the body behind the nonce.
        byte[] entry = Verification.sha256(logged.getNonce().toByteArray(), logged.getBody().toByteArray());
        Merkle.verifyInclusion(
            Merkle.leafHash(entry), logged.getIndex(), checkpoint.size(), checkpoint.root(), bytesOf(proof));
        return new VerifiedAccess(accessIn(logged.getBody(), access), logged.getIndex(), checkpoint.size());
      }
      pause();
    }
    throw unverified("the log has not integrated the access within ten seconds");
  }

  private static Access accessIn(ByteString body, String access) {
    Access held;
    try {
      held = Access.parseFrom(body);
    } catch (InvalidProtocolBufferException malformed) {
      throw unverified("the log holds an entry that is no access");
    }
    // The position is proven, but it may hold another entry than the one that was asked for.
    check(held.getId().equals(access), "the log answered with another access");
    return held;
  }

  /**
   * Verifies that today's log begins with the log of an older checkpoint. Throws ClientException `BREAK` where the log has declared
   * that it lost entries which the checkpoint covers: it is no fork, and no proof.
   */
  public Growth verifyLogGrowth(String older) {
    List<Succession> steps = followKeys();
    List<VerifierKey> keys = Stream.concat(Stream.of(pinned), steps.stream().map(Succession::to)).toList();
    Checkpoint kept = byAny(older, keys);
    for (Succession step : steps) {
      if (step.reason().equals("restored") && kept.size() > step.continues()) {
        throw new ClientException(
            ClientException.Code.BREAK,
            "DECLARED BREAK: the log was restored from a backup at " + step.time()
                + ", and what was published from entry " + step.continues()
                + " on is lost. It says so itself, signed by the key that you trust");
      }
    }
    Checkpoint newer = SignedNotes.openCheckpoint(currentCheckpoint(), keys.get(keys.size() - 1));
    check(
        kept.size() <= newer.size(),
        "the log shrank from " + kept.size() + " to " + newer.size() + " entries, and no break was declared");
    GetConsistencyProofRequest asked =
        GetConsistencyProofRequest.newBuilder().setFirstSize(kept.size()).setSecondSize(newer.size()).build();
    var proof = client.call(AuditServiceGrpc.getGetConsistencyProofMethod(), asked).getHashesList();
    Merkle.verifyConsistency(kept.size(), kept.root(), newer.size(), newer.root(), bytesOf(proof));
    return new Growth(kept.size(), newer.size());
  }

  /** The older checkpoint may be signed by the pinned key, or by a later one of the same name or another. */
  private static Checkpoint byAny(String note, List<VerifierKey> keys) {
    ClientException failure = null;
    for (VerifierKey key : keys) {
      try {
        return SignedNotes.openCheckpoint(note, key);
      } catch (ClientException error) {
        failure = failure == null ? error : failure;
      }
    }
    throw failure;
  }

  /** The steps from the pinned key to the one that signs now. */
  private List<Succession> followKeys() {
    GetLogFileRequest asked = GetLogFileRequest.newBuilder().setPath("successions").build();
    String content =
        client.call(AuditServiceGrpc.getGetLogFileMethod(), asked).getContent().toString(StandardCharsets.UTF_8);
    List<String> notes = new ArrayList<>();
    try {
      JsonArray read = JsonParser.parseString(content).getAsJsonArray();
      for (JsonElement one : read) {
        check(one.isJsonPrimitive() && one.getAsJsonPrimitive().isString(), "a note is no text");
        notes.add(one.getAsString());
      }
    } catch (JsonParseException | IllegalStateException malformed) {
      throw unverified("what the log says of its keys cannot be read");
    }
    return followSuccessions(notes, pinned);
  }

  /**
   * Follows notes from a trusted key to the key that signs now. Neither their order nor their origin is trusted. Throws ClientException
   * `VERIFICATION` where a note that claims to succeed a trusted key does not verify, or two claim it.
   */
  public static List<Succession> followSuccessions(List<String> notes, VerifierKey pinned) {
    List<String> rest = new ArrayList<>(notes);
    List<Succession> steps = new ArrayList<>();
    VerifierKey key = pinned;
    while (true) {
      String claim = "\nfrom " + key.text() + "\n";
      List<String> following = rest.stream().filter(note -> note.contains(claim)).toList();
      if (following.isEmpty()) return steps;
      check(following.size() == 1, "two keys claim to succeed one");
      rest.remove(following.get(0));
      steps.add(successionOf(following.get(0), key));
      key = steps.get(steps.size() - 1).to();
    }
  }

  private static Succession successionOf(String note, VerifierKey key) {
    Matcher found = SUCCESSION.matcher(SignedNotes.openNote(note, key));
    check(found.matches() && found.group("from").equals(key.text()), "it is no succession of this key");
    VerifierKey to;
    try {
      to = VerifierKey.parse(found.group("to"));
    } catch (ClientException malformed) {
      throw unverified("a succession names no key");
    }
    SignedNotes.openNote(note, to);
    return new Succession(to, found.group("reason"), Long.parseLong(found.group("size")), found.group("time"));
  }

  private String currentCheckpoint() {
    return client
        .call(AuditServiceGrpc.getGetCheckpointMethod(), GetCheckpointRequest.getDefaultInstance())
        .getCheckpoint();
  }

  private static List<byte[]> bytesOf(List<ByteString> hashes) {
    return hashes.stream().map(ByteString::toByteArray).toList();
  }

  private static void pause() {
    try {
      Thread.sleep(BETWEEN_TRIES_MS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new CancellationException("the thread was interrupted");
    }
  }
}
