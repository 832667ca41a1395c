package dev.wellapi.verification;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.OctetKeyPair;
import dev.wellapi.client.ClientException;
import java.text.ParseException;
import java.util.Map;
import java.util.Set;

/** Verifies signed receipts offline: compact JWS by Ed25519. */
public final class Receipts {
  private static final Set<String> KINDS = Set.of("wellapi-erasure-receipt+jwt", "wellapi-consent-receipt+jwt");

  private Receipts() {}

  /** What a receipt says, by its kind. */
  public record Receipt(String kind, Map<String, Object> claims) {}

  /**
   * What one of the keys signed. `jwks` is the JSON Web Key Set that you keep (`GetReceiptKeys`). Throws ClientException `VERIFICATION`
   * for a receipt that does not verify, `INPUT` for keys that are none.
   */
  public static Receipt verifyReceipt(String receipt, String jwks) {
    JWKSet keys;
    try {
      keys = JWKSet.parse(jwks);
    } catch (ParseException malformed) {
      throw new ClientException(ClientException.Code.INPUT, "the keys are no JSON Web Key Set");
    }
    JWSObject opened;
    try {
      opened = JWSObject.parse(receipt);
    } catch (ParseException malformed) {
      throw changed();
    }
    JWK key = keys.getKeyByKeyId(opened.getHeader().getKeyID());
    boolean isSigned =
        JWSAlgorithm.Ed25519.equals(opened.getHeader().getAlgorithm())
            // What a later header says must be understood is not understood here (RFC 7515, 4.1.11).
            && (opened.getHeader().getCriticalParams() == null || opened.getHeader().getCriticalParams().isEmpty())
            && key instanceof OctetKeyPair pair
            && Curve.Ed25519.equals(pair.getCurve())
            && Ed25519.verifies(pair.getDecodedX(), opened.getSigningInput(), opened.getSignature().decode());
    if (!isSigned) throw changed();
    String kind = opened.getHeader().getType() == null ? "" : opened.getHeader().getType().getType();
    Map<String, Object> claims = opened.getPayload().toJSONObject();
    if (!KINDS.contains(kind) || claims == null) {
      throw new ClientException(
          ClientException.Code.VERIFICATION, "this is no receipt of a kind that is known here");
    }
    return new Receipt(kind, claims);
  }

  private static ClientException changed() {
    return new ClientException(
        ClientException.Code.VERIFICATION, "the receipt was changed, or is by none of these keys");
  }
}
