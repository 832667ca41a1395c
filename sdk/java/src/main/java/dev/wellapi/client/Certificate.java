package dev.wellapi.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * PEM texts: the application's certificate, its private key (PKCS #8), and the authority that signed the server's certificate.
 */
public record Certificate(String cert, String key, String ca) {
  /** Reads cert.pem, key.pem and ca.pem, as `wellapi credential issue --out` writes them. */
  public static Certificate fromFolder(Path folder) throws IOException {
    return new Certificate(
        Files.readString(folder.resolve("cert.pem")),
        Files.readString(folder.resolve("key.pem")),
        Files.readString(folder.resolve("ca.pem")));
  }

  @Override
  public String toString() {
    return "Certificate[...]";
  }
}
