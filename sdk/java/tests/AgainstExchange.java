import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.wellapi.audit.v1.AuditServiceGrpc;
import dev.wellapi.audit.v1.GetCheckpointRequest;
import dev.wellapi.audit.v1.GetReceiptKeysRequest;
import dev.wellapi.client.Answer;
import dev.wellapi.client.Certificate;
import dev.wellapi.client.Client;
import dev.wellapi.client.ClientBuilder;
import dev.wellapi.client.ClientException;
import dev.wellapi.client.OAuthClient;
import dev.wellapi.client.ProgressFile;
import dev.wellapi.client.Publishers;
import dev.wellapi.client.UploadOptions;
import dev.wellapi.client.WellApiException;
import dev.wellapi.consent.v1.ConsentServiceGrpc;
import dev.wellapi.consent.v1.ListConsentsRequest;
import dev.wellapi.ingestion.v1.BatchReceipt;
import dev.wellapi.ingestion.v1.ItemOutcome;
import dev.wellapi.ingestion.v1.SeriesBatch;
import dev.wellapi.records.v1.ClinicalBatch;
import dev.wellapi.records.v1.ClinicalWrite;
import dev.wellapi.records.v1.CreateClinicalRecord;
import dev.wellapi.records.v1.QuerySeriesRequest;
import dev.wellapi.records.v1.ReadSeriesRequest;
import dev.wellapi.records.v1.RecordsServiceGrpc;
import dev.wellapi.records.v1.SourcedSeries;
import dev.wellapi.records.v1.WatchSeriesRequest;
import dev.wellapi.records.v1.WatchSeriesResponse;
import dev.wellapi.samples.BatchOptions;
import dev.wellapi.samples.Batches;
import dev.wellapi.samples.Row;
import dev.wellapi.samples.Sample;
import dev.wellapi.samples.Samples;
import dev.wellapi.type.v1.Coding;
import dev.wellapi.type.v1.Purpose;
import dev.wellapi.verification.LogVerifier;
import dev.wellapi.verification.Receipts;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/**
 * What the library promises, against a running exchange: `test/sdk-languages.it.test.ts` starts one and runs this. The first argument
 * is a JSON file of what it has there. Prints a line for each thing that holds; an AssertionError says which does not.
 */
public final class AgainstExchange {
  private static final Coding HEART_RATE = Coding.newBuilder().setCode("8867-4").build();
  private static final OffsetDateTime START = OffsetDateTime.parse("2026-06-01T08:00:00+02:00");
  private final JsonObject here;
  private final Path credentials;
  private final OAuthClient oauth;

  private AgainstExchange(JsonObject here) {
    this.here = here;
    credentials = Path.of(text("credentials"));
    oauth = new OAuthClient(text("clientId"), text("privateJwk"), "system/Observation.cruds").withIssuer(text("issuer"));
  }

  public static void main(String[] arguments) throws Exception {
    var here = JsonParser.parseString(Files.readString(Path.of(arguments[0]))).getAsJsonObject();
    var exchange = new AgainstExchange(here);
    exchange.byEachWay();
    exchange.traces();
    exchange.clinical();
    exchange.progress();
    exchange.refusals();
    exchange.tokens();
    exchange.watch();
    exchange.flow();
    exchange.log();
    System.exit(0);
  }

  private String text(String name) {
    return here.get(name).getAsString();
  }

  private ClientBuilder door() throws Exception {
    return Client.builder(text("door")).certificate(Certificate.fromFolder(credentials));
  }

  private ClientBuilder gateway() {
    return Client.builder(text("gateway"));
  }

  private Iterator<SeriesBatch> batches(int day, int samples, int perBatch) {
    var rows =
        IntStream.range(0, samples)
            .mapToObj(at -> new Row(START.plusDays(day).plusSeconds(at), BigDecimal.valueOf(600 + at % 50, 1)));
    var options = BatchOptions.of(text("patient"), "8867-4", "/min").withSamplesPerBatch(perBatch);
    return Batches.batchesOf(rows.iterator(), options);
  }

