import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.standardwebhooks.Webhook;
import dev.wellapi.client.Backoff;
import dev.wellapi.client.Client;
import dev.wellapi.client.ClientException;
import dev.wellapi.client.Retries;
import dev.wellapi.client.WellApiException;
import dev.wellapi.consent.v1.ConsentServiceGrpc;
import dev.wellapi.consent.v1.ListConsentsRequest;
import dev.wellapi.ingestion.v1.SeriesBatch;
import dev.wellapi.notices.v1.Event;
import dev.wellapi.samples.BatchOptions;
import dev.wellapi.samples.Batches;
import dev.wellapi.samples.Row;
import dev.wellapi.samples.Sample;
import dev.wellapi.samples.Samples;
import dev.wellapi.verification.LogVerifier;
import dev.wellapi.verification.Merkle;
import dev.wellapi.verification.SignedNotes;
import dev.wellapi.verification.VerifierKey;
import dev.wellapi.verification.Webhooks;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.Signature;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Proofs and notes of another implementation (packages/merkle/test/golden, whose folder is the first argument), webhooks, and decimals
 * at their edges. Prints a line for each thing that holds; an AssertionError says which does not.
 */
public final class Verified {
  private static final OffsetDateTime START = OffsetDateTime.parse("2026-04-12T08:00:00Z");

  private Verified() {}

  public static void main(String[] arguments) throws Exception {
    Path golden = Path.of(arguments[0]);
    checkpoints(Files.readString(golden.resolve("checkpoint.txt")), Files.readString(golden.resolve("verifier-key.txt")).trim());
    proofs(JsonParser.parseString(Files.readString(golden.resolve("proofs.json"))).getAsJsonObject());
    successions();
    webhooks();
    decimals();
    retries();
  }

  private static void checkpoints(String note, String text) {
    VerifierKey key = VerifierKey.parse(text);
    check(SignedNotes.openCheckpoint(note, key).size() == 70_000, "size");
    for (String changed :
        List.of(
            note.replace("70000", "70001"),
            note.replaceFirst("audit\n", "audits\n"),
            note.replace("70000", "070000"),
            note.split("\n\n")[0] + "\n",
            note + "x",
            note.replaceFirst("\\+", "-"),
            "")) {
      refused(ClientException.Code.VERIFICATION, () -> SignedNotes.openCheckpoint(changed, key));
    }
    String cut = text.substring(0, text.length() - 1);
    for (String wrong : List.of(cut + "5", text.replace("2a2b", "2a2c"), "", "a+b+c")) {
      refused(ClientException.Code.INPUT, () -> VerifierKey.parse(wrong));
    }
    ok("checkpoints");
  }

  private static void proofs(JsonObject golden) {
    byte[] other = Merkle.leafHash("other".getBytes(StandardCharsets.UTF_8));
    for (JsonElement each : golden.getAsJsonArray("inclusion")) {
      JsonObject one = each.getAsJsonObject();
      long index = one.get("index").getAsLong();
      long size = one.get("size").getAsLong();
      List<byte[]> proof = hashes(one);
      byte[] root = hash(one, "root");
      byte[] leaf = Merkle.leafHash(new byte[] {(byte) index, (byte) (index / 256)});
      Merkle.verifyInclusion(leaf, index, size, root, proof);
      refused(ClientException.Code.VERIFICATION, () -> Merkle.verifyInclusion(leaf, size, size, root, proof));
      refused(ClientException.Code.VERIFICATION, () -> Merkle.verifyInclusion(root, index, size, root, longer(proof, root)));
      refused(ClientException.Code.VERIFICATION, () -> Merkle.verifyInclusion(other, index, size, root, proof));
    }
    for (JsonElement each : golden.getAsJsonArray("consistency")) {
      JsonObject one = each.getAsJsonObject();
      long older = one.get("from").getAsLong();
      long size = one.get("to").getAsLong();
      List<byte[]> proof = hashes(one);
      byte[] olderRoot = hash(one, "fromRoot");
      byte[] root = hash(one, "toRoot");
      Merkle.verifyConsistency(older, olderRoot, size, root, proof);
      refused(ClientException.Code.VERIFICATION, () -> Merkle.verifyConsistency(older, olderRoot, size, other, proof));
      refused(
          ClientException.Code.VERIFICATION,
          () -> Merkle.verifyConsistency(older, olderRoot, size, root, longer(proof, other)));
    }
    ok("proofs");
  }

  private static List<byte[]> hashes(JsonObject of) {
    return of.getAsJsonArray("proof").asList().stream().map(one -> HexFormat.of().parseHex(one.getAsString())).toList();
  }

  private static byte[] hash(JsonObject of, String name) {
    return HexFormat.of().parseHex(of.get(name).getAsString());
  }

