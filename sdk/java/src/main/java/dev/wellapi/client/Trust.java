package dev.wellapi.client;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Which authority a gateway's certificate is believed of. */
final class Trust {
  private Trust() {}

  /** TLS that believes the authorities in this PEM text, and no others. */
  static SSLContext in(String pem) {
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      ByteArrayInputStream bytes = new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII));
      int count = 0;
      for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(bytes)) {
        store.setCertificateEntry("ca-" + count++, one);
      }
      if (count == 0) throw new ClientException(ClientException.Code.INPUT, "ca has no certificate in PEM");
      TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException | IOException malformed) {
      throw new ClientException(ClientException.Code.INPUT, "ca is no certificate in PEM", malformed);
    }
  }
}