  private ReadSeriesRequest readRequest() {
    return ReadSeriesRequest.newBuilder()
        .setPatient(text("patient"))
        .setCode(HEART_RATE)
        .setPurpose(Purpose.PURPOSE_TREATMENT)
        .build();
  }

  private QuerySeriesRequest query() {
    return QuerySeriesRequest.newBuilder()
        .setPatient(text("patient"))
        .setCode(HEART_RATE)
        .setPurpose(Purpose.PURPOSE_TREATMENT)
        .build();
  }

  private WatchSeriesRequest watchRequest() {
    return WatchSeriesRequest.newBuilder()
        .setPatient(text("patient"))
        .addCodes(HEART_RATE)
        .setPurpose(Purpose.PURPOSE_TREATMENT)
        .build();
  }

  private List<String> valuesOfDay(Client client, int day) {
    List<String> values = new ArrayList<>();
    for (SourcedSeries run : client.readSeries(readRequest())) {
      for (Sample sample : Samples.samplesOf(run)) {
        var since = Duration.between(START.plusDays(day), sample.time());
        if (!since.isNegative() && since.toDays() == 0) values.add(sample.text());
      }
    }
    return values;
  }

  /** Each of certificate, key and OAuth client writes, the same batches again are duplicates, and reads exactly that. */
  private void byEachWay() throws Exception {
    var ways = List.of(door(), gateway().apiKey(text("apiKey")), gateway().oauth(oauth));
    var expected = IntStream.range(0, 40).mapToObj(at -> BigDecimal.valueOf(600 + at, 1).toPlainString()).toList();
    for (int day = 0; day < ways.size(); day++) {
      var calls = new AtomicInteger();
      try (var client = ways.get(day).interceptor(counting(calls)).build()) {
        for (var status : List.of(ItemOutcome.Status.STATUS_ACCEPTED, ItemOutcome.Status.STATUS_DUPLICATE)) {
          Set<ItemOutcome.Status> found = new HashSet<>();
          int answers = 0;
          for (var answer : client.uploadSeries(batches(day, 40, 4))) {
            answer.receipt().orElseThrow().getItemsList().forEach(item -> found.add(item.getStatus()));
            answers += 1;
          }
          check(answers == 10 && found.equals(Set.of(status)), answers + " " + found);
        }
        var values = valuesOfDay(client, day);
        check(values.equals(expected), values.toString());
        // Uploads over the gateway are a call a batch: an interceptor is asked about each.
        check(calls.get() == (day == 0 ? 3 : 21), "calls " + calls);
        check(RecordsServiceGrpc.newBlockingStub(client.channel()).querySeries(query()).getSeriesCount() > 0, "a stub");
      }
    }
    ok("byEachWay");
  }

