package dev.wellapi.client;

import java.util.Optional;

/**
 * The outcome of a batch: a receipt with an outcome an item, or the failure of the whole batch.
 *
 * @param receipt absent where there is an error
 */
public record Answer<B, R>(B batch, Optional<R> receipt, Optional<WellApiException> error) {}
