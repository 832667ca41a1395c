package dev.wellapi.verification;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import dev.wellapi.client.ClientException;
import dev.wellapi.notices.v1.Event;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Verifies what the exchange sends to your endpoint (WebhookService). */
public final class Webhooks {
  private Webhooks() {}

  /**
   * A webhook that the exchange has sent.
   *
   * @param id the same at each try: ignore what you have
   * @param type `consent.granted`; there may be others later: ignore what you do not know
   * @param event absent of `webhook.test`
   */
  public record ReceivedWebhook(String id, String type, Optional<Event> event) {}

  /**
   * Verifies a webhook by Standard Webhooks: signed with the secret, not older than five minutes. `body`: the bytes as they came,
   * because what a parser writes again has another signature. `headers` by name, in any case, as `java.net.http` and servlets give
   * them. While a secret is rotated either verifies. Throws ClientException `VERIFICATION`.
   */
  public static ReceivedWebhook verifyWebhook(String secret, Map<String, List<String>> headers, byte[] body) {
    Map<String, List<String>> lower = new TreeMap<>();
    headers.forEach((name, values) -> {
      // HttpURLConnection's status line has no name.
      if (name != null) lower.put(name.toLowerCase(Locale.ROOT), values);
    });
    String text = new String(body, StandardCharsets.UTF_8);
    try {
      new Webhook(secret).verify(text, lower);
      JsonObject content = JsonParser.parseString(text).getAsJsonObject();
      String type = content.get("type").getAsString();
      String id = lower.get("webhook-id").get(0);
      if (type.equals("webhook.test")) return new ReceivedWebhook(id, type, Optional.empty());
      Event.Builder event = Event.newBuilder();
      JsonFormat.parser().ignoringUnknownFields().merge(content.get("data").toString(), event);
      return new ReceivedWebhook(id, type, Optional.of(event.build()));
    } catch (WebhookVerificationException
        | InvalidProtocolBufferException
        | JsonParseException
        | IllegalStateException
        | NullPointerException
        | IllegalArgumentException cause) {
      throw new ClientException(
          ClientException.Code.VERIFICATION, "this is no webhook of the exchange: answer 400", cause);
    }
  }
}