  private static List<byte[]> longer(List<byte[]> proof, byte[] by) {
    List<byte[]> longer = new ArrayList<>(proof);
    longer.add(by);
    return longer;
  }

  /** Keys are followed only where both vouch. */
  private static void successions() throws Exception {
    LogKey old = new LogKey("log");
    LogKey next = new LogKey("log");
    LogKey other = new LogKey("other");
    String rotated = succession(old, next, "rotated", old, next);
    String before = succession(other, old, "rotated", other, old);
    var steps = LogVerifier.followSuccessions(List.of(before, rotated), old.verifier);
    check(steps.size() == 1 && steps.get(0).to().text().equals(next.verifier.text()), steps.toString());
    String onward = succession(next, other, "restored", next, other);
    var both = LogVerifier.followSuccessions(List.of(onward, rotated), old.verifier);
    check(both.size() == 2 && both.get(1).reason().equals("restored") && both.get(1).continues() == 7, both.toString());
    check(LogVerifier.followSuccessions(List.of(rotated), next.verifier).isEmpty(), "nothing follows");
    for (List<String> notes :
        List.of(
            List.of(succession(old, next, "rotated", next)),
            List.of(succession(old, next, "rotated", old)),
            List.of(rotated.replace("rotated", "restored")),
            List.of(rotated, succession(old, other, "rotated", old, other)),
            List.of(succession(old, next, "renewed", old, next)))) {
      refused(ClientException.Code.VERIFICATION, () -> LogVerifier.followSuccessions(notes, old.verifier));
    }
    ok("successions");
  }

  private static String succession(LogKey from, LogKey to, String reason, LogKey... signers) throws Exception {
    String root = Base64.getEncoder().encodeToString(new byte[32]);
    String text =
        "wellapi.dev/log-succession/v1\nfrom " + from.verifier.text() + "\nto " + to.verifier.text() + "\nreason " + reason
            + "\npublished unknown\ncontinues 7 " + root + "\ntime 2026-11-27T00:00:00.000Z\n";
    StringBuilder note = new StringBuilder(text).append("\n");
    for (LogKey signer : signers) note.append(signer.sign(text));
    return note.toString();
  }

  /** A key of a log. */
  private static final class LogKey {
    private final KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    private final byte[] id;
    private final VerifierKey verifier;

    LogKey(String name) throws Exception {
      byte[] encoded = pair.getPublic().getEncoded();
      byte[] typed = new byte[33];
      typed[0] = 1;
      System.arraycopy(encoded, encoded.length - 32, typed, 1, 32);
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update((name + "\n").getBytes(StandardCharsets.UTF_8));
      id = Arrays.copyOf(digest.digest(typed), 4);
      String key = Base64.getEncoder().encodeToString(typed);
      verifier = VerifierKey.parse(name + "+" + HexFormat.of().formatHex(id) + "+" + key);
    }

    String sign(String text) throws Exception {
      Signature signer = Signature.getInstance("Ed25519");
      signer.initSign(pair.getPrivate());
      signer.update(text.getBytes(StandardCharsets.UTF_8));
      byte[] signature = signer.sign();
      byte[] body = Arrays.copyOf(id, 4 + signature.length);
      System.arraycopy(signature, 0, body, 4, signature.length);
      return "\u2014 " + verifier.name() + " " + Base64.getEncoder().encodeToString(body) + "\n";
    }
  }

  /** What was signed opens, also with fields and kinds of a later exchange; what is forged, changed, old or unsigned does not. */
  private static void webhooks() throws Exception {
    String secret = "whsec_" + Base64.getEncoder().encodeToString(new byte[32]);
    String forger = "whsec_" + Base64.getEncoder().encodeToString("another secret of 32 bytes......".getBytes(StandardCharsets.UTF_8));
    Instant now = Instant.now();
    String body = "{\"type\":\"consent.granted\",\"data\":{\"id\":\"evt_1\",\"kind\":\"KIND_CONSENT_GRANTED\",\"later\":1}}";
    var opened = Webhooks.verifyWebhook(secret, signed(secret, now, body), bytes(body));
    check(
        opened.id().equals("evt_1")
            && opened.type().equals("consent.granted")
            && opened.event().orElseThrow().getKind() == Event.Kind.KIND_CONSENT_GRANTED,
        opened.toString());
    String later = body.replace("GRANTED", "RENEWED");
    var unknown = Webhooks.verifyWebhook(secret, signed(secret, now, later), bytes(later));
    check(unknown.event().orElseThrow().getKind() == Event.Kind.KIND_UNSPECIFIED, unknown.toString());
    String test = "{\"type\":\"webhook.test\",\"data\":{}}";
    check(Webhooks.verifyWebhook(secret, signed(secret, now, test), bytes(test)).event().isEmpty(), "an event");
    String none = "[]";
    var verification = ClientException.Code.VERIFICATION;
    refused(verification, () -> Webhooks.verifyWebhook(secret, signed(forger, now, body), bytes(body)));
    refused(verification, () -> Webhooks.verifyWebhook(secret, signed(secret, now.minusSeconds(600), body), bytes(body)));
    refused(verification, () -> Webhooks.verifyWebhook(secret, signed(secret, now, body), bytes(body + " ")));
    refused(verification, () -> Webhooks.verifyWebhook(secret, Map.of(), bytes(body)));
    refused(verification, () -> Webhooks.verifyWebhook(secret, signed(secret, now, none), bytes(none)));
    ok("webhooks");
  }

