package dev.wellapi.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;

/** Progress in a file, one request id a line. A missing file means an upload that has not begun. */
public final class ProgressFile implements UploadProgress {
  private final Path path;
  private final Set<String> stored;

  public ProgressFile(Path path) throws IOException {
    this.path = path;
    stored = new HashSet<>(Files.exists(path) ? Files.readAllLines(path) : Set.of());
  }

  @Override
  public synchronized boolean contains(String requestId) {
    return stored.contains(requestId);
  }

  @Override
  public synchronized void add(String requestId) {
    try {
      Files.writeString(path, requestId + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
    stored.add(requestId);
  }

  /** Deletes the file: every batch is stored. */
  public void remove() throws IOException {
    Files.deleteIfExists(path);
  }
}
