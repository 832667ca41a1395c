package dev.wellapi.client;

import java.util.Iterator;
import java.util.List;
import java.util.function.Function;

/** Lists that the server gives page by page. */
public final class Pages {
  private Pages() {}

  /**
   * The items of a list. `read` asks for the page of a token, the first one empty. The next page is asked for once all items before it
   * were taken: who stops early causes no further call.
   */
  public static <P, T> Results<T> of(
      Function<String, P> read, Function<P, List<T>> itemsOf, Function<P, String> nextTokenOf) {
    return new Results<>() {
      private Iterator<T> page;
      private String token = "";
      private String next = "";

      @Override
      protected T advance() {
        while (page == null || !page.hasNext()) {
          if (page != null && next.isEmpty()) return null;
          if (page != null && next.equals(token)) {
            throw new ClientException(
                ClientException.Code.CUT, "the server names the same page twice: the list is not whole");
          }
          token = next;
          P answer = read.apply(token);
          page = itemsOf.apply(answer).iterator();
          next = nextTokenOf.apply(answer);
        }
        return page.next();
      }

      @Override
      public void close() {
        // Nothing is held between two pages.
      }
    };
  }
}