  private void traces() throws Exception {
    Traces.check(door(), query());
    Traces.check(gateway().apiKey(text("apiKey")), query());
    ok("traces");
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

  /** Clinical records go by a stream and by calls, and what was stored is noted, what was rejected is not. */
  private void clinical() throws Exception {
    var progress = new ProgressFile(credentials.resolve("java-clinical"));
    for (var name : List.of("door", "gateway")) {
      var reached = name.equals("door") ? door() : gateway().apiKey(text("apiKey"));
      var sent = List.of(condition(name + "-java-good", "2026-03-01"), condition(name + "-java-bad", "in spring"));
      List<String> found = new ArrayList<>();
      try (var client = reached.build()) {
        var options = UploadOptions.DEFAULT.withProgress(progress);
        for (var answer : client.uploadClinicalRecords(sent.iterator(), options)) {
          found.add(answer.batch().getRequestId() + " " + answer.receipt().get().getOutcomes(0).getStatus());
        }
      }
      found.sort(null);
      check(
          found.equals(List.of(name + "-java-bad STATUS_REJECTED", name + "-java-good STATUS_CREATED")),
          found.toString());
    }
    var noted = Files.readAllLines(credentials.resolve("java-clinical"));
    check(noted.equals(List.of("door-java-good", "gateway-java-good")), noted.toString());
    ok("clinical");
  }

  private ClinicalBatch condition(String requestId, String onset) {
    var resource =
        """
        {"resourceType": "Condition", "subject": {"reference": "Patient/%s"}, "onsetDateTime": "%s",
         "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J45.30"}]}}
        """
            .formatted(text("patient").replace('_', '-'), onset);
    var create = CreateClinicalRecord.newBuilder().setResource(resource);
    return ClinicalBatch.newBuilder()
        .setRequestId(requestId)
        .setPatient(text("patient"))
        .addWrites(ClinicalWrite.newBuilder().setCreate(create))
        .build();
  }

  /** An upload that stops goes on where it was, and sends nothing twice; who takes no answers is asked for no batches. */
  private void progress() throws Exception {
    var path = credentials.resolve("java-progress");
    var asked = new AtomicInteger();
    Set<String> all = new HashSet<>();
    try (var client = door().build()) {
      var source = batches(4, 40, 2);
      Iterator<SeriesBatch> counted =
          new Iterator<>() {
            @Override
            public boolean hasNext() {
              return source.hasNext();
            }

            @Override
            public SeriesBatch next() {
              asked.incrementAndGet();
              return source.next();
            }
          };
      var options = UploadOptions.DEFAULT.withProgress(new ProgressFile(path)).withWindow(2);
      try (var upload = client.uploadSeries(counted, options)) {
        for (int taken = 0; taken < 5; taken++) all.add(upload.next().batch().getRequestId());
        check(asked.get() <= 7, "asked for " + asked);
      }
      int second = 0;
      for (var answer : client.uploadSeries(batches(4, 40, 2), UploadOptions.DEFAULT.withProgress(new ProgressFile(path)))) {
        check(all.add(answer.batch().getRequestId()), "sent twice: " + answer.batch().getRequestId());
        second += 1;
      }
      check(second == 15 && all.size() == 20, second + " of " + all.size());
      check(valuesOfDay(client, 4).size() == 40, "values");
    }
    ok("progress");
  }

  /** Refusals are typed, with what to do; an upload ends with its source's own error. */
  private void refusals() throws Exception {
    try (var client = door().build()) {
      var nobody = QuerySeriesRequest.newBuilder().setPurpose(Purpose.PURPOSE_TREATMENT).build();
      var refused = thrown(WellApiException.class, () -> client.querySeries(nobody).next());
      check(
          refused.code() == Status.Code.INVALID_ARGUMENT
              && refused.reason().equals("INVALID_FIELD")
              && refused.remedy().contains("patient")
              && refused.requestId().isPresent(),
          refused + " " + refused.remedy() + refused.requestId());
      var unknown = BatchOptions.of("pat_nobody", "8867-4", "/min");
      var answer = client.uploadSeries(Batches.batchesOf(List.of(Row.of(START, "60")), unknown)).next();
      check(answer.error().orElseThrow().reason().equals("CONSENT_REQUIRED"), answer.toString());
      var good = batches(5, 3, 1);
      Iterator<SeriesBatch> broken =
          new Iterator<>() {
            @Override
            public boolean hasNext() {
              return true;
            }

            @Override
            public SeriesBatch next() {
              if (good.hasNext()) return good.next();
              throw new IllegalArgumentException("line 3 cannot be read");
            }
          };
      var lost = thrown(IllegalArgumentException.class, () -> client.uploadSeries(broken).forEachRemaining(one -> {}));
      check(lost.getMessage().equals("line 3 cannot be read"), lost.toString());
      var unreached = door().build();
      unreached.close();
      thrown(CancellationException.class, () -> unreached.querySeries(nobody).next());
    }
    try (var client = gateway().apiKey(text("apiKey")).build()) {
      // Left before its thread has come to it, or while it begins: whoever asks is told, and nothing hangs.
      for (int at = 0; at < 20; at++) {
        var read = client.readSeries(readRequest());
        read.close();
        thrown(CancellationException.class, read::hasNext);
      }
    }
    var twice = gateway().apiKey("wellapi_sk_a").token("b");
    check(thrown(ClientException.class, twice::build).code() == ClientException.Code.INPUT, "two credentials");
    ok("refusals");
  }

  /** A token serves until shortly before its end, also for calls side by side. What is refused is told as the server says it. */
  private void tokens() throws Exception {
    for (int renewBefore : new int[] {60, 301}) {
      var renewed = oauth.withRenewBefore(Duration.ofSeconds(renewBefore));
      try (var client = gateway().oauth(renewed).build()) {
        var method = RecordsServiceGrpc.getQuerySeriesMethod();
        var calls = IntStream.range(0, 3).mapToObj(at -> client.callAsync(method, query())).toList();
        for (var call : calls) check(call.get().getSeriesCount() > 0, "no samples");
      }
    }
    var wrong = new OAuthClient("app_nobody", text("privateJwk"), "system/Observation.cruds").withIssuer(text("issuer"));
    try (var client = gateway().oauth(wrong).build()) {
      var refused = thrown(WellApiException.class, () -> client.readSeries(readRequest()).hasNext());
      check(refused.code() == Status.Code.UNAUTHENTICATED && refused.reason().equals("INVALID_CLIENT"), refused.toString());
    }
    try (var client = gateway().oauth(oauth.withIssuer(text("gateway"))).build()) {
      var refused = thrown(ClientException.class, () -> client.readSeries(readRequest()).hasNext());
      check(refused.code() == ClientException.Code.INPUT, refused.toString());
    }
    ok("tokens");
  }

  /** A watch gives what arrives, over the door and the gateway, and ends by `close` from another thread and by an interrupt. */
  private void watch() throws Exception {
    int day = 6;
    for (var reached : List.of(door(), gateway().apiKey(text("apiKey")))) {
      var client = reached.build();
      try (var writer = door().build()) {
        var messages = client.watchSeries(watchRequest(), cut -> check(false, cut.toString()));
        check(messages.next().hasStart(), "no start");
        writer.uploadSeries(batches(day++, 3, 1000)).next();
        var values = Samples.samplesOf(messages.next().getSeries()).stream().map(Sample::text).toList();
        check(values.equals(List.of("60.0", "60.1", "60.2")), values.toString());
        var waiting = CompletableFuture.supplyAsync(() -> thrown(CancellationException.class, messages::hasNext));
        messages.close();
        check(waiting.get() != null, "not closed");
        var second = client.watchSeries(watchRequest(), cut -> check(false, cut.toString()));
        second.next();
        Thread.currentThread().interrupt();
        thrown(CancellationException.class, second::hasNext);
        check(Thread.interrupted(), "the interrupt is lost");
        var third = client.watchSeries(watchRequest(), cut -> check(false, cut.toString()));
        third.next();
        client.close();
        thrown(CancellationException.class, third::hasNext);
      }
    }
    ok("watch");
  }

  /** As `Flow`: each gets what it asks for, and no more; then the end. */
  private void flow() throws Exception {
    var threads = Executors.newCachedThreadPool();
    try (var client = door().build()) {
      Flow.Publisher<Answer<SeriesBatch, BatchReceipt>> upload =
          Publishers.of(() -> client.uploadSeries(batches(9, 30, 10)), threads);
      var asked = new Asking<Answer<SeriesBatch, BatchReceipt>>();
      upload.subscribe(asked);
      asked.request(2);
      check(asked.heard().equals("next") && asked.heard().equals("next"), "two were asked for");
      // Meanwhile the third answer, which the server has sent with the second, would be here.
      client.call(ConsentServiceGrpc.getListConsentsMethod(), ListConsentsRequest.getDefaultInstance());
      asked.request(Long.MAX_VALUE - 10);
      check(asked.heard().equals("next") && asked.heard().equals("complete"), "the rest and the end");
      var watched = new Asking<WatchSeriesResponse>();
      Publishers.of(() -> client.watchSeries(watchRequest(), cut -> {}), threads)
          .subscribe(watched);
      watched.request(10);
      check(watched.heard().equals("next"), "the start");
      watched.cancel();
      var wrong = new Asking<SourcedSeries>();
      Publishers.of(() -> client.readSeries(readRequest()), threads).subscribe(wrong);
      wrong.request(0);
      check(wrong.heard().startsWith("error java.lang.IllegalArgumentException"), "nothing cannot be asked for");
    }
    ok("flow");
  }

  /** The patient verifies a read, and that the log only grew, with the key that was kept. */
  private void log() throws Exception {
    try (var anybody = gateway().build();
        var reader = door().build();
        var patient = gateway().token(text("patientToken")).build()) {
      var kept = anybody.call(AuditServiceGrpc.getGetCheckpointMethod(), GetCheckpointRequest.getDefaultInstance());
      var keys = anybody.call(AuditServiceGrpc.getGetReceiptKeysMethod(), GetReceiptKeysRequest.getDefaultInstance());
      var access = reader.call(RecordsServiceGrpc.getQuerySeriesMethod(), query()).getAccess();
      var verifier = new LogVerifier(patient, kept.getVerifierKey());
      for (int attempt = 0; ; attempt++) {
        try {
          check(verifier.verifyLoggedAccess(access).access().getId().equals(access), "another access");
          break;
        } catch (WellApiException notYet) {
          check(notYet.reason().equals("NOT_FOUND") && attempt < 60, notYet.toString());
          Thread.sleep(250);
        }
      }
      var growth = verifier.verifyLogGrowth(kept.getCheckpoint());
      check(growth.older() < growth.newer(), growth.toString());
      var forged = kept.getCheckpoint().replaceFirst("\n", "x\n");
      var refused = thrown(ClientException.class, () -> verifier.verifyLogGrowth(forged));
      check(refused.code() == ClientException.Code.VERIFICATION, refused.toString());

      var receipt = Receipts.verifyReceipt(text("receipt"), keys.getJwks());
      check(receipt.kind().equals("wellapi-consent-receipt+jwt") && !receipt.claims().isEmpty(), receipt.toString());
      var parts = text("receipt").split("\\.");
      var changed = parts[0] + "." + parts[1].substring(0, parts[1].length() - 4) + "AAAA." + parts[2];
      for (var wrong : List.of(changed, "no receipt")) {
        var not = thrown(ClientException.class, () -> Receipts.verifyReceipt(wrong, keys.getJwks()));
        check(not.code() == ClientException.Code.VERIFICATION, not.toString());
      }
    }
    ok("log");
  }

  /** A subscriber that asks as the test does, and tells what it hears. */
  private static final class Asking<T> implements Flow.Subscriber<T> {
    private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
    private final BlockingQueue<String> events = new LinkedBlockingQueue<>();

    private final AtomicLong asked = new AtomicLong();

    void request(long count) {
      asked.addAndGet(count);
      subscription.join().request(count);
    }

    void cancel() {
      subscription.join().cancel();
    }

    String heard() throws InterruptedException {
      return events.take();
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription.complete(given);
    }

    @Override
    public void onNext(T item) {
      events.add(asked.decrementAndGet() < 0 ? "more than was asked for" : "next");
    }

    @Override
    public void onError(Throwable error) {
      events.add("error " + error);
    }

    @Override
    public void onComplete() {
      events.add("complete");
    }
  }

  private static <E extends Throwable> E thrown(Class<E> kind, Runnable action) {
    try {
      action.run();
    } catch (Throwable caught) {
      if (kind.isInstance(caught)) return kind.cast(caught);
      throw new AssertionError("another failure", caught);
    }
    throw new AssertionError("no " + kind.getSimpleName());
  }

  private static void check(boolean holds, String found) {
    if (!holds) throw new AssertionError(found);
  }

  private static void ok(String part) {
    System.out.println("ok " + part);
  }
}
