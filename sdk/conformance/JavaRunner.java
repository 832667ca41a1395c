import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import dev.wellapi.client.Answer;
import dev.wellapi.client.Certificate;
import dev.wellapi.client.Client;
import dev.wellapi.client.ClientBuilder;
import dev.wellapi.client.ClientException;
import dev.wellapi.client.Deprecation;
import dev.wellapi.client.Results;
import dev.wellapi.client.Retries;
import dev.wellapi.client.UploadOptions;
import dev.wellapi.client.UploadProgress;
import dev.wellapi.client.WellApiException;
import dev.wellapi.consent.v1.ConsentServiceGrpc;
import dev.wellapi.ingestion.v1.BatchReceipt;
import dev.wellapi.ingestion.v1.SeriesBatch;
import dev.wellapi.records.v1.QuerySeriesRequest;
import dev.wellapi.records.v1.ReadSeriesRequest;
import dev.wellapi.records.v1.SourcedSeries;
import dev.wellapi.records.v1.WatchSeriesRequest;
import dev.wellapi.samples.Samples;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The Java library against every scenario: `java JavaRunner NODE MAIN`, where NODE runs MAIN, which is src/main.ts. Prints a line a
 * scenario; ends with 1 where one does not hold. Most of their time is waiting between attempts: several run side by side, each with a
 * server of its own.
 */
public final class JavaRunner {
  /** Seconds after which a scenario has not ended. */
  private static final int LONGEST = 60;

  private static final int SIDE_BY_SIDE = 3;

  private static final ScheduledExecutorService DEADLINES = Executors.newSingleThreadScheduledExecutor();

  private JavaRunner() {}

  public static void main(String[] arguments) throws Exception {
    AtomicInteger taken = new AtomicInteger();
    List<CompletableFuture<Boolean>> lanes = new ArrayList<>();
    for (int lane = 0; lane < SIDE_BY_SIDE; lane++) {
      lanes.add(CompletableFuture.supplyAsync(() -> runLane(arguments, taken), Executors.newCachedThreadPool()));
    }
    boolean held = true;
    for (CompletableFuture<Boolean> lane : lanes) held &= lane.join();
    System.exit(held ? 0 : 1);
  }

  /** Takes one scenario after another; false where one did not hold. */
  private static boolean runLane(String[] command, AtomicInteger taken) {
    try (ScriptedServer server = new ScriptedServer(command)) {
      List<JsonObject> runs = server.runs();
      boolean held = true;
      for (int at = taken.getAndIncrement(); at < runs.size(); at = taken.getAndIncrement()) {
        JsonObject scenario = runs.get(at);
        String over = scenario.get("over").getAsString();
        JsonObject task = scenario.getAsJsonObject("client");
        server.ask("begin", scenario.get("name"));
        JsonArray problems = server.ask("end", resultOf(task, server.reach(over))).getAsJsonArray("problems");
        held &= problems.isEmpty();
        String told = problems.isEmpty() ? "ok" : "not ok";
        System.out.println(told + " " + scenario.get("name").getAsString() + " " + over + " " + problems);
      }
      return held;
    } catch (IOException failed) {
      throw new IllegalStateException(failed);
    }
  }

  private static JsonObject resultOf(JsonObject task, ClientBuilder reached) throws IOException {
    int attempts = task.has("attempts") ? task.get("attempts").getAsInt() : 1;
    JsonArray deprecations = new JsonArray();
    reached.retries(Retries.DEFAULT.withAttempts(attempts)).onDeprecation(one -> deprecations.add(deprecationOf(one)));
    try (Client client = reached.build()) {
      ScheduledFuture<?> deadline = DEADLINES.schedule(client::close, LONGEST, TimeUnit.SECONDS);
      JsonObject result = new JsonObject();
      try {
        perform(client, task, result);
      } catch (WellApiException | ClientException error) {
        result.add("error", problemOf(error));
      } catch (CancellationException ended) {
        result.add("error", new Gson().toJsonTree(Map.of("code", "did not end")));
      } finally {
        deadline.cancel(false);
      }
      result.add("deprecations", deprecations);
      return result;
    }
  }

  /** Fills the result as it goes on: what was noted before an error stands beside it. */
  private static void perform(Client client, JsonObject task, JsonObject result) throws IOException {
    String request = task.has("request") ? task.get("request").toString() : "{}";
    switch (task.get("do").getAsString()) {
      case "upload" -> upload(client, task, result);
      case "read" -> noteSamples(client.readSeries(read(request, ReadSeriesRequest.newBuilder()).build()), result);
      case "query" -> noteSamples(client.querySeries(read(request, QuerySeriesRequest.newBuilder()).build()), result);
      case "watch" -> watch(client, read(request, WatchSeriesRequest.newBuilder()).build(), task, result);
      default -> call(client, task, request, result);
    }
  }

  private static void upload(Client client, JsonObject task, JsonObject result) {
    JsonArray answers = list(result, "answers");
    JsonArray cuts = list(result, "cuts");
    UploadOptions options = UploadOptions.DEFAULT.withOnCut((error, attempt) -> cuts.add(problemOf(error)));
    if (task.has("window")) options = options.withWindow(task.get("window").getAsInt());
    if (task.has("attempts")) options = options.withAttempts(task.get("attempts").getAsInt());
    if (task.has("stored")) {
      JsonArray stored = task.getAsJsonArray("stored").deepCopy();
      result.add("stored", stored);
      options = options.withProgress(new Stored(stored));
    }
    Iterator<SeriesBatch> batches =
        task.getAsJsonArray("batches").asList().stream()
            .map(id -> SeriesBatch.newBuilder().setRequestId(id.getAsString()).build())
            .iterator();
    for (Answer<SeriesBatch, BatchReceipt> answer : client.uploadSeries(batches, options)) {
      JsonObject noted = new JsonObject();
      noted.addProperty("requestId", answer.batch().getRequestId());
      answer.error().ifPresent(error -> noted.add("error", problemOf(error)));
      answer.receipt().ifPresent(receipt -> {
        noted.addProperty("batch", receipt.getBatch());
        JsonArray statuses = list(noted, "statuses");
        receipt.getItemsList().forEach(item -> statuses.add(item.getStatusValue()));
      });
      answers.add(noted);
    }
  }