  private static Map<String, List<String>> signed(String secret, Instant at, String body) {
    try {
      return Map.of(
          "Webhook-Id", List.of("evt_1"),
          "Webhook-Timestamp", List.of(Long.toString(at.getEpochSecond())),
          "Webhook-Signature", List.of(new Webhook(secret).sign("evt_1", at.getEpochSecond(), body)));
    } catch (com.standardwebhooks.exceptions.WebhookSigningException impossible) {
      throw new AssertionError(impossible);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Decimals go and come back exactly; what cannot be sent exactly is refused. */
  private static void decimals() {
    BatchOptions options = BatchOptions.of("pat_1", "8867-4", "/min");
    List<String> values = List.of("98.60", "-0.05", "0", "9007199.254740991");
    List<Row> rows = new ArrayList<>();
    for (String value : values) rows.add(Row.of(START.plusSeconds(rows.size()), value));
    SeriesBatch batch = Batches.batchesOf(rows, options).next();
    List<String> found = Samples.samplesOf(batch.getSeries(0)).stream().map(Sample::text).toList();
    check(found.equals(List.of("98.600000000", "-0.050000000", "0.000000000", "9007199.254740991")), found.toString());
    var plain = Batches.batchesOf(List.of(Row.of(START, "98.60")), options).next();
    check(Samples.samplesOf(plain.getSeries(0)).get(0).text().equals("98.60"), "98.60");
    check(batch.equals(Batches.batchesOf(rows, options).next()), "the same rows have the same request id");
    // Over the span that 31 bits of milliseconds hold.
    var apart = List.of(Row.of(START, 1), Row.of(START.plusDays(29), 2));
    var times = Samples.samplesOf(Batches.batchesOf(apart, options).next().getSeries(0));
    check(times.get(1).time().isEqual(START.plusDays(29)), times.toString());
    for (String wrong : List.of("1e-10", "9007199254740993", "1e999999999", "-1e17")) {
      refused(
          ClientException.Code.INPUT, () -> Batches.batchesOf(List.of(Row.of(START, wrong)), options).next());
    }
    var together = List.of(Row.of(START, "1"), Row.of(START, "1"));
    refused(ClientException.Code.INPUT, () -> Batches.batchesOf(together, options).next());
    // Values of a later kind are no gap.
    var later = batch.getSeries(0).toBuilder().clearValues().build();
    refused(ClientException.Code.INPUT, () -> Samples.samplesOf(later));
    ok("decimals");
  }

  /** A budget ends repetitions: a server that fails for everybody does not get each call three times. */
  private static void retries() {
    var backoff = new Backoff(Duration.ofMillis(1), Duration.ofMillis(1));
    var calls = new AtomicInteger();
    // Nobody listens there.
    var retries = new Retries(3, 2, Duration.ofSeconds(1), backoff);
    try (var client = Client.builder("http://127.0.0.1:1").retries(retries).interceptor(counting(calls)).build()) {
      var method = ConsentServiceGrpc.getListConsentsMethod();
      for (int expected : new int[] {3, 4}) {
        try {
          client.call(method, ListConsentsRequest.getDefaultInstance());
          throw new AssertionError("somebody answered");
        } catch (WellApiException unreached) {
          check(unreached.isTransient() && calls.get() == expected, unreached + " after " + calls);
        }
      }
    }
    ok("retries");
  }

  private static ClientInterceptor counting(AtomicInteger calls) {
    return new ClientInterceptor() {
      @Override
      public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
        calls.incrementAndGet();
        return next.newCall(method, options);
      }
    };
  }

  private static void refused(ClientException.Code code, Runnable action) {
    try {
      action.run();
    } catch (ClientException caught) {
      check(caught.code() == code, caught.toString());
      return;
    }
    throw new AssertionError("not refused");
  }

  private static void check(boolean holds, String found) {
    if (!holds) throw new AssertionError(found);
  }

  private static void ok(String part) {
    System.out.println("ok " + part);
  }
}
