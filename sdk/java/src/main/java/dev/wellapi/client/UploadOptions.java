package dev.wellapi.client;

import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * How an upload goes.
 *
 * @param window most batches without an answer
 * @param attempts streams in a row without any answer, after which the upload ends with their error
 * @param progress batches that it has are skipped; each that the server stores is added
 * @param onCut told the error of a stream that has ended early, and how many there were in a row, before the pause
 */
public record UploadOptions(
    int window,
    int attempts,
    Optional<UploadProgress> progress,
    BiConsumer<WellApiException, Integer> onCut) {
  public static final UploadOptions DEFAULT = new UploadOptions(16, 8, Optional.empty(), (error, attempt) -> {});

  public UploadOptions {
    if (window < 1 || attempts < 1) {
      throw new ClientException(ClientException.Code.INPUT, "window and attempts are 1 or more");
    }
  }

  public UploadOptions withWindow(int window) {
    return new UploadOptions(window, attempts, progress, onCut);
  }

  public UploadOptions withAttempts(int attempts) {
    return new UploadOptions(window, attempts, progress, onCut);
  }

  public UploadOptions withProgress(UploadProgress progress) {
    return new UploadOptions(window, attempts, Optional.of(progress), onCut);
  }

  public UploadOptions withOnCut(BiConsumer<WellApiException, Integer> onCut) {
    return new UploadOptions(window, attempts, progress, onCut);
  }
}