  private static void noteSamples(Results<SourcedSeries> runs, JsonObject result) {
    JsonArray samples = list(result, "samples");
    for (SourcedSeries run : runs) {
      Samples.samplesOf(run).forEach(one -> {
        JsonObject sample = new JsonObject();
        sample.addProperty("timeMs", one.time().toInstant().toEpochMilli());
        sample.addProperty("value", one.text());
        sample.addProperty("unit", one.unit());
        samples.add(sample);
      });
    }
  }

  private static void watch(Client client, WatchSeriesRequest request, JsonObject task, JsonObject result) {
    JsonArray tokens = list(result, "tokens");
    JsonArray cuts = list(result, "cuts");
    try (var messages = client.watchSeries(request, cut -> cuts.add(problemOf(cut)))) {
      while (tokens.size() < task.get("messages").getAsInt() && messages.hasNext()) {
        tokens.add(messages.next().getResumeToken());
      }
    }
  }

  @SuppressWarnings("unchecked")
  private static void call(Client client, JsonObject task, String request, JsonObject result) throws IOException {
    String name = task.get("rpc").getAsString();
    var method =
        (MethodDescriptor<Message, Message>)
            ConsentServiceGrpc.getServiceDescriptor().getMethods().stream()
                .filter(one -> one.getFullMethodName().equals(name))
                .findFirst()
                .orElseThrow();
    var prototype =
        (Message) ((MethodDescriptor.PrototypeMarshaller<?>) method.getRequestMarshaller()).getMessagePrototype();
    Message answer = client.call(method, read(request, prototype.newBuilderForType()).build());
    result.add("answer", JsonParser.parseString(JsonFormat.printer().print(answer)));
  }

  private static JsonObject deprecationOf(Deprecation one) {
    JsonObject told = new JsonObject();
    told.addProperty("name", one.name());
    told.addProperty("instead", one.instead().orElse(null));
    told.addProperty("sunset", one.sunset().map(day -> day.toString().substring(0, 10)).orElse(null));
    return told;
  }

  private static JsonObject problemOf(RuntimeException error) {
    JsonObject problem = new JsonObject();
    if (error instanceof ClientException own) {
      problem.addProperty("code", own.code().name().toLowerCase(Locale.ROOT));
      return problem;
    }
    WellApiException failed = (WellApiException) error;
    // The one name that Connect spells otherwise.
    String code = failed.code() == Status.Code.CANCELLED ? "canceled" : failed.code().name().toLowerCase(Locale.ROOT);
    problem.addProperty("code", code);
    problem.addProperty("reason", failed.reason());
    problem.addProperty("message", failed.text());
    problem.addProperty("transient", failed.isTransient());
    JsonArray violations = list(problem, "violations");
    failed.violations().forEach(one -> {
      JsonObject violation = new JsonObject();
      violation.addProperty("field", one.field());
      violation.addProperty("description", one.description());
      violation.addProperty("reason", one.reason());
      violations.add(violation);
    });
    failed.retryAfter().ifPresent(wait -> problem.addProperty("retryAfterMs", wait.toMillis()));
    return problem;
  }

  private static <B extends Message.Builder> B read(String json, B builder) throws InvalidProtocolBufferException {
    JsonFormat.parser().merge(json, builder);
    return builder;
  }

  private static JsonArray list(JsonObject of, String name) {
    JsonArray list = new JsonArray();
    of.add(name, list);
    return list;
  }

  /** As the file of an upload's progress, in the order in which batches were added. */
  private record Stored(JsonArray ids) implements UploadProgress {
    @Override
    public boolean contains(String requestId) {
      return ids.asList().stream().anyMatch(one -> one.getAsString().equals(requestId));
    }

    @Override
    public void add(String requestId) {
      ids.add(requestId);
    }
  }

  /** The server of src/main.ts, in a process of its own: a line of JSON for a line of JSON. */
  private static final class ScriptedServer implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final Writer lines;
    private final JsonObject told;

    ScriptedServer(String[] command) throws IOException {
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      answers = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      lines = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
      told = JsonParser.parseString(answers.readLine()).getAsJsonObject();
    }

    /** Every scenario, once for each transport that it names under `over`. */
    List<JsonObject> runs() {
      List<JsonObject> runs = new ArrayList<>();
      for (JsonElement scenario : told.getAsJsonArray("scenarios")) {
        for (JsonElement over : scenario.getAsJsonObject().getAsJsonArray("over")) {
          JsonObject run = scenario.deepCopy().getAsJsonObject();
          run.add("over", over);
          runs.add(run);
        }
      }
      return runs;
    }

    ClientBuilder reach(String over) {
      ClientBuilder client = Client.builder(told.get(over).getAsString());
      if (over.equals("gateway")) return client.apiKey("wellapi_sk_conformance");
      return client.certificate(new Gson().fromJson(told.get("certificate"), Certificate.class));
    }

    JsonObject ask(String what, JsonElement content) throws IOException {
      JsonObject line = new JsonObject();
      line.add(what, content);
      lines.write(line + "\n");
      lines.flush();
      return JsonParser.parseString(answers.readLine()).getAsJsonObject();
    }

    @Override
    public void close() throws IOException {
      lines.close();
      process.onExit().join();
    }
  }
}
