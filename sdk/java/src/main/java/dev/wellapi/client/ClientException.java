package dev.wellapi.client;

/** A failure that this library detects itself. */
public final class ClientException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What it is about. */
  public enum Code {
    /** An answer ended before it was complete. Data is missing: ask again. */
    CUT,
    /** A proof of the log, a receipt or a webhook does not hold. */
    VERIFICATION,
    /** The log declares the loss of entries that the checkpoint covers, so they cannot be proven. */
    BREAK,
    /** An argument is malformed. */
    INPUT
  }

  private final Code code;

  public ClientException(Code code, String message) {
    this(code, message, null);
  }

  public ClientException(Code code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public Code code() {
    return code;
  }
}
