package dev.wellapi.client;

/** The stored batches of a source, so that a later upload of the same source resumes. */
public interface UploadProgress {
  boolean contains(String requestId);

  /** Called once the server has reported the batch as stored. */
  void add(String requestId);
}
